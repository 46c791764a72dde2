"""Source groups and what crosses the sides of a split."""
