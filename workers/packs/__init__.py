"""Pixel packs: what the browser reads of a study revision, made once."""
