"""Is the canal found where it is, and nowhere else?"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_spine import make_spine

from iceball import io, library
from iceball.anatomy import outlines
from iceball.nouns import Case, Structure, Volume

ROOT = Path(__file__).resolve().parents[4]


def section_mm2(mask: np.ndarray, case: Case) -> np.ndarray:
    """Area of each axial section [mm²]."""
    a, b, _ = case.ct.grid.spacing_mm
    return mask.sum(axis=(0, 1)) * a * b


def found_in(case: Case, **kwargs) -> np.ndarray:
    found = outlines.canal(case, **kwargs)
    assert found is not None
    assert found.estimated
    assert found.name == "spinal_canal"
    return found.mask


@pytest.mark.parametrize(
    "scan",
    [
        {},
        {"noise_hu": 25.0},
        {"spacing_mm": (3.0, 3.0, 3.0)},
        {"spacing_mm": (0.8, 0.8, 5.0)},
        {"bend_mm": 15.0},
        {"canal_mm": 6.0},
        {"canal_mm": 11.0},
    ],
    ids=str,
)
def test_the_canal_of_a_made_spine_is_found(scan: dict):
    made = make_spine(**scan)
    mask = found_in(made.case)
    # half a voxel of the wall is 5 % of a canal of 8 mm; thick slices lose a little more at their ends
    assert mask[made.canal].mean() > 0.94
    assert np.all(section_mm2(mask, made.case) > 0), "it goes on to the border of the scan"
    assert section_mm2(mask, made.case).max() <= 500
    assert (made.case.ct.array[mask] > 250).mean() <= 0.05


@settings(max_examples=8)
@given(
    bend_mm=st.floats(-12, 12),
    canal_mm=st.floats(6.5, 10.5),
    noise_hu=st.floats(0, 30),
    seed=st.integers(0, 5),
)
def test_the_canal_is_found_however_the_spine_bends(bend_mm, canal_mm, noise_hu, seed):
    made = make_spine(
        spacing_mm=(2.0, 2.0, 2.5), bend_mm=bend_mm, canal_mm=canal_mm, noise_hu=noise_hu, seed=seed, height_mm=72.0
    )
    mask = found_in(made.case)
    assert mask[made.canal].mean() > 0.9
    # a shell of half a voxel around a canal of 6.5 mm is a third of its area
    assert np.count_nonzero(mask & ~made.canal) < 0.4 * np.count_nonzero(made.canal)


def test_the_canal_of_a_part_is_the_part_of_the_canal(spine):
    shape = spine.case.ct.grid.shape
    part = (slice(5, shape[0] - 5), slice(20, 60), slice(10, 40))
    whole, cut = found_in(spine.case)[part], found_in(spine.case, within=part)
    assert cut.shape == whole.shape
    assert (whole == cut).mean() > 0.99


def test_a_part_without_a_spine_has_no_canal(spine):
    assert outlines.canal(spine.case, within=(slice(0, 4), slice(0, 10), slice(0, 10))) is None


def test_the_marrow_of_a_long_bone_is_no_canal(shaft):
    assert outlines.canal(shaft) is None


def test_soft_tissue_alone_has_no_canal(shaft):
    ct = dataclasses.replace(shaft.ct, array=np.full(shaft.ct.grid.shape, 40, dtype=np.int16))
    assert outlines.canal(dataclasses.replace(shaft, ct=ct)) is None


def test_metal_everywhere_is_no_canal(shaft):
    ct = dataclasses.replace(shaft.ct, array=np.full(shaft.ct.grid.shape, 3000, dtype=np.int16))
    assert outlines.canal(dataclasses.replace(shaft, ct=ct)) is None


def test_a_label_of_the_canal_is_taken_as_it_is(spine):
    labels = np.zeros(spine.case.ct.grid.shape, dtype=np.uint8)
    labels[:3, :3, :3] = 7
    case = dataclasses.replace(
        spine.case,
        labels=Volume(grid=spine.case.ct.grid, array=labels, quantity="label"),
        structures=(Structure(name="spinal_canal", role="barrier", label=7),),
    )
    found = outlines.canal(case)
    assert found is not None
    assert not found.estimated
    np.testing.assert_array_equal(found.mask, labels == 7)


def test_a_larger_canal_than_the_library_allows_is_shrunk_to_it():
    made = make_spine(canal_mm=14.0)
    mask = found_in(made.case)
    # a row of voxels along the border may lie on the line
    assert section_mm2(mask, made.case).max() <= 1.03 * library.outline_rules()["canal_section_largest_mm2"].value


def test_the_labelled_cord_lies_in_the_canal_that_was_found_without_it(shared_data: Path):
    # The demand of issue 4: 99 % of the cord inside, at most 5 % of the canal above 250 HU, no section above 500 mm².
    folder = shared_data / "abdomen_pelvis_ct"
    case = io.read_scan(folder / "example_ct_sm.nii.gz", labels=folder / "example_ct_sm_seg117.nii.gz")
    assert case.labels is not None
    cord = case.labels.array == case.structure("spinal_cord").label
    for seen in (case, dataclasses.replace(case, labels=None, structures=())):
        mask = found_in(seen)
        assert mask[cord].mean() >= 0.99
        assert (case.ct.array[mask] > 250).mean() <= 0.05
        assert section_mm2(mask, case).max() <= 500


@pytest.mark.parametrize("number", [1, 2, 3, 8])
def test_a_patch_with_spine_has_a_canal_of_human_size(shared_data: Path, number: int):
    case = io.read_scan(shared_data / "bone_lesions_ct" / f"{number}.nii.gz")
    mask = found_in(case)
    areas = section_mm2(mask, case)
    assert (areas > 0).mean() > 0.95
    # the border of patch 3 cuts the canal down to a sixth
    assert (100 if number != 3 else 25) < np.median(areas) < 350
    # the cord and the sac are water: the middle of what was found is neither fat nor bone
    assert 0 < np.median(case.ct.array[mask]) < 60


def test_a_patch_of_the_pelvis_has_no_canal(shared_data: Path):
    assert outlines.canal(io.read_scan(shared_data / "bone_lesions_ct" / "4.nii.gz")) is None


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("abdomen_pelvis_ct/example_ct.nii.gz", (slice(75, 122), slice(None), slice(0, 30))),  # hip with a nail
        ("abdomen_pelvis_ct/example_ct.nii.gz", (slice(0, 45), slice(None), slice(65, 112))),  # flank and ribs
        ("bone_lesions_ct/1.nii.gz", (slice(None), slice(80, 96), slice(None))),  # behind the spine
    ],
)
def test_beside_the_spine_there_is_no_canal(shared_data: Path, file: str, part):
    case = io.read_scan(shared_data / file)
    array = np.ascontiguousarray(case.ct.array[part])
    grid = dataclasses.replace(case.ct.grid, shape=array.shape)
    assert outlines.canal(Case(id="part", ct=Volume(grid=grid, array=array, quantity="hu"))) is None


def test_the_page_of_the_judged_canals_says_that_the_demand_is_met_on_every_ct():
    text = (ROOT / "docs" / "reference" / "canal.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")][1:]
    found = {row[0]: row for row in rows if row[2] != "none found"}
    assert [row[0] for row in rows if row[2] == "none found"] == ["bone lesion patch 4"]
    assert len(found) == 11
    judged = {name: float(row[3].removesuffix("%")) for name, row in found.items() if row[3]}
    assert len(judged) == 4, "two CTs have a labelled cord, each seen with and without its labels"
    assert min(judged.values()) >= 99
    assert max(float(row[4].removesuffix("%")) for row in found.values()) <= 5
    assert max(float(row[5].split(",")[-1]) for row in found.values()) <= 500
