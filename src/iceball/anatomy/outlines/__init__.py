"""OUTLINE what is at risk where nobody drew it: bone, canal, nerve roots, skin, lung; each flagged as an estimate."""

from iceball.anatomy.outlines._bone import bone, bone_of, cortex
from iceball.anatomy.outlines._canal import Outline, canal
from iceball.anatomy.outlines._outline import ESTIMATES, outline, with_outlines
from iceball.anatomy.outlines._roots import nerve_roots
from iceball.anatomy.outlines._surfaces import lung, pleura, skin
from iceball.anatomy.outlines._tubes import curve_tube, smooth_line

__all__ = [
    "ESTIMATES",
    "Outline",
    "bone",
    "bone_of",
    "canal",
    "cortex",
    "curve_tube",
    "lung",
    "nerve_roots",
    "outline",
    "pleura",
    "skin",
    "smooth_line",
    "with_outlines",
]
