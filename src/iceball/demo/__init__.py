"""MAKE A CASE TO LOOK AT: a real CT or a phantom, an implanted lesion, a plan, and the whole chain run on them."""

from iceball.demo._bring import bring
from iceball.demo._flow import DemoFiles, DemoResult, planned, real_case, run, with_lesion
from iceball.demo._phantom import phantom

__all__ = [
    "DemoFiles",
    "DemoResult",
    "bring",
    "phantom",
    "planned",
    "real_case",
    "run",
    "with_lesion",
]
