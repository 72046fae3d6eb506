"""``iceball read``: a scan becomes a case folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import AsJson, app, out, print_json, progress
from iceball.nouns import Case
from iceball.nouns._noun import noun

Matrix = Literal["lytic", "blastic", "mixed"]
SHOWN_NAMES = 12

Source = Annotated[Path, typer.Argument(metavar="SRC", help="NIfTI CT, or folder of DICOM CT slices.", readable=False)]
Out = Annotated[Path, typer.Option("--out", metavar="CASE", help="New folder for the case.", readable=False)]
Labels = Annotated[
    Path | None, typer.Option("--labels", metavar="FILE", help="Organ labels: NIfTI or DICOM SEG.", readable=False)
]
Names = Annotated[
    Path | None, typer.Option("--names", metavar="FILE", help="Table of label numbers: CSV or JSON.", readable=False)
]
LesionFile = Annotated[
    Path | None,
    typer.Option(
        "--lesion", metavar="FILE", help="Lesion: NIfTI, DICOM SEG or RTSTRUCT; FILE#NAME picks one.", readable=False
    ),
]
LesionMatrix = Annotated[Matrix, typer.Option("--matrix", help="What the lesion is made of.")]
Pseudonym = Annotated[str | None, typer.Option("--id", metavar="PSEUDONYM", help="Never a patient's name or number.")]


@noun
class Summary:
    """What `iceball read` says of the case it made."""

    id: str
    fingerprint: str
    folder: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    least_hu: float
    largest_hu: float
    padding_fraction: float
    structures: tuple[str, ...]
    lesion_ml: float | None
    notes: tuple[str, ...]


@app.command()
def read(  # noqa: PLR0913  (a command has an argument for each of its options)
    source: Source,
    out_folder: Out,
    labels: Labels = None,
    names: Names = None,
    lesion: LesionFile = None,
    matrix: LesionMatrix = "lytic",
    pseudonym: Pseudonym = None,
    as_json: AsJson = False,
) -> None:
    """Read a CT, organ labels and a lesion into a case folder, without anything that names the patient."""
    from iceball import io  # the readers are slow to import; other commands do not wait for them

    io.refuse_occupied(out_folder)
    with progress("Reading") as advance:
        case = io.read_scan(
            source,
            labels=labels,
            names=names,
            lesion=lesion,
            lesion_matrix=matrix,
            case_id=pseudonym,
            progress=advance,
        )
        io.write_case(case, out_folder)
    summary = _summary(case, io.case_fingerprint(case), out_folder)
    if as_json:
        print_json(summary)
    else:
        _show(summary)


def _summary(case: Case, fingerprint: str, folder: Path) -> Summary:
    array, grid = case.ct.array, case.ct.grid
    inside = array if case.field_of_view is None else array[case.field_of_view.array > 0]
    return Summary(
        id=case.id,
        fingerprint=fingerprint,
        folder=str(folder),
        shape=grid.shape,
        spacing_mm=grid.spacing_mm,
        least_hu=float(np.min(inside)),
        largest_hu=float(np.max(inside)),
        padding_fraction=1.0 - inside.size / array.size,
        structures=tuple(structure.name for structure in case.structures),
        lesion_ml=None if case.lesion is None else case.lesion.volume_ml,
        notes=case.notes,
    )


def _show(summary: Summary) -> None:
    table = Table(title=f"case {summary.id}", title_justify="left", show_header=False)
    names = summary.structures
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    rows = {
        "size": " × ".join(map(str, summary.shape)) + " voxels",
        "spacing": " × ".join(f"{s:.3g}" for s in summary.spacing_mm) + " mm",
        "HU": f"{summary.least_hu:.0f} to {summary.largest_hu:.0f}",
        "structures": f"{len(names)}: {', '.join(names[:SHOWN_NAMES])}{more}" if names else "none",
        "lesion": "none" if summary.lesion_ml is None else f"{summary.lesion_ml:.2f} ml",
        "fingerprint": summary.fingerprint,
        "folder": summary.folder,
    }
    for what, says in rows.items():
        table.add_row(what, escape(says))
    for note in summary.notes:
        table.add_row("note", escape(note))
    out.print(table)
