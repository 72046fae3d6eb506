"""What the rules say of a plan: its geometry, the bone that it weakens, what would still rescue it."""

from iceball.planning.check._geometry import geometry

__all__ = ["geometry"]
