"""MARK: a lesion from one click or a box."""

from iceball.anatomy.lesion._find import Box, find_lesion

__all__ = ["Box", "find_lesion"]
