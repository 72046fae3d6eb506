"""Write docs/reference/validation.md from what ``iceball validate --json`` prints, so that the two cannot disagree.

    iceball validate --json > validation.json
    python scripts/write_validation.py validation.json

Several files may be given, each with some of the studies; the last one counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iceball.validation import STUDIES, VERDICTS, tables

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "validation.md"
HEAD = """# Against published measurements

<!-- Written by scripts/write_validation.py from `iceball validate --json`: change src/iceball/validation/ instead. -->

`iceball validate` holds the model against every published measurement that could be read: it runs each experiment on
the bench of [](../concepts/solver.md) and prints the error beside the measurement's own spread. **Fitted** numbers were
given to the model, **predicted** ones were not: no parameter of probe, gel or tissue was changed after a prediction was
seen (where an end of a spread was added later, the study says so). **Agrees** means
that the spread of the measurement and that of the model (what the study leaves open, varied) meet; **undecided** that
they meet because the model's is wider than half of the measured value; **fails** that the error is beyond what is
demanded, and the command then ends with exit code 3. A spread that nobody published is a
judgement; its reasoning stands beside the number in `src/iceball/validation/data/`.

Most studies were read in their abstracts only. What they do not state is listed under *assumed*.

With `--json` the command prints `studies`, each with `key`, its texts, `sources`, `comparisons` (`what`, `use`,
`measured` as a row of the library, `model`, `low`, `high`, `error`, `error_fraction`, `demanded_fraction`, `verdict`),
`claims` (`says`, `holds`, `figures`, `demanded`, `verdict`) and `failures`; and the `library`'s digest.
"""

CALIBRATED = """`python -m iceball.validation.calibrate` fits three things to measurements of one probe alone, and keeps
what it finds in `src/iceball/validation/data/calibration.json`. Nothing measured with several probes is used.
"""
KEPT = """The library keeps what was found with an earlier engine, before steps were controlled by their error
and lines went on beyond the ends of the active zone: -161.5 °C, 0.1494 and 0.0981 K·m/W, 1.41 s. Gas and R'
have moved by less than 1 % of their spread in the library. The cooling time has moved by 2 % of its spread (0.5
to 15 s): the earlier steps were 2 °C off in the first seconds. Its trace is met no better (rms 6.9 K, before
6.6), though with the library's own numbers it would be 7.3 K; and 1.1 s instead of 1.4 moves no isotherm in gel
by more than 0.04 mm, after 1 or 10 min. The fit itself ends at 1.06 to 1.12 s, by where it starts.
"""
UNSETTLED = """One trace does not settle
it, and the row's spread says so. No measurement of one probe alone was found for the other probes: their R' stays a
judgement, taken from argon-13g-35mm.
"""


def page(studies: list[dict[str, Any]]) -> str:
    """Return the whole page for ``studies`` as JSON has them."""
    parts = [HEAD, *overview(studies), *calibration()]
    for study in studies:
        parts += section(study)
    return "\n".join(parts).rstrip() + "\n"


def overview(studies: list[dict[str, Any]]) -> Iterator[str]:
    """One line per study: how many figures agree."""
    yield "\n## At a glance\n"
    yield "| study | figures | agree | differ | undecided | fail what is demanded |\n|---|---|---|---|---|---|"
    for study in studies:
        verdicts = [thing["verdict"] for thing in (*study["comparisons"], *study["claims"])]
        counts = " | ".join(str(verdicts.count(verdict)) for verdict in VERDICTS)
        yield f"| {study['title']} | {len(verdicts)} | {counts} |"


def calibration() -> Iterator[str]:
    """What was fitted, with its residuals."""
    found = tables.calibration()
    thick, thin = found["argon-13g-35mm"], found["argon-17g-22mm"]
    yield "\n## The calibration of the generic probes\n"
    yield CALIBRATED
    yield "| probe | parameter | found | fitted to | residual |\n|---|---|---|---|---|"
    yield (
        f"| all argon probes | gas | {thick['gas_temperature_c']} °C ({thick['gas_low_c']} to {thick['gas_high_c']}) | "
        f"shaft in pure lard, -145 °C | {thick['residual_k']:+.1f} K |"
    )
    yield (
        f"| argon-13g-35mm | R' | {thick['internal_resistance_k_m_per_w']} K·m/W | "
        f"-30 °C diameter of one probe, 12 mm | {thick['residual_mm']:+.2f} mm |"
    )
    residual = ", ".join(f"{time}: {value:+.0f}" for time, value in thin["residual_k"].items())
    yield (
        f"| argon-17g-22mm | R' and cooling time | {thin['internal_resistance_k_m_per_w']} K·m/W, "
        f"{thin['cooling_time_s']} s | trace of a shaft in a warm bath | {residual} K (rms {thin['rms_k']} K) |"
    )
    others = ", ".join(f"{value}" for value in thin["resistance_of_replicates"].values())
    yield f"\n{KEPT}"
    yield f"Three other recordings of such a shaft would ask for an R' of {others} K·m/W. {UNSETTLED}"
    yield from _variants(thick["variants"])


def _variants(variants: dict[str, Any]) -> Iterator[str]:
    yield "R' of argon-13g-35mm, fitted anew for whatever Littrup's study leaves open:\n"
    yield "| variant | R' [K·m/W] | residual [mm] |\n|---|---|---|"
    for name, fit in variants.items():
        yield f"| {name} | {fit['internal_resistance_k_m_per_w']} | {fit['residual_mm']:+.2f} |"


def section(study: dict[str, Any]) -> Iterator[str]:
    """One study."""
    yield f"\n## {study['title']}\n"
    sources = ", ".join(f"`{key}`" for key in study["sources"])
    yield f"*Measured.* {study['setting']} ({sources}; computed with library `{study['library']}`)\n"
    yield "*Assumed:* " + "; ".join(study["assumed"]) + ".\n"
    if study["comparisons"]:
        yield "| what | use | measured | its spread | model | its spread | error | |\n|---|---|---|---|---|---|---|---|"
        yield from (_row(comparison) for comparison in study["comparisons"])
        yield ""
    if study["claims"]:
        yield "| what was found | model | |\n|---|---|---|"
        yield from (f"| {claim['says']} | {claim['figures']} | {claim['verdict']} |" for claim in study["claims"])
        yield ""
    for field in ("agrees", "differs", "not_compared"):
        yield f"*{field.replace('_', ' ').capitalize()}.* {study[field]}\n"


def _row(found: dict[str, Any]) -> str:
    measured, places = found["measured"], 2 if found["measured"]["unit"] == "1" else 1
    unit = "" if measured["unit"] == "1" else f" {measured['unit']}"
    demanded = found["demanded_fraction"]
    cells = (
        found["what"],
        found["use"],
        f"{measured['value']:g}{unit}",
        f"{measured['low']:g} to {measured['high']:g}",
        f"{found['model']:.{places}f}{unit}",
        f"{found['low']:.{places}f} to {found['high']:.{places}f}",
        f"{100 * found['error_fraction']:+.0f} %" + (f" (at most {100 * demanded:.0f})" if demanded else ""),
        found["verdict"],
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Write the page from the files named."""
    found: dict[str, dict[str, Any]] = {}
    for file in sys.argv[1:]:
        result = json.loads(Path(file).read_text(encoding="utf-8"))
        found |= {study["key"]: study | {"library": result["library"]} for study in result["studies"]}
    if lacking := [name for name in STUDIES if name not in found]:
        raise SystemExit(
            f"these studies are missing: {', '.join(lacking)}; run: iceball validate --json > validation.json"
        )
    for name, study in found.items():  # words are taken as they stand now, numbers as they were printed
        worded = tables.study(name, [], [])
        study |= {field: getattr(worded, field) for field in (*tables.TEXTS, "assumed", "sources")}
    PAGE.write_text(page([found[name] for name in STUDIES]), encoding="utf-8")
    print(f"wrote docs/reference/{PAGE.name}")


if __name__ == "__main__":
    main()
