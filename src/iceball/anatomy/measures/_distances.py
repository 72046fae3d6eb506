"""How far the lesion is from what is at risk: surface to surface, never beyond what the scan can tell."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.measures._surfaces import nearest_mm, surface_mm, touching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from iceball.anatomy.measures._boxes import Boxes, Slices
    from iceball.anatomy.measures._part import Part
    from iceball.anatomy.measures._survey import Notebook
    from iceball.nouns import Structure

# Numerical: how far around the lesion a structure is looked for, step by step, so that near ones cost little.
REACHES_MM = (20.0, 60.0, 180.0, float("inf"))
PADDING_MM = 3.0  # how finely padding far away from the lesion is looked for

# Where the case has none of these, they are estimated on the spot (_canal.py, _skin.py).
ESTIMATED = ("distance_canal_mm", "distance_skin_mm")

Kind = tuple[str, str, "Callable[[str], bool]"]


def _blood(name: str) -> bool:
    return library.structure_rule(name).tissue == "flowing_blood"


def begins(*stems: str) -> Callable[[str], bool]:
    return lambda name: any(name == stem or name.startswith(f"{stem}_") for stem in stems)


KINDS: tuple[Kind, ...] = (
    ("distance_canal_mm", "spinal canal", begins("spinal_canal")),
    ("distance_foramen_mm", "neural foramen or nerve root", begins("neural_foramen", "foramen", "nerve_root")),
    ("distance_skin_mm", "skin", begins("skin")),
    ("distance_pleura_mm", "lung or pleura", begins("lung", "pleura")),
    ("distance_vessel_mm", "large vessel or heart", _blood),
)


@dataclasses.dataclass(frozen=True)
class Found:
    """The nearest of some structures, and the least distance at which one of them leaves the scan."""

    away_mm: float
    name: str
    unseen_mm: float
    estimated: bool


class Distances:
    """Distances from one lesion: its surface is found once."""

    def __init__(self, part: Part, boxes: Boxes) -> None:
        self.part, self.boxes = part, boxes
        self.surface = surface_mm(part.lesion, part.spacing_mm, part.start_mm)
        self.low, self.high = self.surface.min(axis=0), self.surface.max(axis=0)

    def to(self, structures: Iterable[Structure]) -> Found | None:
        """Return the nearest of ``structures``; None where none of them has a voxel."""
        near: list[tuple[float, Structure, Slices]] = []
        for structure in structures:
            if (box := self.boxes.of(structure)) is not None:
                near.append((self._to_box(box), structure, box))
        best, name, estimated = float("inf"), "", False
        for least, structure, box in sorted(near, key=lambda each: each[0]):
            if least >= best:
                break
            away = self._to_structure(structure, box)
            if away < best:
                best, name, estimated = away, structure.name, structure.estimated
        if not name:
            return None
        return Found(best, name, min(self.unseen_mm(box) for _, _, box in near), estimated)

    def to_points(self, points: NDArray[np.float64]) -> float:
        """Return the distance [mm] to (N, 3) points in the frame of the part [mm]."""
        return nearest_mm(self.surface, points)

    def to_mask(self, mask: NDArray[np.bool_], slices: Slices, name: str) -> Found:
        """Return what is known of an estimated structure: its ``mask`` fills ``slices`` of the scan."""
        start = np.array([s.start for s in slices])
        unseen = [
            self._plane_mm(axis, at)
            for axis in range(3)
            for end, at in ((0, slices[axis].start), (-1, slices[axis].stop))
            if mask.take(end, axis=axis).any()
        ]
        lesion = self.part.case.lesion
        meets = lesion is not None and touching(lesion.mask.array[slices] > 0, mask)
        points = surface_mm(mask, self.part.spacing_mm, start * self.part.spacing_mm)
        away = 0.0 if meets else nearest_mm(self.surface, points)
        return Found(away, name, max(0.0, min(unseen, default=float("inf"))), True)

    def unseen_mm(self, box: Slices) -> float:
        """How far away [mm] the nearest border is at which what fills ``box`` leaves the scan; infinite for none."""
        ends = [
            self.border_mm(axis, far)
            for axis in range(3)
            for far in (False, True)
            if self.boxes.reaches(box, axis, far)
        ]
        view = self.part.case.field_of_view
        if view is not None and not view.array[box].all():
            ends.append(self.padding_mm())
        return min(ends, default=float("inf"))

    def border_mm(self, axis: int, far: bool) -> float:
        """How far the lesion is from that border of the scan [mm]."""
        return self._plane_mm(axis, self.part.case.ct.grid.shape[axis] if far else 0)

    def _plane_mm(self, axis: int, at: int) -> float:
        """How far the lesion is from the plane before voxel ``at`` [mm]; 0 where it reaches it."""
        place = (at - 0.5) * self.part.spacing_mm[axis]
        return float(max(self.low[axis] - place, place - self.high[axis], 0.0))

    def padding_mm(self) -> float:
        """Distance [mm] to what was not scanned inside the array, at most too short; infinite where there is none."""
        return self._padding_mm

    @functools.cached_property
    def _padding_mm(self) -> float:
        view = self.part.case.field_of_view
        if view is None:
            return float("inf")
        unseen = surface_mm(view.array[self.part.slices] == 0, self.part.spacing_mm, self.part.start_mm)
        if len(unseen):
            return nearest_mm(self.surface, unseen)
        # Farther away than the part reaches: every so many voxels of the whole scan will do.
        steps = np.maximum(np.floor(PADDING_MM / self.part.spacing_mm), 1).astype(int)
        thin = tuple(slice(None, None, int(step)) for step in steps)
        apart = steps * self.part.spacing_mm
        away = nearest_mm(self.surface, surface_mm(view.array[thin] == 0, apart, np.zeros(3)))
        return max(away - float(np.linalg.norm(apart)), 0.0)

    def _to_box(self, box: Slices) -> float:
        low = np.array([s.start for s in box]) - 0.5
        high = np.array([s.stop for s in box]) - 0.5
        gap = np.maximum(low * self.part.spacing_mm - self.high, self.low - high * self.part.spacing_mm)
        return float(np.linalg.norm(np.maximum(gap, 0.0)))

    def _to_structure(self, structure: Structure, box: Slices) -> float:
        part = self.part
        if touching(part.lesion, part.labelled(structure.label)):
            return 0.0
        labels = part.case.labels
        assert labels is not None  # it has a box
        for reach in REACHES_MM:
            place = self._within(box, reach)
            if place is None:
                continue
            start = np.array([s.start for s in place]) * part.spacing_mm
            points = surface_mm(labels.array[place] == structure.label, part.spacing_mm, start)
            away = nearest_mm(self.surface, points)
            if away <= reach:
                return away
        return float("inf")

    def _within(self, box: Slices, reach_mm: float) -> Slices | None:
        if np.isinf(reach_mm):
            return box
        place = []
        for axis, whole in enumerate(box):
            low = int(np.floor((self.low[axis] - reach_mm) / self.part.spacing_mm[axis])) - 1
            high = int(np.ceil((self.high[axis] + reach_mm) / self.part.spacing_mm[axis])) + 2
            place.append(slice(max(whole.start, low), min(whole.stop, high)))
        return None if any(s.start >= s.stop for s in place) else (place[0], place[1], place[2])


def distances(there: Distances, book: Notebook) -> None:
    """Write down the distance to the nearest structure of each kind that the case has."""
    for key, says, fits in KINDS:
        structures = [s for s in there.part.case.structures if fits(s.name)]
        if structures or key not in ESTIMATED:
            write(book, key, there.to(structures), says)


def write(book: Notebook, key: str, found: Found | None, says: str) -> None:
    """Write down one distance, or why it cannot be known."""
    if found is None:
        book.leave(f"the case has no {says}", key)
    elif found.away_mm > found.unseen_mm:
        book.leave(
            f"{found.name} is {found.away_mm:.0f} mm away, but {says} leaves the scan {found.unseen_mm:.0f} mm from "
            "the lesion: a nearer part may lie beyond",
            key,
        )
    else:
        origin = "estimated" if found.estimated else "measured"
        book.put(key, found.away_mm, origin, unit="mm", note=f"to {found.name}, surface to surface")
