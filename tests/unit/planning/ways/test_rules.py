"""What a person may choose, and what the library says of it."""

from __future__ import annotations

import dataclasses

import made_ways as made
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import library
from iceball.errors import InputError, LibraryError, UnknownName
from iceball.library import _ways as tables
from iceball.nouns import Structure
from iceball.planning import ways
from iceball.planning.ways._rules import sector_of


@pytest.mark.parametrize(
    ("position", "side"),
    [("prone", "anterior"), ("supine", "posterior"), ("left_lateral", "left"), ("right_lateral", "right")],
)
def test_the_side_on_the_table_is_closed(position, side):
    assert ways.Rules().closed(position) == (side,)


def test_what_is_forbidden_or_not_among_the_only_ones_is_closed_too():
    assert ways.Rules(forbidden=("left",)).closed("prone") == ("anterior", "left")
    assert ways.Rules(only=("posterior",)).closed("prone") == ("anterior", "left", "right")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"position": "upside_down"}, "position 'upside_down' is unknown; write one of prone"),
        ({"forbidden": ("top",)}, "sector 'top' is unknown"),
        ({"only": ("top",)}, "sector 'top' is unknown"),
        ({"forbidden": ways.SECTORS}, "every sector is forbidden"),
        ({"only": ("left",), "forbidden": ("left",)}, "every sector is forbidden"),
        ({"reach_mm": 0.0}, "reach of a probe must be above zero"),
        ({"instrument_mm": float("nan")}, "instrument must be above zero"),
    ],
)
def test_a_choice_that_is_none_is_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        ways.Rules(**wrong)


@given(st.floats(-np.pi, np.pi), st.floats(-1.2, 1.2))
def test_each_direction_out_of_the_patient_has_the_side_it_points_to(turn, tilt):
    outward = np.array([[np.cos(turn) * np.cos(tilt), np.sin(turn) * np.cos(tilt), np.sin(tilt)]])
    side = ways.SECTORS[sector_of(outward)[0]]
    axis = {"left": (1, 0), "right": (-1, 0), "posterior": (0, 1), "anterior": (0, -1)}[side]
    assert np.dot(outward[0, :2], axis) >= np.cos(np.pi / 4) * np.linalg.norm(outward[0, :2]) - 1e-9


def test_a_probe_goes_through_the_thinnest_cannula_that_holds_it():
    for name in library.probe_names():
        probe = library.probe(name)
        cannula = ways.cannula_for(probe)
        assert cannula.inner.value > probe.shaft_diameter_mm
        thinner = [each for each in library.cannulas() if each.outer.value < cannula.outer.value]
        assert all(each.inner.value < probe.shaft_diameter_mm + 0.11 for each in thinner)
        assert ways.for_probe(probe, ways.Rules()).instrument_mm == cannula.outer.value
    thick = dataclasses.replace(made.PROBE, shaft_diameter_mm=6.0)
    with pytest.raises(InputError, match="6 mm thick, and the widest bone cannula"):
        ways.cannula_for(thick)


def test_what_a_person_chose_is_not_overwritten_by_the_probe():
    chosen = ways.for_probe(made.PROBE, ways.Rules(reach_mm=90.0, instrument_mm=1.5))
    assert (chosen.reach_mm, chosen.instrument_mm) == (90.0, 1.5)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("spinal_cord", "spinal_cord"),
        ("spinal_canal", "spinal_canal"),
        ("nerve_root_L5_left", "nerve_root"),
        ("sciatic_nerve_left", "motor_nerve"),
        ("colon", "bowel"),
        ("urinary_bladder", "bladder"),
        ("aorta", "vessel"),
        ("heart", "vessel"),
        ("lung_upper_lobe_left", "lung"),
        ("pleura", "pleura"),
        ("hip_implant", "metal"),
        ("liver", "organ"),
        ("no_such_thing", "unknown"),
    ],
)
def test_each_structure_keeps_what_its_name_its_limit_or_its_kind_says(name, kind):
    rule = library.keep_rule(made.structure(name, 1))
    assert rule is not None
    assert rule.key == kind


@pytest.mark.parametrize("name", ["skin", "vertebrae_L1", "autochthon_left", "costal_cartilages"])
def test_skin_bone_and_muscle_are_no_obstacles_by_name(name):
    assert library.keep_rule(made.structure(name, 1)) is None


def test_a_barrier_that_nobody_named_is_still_one():
    rule = library.keep_rule(Structure(name="mesh", role="barrier", label=1))
    assert rule is not None
    assert (rule.key, rule.allow) == ("barrier", False)


def test_more_is_kept_from_the_cord_than_from_bowel_and_never_opened():
    rules = library.keep_rules()
    assert rules["spinal_cord"].keep.value > rules["bowel"].keep.value
    never = {key for key, rule in rules.items() if not rule.allow}
    assert {"spinal_cord", "cauda_equina", "spinal_canal", "nerve_root", "motor_nerve", "vessel", "metal"} <= never
    assert {"bowel", "lung", "pleura", "other_bone"} & never == set()


def test_every_site_but_the_excluded_one_has_its_rules():
    expected = {site for site in library.SITES if not (site in library.sites() and library.sites()[site].excluded)}
    assert set(library.way_sites()) == expected


def test_a_table_that_breaks_a_rule_is_refused(monkeypatch):
    row = {"value": 1, "low": 1, "high": 2, "unit": "mm", "state": "s", "source": "iceball_judgement"}
    row |= {"confidence": "judgement", "note": "because of a test"}
    site = {"position": "prone", "approaches": ["direct"], "source": "recalled_clinical", "confidence": "recalled"}
    broken = [
        (lambda: tables._keep("k", {"says": "k", "allow": "yes", "keep_mm": row}), "allow = true or false"),
        (
            lambda: tables._keep("k", {"says": "k", "allow": True, "keep_mm": row | {"value": 0, "low": 0}}),
            "something must",
        ),
        (lambda: tables._site("s", site | {"position": "upright", "bone_angle_largest_deg": row}), "upright"),
        (lambda: tables._site("s", site | {"approaches": ["by air"], "bone_angle_largest_deg": row}), "by air"),
    ]
    for make, says in broken:
        with pytest.raises(LibraryError, match=says):
            make()
    monkeypatch.setattr(tables, "_part", lambda name: {"9-gauge": {"outer_mm": row, "inner_mm": row}})
    tables.cannulas.cache_clear()
    with pytest.raises(LibraryError, match="smaller inner_mm"):
        tables.cannulas()


def test_only_what_may_be_opened_can_be_allowed():
    case = made.body(
        made.Blob("colon", (30.0, 0.0, 0.0), (8.0,) * 3), made.Blob("spinal_cord", (0.0, 25.0, 0.0), (5.0,) * 3)
    )
    names = {each.name for each in ways.obstacles(case, ways.Rules(allowed=("colon",))).all}
    assert "colon" not in names
    assert "spinal_cord" in names
    with pytest.raises(InputError, match="spinal_cord .spinal cord. is never entered"):
        ways.obstacles(case, ways.Rules(allowed=("spinal_cord",)))
    with pytest.raises(UnknownName, match="no structure 'rectum' to allow; it has: colon"):
        ways.obstacles(case, ways.Rules(allowed=("rectum",)))
