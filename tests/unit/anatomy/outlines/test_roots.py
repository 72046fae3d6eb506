"""Are the nerve roots where the gaps in the bone are, in pairs, and called by the right names?"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_spine import BODY_MM, LEVEL_MM, make_spine

from iceball import io
from iceball.anatomy import outlines
from iceball.nouns import Case, Structure, Volume


def heights_mm(found: tuple[outlines.Outline, ...], case: Case, side: str) -> list[float]:
    """Middle height of each root of a side, from the head down."""
    return [
        float(np.nonzero(root.mask)[2].mean()) * case.ct.grid.spacing_mm[2] for root in found if f"_{side}" in root.name
    ]


@pytest.mark.parametrize("scan", [{}, {"noise_hu": 20.0}, {"spacing_mm": (3.0, 3.0, 3.0)}, {"bend_mm": 10.0}], ids=str)
def test_there_is_a_pair_in_every_gap_of_a_made_spine(scan: dict):
    made = make_spine(**scan)
    found = outlines.nerve_roots(made.case)
    for side in ("left", "right"):
        heights = heights_mm(found, made.case, side)
        assert len(heights) == 4
        assert heights == sorted(heights, reverse=True), "counted from the head down"
        # a gap reaches from one pedicle (to BODY_MM) to the next (from 10 mm of the next level)
        levels = [h % LEVEL_MM for h in heights[:-1]]
        assert all(level >= BODY_MM - 2 or level <= 12 for level in levels), levels


def test_left_is_left_and_no_root_lies_in_bone_or_beyond_its_length(spine):
    grid = spine.case.ct.grid
    for root in outlines.nerve_roots(spine.case):
        x = grid.position_mm(np.argwhere(root.mask))[:, 0]
        assert (x.mean() > 0) == ("left" in root.name)  # x of LPS grows to the left; the canal is at 0
        assert np.abs(x).max() < 8 + 20 + 3 + 2  # canal, length, radius, voxel
        assert spine.case.ct.array[root.mask].max() < 200
        assert root.estimated
        assert "nobody drew it" in root.note


def test_labelled_vertebrae_name_the_roots_that_leave_below_them(spine):
    grid = spine.case.ct.grid
    height = np.arange(grid.shape[2]) * grid.spacing_mm[2]
    labels = np.zeros(grid.shape, dtype=np.uint8)
    names = {1: "vertebrae_L3", 2: "vertebrae_L2", 3: "vertebrae_L1", 4: "vertebrae_T12"}  # from below
    bone = (spine.case.ct.array == 700) | (spine.case.ct.array == 160)
    for number in names:
        level = (height >= (number - 1) * LEVEL_MM) & (height < number * LEVEL_MM)
        labels[bone & level[None, None, :]] = number
    case = dataclasses.replace(
        spine.case,
        labels=Volume(grid=grid, array=labels, quantity="label"),
        structures=tuple(Structure(name=name, role="way_in", label=number) for number, name in names.items()),
    )
    found = {root.name: root for root in outlines.nerve_roots(case)}
    assert {f"nerve_root_{level}_{side}" for level in ("L1", "L2", "L3") for side in ("left", "right")} <= set(found)
    l2 = float(np.nonzero(found["nerve_root_L2_left"].mask)[2].mean()) * grid.spacing_mm[2]
    assert LEVEL_MM - 8 < l2 < LEVEL_MM + 12, "below the pedicles of L2, which stand on 42 to 57 mm"


def test_in_the_neck_a_root_bears_the_number_of_the_vertebra_below_it():
    from iceball.anatomy.outlines._roots import _root_below

    assert [_root_below(v) for v in ("C5", "C7", "T1", "T12", "L5", "S1")] == ["C6", "C8", "T1", "T12", "L5", "S1"]


def test_where_there_is_no_canal_there_are_no_roots(shaft):
    assert outlines.nerve_roots(shaft) == ()


def test_every_level_of_a_real_lumbar_spine_has_a_named_pair(shared_data: Path):
    folder = shared_data / "abdomen_pelvis_ct"
    case = io.read_scan(folder / "example_ct.nii.gz", labels=folder / "vertebrae_seg.nii.gz")
    names = {root.name for root in outlines.nerve_roots(case)}
    assert {
        f"nerve_root_{level}_{side}" for level in ("T12", "L1", "L2", "L3", "L4") for side in ("left", "right")
    } <= names


@pytest.mark.parametrize(("number", "pairs"), [(1, 3), (2, 5), (8, 4)])
def test_a_patch_has_as_many_pairs_as_foramina_are_seen_on_it(shared_data: Path, number: int, pairs: int):
    # counted by eye on the patches: a layman's reading
    case = io.read_scan(shared_data / "bone_lesions_ct" / f"{number}.nii.gz")
    found = outlines.nerve_roots(case)
    left, right = (heights_mm(found, case, side) for side in ("left", "right"))
    assert len(left) == len(right) == pairs
    assert np.abs(np.subtract(left, right)).max() < 8, "the two of a pair lie at one height"
