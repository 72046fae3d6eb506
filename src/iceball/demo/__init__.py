"""MAKE A CASE TO LOOK AT: a real CT or a phantom, an implanted lesion, a plan, and the whole chain run on them."""

from iceball.demo._aim import aim
from iceball.demo._bring import bring
from iceball.demo._flow import DemoFiles, DemoResult, real_case, run
from iceball.demo._implant import border_to_structure_mm, implant, place_in_bone
from iceball.demo._phantom import phantom

__all__ = [
    "DemoFiles",
    "DemoResult",
    "aim",
    "border_to_structure_mm",
    "bring",
    "implant",
    "phantom",
    "place_in_bone",
    "real_case",
    "run",
]
