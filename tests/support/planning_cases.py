"""The 24 cases by which the planner is judged: lesions implanted into two real CTs by fixed seeds.

Drawn before the planner first ran, by this rule, which looks at nothing but the CT and its structures:

- each twenty-fourth of the range of sizes (15 to 50 mm) comes once; kinds and shapes come as often as one another;
- each site takes its sizes from those that its bone has room for, the narrowest site first, by lot;
- ten cases, by lot within each site, are to have a cord, canal, nerve or bowel within 6 mm of the lesion's border, the
  others are not to; where a site has no such place in so many tries, the last of the demands is dropped;
- the scan and the place are drawn evenly among the voxels deep in that site's bone, until the bone holds enough of the
  lesion.

What was drawn is kept in planning_cases.csv. ``python tests/support/planning_cases.py FOLDER`` writes the cases.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from planning_grounds import ABDOMEN, HEAD, MIDDLE_I, SLAB, ground
from scipy import ndimage

from iceball import implanting, library
from iceball.errors import InputError
from iceball.implanting import Wish
from iceball.nouns import Case

COLUMNS = (
    *("number", "scan", "bone", "site", "matrix", "shape", "size_mm", "x_mm", "y_mm", "z_mm", "seed"),
    *("near", "near_mm", "drawn"),
)
COUNT, SEED = 24, 5
TABLE = Path(__file__).with_name("planning_cases.csv")
SIZE_MM = (15.0, 50.0)
MATRICES, SHAPES = ("lytic", "blastic", "mixed"), ("sphere", "ellipsoid", "lobulated")
NEAR_MM, NEAR = 6.0, ("spinal_cord", "nerve_root", "motor_nerve", "intercostal_nerve", "bowel")
METAL_MM, TRIES, FULL_TRIES, BESIDE_JOINT_MM = 25.0, 600, 25, 42.0


@dataclasses.dataclass(frozen=True)
class Room:
    """A site of the body: how many cases it gets, how many of them near, its largest lesion, how much bone must hold.

    ``held_fraction`` is of the ideal shape's volume: a rib or a wing is thinner than the lesion is long, and the
    lesion fills it as a plate. ``deep_mm`` is how deep in bone its middle lies.
    """

    site: str
    count: int
    near: int
    largest_mm: float
    held_fraction: float
    deep_mm: float = 3.0
    least_extent_fraction: float = 0.7


ROOMS = {
    "rib": Room("rib", 2, 1, 26.0, 0.15, 2.0),
    "femur": Room("long_bone", 2, 0, 30.0, 0.6),
    "vertebra": Room("spine", 7, 4, 35.0, 0.6),
    "sacrum": Room("pelvis_sacrum", 4, 2, 42.0, 0.4),
    "acetabulum": Room("acetabulum", 4, 2, 46.0, 0.4),
    "ilium": Room("pelvis_sacrum", 5, 1, 50.0, 0.2),
}


@dataclasses.dataclass(frozen=True)
class Kept:
    """One row of the table: where the lesion is and what was asked for; ``near_mm`` was measured."""

    number: int
    scan: str
    bone: str
    room: str
    wish: Wish
    near: str
    near_mm: float
    drawn: str

    @property
    def name(self) -> str:
        """Two digits, as the folder of the case is called."""
        return f"{self.number:02d}"


@functools.cache
def table() -> tuple[Kept, ...]:
    """Return the 24 rows that are kept."""
    with TABLE.open(encoding="utf-8") as file:
        return tuple(_kept(row) for row in csv.DictReader(file))


def make(number: int) -> Case:
    """Make the case ``number`` (1 to 24) from its row."""
    kept = table()[number - 1]
    return _made(kept.number, kept.scan, kept.room, kept.wish)


def _kept(row: dict[str, str]) -> Kept:
    at = float(row["x_mm"]), float(row["y_mm"]), float(row["z_mm"])
    wish = Wish(
        at_mm=at, size_mm=float(row["size_mm"]), matrix=row["matrix"], shape=row["shape"], seed=int(row["seed"])
    )
    return Kept(
        number=int(row["number"]),
        scan=row["scan"],
        bone=row["bone"],
        room=row["site"],
        wish=wish,
        near=row["near"],
        near_mm=float(row["near_mm"]),
        drawn=row["drawn"],
    )


def _made(number: int, scan: str, room: str, wish: Wish) -> Case:
    made = implanting.implant(ground(scan), wish)
    assert made.lesion is not None
    lesion = dataclasses.replace(made.lesion, site=ROOMS[room].site)
    return dataclasses.replace(made, id=f"planning-{number:02d}", lesion=lesion)


def draw(seed: int = SEED) -> Iterator[Kept]:
    """Draw the cases by the rule above; the same seed, the same cases."""
    for number, room, wish, near in wished(seed):
        yield _placed(number, room, wish, near=near)


def wished(seed: int = SEED) -> Iterator[tuple[int, str, Wish, bool]]:
    """Number, site, what is asked for, still without a place, and whether a structure shall be near."""
    rng = np.random.default_rng(seed)
    sizes = SIZE_MM[0] + (np.arange(COUNT) + rng.uniform(size=COUNT)) / COUNT * (SIZE_MM[1] - SIZE_MM[0])
    matrices, shapes = (rng.permutation(np.resize(kinds, COUNT)) for kinds in (MATRICES, SHAPES))
    free, number = list(np.round(sizes, 1)), 0
    for name, room in ROOMS.items():
        fitting = [size for size in free if size <= room.largest_mm]
        taken = rng.choice(fitting, room.count, replace=False)
        free = [size for size in free if size not in taken]
        for place, size in enumerate(taken):
            number += 1
            kind = {"matrix": str(matrices[number - 1]), "shape": str(shapes[number - 1])}
            wish = Wish(at_mm=(0, 0, 0), size_mm=float(size), seed=1000 * seed + number, **kind)
            yield number, name, wish, place < room.near


def _placed(number: int, room: str, wish: Wish, *, near: bool) -> Kept:
    """Draw places until one does; where none is as near or as clear as asked, take the first that fits otherwise."""
    rng, second = np.random.default_rng([SEED, number]), None
    scan = str(rng.choice([scan for scan, name in BONES if name == room]))
    voxels, fits = _voxels(scan, room), 0
    for chosen in rng.integers(len(voxels), size=TRIES):
        at = tuple(round(float(v), 3) for v in ground(scan).ct.grid.position_mm(voxels[chosen]))
        found = _tried(number, scan, room, dataclasses.replace(wish, at_mm=at))
        if found is None:
            continue
        if (found.near_mm <= NEAR_MM) == near:
            return found
        second, fits = second or found, fits + 1
        if fits >= FULL_TRIES:
            break
    assert second is not None, f"no place for case {number}: {room}, {wish.size_mm} mm"
    return second


def _tried(number: int, scan: str, room: str, wish: Wish) -> Kept | None:
    rule = ROOMS[room]
    try:
        made = _made(number, scan, room, wish)
    except InputError:  # it would reach out of the scan, lie in metal, or the bone is too small
        return None
    done = implanting.achieved(made, wish)
    least_mm = max(SIZE_MM[0] - max(made.ct.grid.spacing_mm), rule.least_extent_fraction * wish.size_mm)
    if done.volume_ml < rule.held_fraction * done.ideal_ml or max(done.extent_mm) < least_mm:
        return None
    beside = nearest(made)
    drawn = [name for name, away_mm in beside if made.structure(name).estimated and away_mm <= 20.0]
    limited = [(name, mm) for name, mm in beside if made.structure(name).limit in NEAR]
    name, away_mm = limited[0] if limited else ("", 99.0)
    assert made.lesion is not None
    return Kept(number, scan, made.lesion.bone, room, wish, name, round(away_mm, 1), " ".join(drawn))


def nearest(case: Case, within_mm: float = 40.0) -> list[tuple[str, float]]:
    """Structures within ``within_mm`` of the lesion that are no way in, the nearest first, with their distance [mm]."""
    assert case.lesion is not None
    assert case.labels is not None
    index = np.argwhere(case.lesion.mask.array)
    reach = np.ceil(within_mm / np.asarray(case.ct.grid.spacing_mm)).astype(int)
    low = np.maximum(index.min(axis=0) - reach, 0)
    box = tuple(slice(a, b) for a, b in zip(low, index.max(axis=0) + reach + 1, strict=True))
    away = ndimage.distance_transform_edt(case.lesion.mask.array[box] == 0, sampling=case.ct.grid.spacing_mm)
    labels = case.labels.array[box]
    found = []
    for each in case.structures:
        if each.role in ("at_risk", "barrier") and (own := labels == each.label).any():
            found.append((each.name, float(away[own].min())))
    return sorted((pair for pair in found if pair[1] <= within_mm), key=lambda pair: pair[1])


@functools.cache
def _voxels(scan: str, room: str) -> np.ndarray:
    """(N, 3) voxels deep in the bone of the site and far from metal."""
    case = ground(scan)
    assert case.labels is not None
    numbers = [s.label for s in case.structures if s.name.startswith(BONES[scan, room])]
    bone = np.isin(case.labels.array, numbers)
    deep = np.asarray(ndimage.distance_transform_edt(bone, sampling=case.ct.grid.spacing_mm)) >= ROOMS[room].deep_mm
    metal = case.ct.array > library.hu_rules()["metal_above_hu"].value
    if metal.any():
        deep &= np.asarray(ndimage.distance_transform_edt(~metal, sampling=case.ct.grid.spacing_mm)) > METAL_MM
    index = np.argwhere(deep)
    if room in ("acetabulum", "ilium"):
        mirrored = np.where(index[:, :1] > MIDDLE_I, [[2 * MIDDLE_I, 0, 0]] + index * [[-1, 1, 1]], index)
        beside = np.linalg.norm((mirrored - HEAD) * case.ct.grid.spacing_mm, axis=1) <= BESIDE_JOINT_MM
        index = index[beside] if room == "acetabulum" else index[~beside & (index[:, 2] > HEAD[2])]
    return index


BONES = {
    (ABDOMEN, "vertebra"): ("vertebrae_L", "vertebrae_T12"),
    (SLAB, "vertebra"): ("vertebrae_T9",),
    (SLAB, "rib"): ("rib_",),
    (ABDOMEN, "femur"): ("femur_right",),
    (ABDOMEN, "sacrum"): ("sacrum",),
    (ABDOMEN, "acetabulum"): ("hip",),
    (ABDOMEN, "ilium"): ("hip",),
}


def write_table() -> None:
    """Draw the cases anew and write the table."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        for each in draw():
            w = each.wish
            row = (each.number, each.scan, each.bone, each.room, w.matrix, w.shape, w.size_mm, *w.at_mm, w.seed)
            out.writerow((*row, each.near, each.near_mm, each.drawn))
            print(row, each.near, each.near_mm, flush=True)


def write_cases(folder: Path) -> None:
    """Write every case as a folder, and a list of them."""
    from iceball import io

    lines = []
    for kept in table():
        case = make(kept.number)
        io.write_case(case, folder / kept.name)
        done = implanting.achieved(case, kept.wish)
        beside = ", ".join(f"{name} {mm:.1f}" for name, mm in nearest(case, 20.0)[:5])
        lines.append(
            f"{kept.name} {kept.bone} ({kept.room}) {kept.wish.matrix} {kept.wish.size_mm:g} mm, "
            f"{done.volume_ml:.1f} ml, {kept.scan}: {beside}"
        )
        print(lines[-1], flush=True)
    (folder / "index.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    import sys

    if sys.argv[1:] == ["--draw"]:
        write_table()
    else:
        write_cases(Path(sys.argv[1]))
