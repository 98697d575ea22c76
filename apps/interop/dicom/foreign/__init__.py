"""Objects that others made, read into our own words: bytes in, frozen values out."""
