"""Many runs of one scenario: what is varied, who trains and who is retimed, and one table of what came out."""
