"""A published report, done again and held against what it says."""
