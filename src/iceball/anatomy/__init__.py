"""SEE: from a CT and its labels to tissue on the grid of a simulation."""

from iceball.anatomy._body import body
from iceball.anatomy._prepare import prepare
from iceball.anatomy._prepared import Prepared
from iceball.anatomy._protecting import protected_ml
from iceball.anatomy._structures import structure_voxels
from iceball.anatomy._tissue_map import inside_scan, tissue_map

__all__ = ["Prepared", "body", "inside_scan", "prepare", "protected_ml", "structure_voxels", "tissue_map"]
