"""How long a user waits for a run: two probes, 10-8-10, in the demo's phantom, at 2 mm and at the default 1 mm."""

from __future__ import annotations

import dataclasses
import json
import time

from iceball import demo, library, thermal
from iceball.nouns import Case, Plan

SPACINGS_MM = (2.0, 1.0)


def case_and_plan() -> tuple[Case, Plan]:
    """Make the phantom with its lesion, and the plan for it."""
    case = demo.with_lesion(demo.phantom())
    return case, demo.aim(case, library.probe("argon-17g-30mm"))


def main() -> None:
    """Print one line of JSON for each spacing; a short run first, so that compiling is not counted."""
    case, plan = case_and_plan()
    short = dataclasses.replace(plan.protocol, steps=(dataclasses.replace(plan.protocol.steps[0], duration_s=10.0),))
    thermal.simulate(case, dataclasses.replace(plan, protocol=short), spacing_mm=SPACINGS_MM[0])
    for spacing_mm in SPACINGS_MM:
        start = time.perf_counter()
        thermal.simulate(case, plan, spacing_mm=spacing_mm)
        seconds = round(time.perf_counter() - start, 2)
        print(
            json.dumps({"what": f"simulate phantom at {spacing_mm:g} mm", "seconds": seconds, "repeats": 1}), flush=True
        )


if __name__ == "__main__":
    main()
