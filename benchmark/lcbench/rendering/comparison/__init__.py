"""What `lcbench compare` writes and prints."""
