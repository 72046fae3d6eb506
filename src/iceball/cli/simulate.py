"""``iceball simulate``."""
