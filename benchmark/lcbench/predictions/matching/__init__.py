"""Predictions of several models for the same images, put side by side."""
