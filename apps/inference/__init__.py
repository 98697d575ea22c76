"""Model versions, slots, inference runs and findings."""
