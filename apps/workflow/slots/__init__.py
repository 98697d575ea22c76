"""Slots for the people who decide about them: figures, trials, changes."""
