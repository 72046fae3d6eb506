"""What produced a run: version, inputs, backend, settings, and the sources of every number that went in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import anatomy, library
from iceball.provenance import Run, fingerprint, version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Case, Cited, Plan, Tissue
    from iceball.thermal.problem import Backend
    from iceball.thermal.stepping import Stepping


def describe(
    case: Case,
    plan: Plan,
    index: NDArray[np.uint8],
    tissues: Sequence[Tissue],
    settings: tuple[Backend, Stepping, float],
    begun: str,
) -> Run:
    """Make the Run of a simulation.

    Parameters
    ----------
    index : (I, J, K) which of ``tissues`` fills which voxel of the last box
    settings : backend, stepping, spacing [mm]
    begun : when the run was started (ISO 8601)
    """
    backend, stepping, spacing_mm = settings
    rows = _rows(tissues[m].name for m in np.unique(index))
    inputs = {"ct": fingerprint(case.ct), "labels": fingerprint(case.labels), "plan": fingerprint(plan)}
    inputs["lesion"] = fingerprint(case.lesion.mask if case.lesion else None)
    shape = " x ".join(str(n) for n in index.shape)
    return Run(
        version=version(),
        inputs=tuple(inputs.items()),
        backend=backend.name,
        device=backend.device,
        dtype=backend.dtype,
        seed=None,
        library=library.digest(),
        sources=_sources(rows, plan),
        started_at=begun,
        settings=(
            ("spacing_mm", f"{spacing_mm:g}"),
            ("box", shape),
            ("method", stepping.method),
            ("freeze_step_s", f"{stepping.freeze_step_s:g}"),
            ("thaw_step_s", f"{stepping.thaw_step_s:g}"),
            ("protocol", str(plan.protocol)),
            ("tissues", ", ".join(rows)),
        ),
    )


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
