"""Cases, structures and lesions check themselves when they are made."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from iceball.errors import GeometryError, InputError, UnknownName
from iceball.nouns import Case, Grid, Lesion, Structure, Volume

GRID = Grid(shape=(4, 5, 6), spacing_mm=(1.0, 2.0, 5.0), origin_mm=(0.0, 0.0, 0.0))
ELSEWHERE = dataclasses.replace(GRID, origin_mm=(0.0, 0.0, 246.0))
CORD = Structure(name="spinal_cord", role="at_risk", label=79)


def labels(grid: Grid = GRID, marked: int = 3) -> Volume:
    """Return a label volume with ``marked`` voxels of 1."""
    array = np.zeros(grid.shape, dtype=np.uint8)
    array.ravel()[:marked] = 1
    return Volume(grid=grid, array=array, quantity="label")


def ct() -> Volume:
    """Return a CT of water."""
    return Volume(grid=GRID, array=np.zeros(GRID.shape, dtype=np.int16), quantity="hu")


def test_a_lesion_has_the_volume_of_its_voxels():
    # Three voxels of 1 x 2 x 5 mm.
    assert Lesion(mask=labels(marked=3), matrix="lytic", origin="test").volume_ml == pytest.approx(0.03, rel=1e-12)


@pytest.mark.parametrize("mask", [labels(marked=0), ct()], ids=["no voxel marked", "not a label volume"])
def test_an_empty_lesion_is_refused(mask: Volume):
    with pytest.raises(InputError, match="lesion mask is empty"):
        Lesion(mask=mask, matrix="lytic", origin="test")


def test_a_structure_cannot_be_the_background():
    with pytest.raises(InputError, match="labels start at 1"):
        Structure(name="spinal_cord", role="at_risk", label=0)


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ({"labels": labels(ELSEWHERE)}, "labels"),
        ({"field_of_view": labels(ELSEWHERE)}, "field of view"),
        ({"lesion": Lesion(mask=labels(ELSEWHERE), matrix="lytic", origin="test")}, "lesion mask"),
    ],
)
def test_a_part_in_another_place_than_the_ct_is_refused(part: dict, what: str):
    with pytest.raises(GeometryError, match=f"the {what} does not lie on the grid of the CT"):
        Case(id="case-1", ct=ct(), **part)


def test_structures_need_a_label_volume():
    with pytest.raises(InputError, match="1 structures are named but there is no label volume"):
        Case(id="case-1", ct=ct(), structures=(CORD,))


def test_two_structures_cannot_share_a_number():
    twin = dataclasses.replace(CORD, name="nerve")
    with pytest.raises(InputError, match="share one label number"):
        Case(id="case-1", ct=ct(), labels=labels(), structures=(CORD, twin))


def test_a_structure_is_found_by_name_and_an_unknown_one_lists_the_known():
    case = Case(id="case-1", ct=ct(), labels=labels(), structures=(CORD,))
    assert case.structure("spinal_cord") is CORD
    with pytest.raises(UnknownName, match="no structure 'cord'; it has: spinal_cord"):
        case.structure("cord")


def test_a_case_does_not_change():
    case = Case(id="case-1", ct=ct())
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.id = "case-2"  # pyright: ignore[reportAttributeAccessIssue]
