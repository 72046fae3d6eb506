"""SEE: from a CT and its labels to tissue on the grid of a simulation."""

from iceball.anatomy._body import body
from iceball.anatomy._displacing import displaced
from iceball.anatomy._factors import NOMINAL, Draw, factors
from iceball.anatomy._fractions import Fractions, fraction_spread, fractions
from iceball.anatomy._prepare import prepare, reprotected
from iceball.anatomy._prepared import Prepared
from iceball.anatomy._protecting import protected_ml
from iceball.anatomy._recipes import remaking, rows_of
from iceball.anatomy._spread import PropertySpread, drawn, draws, property_spread
from iceball.anatomy._structures import structure_voxels
from iceball.anatomy._tissue_map import inside_scan, tissue_map
from iceball.anatomy.doubting import doubts, require_hu

__all__ = [
    "NOMINAL",
    "Draw",
    "Fractions",
    "Prepared",
    "PropertySpread",
    "body",
    "displaced",
    "doubts",
    "drawn",
    "draws",
    "factors",
    "fraction_spread",
    "fractions",
    "inside_scan",
    "prepare",
    "property_spread",
    "protected_ml",
    "remaking",
    "reprotected",
    "require_hu",
    "rows_of",
    "structure_voxels",
    "tissue_map",
]
