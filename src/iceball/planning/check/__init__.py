"""What the rules say of a plan: its geometry, the bone that it weakens, what would still rescue it."""

from iceball.planning.check._achieved import as_achieved
from iceball.planning.check._bone import SCORES
from iceball.planning.check._check import check, of_run
from iceball.planning.check._geometry import geometry
from iceball.planning.check._near import near_part
from iceball.planning.check._rescue import Rescue, Rescues, rescue

__all__ = ["SCORES", "Rescue", "Rescues", "as_achieved", "check", "geometry", "near_part", "of_run", "rescue"]
