"""Metrics, intervals and paired tests: pure functions on arrays."""
