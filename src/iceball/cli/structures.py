"""``iceball structures``: add what is at risk to a case, drawn by a person or estimated by iceball."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import AsJson, app, out, print_json, progress
from iceball.errors import InputError
from iceball.nouns import Case

CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="Folder of the case.", readable=False)]
Out = Annotated[Path, typer.Option("--out", metavar="NEWCASE", help="New folder for the case.", readable=False)]
Curves = Annotated[
    list[str] | None,
    typer.Option(
        "--curve", metavar="FILE[:NAME][:MM]", help="Curve of 3D Slicer (.mrk.json), as a tube of that radius."
    ),
]
Masks = Annotated[
    list[str] | None,
    typer.Option(
        "--mask", metavar="NAME=FILE", help="Mask: NIfTI, .seg.nrrd, DICOM SEG, RTSTRUCT; FILE#NAME picks one."
    ),
]
Estimate = Annotated[bool, typer.Option("--estimate/--no-estimate", help="Estimate what has no label.")]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="NAME", help="Estimate this only; may be given several times.")
]


@app.command()
def structures(  # noqa: PLR0913  (a command has an argument for each of its options)
    case_folder: CaseFolder,
    out_folder: Out,
    curve: Curves = None,
    mask: Masks = None,
    estimate: Estimate = True,
    only: Only = None,
    as_json: AsJson = False,
) -> None:
    """Add structures at risk to a case: drawn ones, and estimates of canal, nerve roots, bone, pleura, lung and skin.

    Estimates are flagged, and never lie over a label. What a person drew lies over the labels that were there.
    """
    from iceball import io  # the readers are slow to import; other commands do not wait for them
    from iceball.anatomy import outlines

    io.refuse_occupied(out_folder)
    if only and not estimate:
        raise InputError("--only says what to estimate, but --no-estimate says not to: leave one of them out")
    with progress("Structures") as advance:
        advance(0.02, "reading the case")
        case = io.read_case(case_folder)
        done = _drawn(case, curve or [], mask or [])
        if estimate:
            done = outlines.outline(done, only=only, progress=lambda share, text: advance(0.1 + 0.8 * share, text))
        if done is case:
            raise InputError("nothing to do: give --curve or --mask, or leave --no-estimate out")
        advance(0.92, "writing the case")
        io.write_case(done, out_folder)
        told = _told(case, done, io.case_fingerprint(done), out_folder)
    if as_json:
        print_json(told)
    else:
        _show(told)


def _drawn(case: Case, curves: list[str], masks: list[str]) -> Case:
    """Put what a person drew over the labels of ``case``."""
    from iceball import io, library
    from iceball.anatomy import outlines

    found = []
    for text in masks:
        name, sign, file = text.partition("=")
        if not (sign and name.strip() and file):
            raise InputError(f"--mask {text!r} is no mask: write it as --mask NAME=FILE")
        mask = io.read_region(file, case)
        found.append(outlines.Outline(name=_plain(name), mask=mask, estimated=False, note=f"mask {Path(file).name}"))
    usual_mm = library.outline_rules()["nerve_root_radius_mm"].value
    for text in curves:
        file, name, asked_mm = io.split_curve(text)
        radius_mm = usual_mm if asked_mm is None else asked_mm
        drawn = io.read_curves(file)
        for number, each in enumerate(drawn, start=1):
            called = name or each.name
            called = f"{called}_{number}" if name and len(drawn) > 1 else called
            tube = outlines.curve_tube(case.ct.grid, each, radius_mm)
            note = f"curve {file.name}, a tube of radius {radius_mm:g} mm"
            found.append(outlines.Outline(name=_plain(called), mask=tube, estimated=False, note=note))
    notes = tuple(f"{each.name}: drawn by a person, {each.note}" for each in found)
    done = outlines.with_outlines(case, found, over=True, notes=notes) if found else case
    there = {structure.name for structure in done.structures}
    if lost := [each.name for each in found if each.name not in there]:
        raise InputError(f"{', '.join(lost)} lies wholly under what was drawn before it: leave one of them out")
    return done


def _plain(name: str) -> str:
    return "_".join(name.split())


def _told(before: Case, after: Case, fingerprint: str, folder: Path) -> dict[str, Any]:
    """Put together what the command says of the structures it added."""
    import numpy as np

    counts = np.zeros(0) if after.labels is None else np.bincount(after.labels.array.ravel())
    known = {structure.name for structure in before.structures}
    added = [
        {
            "name": structure.name,
            "role": structure.role,
            "limit": structure.limit,
            "estimated": structure.estimated,
            "volume_ml": float(counts[structure.label]) * after.ct.grid.voxel_ml,
        }
        for structure in after.structures
        if structure.name not in known
    ]
    return {
        "id": after.id,
        "fingerprint": fingerprint,
        "folder": str(folder),
        "structures": added,
        "notes": after.notes[len(before.notes) :],
    }


def _show(told: dict[str, Any]) -> None:
    table = Table(title=f"added to case {told['id']}", title_justify="left")
    for head in ("structure", "role", "limit", "volume [ml]", "drawn by"):
        table.add_column(head, justify="right" if head.startswith("volume") else "left", no_wrap=head == "structure")
    for each in told["structures"]:
        by = "nobody" if each["estimated"] else "a person"
        row = (each["name"], each["role"], each["limit"] or "no limit known", f"{each['volume_ml']:.2f}", by)
        table.add_row(*(escape(text) for text in row))
    out.print(table)
    for note in told["notes"]:
        out.print(f"[dim]note[/] {escape(note)}", soft_wrap=True)
    out.print(f"written: {escape(told['folder'])}", soft_wrap=True)
