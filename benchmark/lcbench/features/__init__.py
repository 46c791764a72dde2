"""Decoded-image and embedding caches."""
