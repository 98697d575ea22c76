"""Import of models: what others made becomes a package, in a process shut in."""
