"""What goes back to the archive: structured reports of models and of people."""
