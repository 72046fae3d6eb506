"""The physicist's bench: freeze a bath or gel, and measure what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns import Volume
from iceball.nouns.bench_result import PhantomCurves, PhantomMoment, PhantomResult
from iceball.provenance import Run, fingerprint, now, version
from iceball.thermal.backends import default_backend
from iceball.thermal.marching import march
from iceball.thermal.phantom_bath import bath_grid, bath_notes, bath_problem, bath_start
from iceball.thermal.phantom_sizes import Ruler
from iceball.thermal.schedule import legs
from iceball.thermal.stepping import accuracy_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.nouns import Grid
    from iceball.nouns.bench import Bench
    from iceball.thermal.marching import Moment
    from iceball.thermal.problem import Backend

    Progress = Callable[[float, str], None]

CURVE_ROWS, CURVE_GAP_S = 48, 5.0  # every row ends a step of the march: no more than are needed
WALL_NOTABLE_K = 0.5


def freeze_phantom(
    bench: Bench,
    *,
    accuracy: str = "standard",
    backend: Backend | None = None,
    keep_fields: bool = False,
    curves: bool = True,
    progress: Progress | None = None,
) -> PhantomResult:
    """Freeze ``bench`` by its protocol and measure its isotherms at every time it reports.

    Parameters
    ----------
    accuracy : "preview", "standard" or "reference": how finely time is cut; the spacing is the bench's own
    backend : how to compute; the fastest of this installation without any
    keep_fields : whether each moment keeps the whole temperature field
    curves : whether to look between the times reported too, for smooth curves; else those hold the times reported
    progress : called with the share done and a text

    Raises
    ------
    UnknownName : if there is no such accuracy
    InputError : if a probe is asked to thaw actively and cannot
    GeometryError : if a probe or a point leaves the box, two probes are in one place, or the grid is too coarse
    SimulationError : if the temperature blows up even in the smallest steps
    """
    accuracy_named(accuracy)  # an unknown one is refused before anything is made
    backend, begun = backend or default_backend(), now()
    grid = bath_grid(bench)
    problem, ruler = bath_problem(bench, grid), Ruler(bench, grid)
    moments: list[PhantomMoment] = []
    rows: list[tuple[float, list[NDArray[np.float64]]]] = []
    times = _all_times(bench) if curves else list(bench.times_s)
    start_c = bath_start(bench, problem)
    settings = {"accuracy": accuracy, "backend": backend, "fractions": False}
    for moment in march(problem, start_c, legs(bench.plan), times, **settings):
        rows.append((moment.now_s, ruler.row(moment)))
        if moment.now_s in bench.times_s:
            moments.append(_kept(ruler.measure(moment), moment, grid) if keep_fields else ruler.measure(moment))
        if progress is not None:
            progress(moment.now_s / times[-1], f"{moment.now_s / 60:.1f} of {times[-1] / 60:.1f} min")
    return PhantomResult(
        bench=bench,
        grid=grid,
        moments=tuple(moments),
        curves=_curves(rows),
        run=_run(bench, grid, (accuracy, backend), begun),
        notes=(*bath_notes(bench, grid), *_wall_notes(bench, moments)),
    )


def _all_times(bench: Bench) -> list[float]:
    """Times [s] at which the bench is looked at: those reported, and enough for a smooth curve."""
    last = max(bench.times_s)
    rows = max(2, min(CURVE_ROWS, round(last / CURVE_GAP_S)))
    return sorted({*bench.times_s, *np.linspace(0.0, last, rows + 1).round(3).tolist()})


def _kept(measured: PhantomMoment, moment: Moment, grid: Grid) -> PhantomMoment:
    from dataclasses import replace

    volume = Volume(grid=grid, array=moment.temperature_c.astype(np.float32), quantity="temperature_c")
    return replace(measured, temperature=volume)


def _curves(rows: list[tuple[float, list[NDArray[np.float64]]]]) -> PhantomCurves:
    heat, surface, diameter, points, volume = (np.stack([row[1][i] for row in rows], axis=-1) for i in range(5))
    return PhantomCurves(
        time_s=np.array([row[0] for row in rows]),
        heat_w=heat,
        surface_c=surface,
        diameter_mm=diameter,
        points_c=points,
        volume_ml=volume,
    )


def _wall_notes(bench: Bench, moments: list[PhantomMoment]) -> tuple[str, ...]:
    worst = max(moment.wall_change_k for moment in moments)
    if worst <= WALL_NOTABLE_K:
        return ()
    says = "gave heat the bath beyond would not have had" if bench.walls == "held" else "kept heat back"
    return (f"the cold reached the walls ({worst:.1f} K in the outermost voxels), which {says}: write a larger box",)


def _run(bench: Bench, grid: Grid, settings: tuple[str, Backend], begun: str) -> Run:
    accuracy, backend = settings
    names = {layer.medium.name for layer in bench.layers} & set(library.tissue_names())
    probes = {placement.probe.name for placement in bench.probes} & set(library.probe_names())
    cited = [row for name in names for row in library.tissue_rows(name).values()]
    cited += [row for name in probes for row in library.probe_rows(name).values()]
    return Run(
        version=version(),
        inputs=(("bench", fingerprint(bench)),),
        backend=backend.name,
        device=backend.device,
        dtype=backend.dtype,
        seed=None,
        library=library.digest(),
        sources=tuple(sorted(source.key for source in library.sources_of(*cited))),
        started_at=begun,
        settings=(
            ("spacing_mm", f"{bench.spacing_mm:g}"),
            ("box", " x ".join(str(n) for n in grid.shape)),
            ("accuracy", accuracy),
            ("protocol", str(bench.protocol)),
        ),
    )
