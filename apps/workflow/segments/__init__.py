"""What readers segment: label maps in and out, signed ones, interpolation."""
