"""The plan that fixed ellipsoids would give: the yardstick, never advice."""

from iceball.planning.ellipsoids._plan import Effort, ellipsoid_plan
from iceball.planning.ellipsoids._sizes import Ellipsoid, ellipsoid_of

__all__ = ["Effort", "Ellipsoid", "ellipsoid_of", "ellipsoid_plan"]
