"""Write the report: one HTML file that needs nothing else, and a PDF of it."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import jinja2
import numpy as np

from iceball.assessment import words as spoken
from iceball.errors import InputError
from iceball.nouns import Assessment, Case, Plan, ThermalHistory
from iceball.nouns._noun import noun
from iceball.provenance import RESEARCH_USE
from iceball.report import words
from iceball.report.curves import probe_curves, structure_curves
from iceball.report.inputs import cited_keys, input_tables, pieces, references
from iceball.report.pictures import Scene, picture, scene_of

Progress = Callable[[float, str], None]

NO_PDF = (
    "The PDF was not made: WeasyPrint or the pango library it needs is missing ({why}). Install pango "
    "(Debian: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0), or print report.html from a browser."
)


@noun
class ReportFiles:
    """What was written. ``pdf`` is None where none was asked for or none could be made; ``remark`` says why."""

    html: Path
    pdf: Path | None
    remark: str = ""


def write_report(  # noqa: PLR0913  (a report tells of four nouns; what is left is where to and how)
    case: Case,
    plan: Plan,
    history: ThermalHistory,
    assessment: Assessment,
    folder: Path,
    *,
    pdf: bool = True,
    progress: Progress | None = None,
) -> ReportFiles:
    """Write ``report.html`` and ``report.pdf`` into ``folder``, replacing those of an earlier report.

    Parameters
    ----------
    case, plan, history : what was simulated
    assessment : its judgement, from ``assess(case, history)``
    folder : where to write; made if it is not there
    pdf : whether to make the PDF as well; where pango is missing the HTML stands alone and ``remark`` says so
    progress : called with the share done and what is being done

    Raises
    ------
    InputError : if the case has no lesion, or the folder cannot be written
    UnknownName : if the assessment names a limit that the library does not have
    """
    say = progress or (lambda done, text: None)
    html = _html(case, plan, history, assessment, say)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise InputError(f"cannot make the report's folder {folder}: {refused.strerror}") from None
    say(0.7, "printing the PDF")
    printed, remark = _printed(html) if pdf else (None, "")
    _replace(folder / "report.html", html.encode())
    (folder / "report.pdf").unlink(missing_ok=True)  # an older PDF must not stand beside a newer report
    if printed is not None:
        _replace(folder / "report.pdf", printed)
    say(1.0, "done")
    return ReportFiles(html=folder / "report.html", pdf=folder / "report.pdf" if printed else None, remark=remark)


def _html(case: Case, plan: Plan, history: ThermalHistory, assessment: Assessment, say: Progress) -> str:
    goal_c = _goal_c(assessment)
    scene = scene_of(case, plan, history, assessment, goal_c)
    tables = input_tables(plan, history, assessment)
    return _template().render(
        case=case,
        plan=plan,
        history=history,
        assessment=assessment,
        goal_c=goal_c,
        headline=words.headline(assessment, goal_c),
        pictures=_pictures(scene, assessment, say),
        structure_curves=_uri(structure_curves(history, assessment, plan)) if assessment.clearances else "",
        probe_curves=_uri(probe_curves(history, plan)),
        tables=tables,
        unsure=sum(row.unsure for table in tables for row in table.rows),
        total=sum(len(table.rows) for table in tables),
        references=references(cited_keys(assessment.findings, tables, assessment.run)),
        research_use=RESEARCH_USE,
    )


def _pictures(scene: Scene, assessment: Assessment, say: Progress) -> list[tuple[str, str]]:
    """Captions and data URIs of the two pictures; only the second where no isotherm gives a worst place."""
    mask = scene.lesion.mask
    x, y, z = (float(v) for v in mask.grid.position_mm(np.argwhere(mask.array).mean(axis=0)))
    goal = next(result for result in assessment.isotherms if result.isotherm_c == scene.goal_c)
    edge = assessment.isotherms[0]
    worst = goal if goal.worst_place_mm is not None else edge
    found: list[tuple[str, str]] = []
    if worst.worst_place_mm is not None:
        say(0.1, "drawing the worst place")
        caption = (
            f"Through the worst place: where the {words.signed(worst.isotherm_c)} °C isotherm leaves the least margin "
            f"around the lesion ({words.millimetres(worst.least_margin_mm)})."
        )
        found.append((caption, _uri(picture(scene, worst.worst_place_mm, mark=True))))
    say(0.4, "drawing the lesion's centre")
    found.append(("Through the centre of the lesion.", _uri(picture(scene, (x, y, z), mark=False))))
    return found


def _goal_c(assessment: Assessment) -> float:
    """Goal isotherm of the assessment [°C], kept in its Run; the coldest measured where the Run does not say."""
    stated = dict(assessment.run.settings).get("goal_isotherm_c")
    return float(stated) if stated is not None else min(result.isotherm_c for result in assessment.isotherms)


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("iceball.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "signed": words.signed,
        "typeset": words.typeset,
        "utc": words.utc,
        "pieces": pieces,
        "mm": words.millimetres,
        "point": words.point,
        "percent": spoken.percent,
        "minutes": spoken.minutes,
        "named": spoken.in_words,
        "direction": words.direction,
        "depth": words.depth_mm,
        "spacings": words.spacings,
        "guard": words.guard,
        "setting": words.setting,
    }
    return environment.get_template("report.html.j2")


def _printed(html: str) -> tuple[bytes | None, str]:
    """Bytes of the PDF and no remark, or None and what to do where the system lacks a part."""
    try:
        import weasyprint
    except (ImportError, OSError) as missing:  # OSError: WeasyPrint is there, pango is not
        return None, NO_PDF.format(why=" ".join(str(missing).split())[:120])
    return weasyprint.HTML(string=html).write_pdf(), ""


def _uri(image: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def _replace(path: Path, content: bytes) -> None:
    """Write beside ``path``, then rename: a reader never sees half a report."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as refused:
        raise InputError(f"cannot write {path}: {refused.strerror}; choose another folder") from None
