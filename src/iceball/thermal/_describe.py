"""What produced a run: version, inputs, backend, settings, and the sources of every number that went in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball import anatomy, library
from iceball.provenance import Run, fingerprint, version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from iceball.nouns import Case, Cited, Plan, Tissue
    from iceball.thermal.problem import Backend
    from iceball.thermal.stepping import Stepping

Inputs = tuple[tuple[str, str], ...]


def describe(  # noqa: PLR0913  (what made a run, piece by piece)
    case: Case,
    plan: Plan,
    shape: tuple[int, ...],
    tissues: Sequence[Tissue],
    settings: tuple[Backend, Stepping, float],
    begun: str,
    inputs: Inputs | None = None,
) -> Run:
    """Make the Run of a simulation.

    Parameters
    ----------
    shape : of the last box
    tissues : what was in it
    settings : backend, stepping, spacing [mm]
    begun : when the run was started (ISO 8601)
    inputs : fingerprints of the case, where they are known already
    """
    backend, stepping, spacing_mm = settings
    rows = _rows(tissue.name for tissue in tissues)
    prints = dict(inputs or inputs_of(case)) | {"plan": fingerprint(plan)}
    return Run(
        version=version(),
        inputs=tuple((what, prints[what]) for what in ("ct", "labels", "plan", "lesion")),
        backend=backend.name,
        device=backend.device,
        dtype=backend.dtype,
        seed=None,
        library=library.digest(),
        sources=_sources(rows, plan),
        started_at=begun,
        settings=(
            ("spacing_mm", f"{spacing_mm:g}"),
            ("box", " x ".join(str(n) for n in shape)),
            ("method", stepping.method),
            ("freeze_step_s", f"{stepping.freeze_step_s:g}"),
            ("thaw_step_s", f"{stepping.thaw_step_s:g}"),
            ("protocol", str(plan.protocol)),
            ("tissues", ", ".join(rows)),
        ),
    )


def inputs_of(case: Case) -> Inputs:
    """Fingerprints of what a run takes from ``case``; a tenth of a second for a whole scan."""
    mask = case.lesion.mask if case.lesion else None
    return (("ct", fingerprint(case.ct)), ("labels", fingerprint(case.labels)), ("lesion", fingerprint(mask)))


def _rows(names: Iterable[str]) -> list[str]:
    known = set(library.tissue_names())
    rows = {"blood"}  # the blood's heat capacity is in every perfusion
    for name in names:
        rows |= {name} if name in known else set(anatomy.rows_of(name))
    return sorted(rows)


def _sources(rows: Sequence[str], plan: Plan) -> tuple[str, ...]:
    cited: list[Cited] = [value for row in rows for value in library.tissue_rows(row).values()]
    for placement in plan.placements:
        if placement.probe.name in library.probe_names():
            cited += library.probe_rows(placement.probe.name).values()
    for protection in plan.protections:
        cited += [row for name in library.means_of(protection) for row in library.protection_rows(name).values()]
    cited += [*library.physics().values(), *library.hu_rules().values(), *library.isotherms()]
    return tuple(sorted(source.key for source in library.sources_of(*cited)))
