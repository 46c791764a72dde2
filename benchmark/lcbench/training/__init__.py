"""One training loop for heads and for fine-tuning."""
