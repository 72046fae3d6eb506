"""Same content, same fingerprint; any change, another."""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import RUN

from iceball import provenance
from iceball.nouns import EnergyBalance, Grid, Volume
from iceball.provenance import Run, fingerprint

GRID = Grid(shape=(2, 3, 4), spacing_mm=(1.0, 2.0, 3.0), origin_mm=(0.0, 0.0, 0.0))

names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@dataclasses.dataclass(frozen=True)
class Result:
    """A result with its run."""

    value: Any
    run: Run = RUN


@given(values)
def test_the_same_content_has_the_same_twelve_letters(value: Any):
    letters = fingerprint(value)
    assert letters == fingerprint(value)
    assert re.fullmatch("[0-9a-f]{12}", letters)


@given(values, values)
def test_other_content_has_another_fingerprint(one: Any, other: Any):
    # repr tells 1, 1.0 and True apart, which == does not; both orders of a mapping are the same content.
    assert (fingerprint(one) == fingerprint(other)) == (_canonical(one) == _canonical(other))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Grid)])
def test_any_field_of_a_noun_changes_its_fingerprint(field: str):
    turned = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
    changed = {"shape": (2, 3, 5), "spacing_mm": (1.0, 2.0, 3.1), "origin_mm": (0.0, 0.0, 1e-6), "direction": turned}
    assert fingerprint(dataclasses.replace(GRID, **{field: changed[field]})) != fingerprint(GRID)


@given(st.integers(0, 23))
def test_one_voxel_changes_the_fingerprint_of_a_volume(voxel: int):
    array = np.zeros(GRID.shape, dtype=np.int16)
    before = fingerprint(Volume(grid=GRID, array=array, quantity="hu"))
    array.ravel()[voxel] = 1
    assert fingerprint(Volume(grid=GRID, array=array, quantity="hu")) != before


def test_the_layout_of_an_array_in_memory_does_not_matter_but_its_shape_does():
    array = np.arange(24.0).reshape(4, 6)
    assert fingerprint(np.asfortranarray(array)) == fingerprint(array)
    assert fingerprint(array.reshape(6, 4)) != fingerprint(array)
    assert fingerprint(array.astype(np.float32)) != fingerprint(array)


def test_two_nouns_of_the_same_numbers_are_not_the_same_thing():
    @dataclasses.dataclass(frozen=True)
    class Other:
        value: float

    @dataclasses.dataclass(frozen=True)
    class One:
        value: float

    assert fingerprint(One(1.0)) != fingerprint(Other(1.0))


def test_a_run_is_left_out_so_that_a_repeated_result_has_the_same_fingerprint():
    later = dataclasses.replace(RUN, started_at="2026-01-01T00:00:00+00:00")
    assert fingerprint(Result(1.0, later)) == fingerprint(Result(1.0))
    assert fingerprint(Result(2.0)) != fingerprint(Result(1.0))


def test_a_fingerprint_never_changes_between_versions_unseen():
    # Approvals are signatures over fingerprints: a change here undoes every one of them and needs a changelog line.
    energy = EnergyBalance(stored_j=1.0, probe_j=-2.0, perfusion_j=0.5, metabolic_j=0.25, boundary_j=0.0)
    assert (fingerprint(GRID), fingerprint(energy)) == ("257743ac77c0", "c7655b5f6c84")


def test_the_time_is_utc_to_the_second():
    made = datetime.datetime.fromisoformat(provenance.now())
    assert made.utcoffset() == datetime.timedelta(0)
    assert made.microsecond == 0


def test_research_use_is_said():
    assert "Research use only" in provenance.RESEARCH_USE


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, tuple):
        return "(" + ",".join(map(_canonical, value)) + ")"
    return repr(value)
