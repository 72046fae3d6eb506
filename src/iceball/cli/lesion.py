"""``iceball lesion``: mark a lesion from one click or a box."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import AsJson, app, out, plain, print_json, progress
from iceball.errors import InputError
from iceball.nouns import Matrix

if TYPE_CHECKING:
    from iceball.nouns import Case, FoundLesion

_COLOURS = {"stop": "bold red", "caution": "yellow", "note": "dim"}

CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="Folder of the case.", readable=False)]
Seed = Annotated[str | None, typer.Option("--seed", metavar="X,Y,Z", help="A point inside the lesion: LPS mm.")]
Box = Annotated[
    str | None, typer.Option("--box", metavar="X,Y,Z,X,Y,Z", help="Two corners of a box around it: LPS mm.")
]
Out = Annotated[Path, typer.Option("--out", metavar="NEWCASE", help="New folder for the case.", readable=False)]
MatrixName = Annotated[
    Matrix | None, typer.Option("--matrix", help="What it is made of, as a person sees it; by HU otherwise.")
]
Bone = Annotated[str, typer.Option("--bone", help="The bone that it lies in, for people.")]
Site = Annotated[str, typer.Option("--site", help="Where it lies, for people.")]
Replace = Annotated[bool, typer.Option("--replace", help="Mark this lesion in place of the one that the case has.")]


@app.command()
def lesion(  # noqa: PLR0913  (a command has an argument for each of its options)
    case_folder: CaseFolder,
    out_folder: Out,
    seed: Seed = None,
    box: Box = None,
    matrix: MatrixName = None,
    bone: Bone = "",
    site: Site = "",
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Mark a lesion from a click (--seed) or a box (--box). The mask says that iceball made it, and no expert.

    NEWCASE is the case with the lesion, a picture to check it by (lesion.png), and lesion.seg.nrrd for the brush of 3D
    Slicer, read back with `iceball read --lesion`.
    """
    import dataclasses

    from iceball import io  # the readers are slow to import; other commands do not wait for them
    from iceball.anatomy.lesion import find_lesion

    io.refuse_occupied(out_folder)
    point = None if seed is None else _numbers("--seed", seed, 3)
    corners = None if box is None else _numbers("--box", box, 6)
    with progress("Marking the lesion") as advance:
        advance(0.05, "reading the case")
        case = io.read_case(case_folder)
        if case.lesion is not None and not replace:
            raise InputError(f"case {case.id} has a lesion ({case.lesion.origin}): say --replace to mark another")
        advance(0.4, "growing")
        found = find_lesion(case, seed_mm=point, box_mm=corners)
        marked = dataclasses.replace(case, lesion=found.lesion(matrix=matrix, bone=bone, site=site))
        advance(0.8, "writing the case")
        _write(marked, found, case_folder, out_folder)
    told = {"folder": str(out_folder), "fingerprint": io.stored_case_fingerprint(out_folder), **_told(found, marked)}
    if as_json:
        print_json(told)
    else:
        _show(told, found)


def _numbers(option: str, text: str, count: int) -> Any:
    """Read ``count`` numbers with commas between them."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(abs(number) < 1e5 for number in numbers):
        example = ",".join(("12.5", "-30", "104")[:3] * (count // 3))
        raise InputError(f"{option} {text!r} is no place: write {count} numbers like {option}={example} (LPS mm)")
    return numbers


def _write(case: Case, found: FoundLesion, old: Path, folder: Path) -> None:
    """Write the case; then what people look at: its picture, and the mask for 3D Slicer."""
    from iceball import io
    from iceball.report.lesion import lesion_picture

    assert case.lesion is not None
    title = f"{found.volume_ml:.1f} ml, {case.lesion.matrix}; {case.lesion.origin}. Research use only."
    picture = lesion_picture(case, title)
    io.write_case(case, folder, like=old)
    io.write_bytes(folder / "lesion.png", picture)
    io.write_seg_nrrd(found.mask, {1: "lesion (made by iceball)"}, folder / "lesion.seg.nrrd")


def _told(found: FoundLesion, case: Case) -> dict[str, Any]:
    assert case.lesion is not None
    fields = ("volume_ml", "extent_mm", "soft_tissue_ml", "low_hu", "median_hu", "high_hu", "findings")
    told = {field: plain(getattr(found, field)) for field in fields}
    return {"matrix": case.lesion.matrix, "matrix_by_hu": found.matrix, "origin": case.lesion.origin, **told}


def _show(told: dict[str, Any], found: FoundLesion) -> None:
    table = Table(title="lesion", title_justify="left", show_header=False)
    by_hu = "" if told["matrix"] == told["matrix_by_hu"] else f" (by HU: {told['matrix_by_hu']})"
    rows = {
        "volume": f"{told['volume_ml']:.2f} ml, of which {told['soft_tissue_ml']:.2f} ml outside bone",
        "extent": " × ".join(f"{v:.1f}" for v in told["extent_mm"]) + " mm (left, back, head)",
        "matrix": told["matrix"] + by_hu,
        "HU": f"{told['median_hu']:.0f}, nine tenths between {told['low_hu']:.0f} and {told['high_hu']:.0f}",
        "made by": told["origin"],
        "fingerprint": told["fingerprint"],
        "folder": f"{told['folder']}: case, lesion.png to look at, lesion.seg.nrrd for 3D Slicer",
    }
    for what, says in rows.items():
        table.add_row(what, escape(says))
    out.print(table)
    for finding in found.findings:
        out.print(f"[{_COLOURS[finding.severity]}]{finding.severity}[/] {escape(finding.says)}", soft_wrap=True)
