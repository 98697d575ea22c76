"""How Overread is run: the local supervisor and its templates."""
