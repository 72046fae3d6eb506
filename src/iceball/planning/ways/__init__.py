"""Ways in: straight lines from the skin to the lesion that keep clear of what must not be touched."""

from iceball.planning.ways._obstacles import Obstacle, Obstacles, obstacles
from iceball.planning.ways._rules import POSITIONS, SECTORS, Position, Rules, Sector, cannula_for, for_probe, sector_of
from iceball.planning.ways._search import ways_in
from iceball.planning.ways._trace import Traced, Why, trace
from iceball.planning.ways._way import Near, Opener, Way, Ways

__all__ = [
    "POSITIONS",
    "SECTORS",
    "Near",
    "Obstacle",
    "Obstacles",
    "Opener",
    "Position",
    "Rules",
    "Sector",
    "Traced",
    "Way",
    "Ways",
    "Why",
    "cannula_for",
    "for_probe",
    "obstacles",
    "sector_of",
    "trace",
    "ways_in",
]
