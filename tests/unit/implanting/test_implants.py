"""Are the twenty lesions that the one-click mask is judged by what they claim to be?"""

from __future__ import annotations

import collections
import dataclasses

import implants
import numpy as np
import pytest

from iceball import implanting, io

# Two of the twenty in the 3 mm CT, and so quick: reading and outlining all three CTs takes most of a minute.
QUICK = (9, 16)


@pytest.fixture(scope="module")
def lesions(shared_data) -> list[implants.Implanted]:
    assert shared_data == implants.SHARED
    return [implants.one(number) for number in QUICK]


def test_sizes_cover_12_to_45_mm_and_kinds_and_shapes_come_as_often_as_one_another():
    wishes = [implants.wished(number) for number in range(implants.COUNT)]
    sizes = sorted(wish.size_mm for wish in wishes)
    edges = np.linspace(12.0, 45.0, implants.COUNT + 1)
    # sizes are rounded to 0.1 mm
    assert all(a - 0.05 <= size <= b + 0.05 for a, size, b in zip(edges[:-1], sizes, edges[1:], strict=True))
    for field in ("matrix", "shape"):
        counts = collections.Counter(getattr(wish, field) for wish in wishes)
        assert sorted(counts.values()) == [6, 7, 7]
    assert len({wish.seed for wish in wishes}) == implants.COUNT


def test_the_kept_table_is_what_the_seed_asks_for():
    for number, (scan, kept) in enumerate(implants.table()):
        assert scan in implants.SCANS
        assert dataclasses.replace(kept, at_mm=(0, 0, 0)) == implants.wished(number)
    assert len(implants.table()) == implants.COUNT


def test_the_click_lies_in_the_lesion_and_the_bare_case_does_not_show_the_truth(lesions):
    for lesion in lesions:
        index = tuple(np.rint(lesion.case.ct.grid.index_of(lesion.click_mm)).astype(int))
        assert lesion.truth[index]
        assert lesion.bare.lesion is None
        assert lesion.bare.ct is lesion.case.ct


def test_the_bone_holds_at_least_three_fifths_of_each(lesions):
    for lesion in lesions:
        done = implanting.achieved(lesion.case, lesion.wish)
        assert done.volume_ml >= implants.LEAST_FRACTION * done.ideal_ml
        assert lesion.case.lesion is not None
        assert lesion.case.lesion.origin == implanting.ORIGIN


def test_the_same_number_makes_the_same_case(lesions):
    again = implants.one(QUICK[0])
    assert io.case_fingerprint(again.case) == io.case_fingerprint(lesions[0].case)
    assert again.click_mm == lesions[0].click_mm


def test_the_sheet_is_drawn(lesions, tmp_path):
    implants.contact_sheet(tmp_path / "sheet.png", lesions)
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
