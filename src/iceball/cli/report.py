"""``iceball report``."""
