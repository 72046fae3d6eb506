"""What stands in the way around one lesion, found once: thousands of lines are then looked up in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.errors import InputError, UnknownName
from iceball.nouns import Grid
from iceball.nouns._noun import Point, array_noun, noun, seal_field
from iceball.planning.ways._bones import Bones, bones_of, joint, own_bone, partners_of, smooth, without_specks
from iceball.planning.ways._keeping import keeping
from iceball.planning.ways._rules import ON_TABLE, OUT_OF, USUAL, Position, Rules, Sector
from iceball.planning.ways._skin import body_near, usual_position
from iceball.planning.ways._thinned import Thinned, thinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case, Structure

BODY, SCAN, OWN, HARD, LESION = 1, 2, 4, 8, 16  # bits of Obstacles.what
BLUR_MM = 1.5  # numerical: how much the bone is blurred for its normal
BESIDE_MM = 15.0  # numerical: seen beyond the reach, so that what lies there still counts
MOST_OBSTACLES = 250  # their numbers are kept in a byte
UNLABELLED_BONE, UNLABELLED_GAS, UNLABELLED_METAL, JOINT = (
    "unlabelled_bone",
    "unlabelled_gas",
    "unlabelled_metal",
    "joint",
)


@noun
class Obstacle:
    """One thing that ways keep off: ``kind`` is a key of the library, ``asked_mm`` counts from the way's own axis."""

    name: str
    kind: str
    barrier: bool
    asked_mm: float


@array_noun
class Obstacles:
    """What ways to one lesion keep off, on a thinned grid; and what the rules came to for this case.

    ``keeping_mm2`` (i, j, k) is not negative at the centres that keep every distance, ``nearest`` (i, j, k) the number
    of the obstacle it is of, in ``all`` counted from 1 (0: none is near); ``ranks`` (i, j, k) that of the obstacle that
    is there. ``what`` (i, j, k) has bits: body, scanned, own bone, hard,
    lesion. ``bone`` (i, j, k) is the own bone, blurred. ``lesion_mm`` (n, 3) are voxels of the lesion, LPS.
    """

    grid: Grid
    keeping_mm2: NDArray[np.float32]
    ranks: NDArray[np.uint8]
    nearest: NDArray[np.uint8]
    what: NDArray[np.uint8]
    bone: NDArray[np.float32]
    all: tuple[Obstacle, ...]
    lesion_mm: NDArray[np.float64]
    centre_mm: Point
    rules: Rules
    position: Position
    closed: tuple[Sector, ...]
    table: Point
    site: str
    own: tuple[str, ...]
    reach_mm: float
    radius_mm: float
    tilt_deg: float
    table_deg: float
    bone_angle_deg: float
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Make the arrays read-only: what is found once is looked up by many."""
        for field in ("keeping_mm2", "ranks", "nearest", "what", "bone", "lesion_mm"):
            seal_field(self, field, getattr(self, field))


def obstacles(case: Case, rules: Rules = USUAL) -> Obstacles:
    """Find what stands in the way to the lesion of ``case``.

    Structures at risk and barriers keep the distance that ``library.keep_rule()`` asks, from the outside of the
    instrument; so do bones other than the lesion's, joints of its bone, and dense bone, metal and gas that no label
    names. Voxels of the lesion are no obstacle. The scan is thinned to about 1.4 mm: a block of voxels counts as a
    whole where any of it belongs to an obstacle, so nothing is lost.

    Parameters
    ----------
    case : Case
        with a lesion
    rules : Rules
        what a person chose; ``for_probe`` adds what a probe brings

    Raises
    ------
    InputError : if the case has no lesion, or a structure that nobody may open is to be allowed
    UnknownName : if a structure to be allowed is not there

    Source: ``library.way_rules()``, ``library.keep_rules()``, ``judgement``.
    """
    if case.lesion is None:
        raise InputError(
            f"case {case.id} has no lesion to reach: mark one (`iceball lesion`) or read one with the case"
        )
    reach_mm = library.probe_reach().value if rules.reach_mm is None else rules.reach_mm
    thin, voxels_mm = _part(case, reach_mm + BESIDE_MM)
    body, deep = body_near(case, thin)
    bones = bones_of(case)
    centre = voxels_mm.mean(axis=0)
    position = rules.position or usual_position(bones.site, body, thin.grid, centre)
    known = _Listing(case, bones, rules)
    fields, notes = _fields(case, thin, bones, known, body, deep)
    sites, limits = library.way_sites(), library.way_rules()
    return Obstacles(
        **fields,
        grid=thin.grid,
        all=tuple(known.all),
        lesion_mm=voxels_mm,
        centre_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
        rules=rules,
        position=position,
        closed=rules.closed(position),
        table=OUT_OF[ON_TABLE[position]],
        site=bones.site,
        own=tuple(bone.name for bone in bones.own),
        reach_mm=reach_mm,
        radius_mm=known.radius_mm,
        tilt_deg=limits["tilt_largest_deg"].value,
        table_deg=limits["table_side_largest_deg"].value,
        bone_angle_deg=sites[bones.site if bones.site in sites else "other"].bone_angle_largest.value,
        notes=(f"site: {bones.site} ({bones.why_site})", *notes),
    )


class _Listing:
    """The obstacles by number, those that ask least first, and which label has which number."""

    def __init__(self, case: Case, bones: Bones, rules: Rules) -> None:
        wide_mm = library.cannulas()[0].outer.value if rules.instrument_mm is None else rules.instrument_mm
        self.radius_mm = wide_mm / 2
        self._refuse(case, bones, rules)
        open_to = set(rules.allowed)
        kept = library.keep_rules()
        joint_mm = library.way_rules()["joint_keep_mm"].value
        found = [(UNLABELLED_BONE, "other_bone", False, kept["other_bone"].keep.value, 0)]
        found += [(UNLABELLED_GAS, "gas", True, kept["gas"].keep.value, 0)]
        found += [(UNLABELLED_METAL, "metal", True, kept["metal"].keep.value, 0), (JOINT, "joint", False, joint_mm, 0)]
        found += [(s.name, "other_bone", False, kept["other_bone"].keep.value, s.label) for s in bones.others]
        for s in case.structures:
            if (rule := library.keep_rule(s)) is not None:
                found.append((s.name, rule.key, s.role == "barrier", rule.keep.value, s.label))
        found = sorted((each for each in found if each[0] not in open_to), key=lambda each: each[3])
        if len(found) > MOST_OBSTACLES:
            raise InputError(f"{len(found)} structures stand in the way; at most {MOST_OBSTACLES} can be told apart")
        self.all = [
            Obstacle(name=name, kind=kind, barrier=barrier, asked_mm=mm + self.radius_mm)
            for name, kind, barrier, mm, _ in found
        ]
        self.rank = {each[0]: number for number, each in enumerate(found, 1)}
        self.label_rank = {each[4]: number for number, each in enumerate(found, 1) if each[4]}
        self.asked_mm = np.array([0.0, *(each.asked_mm for each in self.all)])

    @staticmethod
    def _refuse(case: Case, bones: Bones, rules: Rules) -> None:
        others = {bone.name for bone in bones.others}
        loose = {UNLABELLED_BONE, UNLABELLED_GAS, JOINT}
        for name in rules.allowed:
            if name in loose or name in others:
                continue
            if all(s.name != name for s in case.structures):
                known = ", ".join(sorted({s.name for s in case.structures} | loose))
                raise UnknownName(f"case {case.id} has no structure {name!r} to allow; it has: {known}")
            rule = library.keep_rule(case.structure(name))
            if rule is not None and not rule.allow:
                raise InputError(f"{name} ({rule.says}) is never entered: leave it out of what is allowed")


def _part(case: Case, more_mm: float) -> tuple[Thinned, NDArray[np.float64]]:
    """The block within reach of the lesion, and the lesion's voxels (n, 3) [mm]."""
    assert case.lesion is not None
    grid = case.ct.grid
    index = np.argwhere(case.lesion.mask.array)
    place = index * np.asarray(grid.spacing_mm)
    thin = thinned(grid, place.min(axis=0) - more_mm, place.max(axis=0) + more_mm)
    return thin, grid.position_mm(index)


def _fields(
    case: Case, thin: Thinned, bones: Bones, known: _Listing, body: NDArray[np.bool_], deep: NDArray[np.bool_]
) -> tuple[dict, tuple[str, ...]]:
    assert case.lesion is not None
    ranks, labels = _ranked(case, thin, known.label_rank)
    hu = thin.picked(case.ct.array)
    lesion = thin.joined((case.lesion.mask.array > 0).view(np.uint8), np.maximum).astype(bool)
    free = (ranks == 0) & body & ~lesion & np.isin(labels, _loose(case))
    rules = library.hu_rules()
    own_label = np.isin(labels, [s.label for s in bones.own])
    other = np.isin(labels, [s.label for s in bones.others])
    dense = free & (hu > rules["bone_above_hu"].value)
    own = own_bone(own_label, other, dense, lesion, thin)
    partners = np.isin(labels, [s.label for s in partners_of(case, bones) if s.name in known.rank])
    masks = {
        UNLABELLED_BONE: without_specks(dense & ~own, thin),
        UNLABELLED_GAS: without_specks(free & deep & (hu < rules["gas_below_hu"].value), thin),
        UNLABELLED_METAL: without_specks(body & (hu > rules["metal_above_hu"].value) & ~lesion, thin),
        JOINT: joint(own, partners, thin),
    }
    for name, mask in masks.items():
        if name in known.rank:
            np.maximum(ranks, np.where(mask, np.uint8(known.rank[name]), np.uint8(0)), out=ranks)
    field, nearest = keeping(ranks, known.asked_mm, thin.grid.spacing_mm)
    hard = (own | lesion) & (hu > rules["cortex_above_hu"].value)
    scanned = body | (True if case.field_of_view is None else thin.picked(case.field_of_view.array) > 0)
    what = sum(
        np.where(mask, np.uint8(bit), np.uint8(0))
        for mask, bit in ((body, BODY), (scanned, SCAN), (own, OWN), (hard, HARD), (lesion, LESION))
    )
    notes = () if own_label.any() else ("no label says which bone is the lesion's: bone is told apart by HU alone",)
    bone = smooth(own | lesion, thin, BLUR_MM)
    return {"keeping_mm2": field, "ranks": ranks, "nearest": nearest, "what": what, "bone": bone}, notes


def _ranked(case: Case, thin: Thinned, label_rank: dict[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The numbers of the obstacles, whole blocks where any voxel is one; and the label in the middle of each block."""
    assert case.lesion is not None
    if case.labels is None:
        return np.zeros(thin.grid.shape, dtype=np.uint8), np.zeros(thin.grid.shape, dtype=np.int64)
    part = case.labels.array[thin.slices]
    table = np.zeros(max(int(part.max()), *label_rank, 0) + 1, dtype=np.uint8)
    for label, number in label_rank.items():
        table[label] = number
    ranks = table[part]
    ranks[case.lesion.mask.array[thin.slices] > 0] = 0
    whole = Thinned(
        grid=thin.grid,
        slices=(slice(None), slice(None), slice(None)),
        steps=thin.steps,
        splits=thin.splits,
    )
    return whole.joined(ranks, np.maximum).copy(), thin.picked(case.labels.array)


def _loose(case: Case) -> list[int]:
    """Labels under which HU decide: none, skin, soft tissue that is a way in, and bone that has no name."""

    def named(s: Structure) -> bool:
        return library.structure_rule(s.name).bone and bool(library.bone_rule(s.name)) and s.name != "vertebrae_body"

    soft = [s.label for s in case.structures if s.role in ("way_in", "target") and not named(s)]
    return [0, *soft, *(s.label for s in case.structures if s.limit == "skin")]
