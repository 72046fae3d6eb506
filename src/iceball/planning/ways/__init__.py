"""Ways in: straight lines from the skin to the lesion that keep clear of what must not be touched."""
