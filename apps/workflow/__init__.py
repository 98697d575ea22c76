"""The story of a study: what follows what, and what a reader may see."""
