"""What is measured and how it is shown: records, run folders, metrics, figures."""
