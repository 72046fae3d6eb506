"""What the rules say of a plan: its geometry, the bone that it weakens, what would still rescue it."""

from iceball.planning.check._check import check
from iceball.planning.check._geometry import geometry
from iceball.planning.check._near import near_part
from iceball.planning.check._rescue import Rescue, Rescues, rescue

__all__ = ["Rescue", "Rescues", "check", "geometry", "near_part", "rescue"]
