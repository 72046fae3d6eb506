"""Add to a case what can be guessed of the structures at risk; nothing that is labelled is touched."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.doubting import require_hu
from iceball.anatomy.outlines._blocks import Place, box_of, whole
from iceball.anatomy.outlines._canal import CANAL, Outline, canal_from
from iceball.anatomy.outlines._hard import filled, hard_bone
from iceball.anatomy.outlines._roots import BY_GAP, root_tubes
from iceball.anatomy.outlines._roots import NAME as ROOT
from iceball.anatomy.outlines._spine import labelled_bone, scanned_hu, spine_from
from iceball.anatomy.outlines._surfaces import (
    LUNG,
    PLEURA,
    SKIN,
    body_of,
    labelled_lung,
    lung_from,
    pleura_of,
    skin_from,
)
from iceball.anatomy.outlines._turning import Turn, turn_of
from iceball.errors import InputError
from iceball.nouns import Case, Structure, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

BONE = "bone"
# In the order in which they are drawn: what comes first is not drawn over.
ESTIMATES = (CANAL, ROOT, BONE, PLEURA, LUNG, SKIN)
LARGEST_LABEL = 2**16 - 1
# Numerical: when the case's notes doubt the scan. A dense chest is a sixth bone, a patch around a spine a fifth.
THICK_MM, METAL_ML, BONE_FRACTION = 4.0, 0.5, 0.4


def outline(
    case: Case, *, only: Iterable[str] | None = None, progress: Callable[[float, str], None] | None = None
) -> Case:
    """Return ``case`` with estimates of what its labels lack: canal, nerve roots, bone, pleura, lung and skin.

    An estimate never lies over a label, and is left out where the case has a structure of its kind: a canal; a nerve
    root; any bone; any lung; skin. Each is flagged (``Structure.estimated``), and a note says what was added and what
    was looked for in vain.

    Parameters
    ----------
    case : Case
        CT, with or without labels
    only : names, optional
        which of ESTIMATES to add
    progress : callable, optional
        called with the share done (0 to 1) and what is being done

    Raises
    ------
    InputError : if ``only`` names something else, or the CT is not in HU
    """
    wanted = _wanted(only)
    if (turn := turn_of(case.ct.grid)) is not None:
        return _turned_back(outline(turn.case(case), only=wanted, progress=progress), case, turn)
    require_hu(case.ct, case.field_of_view)
    tell = progress or (lambda done_fraction, text: None)
    missing = tuple(name for name in ESTIMATES if name in wanted and not _has(case, name))
    found = sorted(_found(case, missing, tell), key=lambda placed: _rank(placed[0].name))
    tell(0.95, "labels")
    kept = {name for name in wanted if name not in missing}
    notes = _notes([placed[0] for placed in found], missing, kept)
    return _added(case, found, False, (*notes, *_doubts(case, found)))


def _turned_back(made: Case, case: Case, turn: Turn) -> Case:
    """``case`` with the structures of ``made``, which is ``case`` turned by ``turn``."""
    notes = (*case.notes, *made.notes)
    if made.labels is None:
        return dataclasses.replace(case, notes=notes)
    labels = Volume(grid=case.ct.grid, array=turn.back(made.labels.array), quantity="label")
    return dataclasses.replace(case, labels=labels, structures=made.structures, notes=notes)


def with_outlines(case: Case, found: Iterable[Outline], *, over: bool = False, notes: tuple[str, ...] = ()) -> Case:
    """Return ``case`` with each outline as a new structure, in order: later ones never lie over earlier ones.

    Parameters
    ----------
    case : Case
        with or without labels
    found : Outline, several
        masks (I, J, K) on the whole grid of the CT; empty ones, and ones wholly under other labels, are left out
    over : bool
        whether they may lie over the labels that the case has: only what a person drew
    notes : texts
        added to the case's notes

    Raises
    ------
    InputError : if the case has a structure of that name, or no number is left
    """
    everywhere = whole(case.ct.grid.shape)
    return _added(case, [(outline_, everywhere) for outline_ in found], over, notes)


def _added(case: Case, found: list[tuple[Outline, Place]], over: bool, notes: tuple[str, ...]) -> Case:
    """Do as ``with_outlines``, with masks on parts of the grid."""
    labels = np.zeros(case.ct.grid.shape, dtype=np.int32)
    if case.labels is not None:
        labels[...] = case.labels.array
    first = max([*library.label_names(), int(labels.max()), *(s.label for s in case.structures)])
    structures, taken, number = list(case.structures), {structure.name for structure in case.structures}, first
    for outline_, place in found:
        if outline_.name in taken:
            raise InputError(f"the case has a structure {outline_.name!r} already: name the new one otherwise")
        free = outline_.mask & ((labels[place] <= first) if over else (labels[place] == 0))
        if not free.any():
            continue
        number += 1
        if number > LARGEST_LABEL:
            raise InputError(f"no label number is left: {LARGEST_LABEL} is the largest")
        labels[place][free] = number
        structures.append(_structure(outline_, number))
        taken.add(outline_.name)
    if len(structures) == len(case.structures):
        return dataclasses.replace(case, notes=(*case.notes, *notes))
    volume = Volume(grid=case.ct.grid, array=labels.astype(np.min_scalar_type(number)), quantity="label")
    return dataclasses.replace(case, labels=volume, structures=tuple(structures), notes=(*case.notes, *notes))


def _structure(found: Outline, number: int) -> Structure:
    rule = library.structure_rule(found.name)
    return Structure(
        name=found.name, role=rule.role, label=number, limit=rule.limit, tissue=rule.tissue, estimated=found.estimated
    )


def _wanted(only: Iterable[str] | None) -> tuple[str, ...]:
    names = ESTIMATES if only is None else tuple(only)
    if unknown := [name for name in names if name not in ESTIMATES]:
        raise InputError(f"iceball does not estimate {', '.join(unknown)}; it estimates: {', '.join(ESTIMATES)}")
    return names


def _has(case: Case, name: str) -> bool:
    names = [structure.name for structure in case.structures]
    if name == BONE:
        return labelled_bone(case, whole(case.ct.grid.shape)) is not None
    if name == LUNG:
        return labelled_lung(case, None) is not None
    return any(each == name or each.startswith(f"{name}_") for each in names)


def _found(case: Case, missing: tuple[str, ...], tell: Callable[[float, str], None]) -> list[tuple[Outline, Place]]:
    """Outline what is ``missing``, each with its place; looked for in the box around the patient."""
    if not missing:
        return []
    tell(0.02, "body")
    inside = body_of(case, whole(case.ct.grid.shape))
    place = box_of(inside)
    found: list[tuple[Outline, Place]] = []
    if {CANAL, ROOT, BONE} & set(missing):
        found += _of_spine(case, missing, place, tell)
    tell(0.75, "skin and lung")
    shells: list[Outline | None] = []
    if SKIN in missing:
        shells.append(skin_from(inside[place], case, place, whole(inside[place].shape)))
    if {PLEURA, LUNG} & set(missing):
        shells += _of_chest(case, missing, inside[place], place)
    return found + [(shell, place) for shell in shells if shell is not None]


def _of_spine(
    case: Case, missing: tuple[str, ...], place: Place, tell: Callable[[float, str], None]
) -> list[tuple[Outline, Place]]:
    tell(0.3, "bone")
    hu, spacing = scanned_hu(case, place), case.ct.grid.spacing_mm
    hard = hard_bone(hu, spacing)
    tell(0.5, "spinal canal")
    spine = spine_from(hu, hard, case, place)
    canal = None if spine is None else canal_from(spine, case, whole(hu.shape))
    found = [(canal, place)] if canal is not None and CANAL in missing else []
    if ROOT in missing and spine is not None:
        tell(0.6, "nerve roots")
        for name, block, mask in root_tubes(spine, case, place):
            found.append((Outline(name=name, mask=mask, estimated=True, note=BY_GAP), _inside(place, block)))
    if BONE in missing:
        mask = filled(hu, hard, spacing)
        mask = mask if canal is None else mask & ~canal.mask
        found.append((Outline(name=BONE, mask=mask, estimated=True, note="estimated by iceball from the CT"), place))
    return found


def _inside(place: Place, block: Place) -> Place:
    """Place on the whole grid of the ``block`` of the part ``place``."""
    a, b, c = (slice(p.start + q.start, p.start + q.stop) for p, q in zip(place, block, strict=True))
    return a, b, c


def _of_chest(case: Case, missing: tuple[str, ...], inside: NDArray[np.bool_], place: Place) -> list[Outline | None]:
    air = labelled_lung(case, place)
    found: list[Outline | None] = []
    if air is None:
        lung = lung_from(inside, case, place, whole(inside.shape))
        if LUNG in missing:
            found.append(lung)
        air = None if lung is None else lung.mask
    if PLEURA in missing and air is not None:
        found.append(pleura_of(air, case.ct.grid))
    return found


def _rank(name: str) -> int:
    return next(i for i, kind in enumerate(ESTIMATES) if name == kind or name.startswith(f"{kind}_"))


def _notes(found: list[Outline], missing: tuple[str, ...], kept: set[str]) -> tuple[str, ...]:
    """Say what was estimated, what was looked for in vain, and what the case had already."""
    kinds = {ESTIMATES[_rank(outline_.name)] for outline_ in found}
    added = [name for name in missing if name in kinds]
    vain = [name for name in missing if name not in kinds]
    notes = []
    if added:
        notes.append(f"estimated by iceball, drawn by nobody: {', '.join(added)}")
    if vain:
        notes.append(f"looked for and not found on this scan: {', '.join(vain)}")
    if kept:
        notes.append(f"already labelled, not estimated: {', '.join(name for name in ESTIMATES if name in kept)}")
    return tuple(notes)


def _doubts(case: Case, found: list[tuple[Outline, Place]]) -> tuple[str, ...]:
    """Say what of the scan makes its estimates coarse or unsure."""
    notes = []
    if found and max(case.ct.grid.spacing_mm) >= THICK_MM:
        notes.append(f"voxels of {max(case.ct.grid.spacing_mm):.3g} mm: the estimates are coarse")
    metal_ml = np.count_nonzero(case.ct.array > library.hu_rules()["metal_above_hu"].value) * case.ct.grid.voxel_ml
    if found and metal_ml >= METAL_ML:
        notes.append(f"{metal_ml:.1f} ml of metal on the scan: estimates beside it are unsure")
    for each, place in found:
        # require_hu refuses what has hardly any soft tissue: half a scan of bone, half of muscle passes it
        if each.name == BONE and each.mask.mean() > BONE_FRACTION:
            size = float(np.prod([part.stop - part.start for part in place]) * case.ct.grid.voxel_ml / 1000.0)
            share = 100 * each.mask.mean()
            notes.append(f"{share:.0f} % of the {size:.1f} l around the patient reads as bone: check that these are HU")
    return tuple(notes)
