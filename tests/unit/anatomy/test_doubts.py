"""Is what a scan would be read wrongly for said, and nothing said of a sound one?"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

from iceball import anatomy, io
from iceball.errors import InputError
from iceball.nouns import Case, Finding, Grid, Lesion, Structure, Volume

SIZE, SPACING_MM = 60, 2.0
CENTRE = np.array([30.0, 30.0, 30.0])


def noisy(hu: np.ndarray, noise_hu: float = 15.0) -> np.ndarray:
    return (hu + np.random.default_rng(0).normal(0.0, noise_hu, hu.shape)).astype(np.float32)


def ball(radius: float, centre=CENTRE) -> np.ndarray:
    return ((np.indices((SIZE,) * 3) - np.asarray(centre)[:, None, None, None]) ** 2).sum(axis=0) <= radius**2


def trunk() -> np.ndarray:
    """(60, 60, 60) HU of a round trunk in air: muscle under fat, a vertebra with its shell."""
    hu = np.full((SIZE,) * 3, -1000.0)
    i, j, _ = np.indices(hu.shape)
    away = np.hypot(i - 30, j - 30)
    hu[away < 27] = -100.0
    hu[away < 24] = 45.0
    hu[np.hypot(i - 30, j - 42) < 9] = 700.0
    hu[np.hypot(i - 30, j - 42) < 7] = 180.0
    return hu


def case_of(hu: np.ndarray, **parts) -> Case:
    grid = Grid(shape=hu.shape, spacing_mm=(SPACING_MM,) * 3, origin_mm=(0.0, 0.0, 0.0))
    ct = Volume(grid=grid, array=np.asarray(hu, dtype=np.float32), quantity="hu")
    return Case(id="trunk", ct=ct, **parts)


def label_volume(case: Case, mask: np.ndarray, number: int = 1) -> Volume:
    return Volume(grid=case.ct.grid, array=mask.astype(np.uint8) * np.uint8(number), quantity="label")


def with_lesion(case: Case, mask: np.ndarray) -> Case:
    return dataclasses.replace(case, lesion=Lesion(mask=label_volume(case, mask), matrix="lytic", origin="the test"))


def rules(case: Case) -> list[tuple[str, str]]:
    return [(finding.severity, finding.rule) for finding in anatomy.doubts(case)]


def the(case: Case, rule: str) -> Finding:
    (finding,) = [each for each in anatomy.doubts(case) if each.rule == rule]
    return finding


def test_nothing_is_said_of_a_sound_scan():
    assert anatomy.doubts(case_of(noisy(trunk()))) == ()


def test_nothing_is_said_of_a_sound_scan_with_a_lesion():
    assert anatomy.doubts(with_lesion(case_of(noisy(trunk())), ball(5.0, (30, 42, 30)))) == ()


@pytest.mark.parametrize("offset", [1024.0, 1000.0, -1024.0, -1000.0])
@pytest.mark.parametrize("cut", [False, True])
def test_an_offset_stops_and_prepare_refuses_it(offset: float, cut: bool):
    hu = noisy(trunk()) + offset
    case = case_of(np.maximum(hu, -1024.0) if cut else hu)
    assert rules(case) == [("stop", "HU offset")]
    with pytest.raises(InputError, match="read it again"):
        anatomy.prepare(case)


def test_an_offset_says_which_way_and_what_to_do():
    high, low = (the(case_of(noisy(trunk()) + off), "HU offset").says for off in (1024.0, -1024.0))
    assert "1024 HU above soft tissue" in high
    assert "Subtract 1024 (or 1000) and read it again" in high
    assert "1024 HU lower" in low
    assert "Add 1024 (or 1000) and read it again" in low


def test_an_offset_without_any_air_is_found_too():
    inside = trunk()[18:42, 18:42, 18:42]
    for offset in (1024.0, -1024.0):
        case = case_of(noisy(inside) + offset)
        assert rules(case) == [("stop", "HU offset")]


@pytest.mark.parametrize("scale", [lambda hu: (hu + 1000) / 3000, lambda hu: np.clip((hu + 150) / 400 * 255, 0, 255)])
def test_numbers_that_are_no_hu_stop(scale):
    assert rules(case_of(scale(noisy(trunk())))) == [("stop", "HU scale")]


def test_a_window_that_cut_fat_and_bone_off_is_named():
    case = case_of(np.clip(noisy(trunk()), -20.0, 400.0))
    assert rules(case) == [("caution", "HU cut off"), ("caution", "HU cut off")]


def test_padding_that_the_reader_left_is_named():
    hu = noisy(trunk())
    hu[:8] = 0.0
    assert ("caution", "padding") in rules(case_of(hu))
    seen = np.ones_like(hu)
    seen[:8] = 0
    case = case_of(hu)
    case = dataclasses.replace(case, field_of_view=label_volume(case, seen))
    assert anatomy.doubts(case) == ()


def test_metal_is_measured_with_its_distance_to_the_lesion():
    hu = noisy(trunk())
    hu[29:32, 20:22, 29:32] = 3000.0
    case = case_of(hu)
    metal = the(case, "metal")
    assert (metal.severity, metal.unit) == ("caution", "ml")
    assert metal.measured == pytest.approx(18 * 8e-3)
    mask = np.zeros_like(hu, dtype=bool)
    mask[30, 40:44, 30] = True
    # from voxel 21 to voxel 40 along one axis, 2 mm each
    assert "38 mm from the lesion" in the(with_lesion(case, mask), "metal").says
    mask[30, 21, 30] = True
    assert "in the lesion" in the(with_lesion(case, mask), "metal").says


def test_streaks_around_metal_are_measured_as_noise():
    hu = noisy(trunk())
    hu[29:32, 20:22, 29:32] = 3000.0
    hu[:, :, 29:32] += np.random.default_rng(1).normal(0.0, 30.0, (SIZE, SIZE, 3)).astype(np.float32)
    says = the(case_of(hu), "metal").says
    factor = float(says.split("within 30 mm is ")[1].split(" times as noisy")[0])
    assert factor == pytest.approx(np.hypot(15.0, 30.0) / 15.0, rel=0.15)  # a thousand steps and the edges of fat


def test_metal_far_from_the_lesion_is_a_note():
    hu = noisy(np.concatenate([trunk(), trunk()], axis=2))
    hu[29:32, 20:22, 2:4] = 3000.0
    mask = np.zeros_like(hu, dtype=bool)
    mask[30, 42, 100] = True
    assert the(with_lesion(case_of(hu), mask), "metal").severity == "note"


def test_metal_everywhere_stops():
    hu = noisy(trunk())
    hu[::4, ::4, :] = 3000.0
    assert rules(case_of(hu)) == [("stop", "metal")]


def test_a_vessel_full_of_contrast_without_a_label_is_named():
    hu = trunk()
    i, j, _ = np.indices(hu.shape)
    hu[np.hypot(i - 36, j - 24) < 5] = 300.0
    case = case_of(noisy(hu))
    found = the(case, "contrast without a label")
    assert found.severity == "caution"
    assert "(72, 48, 59) mm" in found.says
    assert "100% of it would be read as bone" in found.says
    vessel = Structure(name="vessel", role="barrier", label=1, tissue="flowing_blood")
    labels = label_volume(case, np.hypot(i - 36, j - 24) < 5)
    assert anatomy.doubts(dataclasses.replace(case, labels=labels, structures=(vessel,))) == ()


def test_a_vertebra_of_the_same_brightness_is_no_vessel():
    hu = trunk()
    hu[hu == 180.0] = 280.0
    assert anatomy.doubts(case_of(noisy(hu))) == ()


def test_contrast_far_from_the_lesion_does_not_matter():
    hu = np.concatenate([trunk()] * 3, axis=2)
    hu[:, :, :20][ball(6.0, (36, 22, 10))[:, :, :20]] = 300.0
    case = case_of(noisy(hu))
    assert rules(case) == [("caution", "contrast without a label")]
    mask = np.zeros(hu.shape, dtype=bool)
    mask[30, 42, 160] = True
    assert anatomy.doubts(with_lesion(case, mask)) == ()


def test_dense_matter_thicker_than_cortex_may_be_cement_and_is_named():
    hu = trunk()
    hu[ball(5.0, (30, 42, 30))] = 1900.0
    case = case_of(noisy(hu))
    found = the(case, "cement suspected")
    assert found.severity == "caution"
    assert found.measured == pytest.approx(20.0, abs=2.5)  # a ball of 20 mm, in voxels of 2 mm
    assert "bone_cement or cemented_bone" in found.says
    cement = Structure(name="bone_cement", role="way_in", label=1, tissue="pmma_cement")
    labelled = dataclasses.replace(case, labels=label_volume(case, ball(5.0, (30, 42, 30))), structures=(cement,))
    assert anatomy.doubts(labelled) == ()


def test_cortex_is_not_taken_for_cement():
    hu = trunk()
    hu[hu == 700.0] = 1900.0  # 4 mm
    assert anatomy.doubts(case_of(noisy(hu))) == ()


def test_gas_in_the_lesion_is_named():
    hu = noisy(trunk())
    hu[29:31, 41:43, 29:31] = -900.0
    found = the(with_lesion(case_of(hu), ball(5.0, (30, 42, 30))), "gas in the lesion")
    assert (found.severity, found.unit) == ("caution", "ml")
    assert found.measured == pytest.approx(8 * 8e-3)


PATCHES = [f"bone_lesions_ct/{number}.nii.gz" for number in (1, 2, 3, 4, 8)]
ABDOMEN = ["abdomen_pelvis_ct/example_ct.nii.gz", "abdomen_pelvis_ct/chest_aorta_ct_1p5mm.nii.gz"]
SCANS = [*ABDOMEN, *PATCHES, "chest_ct_dicom/slices"]


@pytest.mark.parametrize("scan", SCANS)
def test_an_offset_of_a_real_scan_is_found_and_a_real_scan_has_none(shared_data: Path, scan: str):
    case = io.read_scan(shared_data / scan)
    assert "HU offset" not in [finding.rule for finding in anatomy.doubts(case)]
    anatomy.require_hu(case.ct, case.field_of_view)
    for offset in (1024, -1024, 1000, -1000):
        shifted = case.ct.array.astype(np.float32) + offset
        for array in (shifted, np.maximum(shifted, -1024.0)):
            ct = Volume(grid=case.ct.grid, array=array, quantity="hu")
            assert rules(dataclasses.replace(case, ct=ct)) == [("stop", "HU offset")], offset


@pytest.mark.parametrize(
    ("scan", "expected"),
    [
        (ABDOMEN[0], {"metal"}),  # the nail in the femur; no contrast was given
        (ABDOMEN[1], {"metal", "contrast without a label"}),  # a stent graft in an aorta full of contrast
        (PATCHES[0], set()),
        (PATCHES[1], {"contrast without a label"}),  # the aorta at 232 HU
        (PATCHES[2], set()),
        (PATCHES[3], set()),
        (PATCHES[4], {"contrast without a label"}),  # the aorta at 171 HU
        (SCANS[-1], set()),
    ],
)
def test_of_a_real_scan_only_what_is_there_is_said(shared_data: Path, scan: str, expected: set[str]):
    found = anatomy.doubts(io.read_scan(shared_data / scan))
    assert {finding.rule for finding in found} == expected


def test_a_scan_of_the_abdomen_is_looked_at_in_less_than_a_second(shared_data: Path):
    case = io.read_scan(shared_data / ABDOMEN[0])
    anatomy.doubts(case)  # the first one loads scipy
    times = []
    for _ in range(3):
        start = time.process_time()
        anatomy.doubts(case)
        times.append(time.process_time() - start)
    assert min(times) < 1.0


def test_an_empty_field_of_view_stops():
    case = case_of(noisy(trunk()))
    blind = dataclasses.replace(case, field_of_view=label_volume(case, np.zeros((SIZE,) * 3)))
    assert rules(blind) == [("stop", "field of view")]
