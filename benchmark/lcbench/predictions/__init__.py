"""Prediction files: the one way in for what any model answered."""
