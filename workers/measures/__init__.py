"""Measures of performance as pure functions on arrays: NumPy only."""
