"""``iceball segment``: organ labels by TotalSegmentator, where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from iceball.cli._app import AsJson, app, out, print_json, progress
from iceball.errors import InputError, MissingPart
from iceball.nouns import Case

CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="Folder of the case.", readable=False)]
Out = Annotated[Path, typer.Option("--out", metavar="NEWCASE", help="New folder for the case.", readable=False)]
Full = Annotated[bool, typer.Option("--full", help="The model at 1.5 mm, for a GPU; by default the one at 3 mm.")]
Gpu = Annotated[bool, typer.Option("--gpu", help="Run it on the GPU; by default on the CPU.")]
Replace = Annotated[bool, typer.Option("--replace", help="Its labels take the place of those that the case has.")]
Limit = Annotated[float, typer.Option("--limit", metavar="MIN", help="End it after so many minutes.")]


@app.command()
def segment(  # noqa: PLR0913  (a command has an argument for each of its options)
    case_folder: CaseFolder,
    out_folder: Out,
    full: Full = False,
    gpu: Gpu = False,
    replace: Replace = False,
    limit_min: Limit = 60.0,
    as_json: AsJson = False,
) -> None:
    """Label a case's organs with TotalSegmentator; where it or its weights are missing, say exactly what is.

    Labels that the case has already stay as they are. Nothing leaves this machine.
    """
    from iceball import io  # the readers are slow to import; other commands do not wait for them

    if not 0 < limit_min < float("inf"):
        raise InputError(f"--limit must be a number of minutes above zero, not {limit_min:g}")
    io.refuse_occupied(out_folder)
    model, device = "full" if full else "fast", "gpu" if gpu else "cpu"
    if (lacking := io.totalsegmentator_missing(model)) is not None:
        raise MissingPart(lacking)
    with progress("Segmenting") as advance:
        case = io.read_case(case_folder)
        made = io.run_totalsegmentator(
            case, model=model, device=device, replace=replace, limit_s=60.0 * limit_min, progress=advance
        )
        io.write_case(made, out_folder)
        told = _told(case, made, io.case_fingerprint(made), out_folder)
    if as_json:
        print_json(told)
    else:
        names = ", ".join(told["structures"])
        out.print(f"{len(told['structures'])} structures added: {escape(names)}", soft_wrap=True)
        out.print(f"[dim]note[/] {escape(told['note'])}", soft_wrap=True)
        out.print(f"written: {escape(told['folder'])}", soft_wrap=True)


def _told(before: Case, after: Case, fingerprint: str, folder: Path) -> dict[str, Any]:
    """Put together what the command says of the labels it added."""
    known = {structure.name for structure in before.structures}
    return {
        "id": after.id,
        "fingerprint": fingerprint,
        "folder": str(folder),
        "structures": [structure.name for structure in after.structures if structure.name not in known],
        "note": after.notes[-1],
    }
