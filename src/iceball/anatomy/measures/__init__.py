"""MEASURE a lesion: cortical involvement, wall breaches, distances, and what SINS and Mirels take from the CT."""

from iceball.anatomy.measures._measure import measure, survey
from iceball.anatomy.measures._survey import Gap, Survey

__all__ = ["Gap", "Survey", "measure", "survey"]
