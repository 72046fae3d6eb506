"""``iceball library``."""
