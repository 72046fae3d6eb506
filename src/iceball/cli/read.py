"""``iceball read``."""
