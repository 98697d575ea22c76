"""How studies are hung: which series goes into which viewport, with which window."""
