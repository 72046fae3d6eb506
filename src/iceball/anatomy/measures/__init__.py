"""MEASURE a lesion: cortical involvement, wall breaches, distances, and what SINS and Mirels take from the CT."""

from iceball.anatomy.measures._frozen import FrozenBone, frozen_bone
from iceball.anatomy.measures._measure import measure, survey
from iceball.anatomy.measures._survey import Gap, Survey

__all__ = ["FrozenBone", "Gap", "Survey", "frozen_bone", "measure", "survey"]
