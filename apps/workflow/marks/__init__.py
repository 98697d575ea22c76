"""Measurements of signed readings, for whoever may see the study."""
