"""Objects from the archive that we did not make: listed, shown, answered."""
