"""``iceball implant``: a lesion of known truth into a real CT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import AsJson, app, out, plain, print_json, progress
from iceball.errors import InputError
from iceball.nouns import Case, Matrix
from iceball.nouns._noun import Point

ShapeName = Literal["sphere", "ellipsoid", "lobulated"]

CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="Folder of a case without a lesion.", readable=False)]
Size = Annotated[float, typer.Option("--size", metavar="MM", help="Largest diameter of the ideal shape, up to 80.")]
MatrixName = Annotated[Matrix, typer.Option("--matrix", help="What the lesion is made of.")]
Out = Annotated[Path, typer.Option("--out", metavar="NEWCASE", help="New folder for the case.", readable=False)]
At = Annotated[str | None, typer.Option("--at", metavar="X,Y,Z", help="Its middle: LPS mm, in bone.")]
Within = Annotated[
    str | None, typer.Option("--in", metavar="STRUCTURE", help="Bone of the case; the seed draws a place in it.")
]
ShapeOf = Annotated[ShapeName, typer.Option("--shape", help="Ideal shape, before bone and border.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Same seed, same bytes.")]
Replace = Annotated[bool, typer.Option("--replace", help="Mark this lesion in place of the one that the case has.")]


@app.command()
def implant(  # noqa: PLR0913  (a command has an argument for each of its options)
    case_folder: CaseFolder,
    size_mm: Size,
    matrix: MatrixName,
    out_folder: Out,
    at: At = None,
    within: Within = None,
    shape: ShapeOf = "lobulated",
    seed: Seed = 0,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Implant a lesion of known truth into a CT, for tests and studies. It says in the case that it is no finding."""
    from iceball import implanting, io  # the readers are slow to import; other commands do not wait for them

    io.refuse_occupied(out_folder)
    place = None if at is None else _point(at)
    if (place is None) == (within is None):
        raise InputError("say where: --at X,Y,Z in LPS mm, or --in STRUCTURE; one of the two")
    with progress("Implanting") as advance:
        advance(0.05, "reading the case")
        case = io.read_case(case_folder)
        if place is None:
            place = implanting.place_in(case, str(within), size_mm=size_mm, seed=seed)
        advance(0.5, "making the lesion")
        wish = implanting.Wish(at_mm=place, size_mm=size_mm, matrix=matrix, shape=shape, seed=seed, bone=within or "")
        made = implanting.implant(case, wish, replace=replace)
        advance(0.8, "writing the case")
        io.write_case(made, out_folder)
    told = _told(made, wish, io.case_fingerprint(made), out_folder)
    if as_json:
        print_json(told)
    else:
        _show(told)


def _point(text: str) -> Point:
    """Read X,Y,Z."""
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--at {text!r} is no place: write three numbers like --at 12.5,-30,104 (LPS mm)") from None
    return x, y, z


def _told(case: Case, wish: Any, fingerprint: str, folder: Path) -> dict[str, Any]:
    """Put together what the command says of the lesion it made."""
    from iceball import implanting

    assert case.lesion is not None
    return {
        "folder": str(folder),
        "fingerprint": fingerprint,
        "lesion": {**plain(wish), "bone": case.lesion.bone, "origin": case.lesion.origin},
        "achieved": plain(implanting.achieved(case, wish)),
        "note": case.notes[-1],
    }


def _show(told: dict[str, Any]) -> None:
    lesion, done = told["lesion"], told["achieved"]
    table = Table(title=f"{lesion['matrix']} lesion, implanted", title_justify="left", show_header=False)
    rows = {
        "wanted": f"{lesion['shape']}, {lesion['size_mm']:g} mm, {done['ideal_ml']:.2f} ml",
        "achieved": " × ".join(f"{v:.1f}" for v in done["extent_mm"]) + f" mm, {done['volume_ml']:.2f} ml",
        "at": ", ".join(f"{v:.1f}" for v in lesion["at_mm"]) + " mm (LPS)",
        "bone": lesion["bone"] or "seen on the CT, not labelled",
        "mean HU": f"{done['mean_hu']:.0f}",
        "seed": str(lesion["seed"]),
        "fingerprint": told["fingerprint"],
        "folder": told["folder"],
        "note": told["note"],
    }
    for what, says in rows.items():
        table.add_row(what, escape(says))
    out.print(table)
    out.print(f"[bold]{escape(lesion['origin'])}[/]")
