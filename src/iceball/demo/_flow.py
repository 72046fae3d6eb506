"""The whole chain on one made case: case, plan, run, assessment, report, in one folder."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from iceball import anatomy, io, library
from iceball.demo._bring import ATTRIBUTION, bring
from iceball.demo._phantom import phantom
from iceball.errors import InputError
from iceball.implanting import Wish, border_to_structure_mm, implant, place_in_bone
from iceball.nouns import Assessment, Case, Plan, read_protocol
from iceball.nouns._noun import noun

BONE, LESION_MM, FROM_CORD_MM, SEED = "vertebrae_L1", 22.0, 9.0, 10
PROBES, PROTOCOL, MOST_PROBES = ("argon-17g-22mm", "argon-17g-30mm"), "10-8-10", 4
MARKER = "made-by-iceball-demo"
MADE = ("case", "plan.json", "run", "report")

Say = Callable[[str], None]
Progress = Callable[[str], AbstractContextManager[Callable[[float, str], None]]]


@noun
class DemoFiles:
    """Where the demo left what."""

    case: Path
    plan: Path
    run: Path
    assessment: Path
    report: Path


@noun
class DemoResult:
    """What the demo made, judged and wrote."""

    lesion_to_cord_mm: float
    plan: Plan
    assessment: Assessment
    files: DemoFiles


def run(folder: Path, *, made: bool, spacing_mm: float, say: Say, progress: Progress) -> DemoResult:
    """Run the demo into ``folder``: bring or generate a CT, implant a lesion, plan, simulate, assess, report.

    Parameters
    ----------
    folder : Path
        new, empty, or left by an earlier demo, whose files are replaced
    made : bool
        a generated phantom in place of the real CT
    spacing_mm : float
        of the simulation's grid [mm]
    say : callable
        told what is being done
    progress : callable
        opens a bar with a title and yields ``advance(done_fraction, text)``

    Raises
    ------
    InputError : if ``folder`` holds something that the demo did not make
    MissingPart : if the real CT is neither cached nor to be had
    """
    from iceball import assessment, report, thermal  # the solver and the report are slow to import

    files = _clear(folder)
    case = phantom() if made else real_case(say=say, progress=progress)
    case = with_lesion(case)
    gap_mm = border_to_structure_mm(case, "spinal_cord")
    say(f"implanted a lytic lesion of {LESION_MM:g} mm in {BONE}, {gap_mm:.1f} mm from the spinal cord")
    say("writing the case")
    io.write_case(case, files.case)
    with progress("planning") as advance:
        plan = planned(case, progress=advance)
    io.write_plan(plan, files.plan)
    say(f"planned {len(plan.placements)} probes, protocol {plan.protocol}; no radiologist chose them")
    with progress("freezing and thawing") as advance:
        history = thermal.simulate(case, plan, spacing_mm=spacing_mm, progress=advance)
    io.write_run(history, plan, files.case, files.run)
    judged = assessment.assess(anatomy.displaced(case, plan.protections), history)
    io.write_assessment(judged, files.assessment)
    say("assessed; writing the report")
    with progress("report") as advance:
        written = report.write_report(case, plan, history, judged, folder / "report", progress=advance)
    return DemoResult(
        lesion_to_cord_mm=border_to_structure_mm(case, "spinal_cord"),
        plan=plan,
        assessment=judged,
        files=dataclasses.replace(files, report=written.html),
    )


def real_case(*, say: Say, progress: Progress) -> Case:
    """Read the demo's real CT with its organ labels, without a lesion; its notes carry the licence's attribution.

    Raises
    ------
    MissingPart : if the CT is neither cached nor to be had
    """
    with tempfile.TemporaryDirectory(prefix="iceball-demo-") as part, progress("reading the CT") as advance:
        ct, labels, names = bring(Path(part), say=say)
        case = io.read_scan(ct, labels=labels, names=names, case_id="demo-thoracolumbar", progress=advance)
    return dataclasses.replace(case, notes=(ATTRIBUTION, *case.notes))


def with_lesion(case: Case) -> Case:
    """Implant the demo's lesion: 22 mm, lytic, in the body of L1, about 9 mm from the spinal cord.

    Raises
    ------
    UnknownName : if the case has no labels of L1 and the cord
    InputError : if the case has a lesion already
    """
    centre = place_in_bone(case, BONE, diameter_mm=LESION_MM, from_cord_mm=FROM_CORD_MM)
    return implant(case, Wish(at_mm=centre, size_mm=LESION_MM, matrix="lytic", shape="sphere", seed=SEED, bone=BONE))


def planned(case: Case, *, progress: Callable[[float, str], None] | None = None) -> Plan:
    """The recommended plan of the planner for the demo's case.

    Raises
    ------
    InputError : if the case has no lesion, or no way leads to it
    """
    from iceball import planning  # slow to import

    found = planning.optimise(
        case,
        probes=[library.probe(name) for name in PROBES],
        protocol=read_protocol(PROTOCOL),
        max_probes=MOST_PROBES,
        progress=progress,
    )
    if found.best is None:
        raise InputError(f"the demo's case cannot be planned: {found.findings[0].says}")
    return dataclasses.replace(found.best.plan, case=io.case_fingerprint(case))


def _clear(folder: Path) -> DemoFiles:
    """Make ``folder`` ready: refuse a stranger's, and take away what an earlier demo made there, nothing else."""
    marker = folder / MARKER
    try:
        if folder.exists() and not marker.is_file() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} exists and no demo made it: choose another folder with --out")
        folder.mkdir(parents=True, exist_ok=True)
        marker.write_text("`iceball demo` made this folder and replaces its files when it is run again.\n", "utf-8")
        for name in MADE:
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as cause:
        raise InputError(f"{folder} cannot be used: {cause.strerror}; choose another folder with --out") from None
    return DemoFiles(
        case=folder / "case",
        plan=folder / "plan.json",
        run=folder / "run",
        assessment=folder / "run" / "assessment.json",
        report=folder / "report",
    )
