"""MARK: a lesion from one click or a box."""
