"""Several strategies on one scenario: the same data, the same devices, one clock."""
