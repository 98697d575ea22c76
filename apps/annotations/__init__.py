"""Reading protocols, readings, annotations and verdicts."""
