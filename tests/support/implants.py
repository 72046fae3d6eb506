"""Twenty lesions implanted into the real CTs by fixed seeds: what the one-click mask is judged by.

Kinds and shapes come as often as one another, and each twentieth of the range of sizes comes once; which with which,
and in which CT, is drawn. The place is then drawn evenly from the bone of that CT, until the bone holds enough of the
lesion and the lesion shows. Nothing here looks at how any segmentation does.

The twenty by the fixed seed are kept in implants.csv with the CT and the place that were drawn for them: a better
outline of bone would else draw others, and Dice before and after would not compare.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import ndimage

from iceball import implanting, io, library
from iceball.anatomy import outlines
from iceball.errors import InputError
from iceball.implanting import Wish
from iceball.implanting._fields import stream
from iceball.implanting._shapes import ideal
from iceball.nouns import Case, Structure, Volume

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
COUNT, SEED = 20, 41
TABLE = Path(__file__).with_name("implants.csv")
ABDOMEN = SHARED / "abdomen_pelvis_ct" / "example_ct.nii.gz"
SIZE_MM = (12.0, 45.0)
MATRICES, SHAPES = ("lytic", "blastic", "mixed"), ("sphere", "ellipsoid", "lobulated")
LEAST_FRACTION = 0.6  # of the ideal shape's volume that the bone must hold
DEEP_MM, METAL_MM, THIN_MM, TRIES, FULL_TRIES = 3.0, 25.0, 1.5, 400, 4
# Discs of the CTs without labels: slices at the middle of the body; how thick, wide and far before the canal they are.
DISCS = {
    "thorax, 1.5 mm": (11, 28.5, 43, 58.5, 74.5, 89, 103, 117, 129, 141.5, 153),
    "thorax slab, 1 mm": (18.5, 41.5),
}
DISC_FILES = {"abdomen and pelvis, 3 mm": SHARED / "abdomen_pelvis_ct" / "vertebrae_body_seg.nii.gz"}
DISC_NUMBER = 2  # in that file
LOOKED_AT = {"thorax slab, 1 mm": (slice(104, 384), slice(310, 480), slice(0, 60))}  # the rest is lung: time saved
DISC_MM, DISC_WIDE_MM, DISC_FROM_MM, DISC_TO_MM, BODY_AHEAD_MM, SPINE_MM = 4.0, 28.0, 7.0, 48.0, 22.0, 42.0
LEAST_AWAY_MM, AROUND_MM = 2.0, 8.0  # the bone that a lesion is seen against


@dataclasses.dataclass(frozen=True)
class Implanted:
    """One lesion: the case with it, where its truth is the case's lesion; what was asked for; and where to click."""

    name: str
    scan: str
    case: Case
    wish: Wish
    click_mm: tuple[float, float, float]

    @property
    def truth(self) -> np.ndarray:
        """(I, J, K) True in the lesion."""
        assert self.case.lesion is not None
        return self.case.lesion.mask.array > 0

    @property
    def bare(self) -> Case:
        """The case without its truth: what a segmentation may see."""
        return dataclasses.replace(self.case, lesion=None)


def implants(count: int = COUNT, seed: int = SEED) -> Iterator[Implanted]:
    """Implant ``count`` lesions, one after the other; the same arguments, the same bytes."""
    for number in range(count):
        yield one(number, count, seed)


def one(number: int, count: int = COUNT, seed: int = SEED) -> Implanted:
    """Implant the lesion ``number`` of the ``count`` drawn by ``seed``."""
    if (count, seed) == (COUNT, SEED):
        scan, kept = table()[number]
        case = _as_read(implanting.implant(_ground(scan)[0], kept, outlined=_known(scan)), scan)
        return Implanted(f"{number + 1:02d}", scan, case, kept, deepest_mm(case))
    wish, rng = wished(number, count, seed), np.random.default_rng([seed, number])
    for scan in rng.permutation(list(SCANS)):
        found = _placed(str(scan), wish, rng)
        if found is not None:
            case, wish = found
            return Implanted(f"{number + 1:02d}", str(scan), case, wish, deepest_mm(case))
    raise AssertionError(f"no CT has bone for a lesion of {wish.size_mm} mm")


@functools.cache
def table() -> tuple[tuple[str, Wish], ...]:
    """CT and wish of each of the twenty that are kept."""
    with TABLE.open(encoding="utf-8") as file:
        return tuple((row["scan"], _kept(row)) for row in csv.DictReader(file))


def _kept(row: dict[str, str]) -> Wish:
    x, y, z = (float(row[f"{axis}_mm"]) for axis in "xyz")
    size, seed = float(row["size_mm"]), int(row["seed"])
    return Wish(at_mm=(x, y, z), size_mm=size, matrix=row["matrix"], shape=row["shape"], seed=seed)


def _known(scan: str) -> Volume:
    case, bone, _ = _ground(scan)
    return Volume(grid=case.ct.grid, array=bone.astype(np.uint8), quantity="label")


def wished(number: int, count: int = COUNT, seed: int = SEED) -> Wish:
    """What is asked for, still without a place: size, kind and shape of the lesion ``number``."""
    every = np.random.default_rng(seed)
    share = (every.permutation(count)[number] + np.random.default_rng([seed, number, 1]).uniform()) / count
    size = round(SIZE_MM[0] + share * (SIZE_MM[1] - SIZE_MM[0]), 1)
    matrix = str(every.permutation(np.resize(MATRICES, count))[number])
    shape = str(every.permutation(np.resize(SHAPES, count))[number])
    return Wish(at_mm=(0, 0, 0), size_mm=size, matrix=matrix, shape=shape, seed=1000 * seed + number)


def deepest_mm(case: Case) -> tuple[float, float, float]:
    """The lesion's voxel that lies farthest from its border, LPS [mm]: where a person would click."""
    assert case.lesion is not None
    mask = case.lesion.mask.array > 0
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    depth = ndimage.distance_transform_edt(np.pad(mask[box], 1), sampling=case.ct.grid.spacing_mm)
    index = np.array(np.unravel_index(int(np.argmax(depth)), depth.shape)) - 1 + [part.start for part in box]
    x, y, z = (float(value) for value in case.ct.grid.position_mm(index))
    return x, y, z


def _placed(scan: str, wish: Wish, rng: np.random.Generator) -> tuple[Case, Wish] | None:
    """Draw places in the bone of ``scan`` until the lesion finds room; None if it does not."""
    case, bone, deep = _ground(scan)
    known = _known(scan)
    cloud = _cloud(wish)
    tried = 0
    for chosen in rng.integers(len(deep), size=TRIES):
        at = case.ct.grid.position_mm(deep[chosen])
        if _held(bone, case, at + cloud) < LEAST_FRACTION:
            continue
        tried += 1
        if tried > FULL_TRIES:
            break
        here = dataclasses.replace(wish, at_mm=tuple(round(float(v), 3) for v in at))
        try:
            made = implanting.implant(case, here, outlined=known)
        except InputError:  # it would reach out of the scan, or the bone piece is smaller than all bone around
            continue
        done = implanting.achieved(made, here)
        if done.volume_ml >= LEAST_FRACTION * done.ideal_ml and _shows(case, made, bone):
            return _as_read(made, scan), here
    return None


def _as_read(made: Case, scan: str) -> Case:
    """The case without the labels that were only made to place the lesion."""
    return dataclasses.replace(made, labels=None, structures=()) if scan in DISCS else made


def _shows(before: Case, made: Case, bone: np.ndarray) -> bool:
    """Whether a person could see the lesion: its median HU lies farther from that of the bone around than half of that
    bone does. Nobody freezes what no picture shows; soft tissue in bone that is about as faint is such a lesion.
    """
    assert made.lesion is not None
    low = np.argwhere(made.lesion.mask.array).min(axis=0), np.argwhere(made.lesion.mask.array).max(axis=0)
    around = np.ceil(AROUND_MM / np.asarray(made.ct.grid.spacing_mm)).astype(int)
    box = tuple(slice(max(0, a - n), b + n + 1) for a, b, n in zip(*low, around, strict=True))
    inside = made.lesion.mask.array[box] > 0
    away = ndimage.distance_transform_edt(~inside, sampling=made.ct.grid.spacing_mm)
    shell = bone[box] & (away > LEAST_AWAY_MM) & (away <= AROUND_MM)
    if not shell.any():
        return True  # no bone is left around it
    contrast = np.median(made.ct.array[box][inside]) - np.median(before.ct.array[box][shell])
    spread = np.median(np.abs(before.ct.array[box][shell] - np.median(before.ct.array[box][shell])))
    return abs(contrast) > spread


def _cloud(wish: Wish) -> np.ndarray:
    """(N, 3) points that fill the ideal shape about its middle [mm]: to pass over hopeless places quickly."""
    line = np.linspace(-0.5, 0.5, 17) * wish.size_mm
    points = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    return points[ideal(wish.shape, wish.size_mm, stream(wish.seed, "shape")).depth_mm(points) > 0]


def _held(bone: np.ndarray, case: Case, points_mm: np.ndarray) -> float:
    index = np.rint(case.ct.grid.index_of(points_mm)).astype(int)
    if (index <= 0).any() or (index >= np.asarray(bone.shape) - 1).any():
        return 0.0  # it would reach out of the scan
    return float(bone[tuple(index.T)].mean())


@functools.cache
def _ground(scan: str) -> tuple[Case, np.ndarray, np.ndarray]:
    """A CT, its bone (I, J, K), and the voxels (N, 3) that lie deep in bone and far from metal."""
    case = SCANS[scan]()
    within = LOOKED_AT.get(scan, tuple(slice(0, n) for n in case.ct.grid.shape))
    bone, canal = (np.zeros(case.ct.grid.shape, dtype=bool) for _ in range(2))
    bone[within] = outlines.bone(case.ct, case.field_of_view, within=within)
    if case.labels is not None:
        bone |= case.labels.array > 0
    found = outlines.canal(case, within=within)
    assert found is not None, f"no canal on {scan}"
    canal[within] = found.mask
    if scan in DISCS:
        case, front, discs = _with_discs(case, canal, DISCS[scan])
        bone &= ~front & ~discs
    if scan in DISC_FILES:  # the outline takes a disc between two endplates for bone
        marked = io.read_scan(ABDOMEN, labels=DISC_FILES[scan], case_id="discs").labels
        assert marked is not None
        bone &= marked.array != DISC_NUMBER
    bone &= ~canal
    return case, bone, _deep(case, bone)


def _deep(case: Case, bone: np.ndarray) -> np.ndarray:
    steps = [max(1, round(THIN_MM / s)) for s in case.ct.grid.spacing_mm]  # every voxel takes half a minute
    thin = tuple(slice(None, None, step) for step in steps)
    spacing = np.multiply(steps, case.ct.grid.spacing_mm)
    deep = np.asarray(ndimage.distance_transform_edt(bone[thin], sampling=spacing)) >= DEEP_MM
    metal = (case.ct.array > library.hu_rules()["metal_above_hu"].value)[thin]
    if metal.any():
        deep &= np.asarray(ndimage.distance_transform_edt(~metal, sampling=spacing)) > METAL_MM
    return np.argwhere(deep) * steps


def _with_discs(case: Case, canal: np.ndarray, discs: tuple[float, ...]) -> tuple[Case, np.ndarray, np.ndarray]:
    """Label the discs, so that no lesion grows through one, and tell what lies before the spine (vessels, spleen).

    ``discs`` are their slices at the middle of the vertebral body, read off the pictures by hand; they stand square on
    the canal.
    """
    grid, slices = case.ct.grid, np.arange(canal.shape[2])
    seen = [k for k in slices if canal[:, :, k].any()]
    middles = np.array([np.argwhere(canal[:, :, k]).mean(axis=0) for k in seen])
    x, y = (np.interp(slices, seen, middles[:, axis]) for axis in range(2))
    y = ndimage.gaussian_filter1d(y, 8.0 / grid.spacing_mm[2], mode="nearest")
    lean = np.gradient(y) * grid.spacing_mm[1] / grid.spacing_mm[2]
    i, j, k = np.ogrid[tuple(slice(0, n) for n in canal.shape)]
    ahead = (y[k] - j) * grid.spacing_mm[1]  # of the canal's middle [mm]
    spine = (np.abs(i - x[k]) * grid.spacing_mm[0] <= DISC_WIDE_MM) & (ahead >= DISC_FROM_MM) & (ahead <= DISC_TO_MM)
    marked = np.zeros(canal.shape, dtype=np.uint8)
    for level in discs:
        at = round(level)
        above = (k - level) * grid.spacing_mm[2] + lean[at] * ((j - y[at]) * grid.spacing_mm[1] + BODY_AHEAD_MM)
        marked[spine & (np.abs(above) <= DISC_MM / 2 * np.hypot(1.0, lean[at]))] = 1
    named = Structure(name="intervertebral_discs", role="way_in", label=1)
    labels = Volume(grid=grid, array=marked, quantity="label")
    return dataclasses.replace(case, labels=labels, structures=(named,)), ahead > SPINE_MM, marked > 0


SCANS: dict[str, Callable[[], Case]] = {
    "abdomen and pelvis, 3 mm": lambda: io.read_scan(
        ABDOMEN,
        labels=SHARED / "abdomen_pelvis_ct" / "vertebrae_seg.nii.gz",
        case_id="abdomen-pelvis",
    ),
    "thorax, 1.5 mm": lambda: io.read_scan(
        SHARED / "abdomen_pelvis_ct" / "chest_aorta_ct_1p5mm.nii.gz", case_id="thorax"
    ),
    "thorax slab, 1 mm": lambda: io.read_scan(SHARED / "chest_ct_dicom" / "slices", case_id="thorax-slab"),
}


def contact_sheet(path: Path | str, lesions: list[Implanted] | None = None) -> None:
    """Draw every lesion in three planes, without and with its truth: is it what a radiologist takes for a lesion?"""
    import matplotlib.pyplot as plt

    shown = list(implants()) if lesions is None else lesions
    per_row = 5
    rows = math.ceil(len(shown) / per_row)
    figure, axes = plt.subplots(2 * rows, 3 * per_row, figsize=(2 * 3 * per_row, 4.2 * rows), facecolor="black")
    for axis in axes.ravel():
        axis.axis("off")
    for number, lesion in enumerate(shown):
        row, column = 2 * (number // per_row), 3 * (number % per_row)
        _draw(axes[row : row + 2, column : column + 3], lesion)
    figure.tight_layout(pad=0.15)
    figure.savefig(path, dpi=60, facecolor="black")
    plt.close(figure)


def _draw(axes: np.ndarray, lesion: Implanted) -> None:
    grid, hu = lesion.case.ct.grid, lesion.case.ct.array
    middle = np.rint(grid.index_of(lesion.click_mm)).astype(int)
    reach = lesion.wish.size_mm / 2 + 15.0
    for column, across in enumerate((2, 1, 0)):
        u, v = (axis for axis in range(3) if axis != across)
        aspect = grid.spacing_mm[v] / grid.spacing_mm[u]
        for row in range(2):
            axis = axes[row, column]
            picture = np.take(hu, middle[across], axis=across).T
            axis.imshow(picture, cmap="gray", vmin=-150, vmax=750, aspect=aspect, interpolation="bilinear")
            if row:
                axis.contour(np.take(lesion.truth, middle[across], axis=across).T, [0.5], colors="red", linewidths=0.7)
            half_u, half_v = reach / grid.spacing_mm[u], reach / grid.spacing_mm[v]
            axis.set_xlim(middle[u] - half_u, middle[u] + half_u)
            ends = (middle[v] - half_v, middle[v] + half_v)
            axis.set_ylim(ends[::-1] if across == 2 else ends)
    wish = lesion.wish
    axes[0, 1].set_title(f"{lesion.name} {wish.matrix} {wish.shape} {wish.size_mm:g} mm", color="white", fontsize=9)
