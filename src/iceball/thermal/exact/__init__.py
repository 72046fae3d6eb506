"""Exact solutions of freezing and conduction, to verify any solver against. SI units, °C; phases have one density.

Numbered as in physics README, section 4: B1 to B6 freezing fronts, B7 to B9 steady states, B10 and B11 smooth fields in
time, B12 a line of heat on a lattice, B13 the arithmetic of super-time-stepping.
"""

from iceball.thermal.exact.fields import GaussianSpot, Manufactured, warmed_c
from iceball.thermal.exact.lattice import effective_radius, super_step_stages
from iceball.thermal.exact.media import MushyPhases, Phases
from iceball.thermal.exact.mushy import MushyLine, MushyPlane, mushy_line, mushy_plane
from iceball.thermal.exact.sharp import Line, Plane, Point, frank, neumann, paterson, stefan
from iceball.thermal.exact.steady import PerfusedFreeze, SquareBath, contact_temperature_c, kirchhoff_ice_w_per_m

__all__ = [
    "GaussianSpot",
    "Line",
    "Manufactured",
    "MushyLine",
    "MushyPhases",
    "MushyPlane",
    "PerfusedFreeze",
    "Phases",
    "Plane",
    "Point",
    "SquareBath",
    "contact_temperature_c",
    "effective_radius",
    "frank",
    "kirchhoff_ice_w_per_m",
    "mushy_line",
    "mushy_plane",
    "neumann",
    "paterson",
    "stefan",
    "super_step_stages",
    "warmed_c",
]
