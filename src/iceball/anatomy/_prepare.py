"""What is worked out once per case, on the CT's own grid, so that no box of a simulation can change it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy._body import body
from iceball.anatomy._displacing import displaced
from iceball.anatomy._palette import palette
from iceball.anatomy._prepared import GAS, NOT_SCANNED, ROOM, TISSUE, Prepared
from iceball.anatomy._protecting import check
from iceball.anatomy.doubting._scale import require_hu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Case, Freezing, Protection, Vasoconstriction


FINE_MM = 1.0


def reprotected(prepared: Prepared, case: Case, protections: Sequence[Protection]) -> Prepared:
    """The same patient, ``case`` as it was before any was protected, with other ``protections``: the body is known.

    Raises
    ------
    InputError : if a protection would do nothing where it is
    UnknownName : if a pocket names a tissue that the library does not have
    """
    former, case = prepared.palette, displaced(case, protections)
    made = replace(
        prepared,
        case=case,
        palette=palette(case, protections, former.freezing, former.vasoconstriction),
        protections=tuple(protections),
    )
    check(made)
    return made


def _quick_body(case: Case) -> NDArray[np.bool_]:
    """The body (I, J, K), off by less than a voxel at the skin: found in a quarter of the time on fine scans."""
    steps = [2 if axis < 2 and size < FINE_MM else 1 for axis, size in enumerate(case.ct.grid.spacing_mm)]
    if steps == [1, 1, 1]:
        return body(case.ct, case.field_of_view)
    place = slice(None, None, steps[0]), slice(None, None, steps[1]), slice(None, None, steps[2])
    view = None if case.field_of_view is None else case.field_of_view.part(place)
    found = body(case.ct.part(place), view)
    for axis, step in enumerate(steps):
        found = np.repeat(found, step, axis=axis)
    return found[tuple(slice(n) for n in case.ct.grid.shape)]


def prepare(
    case: Case,
    *,
    protections: Sequence[Protection] = (),
    freezing: Freezing | None = None,
    vasoconstriction: Vasoconstriction | None = None,
    quick: bool = False,
) -> Prepared:
    """Find the body on the CT of ``case`` and mix the tissues it may hold. Seconds for a whole scan: do it once.

    Gas is what lies in the body below ``library.hu_rules()["gas_below_hu"]`` and is not labelled as lung.

    Parameters
    ----------
    case : Case
    protections : of the plan; ``tissue_map`` puts them in, and structures that they push are moved in the case
    freezing : the law for every tissue that freezes; None leaves to each the law of its row in the library
    vasoconstriction : for every perfused tissue; None for none
    quick : look for the body at every second voxel within a slice where voxels are finer than a millimetre

    Raises
    ------
    InputError : if the numbers of the CT are no HU, if there is no body on it, or a protection would do
        nothing where it is
    UnknownName : if a structure or a pocket names a tissue that the library does not have

    Source: physics README 1.5, DESIGN.
    """
    require_hu(case.ct, case.field_of_view)
    case = displaced(case, protections)
    choice = palette(case, protections, freezing, vasoconstriction)
    inside = _quick_body(case) if quick else body(case.ct, case.field_of_view)
    gas = case.ct.array < library.hu_rules()["gas_below_hu"].value
    if case.labels is not None:
        lung = choice.is_lung[np.minimum(case.labels.array, choice.is_lung.size - 1)]
        inside |= lung
        gas &= ~lung
    region = np.where(inside, np.where(gas, np.uint8(GAS), np.uint8(TISSUE)), np.uint8(ROOM))
    if case.field_of_view is not None:
        region[case.field_of_view.array == 0] = NOT_SCANNED
    prepared = Prepared(case=case, region=region, palette=choice, protections=tuple(protections))
    check(prepared)
    return prepared
