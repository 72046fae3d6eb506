"""Write docs/reference/verification.md from ``iceball verify --json``, so that the page says what was measured.

python scripts/write_verification.py            run it, then write the page (minutes)
python scripts/write_verification.py FILE       write the page from what it printed before
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "verification.md"
HEAD = """# Verification

<!-- Written by scripts/write_verification.py (make verify-page) from `iceball verify --json`. Do not edit. -->

Are the equations solved right? `iceball verify` tries the solver on cases whose answer is known exactly, and prints for
each what should come out, what did, how far off that is, how far off it may be and why, and, where the grid is refined,
the order at which the error falls. Whether they are the right equations is another question: that is validation.

```sh
iceball verify                          # all cases
iceball verify --quick                  # those that take seconds
iceball verify --only B2 --only energy  # some of them
iceball verify --backend numpy --json   # another backend; one JSON object
iceball verify --accuracy reference     # finer steps
```

The exit code is 0 where every case holds and 3 where one fails; a case that cannot be finished is reported as failed
and the others are tried all the same.

## How to read it

- A case is what the solver does with a bare problem: no patient, no CT. B1 to B13 carry the numbers of the project's
  physics notes; their formulas stand in `iceball.thermal.exact`, with their sources. Media are round numbers near
  water, soft tissue and marrow.
- **error** is the largest over all places or times the case looks at (fronts: after the first minute); *expected* and
  *got* stand where the line says.
- **at most** is the tolerance. None assumes more than single precision, so that every backend is held to the same.
- Steps are those of the accuracy asked for, cut where a case looks: every 10 s at plane fronts and
  spots, 5 s at lines, 0.5 s in B11. What is measured is space; time has its own errors (B13).
- **order** is the exponent p of the error ~ spacing^p over the grids the case names, and the least it may be.
- Fronts are compared by **frozen volume**, not by where an isotherm crosses: a voxel that holds a sharp front stays at
  the freezing point until it is frozen through, so that a crossing moves in steps of a voxel. For the same reason the
  two voxels beside a sharp front are left out where temperatures are compared (B2), or the latent heat is released over
  2 K (B3): tissue freezes over several degrees of its own.
- B7: a voxel at the front is perfused whole until it begins to freeze, so that half a voxel's blood too much holds the
  front back. Where the freeze is at rest and perfusion strong, as in kidney, this is most of the error.
- B8 and B9 put a probe in the middle of a *square* bath instead of a round one: seen from its centre a square of
  half-side b is a circle of radius 1.0787 b.
"""
TAIL = """
## The JSON object

`passed`; `failed`, the names of the cases that do not hold; `version`, `backend`, `device`, `dtype`, `accuracy`,
`started_at`; and `results`, each with `name`, `says`, `key` (of its [source](sources.md)), `passed`, `seconds`,
`failure` (why it could not be finished, else empty) and `checks`: `quantity`, `unit`, `expected`, `got`, `error`,
`tolerance`, `reason`, `order`, `least_order` and `passed`. Where something is not a number it is null.
"""


def page(done: dict[str, Any]) -> str:
    """Return the whole page for what ``iceball verify --json`` printed."""
    results = done["results"]
    held = "All hold." if done["passed"] else f"**These do not hold: {', '.join(done['failed'])}.**"
    found = (
        f"\n## What was found\n\niceball {done['version']}, backend {done['backend']} ({done['dtype']} on "
        f"{done['device']}), accuracy {done['accuracy']}, {done['started_at'][:10]}: {len(results)} cases in "
        f"{sum(r['seconds'] for r in results):.0f} s on a shared machine. {held}\n"
    )
    return "\n".join([HEAD + found, *(section(result) for result in results)]) + TAIL


def section(result: dict[str, Any]) -> str:
    """One case as Markdown."""
    verdict = "holds" if result["passed"] else "**fails**"
    lines = [f"### {result['name']}: {result['says']}", "", f"{verdict}, {result['seconds']:.1f} s", ""]
    if result["failure"]:
        lines += [f"Not finished: `{result['failure']}`", ""]
    if result["checks"]:
        lines += [
            "| what | expected | got | error | at most | order | why that much |",
            "|---|--:|--:|--:|--:|--:|---|",
        ]
        lines += [row(check) for check in result["checks"]]
    return "\n".join(lines) + "\n"


def row(check: dict[str, Any]) -> str:
    """One check as a row of a table."""
    order = "" if check["order"] is None else f"{check['order']:.2f} (≥ {check['least_order']:g})"
    got = f"{number(check['got'])} {check['unit']}".strip()
    cells = (
        check["quantity"],
        number(check["expected"]),
        got if check["passed"] else f"**{got}**",
        f"{check['error']:.2g}" if check["error"] is not None else "not a number",
        f"{check['tolerance']:.2g}",
        order,
        check["reason"],
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def number(value: float | None) -> str:
    """Return five digits of ``value``, without an exponent where that reads well."""
    if value is None:
        return "not a number"
    return f"{value:.5g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.1e}"


def main() -> None:
    """Write the page from the file that was given, or from a run of its own."""
    if len(sys.argv) > 1:
        text = Path(sys.argv[1]).read_text(encoding="utf-8")
    else:
        command = [str(Path(sys.executable).parent / "iceball"), "verify", "--json"]
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
    PAGE.write_text(page(json.loads(text)), encoding="utf-8")
    print(f"wrote docs/reference/{PAGE.name}")


if __name__ == "__main__":
    main()
