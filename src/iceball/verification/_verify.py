"""The verb: try cases on an engine, one after the other; none can stop the others."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING

from iceball import provenance
from iceball.errors import UnknownName
from iceball.verification._cases import CASES, case_names
from iceball.verification._nouns import Result, Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from iceball.verification._nouns import Case, Engine


def verify(
    engine: Engine,
    *,
    only: Sequence[str] = (),
    quick: bool = False,
    progress: Callable[[float, str], None] = lambda _done, _text: None,
) -> Verification:
    """Try the exact cases on ``engine``.

    Parameters
    ----------
    engine : what to verify: a backend and an accuracy
    only : names of cases; empty for all
    quick : leave out the cases that take longer than seconds
    progress : called with the share done and the case at work

    Raises
    ------
    UnknownName : if there is no case of a name in ``only``
    """
    if unknown := [name for name in only if name not in case_names()]:
        raise UnknownName(f"no case {', '.join(map(repr, unknown))}; there are: {', '.join(case_names())}")
    chosen = [case for case in CASES if (case.name in only) or (not only and (case.quick or not quick))]
    started_at, results = provenance.now(), []
    for number, case in enumerate(chosen):
        progress(number / len(chosen), f"{case.name}: {case.says}")
        results.append(_tried(case, engine))
    progress(1.0, "")
    return Verification(
        results=tuple(results),
        version=provenance.version(),
        backend=engine.backend.name,
        device=engine.backend.device,
        dtype=engine.backend.dtype,
        accuracy=engine.accuracy,
        started_at=started_at,
    )


def _tried(case: Case, engine: Engine) -> Result:
    begun, checks, failure = time.monotonic(), (), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a case that overflows fails by its numbers
            checks = tuple(case.run(engine))
    except Exception as cause:  # whatever goes wrong in a case is its result, and the next case goes on
        failure = f"{type(cause).__name__}: {cause}"
    seconds = round(time.monotonic() - begun, 2)
    return Result(name=case.name, says=case.says, key=case.key, checks=checks, seconds=seconds, failure=failure)
