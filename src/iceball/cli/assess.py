"""``iceball assess``."""
