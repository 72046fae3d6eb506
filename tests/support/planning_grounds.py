"""The two CTs of the 24 planning cases with every structure that a planner has to mind; drawn ones say so.

Labels come first (vertebrae; all organs of the uppermost slices). What has none is drawn here: bones by cutting the
outline of all bone along planes that were read off the pictures, the bladder and the bowel's gas by HU, nerves as tubes
through points where anatomy has them. Canal, roots, pleura and skin are iceball's own estimates. All of these are
``estimated``: nobody drew them on this patient, and no nerve was seen.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from iceball import io, library
from iceball.anatomy import outlines
from iceball.anatomy.outlines import Outline
from iceball.nouns import Case, Curve, Grid, Structure, Volume

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ABDOMEN, SLAB = "abdomen and pelvis, 3 mm", "thorax slab, 1 mm"
FOLDER = SHARED / "abdomen_pelvis_ct"
TOP = slice(82, 112)  # the slices that have labels of every organ: example_ct_sm is this part of example_ct
MIDDLE_I = 62.0  # the patient's middle, in voxels along the first axis: what is drawn on the right is mirrored there
HEAD = np.array([32.5, 55.0, 11.5])  # middle of the right femoral head [voxels]
HEAD_MM, NERVE_MM, ROOT_MM = 24.0, 4.0, 3.0
WATER_HU = (-15.0, 35.0)  # urine, and what fills the bowel; muscle is denser
BLADDER = (slice(38, 86), slice(24, 72), slice(5, 30))  # voxels around the bladder
LOOPS = (  # voxels before the psoas and below the labelled slices: between the hip bones, and above them
    (slice(26, 99), slice(14, 58), slice(30, 56)),
    (slice(14, 108), slice(14, 58), slice(56, 82)),
)
STREAKS_MM = 60.0
GAS_HU, WALL_MM, LEAST_GAS_ML = -300.0, 4.5, 0.08
NOTE = "drawn by the tests' code where anatomy has it: nobody drew it on this patient"
# Ways of nerves on the right of the abdomen CT [voxels]; the left is their mirror image.
NERVES: dict[str, tuple[tuple[float, float, float], ...]] = {
    "sciatic_nerve": (
        *((50, 73, 36), (47, 75, 31), (43, 74, 28), (40, 74.5, 25), (39, 75, 22), (38, 77, 19), (36, 78, 16)),
        *((35, 78, 13), (34, 77.5, 10), (33, 75, 7), (32, 73, 4), (31, 72, 0)),
    ),
    "lumbosacral_plexus": ((45, 62, 48), (46, 63, 45), (47, 63.5, 42), (49, 68, 39), (50, 73, 36)),
    "femoral_nerve": (
        *((40, 58, 50), (38, 56, 44), (35, 54, 38), (33, 50, 31), (31, 44, 25), (29.5, 41, 19), (29, 40.5, 13)),
        *((29, 40.5, 7), (29, 41, 0)),
    ),
    "obturator_nerve": ((44, 61, 36), (43.5, 62, 28), (44.5, 62, 22), (45.5, 58, 16), (46.5, 52, 10), (46.5, 47, 6)),
}
# Sacral roots: from the canal through the foramen to its front.
ROOTS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "nerve_root_S1": ((58, 75, 42), (54, 73, 40), (51.5, 71, 38), (50, 70.5, 37)),
    "nerve_root_S2": ((59, 79, 37), (55, 78, 35.5), (52.5, 76.5, 34), (51, 75, 33)),
    "nerve_root_S3": ((60, 84, 32), (56, 83, 31), (54, 81.5, 30)),
}
# Discs of the slab: slices at the middle of the vertebral body, as in implants.py; the canal's middle and its reach.
SLAB_DISCS, SLAB_CANAL, SPINE_MM = (18.5, 41.5), (246, 385), 38.0
AORTA, AORTA_MM = (244.0, 325.0), 12.0
CHEST_MIDDLE, RAYS, RIB_SLICES, FROM_RIB_MM = (246.0, 290.0), 120, 15, 3.0
FRONT_J = 200
INTERCOSTAL_MM, LEAST_RIB_ML, RIB_BINS = 1.5, 0.5, 360


@functools.cache
def ground(scan: str) -> Case:
    """The CT called ``scan`` with its labels and everything drawn; no lesion."""
    return {ABDOMEN: _abdomen, SLAB: _slab}[scan]()


def _abdomen() -> Case:
    case = io.read_scan(FOLDER / "example_ct.nii.gz", labels=FOLDER / "vertebrae_seg.nii.gz", case_id="abdomen-pelvis")
    case = _with_top(case)
    case = outlines.with_outlines(case, _nerves(case))
    case = outlines.with_outlines(case, _sacral_roots(case), over=True)
    canal = outlines.canal(case)
    assert canal is not None
    bone = outlines.bone(case.ct, case.field_of_view) & ~canal.mask
    case = outlines.with_outlines(case, outlines.nerve_roots(case))
    *bones, sacrum = _bones(case, bone)
    case = _with_sacrum(case, sacrum)
    case = outlines.with_outlines(case, [*bones, *_filled_organs(case)], notes=(NOTE,))
    return outlines.outline(case, only=("spinal_canal", "pleura", "skin"))


def _with_top(case: Case) -> Case:
    """Write the labels of every organ over the slices that have them; S1 becomes part of the sacrum."""
    top = io.read_scan(
        FOLDER / "example_ct_sm.nii.gz", labels=FOLDER / "example_ct_sm_seg117.nii.gz", case_id="abdomen-top"
    )
    assert case.labels is not None
    assert top.labels is not None
    assert np.array_equal(case.ct.array[:, :, TOP], top.ct.array)
    names = {name: number for number, name in library.label_names().items()}
    labels = np.array(case.labels.array)
    labels[labels == names["vertebrae_S1"]] = names["sacrum"]
    organs = np.asarray(top.labels.array)
    labels[:, :, TOP] = np.where(organs > 0, organs, labels[:, :, TOP])
    structures = tuple(_known(number) for number in np.unique(labels) if number)
    return Case(
        id=case.id,
        ct=case.ct,
        labels=Volume(grid=case.ct.grid, array=labels, quantity="label"),
        structures=structures,
        field_of_view=case.field_of_view,
    )


def _known(number: int) -> Structure:
    rule = library.structure_rule(library.label_names()[int(number)])
    return Structure(name=rule.name, role=rule.role, label=int(number), limit=rule.limit, tissue=rule.tissue)


def _nerves(case: Case) -> list[Outline]:
    return [
        _tube(case, f"{name}_{side}", way, side, NERVE_MM) for name, way in NERVES.items() for side in ("right", "left")
    ]


def _sacral_roots(case: Case) -> list[Outline]:
    soft = case.ct.array < library.hu_rules()["bone_above_hu"].value
    tubes = [_tube(case, f"{n}_{side}", way, side, ROOT_MM) for n, way in ROOTS.items() for side in ("right", "left")]
    return [Outline(name=t.name, mask=t.mask & soft, estimated=True, note=NOTE) for t in tubes]


def _tube(case: Case, name: str, way: tuple[tuple[float, float, float], ...], side: str, radius_mm: float) -> Outline:
    index = np.array(way, dtype=float)
    if side == "left":
        index[:, 0] = 2 * MIDDLE_I - index[:, 0]
    points = tuple((float(x), float(y), float(z)) for x, y, z in case.ct.grid.position_mm(index))
    return Outline(
        name=name,
        mask=outlines.curve_tube(case.ct.grid, Curve(name=name, points_mm=points), radius_mm),
        estimated=True,
        note=NOTE,
    )


def _bones(case: Case, bone: np.ndarray) -> list[Outline]:
    """Cut the outline of all bone into femurs, hip bones and sacrum; the rest of it stays "bone"."""
    i, j, k = np.indices(bone.shape, sparse=True)
    beyond, found = np.zeros(bone.shape, bool), []
    for side in ("right", "left"):
        a = i if side == "right" else 2 * MIDDLE_I - i  # voxels from the right, mirrored for the left
        head = ((a - HEAD[0]) ** 2 + (j - HEAD[1]) ** 2 + (k - HEAD[2]) ** 2) * 9.0 <= HEAD_MM**2
        femur = head | ((k <= 12) & (a <= 24)) | ((k <= 8) & (a <= 34) & (j <= 64))
        lateral_of_the_joint = a <= np.where(j < 65, 39.0, 39.0 + 0.5 * (j - 65))
        hip = (k <= 62) & np.where(k <= 26, a < MIDDLE_I, lateral_of_the_joint) & ~femur & ~((k > 12) & (j > 80))
        hip |= (k > 26) & (k <= 62) & lateral_of_the_joint & ~femur
        found += [(f"femur_{side}", bone & femur), (f"hip_{side}", bone & hip & ~femur)]
        beyond |= femur | hip
    sacrum = bone & (k > 12) & (k <= 47) & (j >= 62) & ~beyond
    rest = bone & ~beyond & ~sacrum
    found += [("bone", rest), ("sacrum", sacrum)]
    return [Outline(name=name, mask=mask, estimated=True, note=NOTE) for name, mask in found]


def _with_sacrum(case: Case, sacrum: Outline) -> Case:
    """The label of S1 with the rest of the sacrum, which is estimated."""
    assert case.labels is not None
    number = case.structure("sacrum").label
    labels = np.where(sacrum.mask & (case.labels.array == 0), number, case.labels.array).astype(case.labels.array.dtype)
    marked = tuple(replace(each, estimated=True) if each.label == number else each for each in case.structures)
    return replace(case, labels=Volume(grid=case.ct.grid, array=labels, quantity="label"), structures=marked)


def _filled_organs(case: Case) -> list[Outline]:
    """The bladder, and the bowel as far as it shows: gas with a wall around it, and loops filled with fluid."""
    smooth = ndimage.gaussian_filter(case.ct.array.astype(np.float32), 1.0)
    watery = (smooth > WATER_HU[0]) & (smooth < WATER_HU[1])
    watery, inner = (ndimage.binary_opening(watery, iterations=n) for n in (2, 3))
    bladder, loops = np.zeros_like(watery), np.zeros_like(watery)
    bladder[BLADDER] = _largest(inner[BLADDER])
    for part in LOOPS:
        loops[part] = watery[part]
    near = ndimage.distance_transform_edt(~_gas(case), sampling=case.ct.grid.spacing_mm) <= WALL_MM
    return [
        Outline(name="urinary_bladder", mask=ndimage.binary_dilation(bladder), estimated=True, note=NOTE),
        Outline(name="bowel", mask=near | loops, estimated=True, note=NOTE),
    ]


def _largest(mask: np.ndarray) -> np.ndarray:
    pieces, count = ndimage.label(mask)
    return pieces == 1 + np.bincount(pieces.ravel(), minlength=count + 1)[1:].argmax()


def _gas(case: Case) -> np.ndarray:
    """Gas within the body, below the slices with labels."""
    body = ndimage.binary_fill_holes(case.ct.array > GAS_HU, structure=np.ones((3, 3, 1)))
    body = ndimage.binary_erosion(body, iterations=3)
    pieces, count = ndimage.label(body & (case.ct.array < GAS_HU))
    large = np.flatnonzero(np.bincount(pieces.ravel(), minlength=count + 1) * case.ct.grid.voxel_ml >= LEAST_GAS_ML)
    gas = np.isin(pieces, large[large > 0])
    gas[:, :, TOP] = False
    metal = case.ct.array > library.hu_rules()["metal_above_hu"].value
    beside = ndimage.distance_transform_edt(~metal, sampling=case.ct.grid.spacing_mm) < STREAKS_MM
    return gas & ~beside  # dark streaks


def _slab() -> Case:
    case = io.read_scan(SHARED / "chest_ct_dicom" / "slices", case_id="thorax-slab")
    canal = outlines.canal(case)
    assert canal is not None
    bone = outlines.bone(case.ct, case.field_of_view) & ~canal.mask
    bones = _vertebrae_and_ribs(case, bone)
    nerves = [nerve for each in bones if each.name.startswith("rib_") for nerve in _intercostal(case, each)]
    case = outlines.with_outlines(case, [*bones, *nerves, _aorta(case)], notes=(NOTE,))
    case = outlines.outline(case, only=("spinal_canal", "nerve_root", "pleura", "lung", "skin"))
    return outlines.with_outlines(case, [_inside_of_ribs(case, bone)])


def _aorta(case: Case) -> Outline:
    ends = np.array([[*AORTA, -1.0], [*AORTA, 30.0], [*AORTA, case.ct.grid.shape[2]]])
    points = tuple((float(x), float(y), float(z)) for x, y, z in case.ct.grid.position_mm(ends))
    mask = outlines.curve_tube(case.ct.grid, Curve(name="aorta", points_mm=points), AORTA_MM)
    return Outline(name="vessel_aorta", mask=mask, estimated=True, note=NOTE)


def _inside_of_ribs(case: Case, bone: np.ndarray) -> Outline:
    """What the ribs enclose, but for lung: liver, heart and the rest; a needle has no business there.

    Seen from the chest's middle, it ends before the nearest bone of the slices around, in each of so many directions.
    """
    grid = case.ct.grid
    index = np.argwhere(bone[::2, ::2]) * (2, 2, 1)
    ray, away = _from_middle(grid, index[:, 0], index[:, 1])
    nearest = np.full((grid.shape[2], RAYS), np.inf)
    np.minimum.at(nearest, (index[:, 2], ray), away)
    nearest = ndimage.minimum_filter(nearest, size=(2 * RIB_SLICES + 1, 3), mode=("nearest", "wrap"))
    for row in nearest:
        seen = np.flatnonzero(np.isfinite(row))
        row[:] = np.interp(np.arange(RAYS), seen, row[seen], period=RAYS)
    i, j = np.indices(grid.shape[:2])
    ray, away = _from_middle(grid, i, j)
    mask = away[:, :, None] < nearest.T[ray] - FROM_RIB_MM
    return Outline(name="chest_organs", mask=mask, estimated=True, note=NOTE)


def _from_middle(grid: Grid, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction from the chest's middle, counted in RAYS, and distance from it [mm]."""
    x, y = (i - CHEST_MIDDLE[0]) * grid.spacing_mm[0], (j - CHEST_MIDDLE[1]) * grid.spacing_mm[1]
    return np.floor((np.arctan2(y, x) / (2 * np.pi) % 1.0) * RAYS).astype(int) % RAYS, np.hypot(x, y)


def _vertebrae_and_ribs(case: Case, bone: np.ndarray) -> list[Outline]:
    """Vertebrae cut at the discs; ribs as pieces beyond the spine; what is in front is called sternum.

    Which thoracic vertebra, which rib: guessed, in order from the head, so that the rules of their kinds apply.
    """
    grid = case.ct.grid
    i, j, k = np.indices(bone.shape, sparse=True)
    away = np.hypot((i - SLAB_CANAL[0]) * grid.spacing_mm[0], (j - SLAB_CANAL[1]) * grid.spacing_mm[1])
    spine = away + 0.0 * k <= SPINE_MM
    levels = (k > SLAB_DISCS[1]), ((k <= SLAB_DISCS[1]) & (k > SLAB_DISCS[0])), (k <= SLAB_DISCS[0])
    found = [(f"vertebrae_T{number}", bone & spine & level) for number, level in enumerate(levels, start=8)]
    pieces, count = ndimage.label(bone & ~spine)
    large = 1 + np.flatnonzero(np.bincount(pieces.ravel(), minlength=count + 1)[1:] * grid.voxel_ml >= LEAST_RIB_ML)
    middles = np.array(ndimage.center_of_mass(pieces > 0, pieces, large))
    front = middles[:, 1] < FRONT_J
    found.append(("sternum", np.isin(pieces, large[front])))
    for side, here in (("right", middles[:, 0] < SLAB_CANAL[0]), ("left", middles[:, 0] >= SLAB_CANAL[0])):
        chosen = np.flatnonzero(here & ~front)
        order = chosen[np.argsort(-middles[chosen, 2], kind="stable")]
        for number, piece in enumerate(order, start=13 - len(order)):
            found.append((f"rib_{side}_{number}", pieces == large[piece]))
    return [Outline(name=name, mask=mask, estimated=True, note=NOTE) for name, mask in found]


def _intercostal(case: Case, rib: Outline) -> list[Outline]:
    """A tube under the lower edge of ``rib``: its lowest voxel in each degree around the chest's middle."""
    index = np.argwhere(rib.mask)
    middle = np.array([SLAB_CANAL[0], SLAB_CANAL[1] - 120.0])  # about the middle of the chest
    turn = np.degrees(np.arctan2(index[:, 1] - middle[1], index[:, 0] - middle[0]))
    bins = np.floor(turn / 360.0 * RIB_BINS).astype(int)
    points = []
    for each in np.unique(bins):
        own = index[bins == each]
        low = own[own[:, 2] <= own[:, 2].min() + 1]
        points.append([*low[:, :2].mean(axis=0), own[:, 2].min() - INTERCOSTAL_MM / case.ct.grid.spacing_mm[2]])
    inside = [point for point in points if point[2] >= 0]
    if len(inside) < 4:
        return []
    line = ndimage.uniform_filter1d(np.array(inside), 5, axis=0, mode="nearest")
    mm = tuple((float(x), float(y), float(z)) for x, y, z in case.ct.grid.position_mm(line))
    name = rib.name.replace("rib", "intercostal_nerve")
    mask = outlines.curve_tube(case.ct.grid, Curve(name=name, points_mm=mm), INTERCOSTAL_MM)
    return [Outline(name=name, mask=mask & ~rib.mask, estimated=True, note=NOTE)]
