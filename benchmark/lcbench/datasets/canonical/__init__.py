"""Source groups that are fixed for a known data set: the same on every machine."""
