"""What `lcbench audit` writes and prints."""
