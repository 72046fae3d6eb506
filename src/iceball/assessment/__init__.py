"""Judge a run: isotherms against the lesion, how cold the structures at risk got, and what the rules say of it."""

from iceball.assessment._numerics import away_mm
from iceball.assessment.judge import assess
from iceball.assessment.margins import coverage_of
from iceball.assessment.sampling import sample as sampled
from iceball.assessment.sampling import voxel_points_mm

__all__ = ["assess", "away_mm", "coverage_of", "sampled", "voxel_points_mm"]
