"""Canine spine 2024: do the limits of the library stand on the right side of what hurt dogs? Nothing is simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball import library
from iceball.errors import LibraryError
from iceball.validation.study import Claim
from iceball.validation.tables import study, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from iceball.validation.study import Study

KEY, LIMIT = "spine", "spinal_cord"


def validate(progress: Callable[[float, str], None]) -> Study:
    """Hold the dogs' temperatures against the library's limits for the spinal cord."""
    dogs, limit = table(KEY)["dogs"], library.limit(LIMIT)
    if limit.stop_below is None or limit.caution_below is None:
        raise LibraryError(f"the limit {LIMIT} has lost its stop or its caution")
    progress(1.0, "limits")
    stop_c, caution_c = limit.stop_below.value, limit.caution_below.value
    lasting, recovered = dogs["lasting"], dogs["recovered"]
    return study(
        KEY, [], [*_kept(lasting, recovered, stop_c), _warned(recovered, caution_c), _apart(lasting, recovered)]
    )


def _kept(lasting: Sequence[float], recovered: Sequence[float], stop_c: float) -> list[Claim]:
    below = [t for t in recovered if t < stop_c]
    return [
        Claim(
            says=f"every dog with a lasting deficit was below the limit that says stop ({stop_c:g} °C)",
            holds=all(t < stop_c for t in lasting),
            figures=f"{sum(t < stop_c for t in lasting)} of {len(lasting)}; the warmest at {max(lasting):g} °C",
            demanded=True,
        ),
        Claim(
            says="no dog that recovered was below it",
            holds=not below,
            figures=f"{len(below)} of {len(recovered)} that recovered were; the coldest at {min(recovered):g} °C",
        ),
    ]


def _warned(recovered: Sequence[float], caution_c: float) -> Claim:
    above = [t for t in recovered if t >= caution_c]
    says = f"every dog that stayed above the limit that says caution ({caution_c:g} °C) recovered"
    return Claim(says=says, holds=bool(above), figures=f"{len(above)} of {len(above)}", demanded=True)


def _apart(lasting: Sequence[float], recovered: Sequence[float]) -> Claim:
    says = "one temperature parts those with lasting deficits from those without"
    figures = f"it lies between {max(lasting):g} and {min(recovered):g} °C"
    return Claim(says=says, holds=max(lasting) < min(recovered), figures=figures)
