"""What the planned zone does to the bone, and what is said of cement."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from bone_phantoms import Tube, hip_case, tube_case
from check_patient import ball, history, patient, plan
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball import library
from iceball.anatomy import measures
from iceball.nouns import Fact, Finding, Volume
from iceball.planning.check._bone import of_bone
from iceball.planning.check._cement import cavity_ml, of_cement
from iceball.planning.check._known import known_of
from iceball.planning.check._zone import lethal_zone

TUBE = Tube(axis=(0.0, 0.0, 1.0), notch_mm=12.0, notch_fraction=0.25)
FEMUR = tube_case(TUBE, (1.0, 1.0, 1.0))


def fact(key, value, origin="asked", unit=""):
    return Fact(key=key, value=value, origin=origin, unit=unit)


def zone_of(case, inside):
    places = case.ct.grid.position_mm(np.moveaxis(np.indices(case.ct.grid.shape), 0, -1))
    return Volume(grid=case.ct.grid, array=inside(places).astype(np.uint8), quantity="label")


def rules(findings):
    return {finding.rule: finding for finding in findings}


@pytest.mark.parametrize("long_mm", [20.0, 40.0, 60.0])
def test_the_cortex_that_a_zone_holds_is_as_long_as_the_zone(long_mm):
    zone = zone_of(FEMUR, lambda p: (abs(p[..., 2]) <= long_mm / 2) & (p[..., 0] > 0))
    found = measures.frozen_bone(FEMUR, zone)
    # Half of a tube that stands upright: its length to two voxels of 1 mm, half of its circumference.
    assert found.axial_mm == pytest.approx(long_mm, abs=2.0)
    assert found.circumference_fraction == pytest.approx(0.5, abs=0.06)


def test_the_bone_that_a_zone_holds_is_counted_without_the_lesion():
    zone = zone_of(FEMUR, lambda p: abs(p[..., 2]) <= 10.0)
    found = measures.frozen_bone(FEMUR, zone)
    lesion = FEMUR.lesion.mask.array > 0
    bone = FEMUR.labels.array == 75
    expected = np.count_nonzero(bone & (zone.array > 0) & ~lesion) * FEMUR.ct.grid.voxel_ml
    assert found.bone_ml == pytest.approx(expected)
    assert found.bone_fraction == pytest.approx(expected / (np.count_nonzero(bone) * FEMUR.ct.grid.voxel_ml))


@given(st.floats(1.0, 80.0), st.floats(1.0, 80.0), st.floats(0.05, 1.0))
@settings(max_examples=80, deadline=None)
def test_a_femur_is_held_against_the_larger_of_lesion_and_zone(lesion_mm, zone_mm, share):
    facts = [fact("lesion_bone", "femur_left", "label"), fact("cortex_axial_mm", lesion_mm, "measured", "mm")]
    frozen = measures.FrozenBone(
        name="femur_left", bone_ml=3.0, bone_fraction=0.1, axial_mm=zone_mm, circumference_fraction=share
    )
    said = rules(of_bone(known_of(FEMUR, facts), frozen, ()))
    worse = max(lesion_mm, zone_mm)
    assert ("zone_femur_axial" in said) == (worse > 30.0)
    if worse > 30.0:
        assert said["zone_femur_axial"].measured == worse
        assert ("judgement" in said["zone_femur_axial"].says) == (zone_mm > lesion_mm)
    assert ("zone_femur_circumference_half" in said) == (share > 0.5)
    assert ("zone_femur_circumference_third" in said) == (0.3 <= share <= 0.5)


def test_no_cut_off_of_the_femur_is_borrowed_for_another_long_bone():
    case = dataclasses.replace(FEMUR, lesion=dataclasses.replace(FEMUR.lesion, bone="humerus_left"))
    frozen = measures.FrozenBone(
        name="humerus_left", bone_ml=3.0, bone_fraction=0.1, axial_mm=60.0, circumference_fraction=0.9
    )
    said = rules(of_bone(known_of(case, [fact("lesion_bone", "humerus_left", "label")]), frozen, ()))
    assert set(said) == {"zone_in_bone", "zone_cortex_other"}


def test_scores_from_screening_are_carried_on_as_a_floor_and_other_findings_are_not():
    mirels = Finding(rule="mirels_fix", severity="caution", says="nine points", source="mirels")
    other = Finding(rule="pain_too_weak", severity="stop", says="no pain", source="callstrom_2006")
    said = list(of_bone(known_of(FEMUR, ()), None, (mirels, other)))
    assert mirels in said
    assert other not in said
    assert "score_is_a_floor" in rules(said)


def test_the_zone_of_a_run_is_what_was_ever_as_cold():
    case = patient()
    run = history(case, ball((0.0, -6.0, 0.0), 10.0))
    zone = lethal_zone(case, run, -20.0)
    assert zone is not None
    # Where both grids are one, voxel by voxel.
    assert np.array_equal(zone.array, (run.coldest.array <= -20.0).astype(np.uint8))
    assert lethal_zone(case, run, -180.0) is None


def cement(case, *facts):
    return rules(of_cement(case, known_of(case, facts)))


def test_a_lytic_vertebra_gets_a_volume_with_its_spread_and_a_blastic_one_none():
    site = fact("lesion_site", "spine", "label")
    lytic = cement(patient(), site)["cement_proposed"]
    fill = library.planning_numbers()["cement_fill_fraction"]
    case = patient()
    assert case.lesion is not None
    dense = case.ct.array[case.lesion.mask.array > 0] >= library.hu_rules()["bone_above_hu"].value
    assert cavity_ml(case) <= case.lesion.volume_ml
    assert cavity_ml(case) == pytest.approx(case.lesion.volume_ml * (1 - dense.mean()), rel=0.01, abs=1e-9)
    assert lytic.measured == pytest.approx(fill.value * cavity_ml(case))
    assert "judgement" in lytic.says
    assert set(cement(patient(matrix="blastic"), site)) == {"cement_blastic"}


def test_an_open_wall_warns_of_a_leak_and_says_which():
    site = fact("lesion_site", "acetabulum", "label")
    said = cement(hip_case(), site, fact("acetabular_roof_breached", True, "estimated"))
    assert {"cement_proposed", "cement_leak"} == set(said)
    assert "roof" in said["cement_leak"].says
    assert "estimate" in said["cement_leak"].says
    assert "Screws" in said["cement_proposed"].says
    assert "cement_leak" not in cement(hip_case(), site, fact("acetabular_roof_breached", False))


LONG = fact("lesion_site", "long_bone", "label")
PROXIMAL = fact("femur_part", "proximal")


@pytest.mark.parametrize(
    ("more", "rule", "severity"),
    [
        ((PROXIMAL, fact("cortex_axial_mm", 31.0, unit="mm")), "cement_alone_contraindicated", "caution"),
        (
            (PROXIMAL, fact("cortex_axial_mm", 31.0, unit="mm"), fact("cement_planned", True)),
            "cement_alone_contraindicated",
            "stop",
        ),
        (
            (PROXIMAL, fact("prior_lesser_trochanter_fracture", True), fact("cement_planned", True)),
            "cement_alone_contraindicated",
            "stop",
        ),
        ((PROXIMAL, fact("cortex_axial_mm", 30.0, unit="mm")), "cement_not_alone", "note"),
        ((fact("femur_part", "shaft"), fact("cortex_axial_mm", 60.0, unit="mm")), "cement_not_alone", "note"),
        ((fact("cement_planned", True),), "cement_not_alone", "caution"),
        ((PROXIMAL, fact("cortex_axial_mm", 40.0, unit="mm"), fact("fixation_planned", True)), None, None),
    ],
)
def test_cement_alone_in_a_long_bone(more, rule, severity):
    said = cement(FEMUR, LONG, *more)
    assert {name: each.severity for name, each in said.items()} == ({} if rule is None else {rule: severity})


@pytest.mark.parametrize("site", ["rib", "pelvis_sacrum", "sternum", "scapula", "other"])
def test_where_no_source_says_that_cement_holds_none_is_proposed(site):
    assert cement(patient(), fact("lesion_site", site, "label")) == {}


def test_the_sites_where_cement_is_proposed_are_those_of_the_site_table():
    from iceball.planning.check._cement import HOLDS_AT

    says = {key: site.texts["cement"].says for key, site in library.sites().items() if "cement" in site.texts}
    assert {key for key, text in says.items() if "holds in compression" in text} == set(HOLDS_AT)


def test_what_a_person_answered_goes_before_what_was_measured():
    known = known_of(
        FEMUR, [fact("cortex_axial_mm", 12.0, "asked", "mm"), fact("cortex_axial_mm", 50.0, "measured", "mm")]
    )
    assert known.number("cortex_axial_mm") == 12.0


def test_a_plan_in_a_femur_is_checked_from_end_to_end():
    from iceball.assessment import assess
    from iceball.planning import check

    run = history(FEMUR, ball((10.0, 0.0, 0.0), 30.0), spacing_mm=2.0)
    assessment = assess(FEMUR, run, goal_isotherm_c=-20.0)
    said = rules(check.of_run(FEMUR, plan(), run, assessment=assessment))
    assert {"zone_femur_axial", "zone_femur_circumference_half", "zone_in_bone", "cement_not_alone"} <= set(said)
    # A ball of 30 mm around a point 10 mm beside the axis: it holds cortex over nearly its diameter.
    assert 40.0 < (said["zone_femur_axial"].measured or 0.0) <= 60.0
