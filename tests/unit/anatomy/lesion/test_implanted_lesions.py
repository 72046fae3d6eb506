"""The one-click mask on implanted lesions of known truth: no worse than docs/reference/implanted.md says."""

from __future__ import annotations

import implants
import numpy as np
import pytest

from iceball.anatomy.lesion import find_lesion

# What was reached on 22 November 2026, less 0.05 for other versions of scipy; the aim is 0.85 and 0.70, and is missed.
MEDIAN, WORST = 0.70, 0.46
QUICK = {8: 0.66, 12: 0.63}  # of the smallest CT: made in seconds


def dice(number: int) -> float:
    made = implants.one(number)
    mask = find_lesion(made.bare, seed_mm=made.click_mm).mask.array > 0
    return 2.0 * np.count_nonzero(mask & made.truth) / (np.count_nonzero(mask) + np.count_nonzero(made.truth))


@pytest.mark.parametrize("number", QUICK)
def test_an_implanted_lesion_is_marked_as_well_as_the_page_says(number, shared_data):
    assert shared_data == implants.SHARED
    assert dice(number) >= QUICK[number]


@pytest.mark.long
def test_all_twenty_are_marked_as_well_as_the_page_says(shared_data):
    assert shared_data == implants.SHARED
    found = [dice(number) for number in range(implants.COUNT)]
    assert np.median(found) >= MEDIAN
    assert min(found) >= WORST
