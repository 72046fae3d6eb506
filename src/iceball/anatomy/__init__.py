"""SEE: from a CT and its labels to tissue on the grid of a simulation."""

from iceball.anatomy._body import body
from iceball.anatomy._prepare import Prepared, prepare
from iceball.anatomy._structures import structure_voxels
from iceball.anatomy._tissue_map import inside_scan, tissue_map

__all__ = ["Prepared", "body", "inside_scan", "prepare", "structure_voxels", "tissue_map"]
