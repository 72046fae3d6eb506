"""Is a voxel at the surface of bone the mixture that blur makes of it?"""

from __future__ import annotations

import numpy as np
import pytest

from iceball import anatomy, library
from iceball.nouns import Case, Grid, Structure, TissueMap, Volume

MARROW_HU, CORTEX_HU = 10.0, 1700.0
OUTSIDE = {"muscle": 50.0, "fat": -100.0}
PLACE_MM, FINE_MM, BLUR_MM = 20.0, 0.1, 0.7


def blurred(outside_hu: float, cortex_mm: float, shift_mm: float) -> np.ndarray:
    """(60,) HU at 1 mm of a blurred plate of cortex, what lies outside before it and marrow behind."""
    from scipy.ndimage import gaussian_filter1d

    x = (np.arange(600) + 0.5) * FINE_MM - PLACE_MM - shift_mm
    hu = np.where(x < 0, outside_hu, np.where(x < cortex_mm, CORTEX_HU, MARROW_HU))
    return gaussian_filter1d(hu, BLUR_MM / FINE_MM, mode="nearest").reshape(60, 10).mean(axis=1)


def plate(hu: np.ndarray, *, label: str | None = "vertebrae_L1") -> Case:
    grid = Grid(shape=(len(hu), 9, 9), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    ct = Volume(grid=grid, array=np.tile(hu.astype(np.float32)[:, None, None], (1, 9, 9)), quantity="hu")
    if label is None:
        return Case(id="plate", ct=ct)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    labels[round(PLACE_MM) :] = 1
    bone = Structure(name=label, role="way_in", label=1)
    return Case(id="plate", ct=ct, labels=Volume(grid=grid, array=labels, quantity="label"), structures=(bone,))


def mapped(case: Case) -> TissueMap:
    return anatomy.tissue_map(anatomy.prepare(case), case.ct.grid)


def along(found: TissueMap) -> list[str]:
    return [found.tissues[i].name for i in found.index[:, 4, 4]]


def heat_error(case: Case, outside: str, cortex_mm: float, shift_mm: float) -> float:
    """Latent heat of the voxels around the plate, less that of what is there, as mm of muscle."""
    found, surface = mapped(case), PLACE_MM + shift_mm
    layers = {outside: surface - 15.0, "cortical_bone": cortex_mm, "red_marrow": 40.0 - surface - cortex_mm}
    true = sum(library.tissue(name).latent_heat_j_per_m3 * mm for name, mm in layers.items())
    heat = np.array([tissue.latent_heat_j_per_m3 for tissue in found.tissues])[found.index[15:40, 4, 4]]
    return float(heat.sum() - true) / library.tissue("muscle").latent_heat_j_per_m3


@pytest.mark.parametrize(("outside", "limit_mm", "without_mm"), [("muscle", 0.6, 0.5), ("fat", 0.55, 0.55)])
def test_the_latent_heat_across_a_cortex_is_right_to_half_a_voxel(
    outside: str, limit_mm: float, without_mm: float, monkeypatch: pytest.MonkeyPatch
):
    from iceball.anatomy import _tissue_map

    plates = [(cortex, shift) for cortex in (0.5, 1.0, 1.5, 3.0) for shift in (0.0, 0.25, 0.5, 0.75)]

    def errors() -> np.ndarray:
        return np.array([heat_error(plate(blurred(OUTSIDE[outside], *each)), outside, *each) for each in plates])

    found = errors()
    for name in ("beside_bone", "between"):
        monkeypatch.setattr(_tissue_map, name, lambda flat, here: np.full(flat.size, -1, dtype=np.int8))
    without = errors()
    assert np.abs(found).max() < limit_mm
    # muscle: the error would be 0.57 mm on average and is 0.37; fat: 0.66 and 0.17
    assert np.abs(found).mean() < 0.75 * np.abs(without).mean()
    assert np.abs(without).mean() > without_mm


def test_mineral_outlives_the_blur():
    hu = blurred(MARROW_HU, 1.0, 0.25)
    density = anatomy.fractions(hu).bmd_mg_per_ml
    # 1 mm of solid matrix, 1359 mg/ml, wherever the blur put it; marrow of 10 HU is 0.6 HU brighter than the library's
    # and makes 60 voxels of 0.5 mg/ml more
    assert density.sum() == pytest.approx(1358.8 + 60 * 0.5, rel=0.01)


@pytest.mark.parametrize(("outside", "family"), [("muscle", "cortex beside muscle"), ("fat", "cortex beside fat")])
def test_the_outermost_voxel_of_a_labelled_bone_is_cortex_beside_what_is_there(outside: str, family: str):
    names = along(mapped(plate(blurred(OUTSIDE[outside], 1.5, 0.0))))
    assert names[:18] == [outside] * 18
    assert names[19].startswith(family)  # 464 or 352 HU: the voxel before the surface, which the blur reaches
    assert all(name.startswith("bone, ") for name in names[20:])


def test_the_inner_side_of_the_cortex_is_bone_with_marrow():
    names = along(mapped(plate(blurred(50.0, 3.0, 0.0))))
    assert all(name.startswith("bone, ") for name in names[22:])


def test_a_voxel_between_fat_and_bone_is_no_muscle():
    hu = np.full(60, -100.0)
    hu[20], hu[21:24], hu[24:] = 60.0, 1200.0, 10.0
    case = plate(np.roll(hu, -1))  # the voxel of 60 HU lies just outside the label
    assert along(mapped(case))[19] == "cortex beside fat, 7% matrix"


def test_muscle_between_fat_and_bone_at_its_full_width_is_muscle():
    hu = np.full(60, -100.0)
    hu[16:20], hu[20:24], hu[24:] = 55.0, 1200.0, 10.0
    assert along(mapped(plate(hu)))[16:20] == ["muscle"] * 4


def test_bone_beside_lung_is_not_thin_bone():
    hu = np.full(60, 50.0)
    hu[10:20], hu[20], hu[21:23], hu[23:] = -850.0, 300.0, 1450.0, 50.0
    names = along(mapped(plate(hu, label=None)))
    # 300 HU: over marrow 17 %; over three quarters of lung, (0.8 x (300 + 635)) / (1359 + 508) = 0.40
    assert names[20] == "cortex beside lung, 40% matrix"


def test_muscle_beside_bone_without_a_label_may_be_marrow_and_counts_as_it():
    names = along(mapped(plate(blurred(50.0, 1.5, 0.25), label=None)))
    assert not any(name.startswith("cortex beside muscle") for name in names)


def test_a_cortex_at_its_full_hu_has_no_border():
    hu = np.where(np.arange(60) < 20, 50.0, 600.0)
    assert set(along(mapped(plate(hu)))[20:]) == {"bone, 33% matrix"}


def test_the_end_of_the_scan_is_no_border():
    hu = np.where(np.arange(60) < 20, 50.0, 300.0)
    hu[59] = 100.0  # beyond it nothing was scanned
    assert along(mapped(plate(hu)))[59] == "bone, 7% matrix"


@pytest.mark.parametrize("spacing_mm", [0.5, 0.8, 1.0])
def test_the_border_is_found_at_any_spacing_that_shows_it(spacing_mm: float):
    prepared = anatomy.prepare(plate(blurred(50.0, 1.5, 0.0)))
    count = round(40 / spacing_mm)
    grid = Grid(shape=(count, 2, 2), spacing_mm=(spacing_mm,) * 3, origin_mm=(10.0, 3.0, 3.0))
    found = anatomy.tissue_map(prepared, grid)
    names = [found.tissues[i].name for i in found.index[:, 0, 0]]
    here = [grid.position_mm([[i, 0, 0]])[0][0] for i, name in enumerate(names) if name.startswith("cortex beside")]
    assert here, names
    assert all(PLACE_MM - 1.5 <= x <= PLACE_MM for x in here)  # where blur reaches, one CT voxel


def test_the_border_s_spread_reaches_from_half_to_all_of_the_outside():
    spread = anatomy.property_spread(anatomy.prepare(plate(blurred(50.0, 1.5, 0.0))))
    t, p = spread.tissues.index("cortex beside muscle, 33% matrix"), spread.properties.index("latent_heat_j_per_m3")
    marrow, muscle, bone = (library.tissue(n).latent_heat_j_per_m3 for n in ("red_marrow", "muscle", "cortical_bone"))
    ends = [bone / 3 + 2 / 3 * (share * muscle + (1 - share) * marrow) for share in (0.5, 1.0)]
    assert spread.low[t, p] < ends[0] < spread.values[t, p] < ends[1] < spread.high[t, p]
