"""Prediction files of any tool, read and checked."""
