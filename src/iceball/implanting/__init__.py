"""PUT A LESION WHERE THERE IS NONE: with known truth, for the demo, tests and studies. It says that it is implanted."""

from iceball.implanting._implant import ORIGIN, Achieved, achieved, implant
from iceball.implanting._place import border_to_structure_mm, place_in, place_in_bone
from iceball.implanting._wish import LARGEST_MM, SHAPES, Shape, Wish

__all__ = [
    "LARGEST_MM",
    "ORIGIN",
    "SHAPES",
    "Achieved",
    "Shape",
    "Wish",
    "achieved",
    "border_to_structure_mm",
    "implant",
    "place_in",
    "place_in_bone",
]
