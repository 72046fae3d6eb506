"""Measure a lesion: everything that decides and that a CT can tell, each with where it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from iceball.anatomy.doubting import require_hu
from iceball.anatomy.measures._boxes import Boxes
from iceball.anatomy.measures._distances import Distances, distances
from iceball.anatomy.measures._host import find_host
from iceball.anatomy.measures._joints import facing, joint, partners, site
from iceball.anatomy.measures._part import part_of
from iceball.anatomy.measures._shaft import mirels_site, shaft
from iceball.anatomy.measures._shell import KEY, ROOF, breach, roof, shell
from iceball.anatomy.measures._size import size
from iceball.anatomy.measures._skin import skin_distance
from iceball.anatomy.measures._spine import spine
from iceball.anatomy.measures._state import look_at
from iceball.anatomy.measures._survey import Notebook, Survey
from iceball.errors import InputError
from iceball.nouns.found import MADE_FROM

if TYPE_CHECKING:
    from iceball.anatomy.measures._host import Host
    from iceball.anatomy.measures._part import Part
    from iceball.anatomy.measures._state import State
    from iceball.nouns import Case, Fact

Progress = Callable[[float, str], None]


def measure(case: Case, *, progress: Progress | None = None, bone_only: bool = False) -> tuple[Fact, ...]:
    """Measure the lesion of ``case``: the facts that screening asks for and the CT can tell.

    What cannot be known is left out; ``survey`` says why. Lengths are of the patient, not of voxels.

    Parameters
    ----------
    case : Case
        with a lesion; the more labels it has, the more can be measured
    progress : callable, optional
        called with the share that is done (0 to 1) and a word
    bone_only : bool
        leave out the distances to organs and skin, which take half of the time

    Raises
    ------
    InputError : if the case has no lesion

    Source: DESIGN; thresholds from ``library.measure_rules()`` and ``library.hu_rules()``, all ``judgement``.
    """
    return survey(case, progress=progress, bone_only=bone_only).facts


def survey(case: Case, *, progress: Progress | None = None, bone_only: bool = False) -> Survey:
    """Measure the lesion of ``case``; return the facts, and what was left out with the reason.

    Parameters
    ----------
    case : Case
        with a lesion
    progress : callable, optional
        called with the share that is done (0 to 1) and a word
    bone_only : bool
        leave out the distances to organs and skin, which take half of the time

    Raises
    ------
    InputError : if the case has no lesion, or its numbers are no HU
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion to measure: draw one, or find one from a click")
    require_hu(case.ct, case.field_of_view)
    tell = progress or (lambda done, text: None)
    tell(0.0, "bone")
    part, boxes, book = part_of(case), Boxes(case), Notebook(guessed=case.lesion.origin in MADE_FROM.values())
    state, host = look_at(part, book), find_host(part)
    size(part, host, state, book)
    tell(0.3, "distances")
    there = Distances(part, boxes)
    site(there, host, book)
    if not bone_only:
        distances(there, book)
        skin_distance(there, book)
    joint(there, host, book)
    tell(0.6, "cortex and walls")
    mirels_site(part, host, boxes, book)
    settled = shaft(part, host, state, book)
    _walls(there, host, state, book, settled=settled)
    tell(0.8, "spine")
    spine(there, host, state, book)
    tell(1.0, "")
    return book.survey()


def _walls(there: Distances, host: Host, state: State, book: Notebook, *, settled: bool) -> None:
    """Cortex of any bone, and the roof of the acetabulum."""
    part: Part = there.part
    hip = host.rule is not None and host.rule.name == "hip"
    if state.spoiled:
        book.leave(state.spoiled, *(() if settled else (KEY,)), *((ROOF,) if hip else ()))
        return
    if settled:
        return
    found = shell(part, host, there.surface)
    breach(found, host, state, book)
    if hip and host.structure is not None:
        femurs = [other for other in partners(there, host) if other.name.startswith("femur")]
        points = facing(there, host.structure, femurs[0]) if femurs else there.surface[:0]
        roof(found, there, points, state, book)
