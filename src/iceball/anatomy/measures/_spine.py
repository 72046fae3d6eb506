"""The spine: the canal's front wall, how much of the body and of the arch the lesion takes, loss of height."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.measures._canal import canal_distance, canal_in
from iceball.anatomy.measures._part import Part
from iceball.anatomy.measures._size import CUT
from iceball.anatomy.measures._vertebra import Vertebra, frame_of, heights_mm, in_body, in_posterolateral
from iceball.anatomy.measures._wall import posterior_wall

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._boxes import Boxes
    from iceball.anatomy.measures._canal import Canal
    from iceball.anatomy.measures._distances import Distances
    from iceball.anatomy.measures._host import Host
    from iceball.anatomy.measures._state import State
    from iceball.anatomy.measures._survey import Notebook
    from iceball.nouns import Structure

WALL = "posterior_wall_breached"
KEYS = ("vertebral_body_involved_fraction", "posterolateral_involvement", "vertebral_collapse_fraction")
ORDER = (
    *(f"vertebrae_C{i}" for i in range(1, 8)),
    *(f"vertebrae_T{i}" for i in range(1, 13)),
    *(f"vertebrae_L{i}" for i in range(1, 6)),
)
# Numerical: so much more than the vertebra's own box is looked at; and so much of the bone above and below a lesion
# where no label says which vertebra it is.
AROUND_MM, SLAB_MM = 6.0, 15.0


def spine(there: Distances, host: Host, state: State, book: Notebook) -> None:
    """Write down what SINS and the posterior wall ask of a lesion, as far as labels and canal allow.

    A vertebra with a label is measured in its own frame. Where nothing says which bone it is, only the canal, if it is
    found, and the wall in front of it are looked at.
    """
    part, boxes = there.part, there.boxes
    if host.rule is not None and host.rule.name not in ("vertebrae", "vertebrae_S1"):
        canal_distance(there, None, book)
        return
    structure, box = host.structure, boxes.of(host.structure)
    if structure is None or box is None:
        _unlabelled(there, host, state, book)
        return
    neighbours = _neighbours(part, structure)
    around = [b for b in (boxes.of(n) for n in neighbours) if b is not None]
    here = _moved(part, boxes.around([box, *around], AROUND_MM))
    canal = canal_in(part.case, here.slices)
    canal_distance(there, canal, book)
    if canal is None:
        book.leave("the spinal canal is neither labelled nor to be estimated here", *KEYS, WALL)
        return
    own = _vertebra(here, structure, canal.mask)
    if own is None:
        book.leave("too little of the vertebra and its canal is in the scan", *KEYS, WALL)
        return
    found = {n.name: _vertebra(here, n, canal.mask) for n in neighbours}
    others = {name: vertebra for name, vertebra in found.items() if vertebra is not None}
    _shares(own, boxes.whole(box), state, book)
    whole = [others[n.name] for n in neighbours if n.name in others and _is_whole(boxes, n)]
    _collapse(own, whole if boxes.whole(box) else [], book)
    _wall(own, list(others.values()), canal, state, book)


def _wall(own: Vertebra, others: list[Vertebra], canal: Canal, state: State, book: Notebook) -> None:
    if state.spoiled:
        book.leave(state.spoiled, WALL)
    else:
        posterior_wall(own, others, canal, state, book)


def _unlabelled(there: Distances, host: Host, state: State, book: Notebook) -> None:
    """Look at the canal and its front wall around a lesion of a bone without a label."""
    part = there.part
    book.leave(f"{host.note}: without a label the vertebra's own frame is not known", *KEYS)
    canal = canal_in(part.case, part.slices) if state.is_hu else None
    canal_distance(there, canal, book)
    if canal is None:
        book.leave("the spinal canal is neither labelled nor to be estimated here", WALL)
        return
    index = np.argwhere(part.lesion)
    up = part.axes @ np.array([0.0, 0.0, 1.0])
    axis = int(np.abs(up).argmax())
    more = int(np.ceil(SLAB_MM / part.spacing_mm[axis]))
    slab = [slice(None)] * 3
    slab[axis] = slice(max(0, int(index[:, axis].min()) - more), int(index[:, axis].max()) + 1 + more)
    bone = np.zeros_like(host.mask)
    bone[tuple(slab)] = host.mask[tuple(slab)]
    frame = frame_of(part, bone, canal.mask)
    if frame is None:
        book.leave("too little of the bone and the canal is in the scan", WALL)
        return
    _wall(Vertebra(part=part, bone=bone, frame=frame), [], canal, state, book)


def _moved(part: Part, slices: tuple[slice, slice, slice]) -> Part:
    assert part.case.lesion is not None
    return Part(case=part.case, slices=slices, lesion=part.case.lesion.mask.array[slices] > 0)


def _neighbours(part: Part, structure: Structure) -> list[Structure]:
    if structure.name not in ORDER:
        return []
    at = ORDER.index(structure.name)
    names = {ORDER[i] for i in (at - 1, at + 1) if 0 <= i < len(ORDER)}
    return [s for s in part.case.structures if s.name in names]


def _is_whole(boxes: Boxes, structure: Structure) -> bool:
    box = boxes.of(structure)
    return box is not None and boxes.whole(box)


def _vertebra(part: Part, structure: Structure, canal: NDArray[np.bool_]) -> Vertebra | None:
    bone = part.labelled(structure.label)
    frame = frame_of(part, bone, canal)
    return None if frame is None else Vertebra(part=part, bone=bone, frame=frame)


def _shares(own: Vertebra, whole: bool, state: State, book: Notebook) -> None:
    """Share of the body that the lesion takes, and which sides of the arch it involves."""
    keys = ("vertebral_body_involved_fraction", "posterolateral_involvement")
    if state.cut or not whole:
        book.leave(CUT if state.cut else "the scan cuts the vertebra", *keys)
        return
    rules = library.measure_rules()
    bone, there = _with_lesion(own), _level(own, own.places(own.part.lesion))
    body, taken = (np.count_nonzero(in_body(own.frame, places)) for places in (bone, there))
    if body == 0:
        book.leave("no body in front of the canal", *keys)
        return
    book.put(keys[0], taken / body, "estimated", unit="1", note="of the label in front of the canal")
    reach = rules["posterolateral_reach_mm"].value
    shares = []
    for side in (1, -1):
        voxels, filled = (
            np.count_nonzero(in_posterolateral(own.frame, places, reach) & (side * places[:, 1] > 0))
            for places in (bone, there)
        )
        shares.append(filled / max(voxels, 1))
    least = rules["posterolateral_fraction"].value
    word = ("none", "unilateral", "bilateral")[sum(share >= least for share in shares)]
    note = f"{shares[0]:.0%} of the bone beside the canal on the left, {shares[1]:.0%} on the right; from {least:.0%}"
    book.put(keys[1], word, "estimated", note=note)


def _with_lesion(own: Vertebra) -> NDArray[np.float64]:
    """(N, 3) places of the vertebra's voxels, those of the lesion that its label leaves out with them."""
    more = _level(own, own.places(own.part.lesion & ~own.bone))
    return np.concatenate([own.places(own.bone), more])


def _level(own: Vertebra, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 3) those of the (N, 3) places at the vertebra's own height: a lesion may go on into the next one."""
    return places[(places[:, 2] >= own.frame.low_mm) & (places[:, 2] <= own.frame.high_mm)]


def _collapse(own: Vertebra, others: list[Vertebra], book: Notebook) -> None:
    """Loss of height against the neighbours: the worst of the back, middle and front thirds of the body."""
    key = "vertebral_collapse_fraction"
    if not others:
        book.leave("height needs the whole vertebra and a whole, labelled neighbour in the scan", key)
        return
    voxel_mm3 = float(np.prod(own.part.spacing_mm))
    mine = heights_mm(own.frame, _with_lesion(own), voxel_mm3)
    usual = np.mean([heights_mm(v.frame, v.places(v.bone), voxel_mm3) for v in others], axis=0)
    left = mine / usual
    if not np.isfinite(left).all():
        book.leave("too little of a body to measure its height", key)
        return
    least = library.measure_rules()["collapse_from_fraction"].value
    lost = float(np.clip(1.0 - left.min(), 0.0, 1.0))
    says = ", ".join(f"{place} {share:.0%}" for place, share in zip(("back", "middle", "front"), left, strict=True))
    note = f"height left against {len(others)} neighbour(s): {says}"
    if lost < least:
        note += f"; a loss of less than {least:.0%} counts as none: so far bodies and their labels differ"
    book.put(key, lost if lost >= least else 0.0, "estimated", unit="1", note=note)
