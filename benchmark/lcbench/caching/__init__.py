"""What is computed once and kept: sealed with hashes, checked when it is read, made anew."""
