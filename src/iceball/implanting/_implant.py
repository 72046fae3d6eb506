"""Put a lesion where there is none. It is made, not seen, and it says so."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from iceball import library, provenance
from iceball.errors import InputError
from iceball.implanting._bone import own_bone
from iceball.implanting._checks import check_made, check_place
from iceball.implanting._crop import crop
from iceball.implanting._extent import Site, extent
from iceball.implanting._fields import stream
from iceball.implanting._look import draw_look, said
from iceball.implanting._matter import filled
from iceball.implanting._scan import scan_look
from iceball.implanting._shapes import ideal, ideal_ml
from iceball.implanting._words import text
from iceball.nouns import Case, Lesion, Volume
from iceball.nouns._noun import Point, noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.implanting._crop import Slices
    from iceball.implanting._scan import ScanLook
    from iceball.implanting._wish import Wish

__all__ = ["ORIGIN", "Achieved", "achieved", "implant"]

ORIGIN = "implanted by iceball: not a finding in this patient"
# Numerical: how much of the CT beyond the ideal shape is worked on, and from how far around its noise is measured.
MARGIN_MM, LOOK_MM = 14.0, 80.0
LOWEST_HU, HIGHEST_HU = -1024, 3071  # 12 bits, as scanners store them
UNCHANGED_HU = 1e-6
HALF = 0.5  # a voxel is the lesion's where at least half of its matter is


@noun
class Achieved:
    """What became of a wish in the bone: extent along the CT's axes, volume, and its share of the ideal shape's."""

    extent_mm: Point
    volume_ml: float
    ideal_ml: float
    mean_hu: float


def implant(case: Case, wish: Wish, *, replace: bool = False, outlined: Volume | None = None) -> Case:
    """Implant the lesion of ``wish`` and return the new case, whose lesion mask is the truth and says what it is.

    The lesion stays in its bone, but for a small bulge where it has broken the cortex. Its HU and shapes are drawn from
    the rows of ``library.implant_rows``; noise and blur are those of the CT around it. The mask holds the voxels of
    which at least half was replaced: cortex that still stands beside a lytic lesion is none of it. Labels stay.

    Parameters
    ----------
    case : Case
        (I, J, K) [HU]
    wish : Wish
        where, how large, of what kind
    replace : bool
        take a lesion of the case off its mask; its HU stay
    outlined : Volume, optional
        (I, J, K) 0/1, all bone of the CT without canal and discs, where the caller knows it; else it is outlined anew

    Raises
    ------
    InputError : if the case has a lesion already, or metal lies in the way
    GeometryError : if the place lies out of the scan, in air or in no bone, the lesion reaches out of the scan, or the
        bone is too small for it
    UnknownName : if the case has no structure of that name

    Source: this project's own method (docs, "Implanted lesions"); numbers from ``library.implant_rows``.
    """
    check_place(case, wish, replace)
    slices, part = crop(case.ct.grid, wish.at_mm, wish.size_mm / 2 + MARGIN_MM)
    hu = np.asarray(case.ct.array[slices], dtype=np.float64)
    bone, name = own_bone(case, wish, slices, part, outlined=outlined)
    site = Site(grid=part, hu=hu, bone=bone, soft=_soft(case, slices, hu))
    scan, look = _scan(case, wish), draw_look(wish)
    body = ideal(wish.shape, wish.size_mm, stream(wish.seed, "shape"))
    made = extent(site, body, wish, look.border, scan)
    inside = made.weight >= HALF
    check_made(case, wish, slices, inside)
    new = filled(site, made, wish, look, scan)
    return _with_lesion(case, wish, slices, (new, inside), name, said(look, scan))


def achieved(case: Case, wish: Wish) -> Achieved:
    """Measure what became of ``wish`` in ``case``: mm along the axes of the CT, ml, HU.

    Raises
    ------
    InputError : if the case has no lesion
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: implant one first")
    mask = case.lesion.mask.array > 0
    index = np.argwhere(mask)
    x, y, z = (index.max(axis=0) - index.min(axis=0) + 1) * np.asarray(case.ct.grid.spacing_mm)
    return Achieved(
        extent_mm=(float(x), float(y), float(z)),
        volume_ml=case.lesion.volume_ml,
        ideal_ml=ideal_ml(wish.shape, wish.size_mm, stream(wish.seed, "shape")),
        mean_hu=float(case.ct.array[mask].mean()),
    )


def _scan(case: Case, wish: Wish) -> ScanLook:
    slices, part = crop(case.ct.grid, wish.at_mm, LOOK_MM)
    return scan_look(np.asarray(case.ct.array[slices]), part)


def _with_lesion(
    case: Case,
    wish: Wish,
    slices: Slices,
    made: tuple[NDArray[np.float64], NDArray[np.bool_]],
    bone: str,
    drawn: str,
) -> Case:
    """Write the HU and the mask ``made`` of the part at ``slices`` into a new case, with the note that says so."""
    ct, grid = np.array(case.ct.array), case.ct.grid
    hu, inside = made
    hu = np.clip(hu, LOWEST_HU, HIGHEST_HU)
    before = ct[slices]
    after = np.rint(hu).astype(ct.dtype) if ct.dtype.kind in "iu" else hu.astype(ct.dtype)
    ct[slices] = np.where(np.abs(hu - before) < UNCHANGED_HU, before, after)
    mask = np.zeros(grid.shape, dtype=np.uint8)
    mask[slices] = inside
    marked = Volume(grid=grid, array=mask, quantity="label")
    new = dataclasses.replace(
        case,
        ct=Volume(grid=grid, array=ct, quantity="hu"),
        lesion=Lesion(mask=marked, matrix=wish.matrix, origin=ORIGIN, bone=bone),
    )
    notes = (*case.notes, *_of_the_former(case), _note(achieved(new, wish), wish, bone, drawn))
    return dataclasses.replace(new, notes=notes)


def _note(done: Achieved, wish: Wish, bone: str, drawn: str) -> str:
    extent_mm = " × ".join(f"{value:.1f}" for value in done.extent_mm)
    return (
        f"A {wish.matrix} lesion of {wish.size_mm:g} mm ({wish.shape}) was implanted by iceball {provenance.version()} "
        f"at {text(wish.at_mm)} mm (LPS) in {bone or 'bone that iceball saw there'}, seed {wish.seed}: {extent_mm} mm, "
        f"{done.volume_ml:.2f} ml of the ideal {done.ideal_ml:.2f} ml; {drawn}. It is no finding in this patient."
    )


def _of_the_former(case: Case) -> tuple[str, ...]:
    if case.lesion is None:
        return ()
    return (f"The lesion that was marked before ({case.lesion.origin}) is no longer marked; its HU are still there.",)


def _soft(case: Case, slices: Slices, hu: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(I, J, K) True in soft tissue that a lesion may bulge into: no gas beside it, no bone, no organ but muscle."""
    from scipy import ndimage  # only here: slow to import

    rules = library.hu_rules()
    gas = np.asarray(ndimage.binary_dilation(hu < rules["gas_below_hu"].value), dtype=np.bool_)
    soft = ~gas & (hu < rules["bone_above_hu"].value)
    if case.labels is not None:
        organs = [s.label for s in case.structures if library.structure_rule(s.name).tissue != "muscle"]
        soft &= ~np.isin(case.labels.array[slices], organs)
    return soft
