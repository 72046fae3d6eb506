"""``iceball demo``."""
