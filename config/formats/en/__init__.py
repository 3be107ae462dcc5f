"""English as it is written in most of the world: the day first, and 24 hours."""
