"""Plan the 24 generated cases, and again with fixed ellipsoids; judge both by the solver; write the table of the docs.

Usage: ``python scripts/write_planner_table.py --keep FOLDER`` beside the real CTs of ../shared/data. Each case is kept
in FOLDER as it is done, part by part, and not done again; the page is written from what FOLDER holds. ``--cases 1,2,5``
does only those, ``--parts planner,ellipsoids,again`` leaves the robust plans out, ``--workers 2`` does two at a time
(their times of planning are then no longer those of a machine on its own), ``--page`` only writes the page. All of it
takes one to two hours.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
    import planner_table

    planner_table.main()
