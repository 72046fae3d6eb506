"""The library's functions: what they return, and what they refuse."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import library
from iceball.errors import LibraryError, UnknownName
from iceball.library._limits import read_limits
from iceball.library._tables import parse_table
from iceball.nouns import Ball, Cited, FreezingPointDepression, LinearMush, Vasoconstriction


def test_perfusion_is_pennes_w_rho_rho_b_c_b() -> None:
    # Muscle by hand: 36.7383 ml/min/kg · 1090.4 kg/m³ · 1049.75 kg/m³ · 3617 J/kg/K = 2535 W/m³/K, printed to 4 digits
    # in the notes' table of IT'IS values.
    assert library.tissue("muscle").perfusion_w_per_m3_k == pytest.approx(2535, abs=0.5)


def test_both_phases_carry_the_unfrozen_density() -> None:
    rows, built = library.tissue_rows("osteolytic_lesion"), library.tissue("osteolytic_lesion")
    density = rows["density_kg_per_m3"].value
    assert built.heat_capacity_j_per_m3_k == density * rows["heat_capacity_j_per_kg_k"].value
    assert built.frozen_heat_capacity_j_per_m3_k == density * rows["frozen_heat_capacity_j_per_kg_k"].value
    assert built.latent_heat_j_per_m3 == density * rows["latent_heat_j_per_kg"].value


@pytest.mark.parametrize("name", library.tissue_names())
def test_every_tissue_builds(name: str) -> None:
    assert library.tissue(name).name == name


@pytest.mark.parametrize("name", library.probe_names())
def test_every_probe_builds(name: str) -> None:
    built = library.probe(name)
    assert (built.name, built.cryogen) == (name, "argon")
    assert built.maker_isotherms == (), "no maker's isotherm was read: none may stand"


def test_only_air_is_inert() -> None:
    assert [name for name in library.tissue_names() if library.tissue(name).inert] == ["air"]


def test_carbon_dioxide_hardly_conducts_and_does_not_set_the_time_step() -> None:
    gas, muscle = library.tissue("carbon_dioxide"), library.tissue("muscle")
    assert gas.conductivity_w_per_m_k < muscle.conductivity_w_per_m_k / 9
    # k/C of muscle at -140 °C by its own laws: 1.58 (0.167 + 0.833 1.751) / (1090 · 2067 (0.439 + 0.561 0.571))
    frozen = 1.58 * (0.167 + 0.833 * 1.751) / (1090.4 * 2067 * (0.439 + 0.561 * 0.571))
    assert gas.conductivity_w_per_m_k / gas.heat_capacity_j_per_m3_k <= frozen
    # a layer of 5 mm holds, across 77 K, less than a thirtieth of what crosses it in ten minutes
    held, crosses = gas.heat_capacity_j_per_m3_k * 0.005 * 77 / 2, gas.conductivity_w_per_m_k / 0.005 * 77 * 600
    assert held < crosses / 30


def test_flowing_blood_is_blood_that_is_held_at_the_temperature_of_the_arteries() -> None:
    flowing, still = library.tissue("flowing_blood"), library.tissue("blood")
    assert flowing == dataclasses.replace(still, name="flowing_blood", held_c=library.physics()["arterial_c"].value)
    assert [name for name in library.tissue_names() if library.tissue(name).held_c is not None] == ["flowing_blood"]


def test_heart_and_large_vessels_flow() -> None:
    flowing = [n for n in library.label_names().values() if library.structure_rule(n).tissue == "flowing_blood"]
    assert len(flowing) == 18  # labels 51 to 68 of TotalSegmentator
    assert {"aorta", "inferior_vena_cava", "iliac_vena_left", "heart"} <= set(flowing)


def test_a_freezing_law_is_an_object_and_an_unknown_one_is_refused() -> None:
    assert library.freezing("linear mush") == LinearMush()
    assert library.freezing("freezing-point depression") == FreezingPointDepression(complete_c=-40.0)
    with pytest.raises(UnknownName, match="no freezing law 'sudden'; the library has: freezing-point depression, lin"):
        library.freezing("sudden")


def test_the_rows_choose_the_freezing_law() -> None:
    assert library.tissue("muscle").freezing == LinearMush()
    assert library.tissue("saline").freezing == library.freezing("freezing-point depression")


def test_no_tissue_constricts_its_vessels_unless_someone_chooses_it() -> None:
    assert {library.tissue(name).vasoconstriction for name in library.tissue_names()} == {None}
    assert library.vasoconstriction() == Vasoconstriction(stops_c=0.0, full_c=37.0)


def test_means_of_warming_come_from_their_rows() -> None:
    place = Ball(centre_mm=(0.0, 0.0, 0.0), radius_mm=10.0)
    pad = library.warm_pad("saline_glove", label="glove", region=place)
    rows = library.protection_rows("saline_glove")
    assert (pad.outside_c, pad.film_w_per_m2_k) == (rows["outside_c"].value, rows["film_w_per_m2_k"].value)
    assert library.irrigation(label="bladder", region=place).held_c == 37.0
    with pytest.raises(UnknownName, match="no pad 'warm_irrigation'.* has: saline_glove, warm_air_blanket"):
        library.warm_pad("warm_irrigation", label="x", region=place)


@pytest.mark.parametrize("name", ["metal", "pmma_cement", "air", "carbon_dioxide"])
def test_what_does_not_freeze_has_no_latent_heat_and_does_not_change(name: str) -> None:
    built = library.tissue(name)
    assert built.latent_heat_j_per_m3 == 0
    assert built.conductivity_w_per_m_k == built.frozen_conductivity_w_per_m_k
    assert built.heat_capacity_j_per_m3_k == built.frozen_heat_capacity_j_per_m3_k


def test_watery_tissue_conducts_better_frozen_and_fat_hardly() -> None:
    gain = {
        name: library.tissue(name).frozen_conductivity_w_per_m_k / library.tissue(name).conductivity_w_per_m_k
        for name in ("csf", "osteolytic_lesion", "trabecular_bone", "cortical_bone")
    }
    assert gain["csf"] > gain["osteolytic_lesion"] > gain["trabecular_bone"] > gain["cortical_bone"] > 1


@pytest.mark.parametrize(
    ("ask", "name", "meant"),
    [
        (library.tissue, "musle", "muscle"),
        (library.tissue_rows, "osteolitic_lesion", "osteolytic_lesion"),
        (library.probe, "argon-17g-33mm", "argon-17g-30mm"),
        (library.probe_rows, "argon-17g", "argon-17g-10mm"),
        (library.limit, "spine", "spinal_cord"),
        (library.protection_rows, "saline_gloves", "saline_glove"),
    ],
)
def test_an_unknown_name_is_refused_with_the_near_match_first_and_all_known_ones(ask, name, meant) -> None:
    with pytest.raises(UnknownName) as refused:
        ask(name)
    text = str(refused.value)
    assert f"did you mean {meant!r}" in text
    assert text.index(meant) < text.index("the library has:") < text.rindex(meant)


def test_the_same_tables_have_the_same_digest_of_twelve_hex_letters() -> None:
    assert len(library.digest()) == 12
    int(library.digest(), 16)
    library.digest.cache_clear()  # type: ignore[attr-defined]
    first = library.digest()
    library.digest.cache_clear()  # type: ignore[attr-defined]
    assert library.digest() == first


def test_the_reported_isotherms_start_at_the_visible_edge_and_go_colder() -> None:
    values = [row.value for row in library.isotherms()]
    assert values == [0.0, -20.0, -40.0]


def test_cord_and_motor_nerves_have_the_whole_ladder_and_an_intercostal_nerve_never_stops() -> None:
    for key in ("spinal_cord", "nerve_root", "motor_nerve"):
        assert library.limit(key).values_c == (15.0, 10.0, 5.0)
    assert library.limit("intercostal_nerve").stop_below is None


@pytest.mark.parametrize("key", ["bowel", "bladder", "ureter", "skin"])
def test_ice_at_the_wall_is_a_stop_by_judgement(key: str) -> None:
    stop = library.limit(key).stop_below
    assert stop is not None
    assert (stop.value, stop.confidence) == (0.0, "judgement")


LIMIT = '[x]\nkind = "skin"\nsays = "x"\n'
STEP = '{{ value = {v}, unit = "{u}", low = {v}, high = {v}, state = "s", source = "itis_v5", confidence = "read" }}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LIMIT, "limits.x has no step"),
        (LIMIT + "stop_below = 5", "limits.x.stop_below is a bare 5: every number needs unit"),
        (LIMIT + "stop_under = 3", "limits.x has an unknown field stop_under"),
        (LIMIT + "stop_below = " + STEP.format(v=3, u="K"), r"limits.x.stop_below is in K; write it in °C"),
        (LIMIT.replace("skin", "hair") + "stop_below = " + STEP.format(v=3, u="°C"), "kind 'hair' is unknown"),
        ('[x]\nkind = "skin"\nstop_below = ' + STEP.format(v=3, u="°C"), "limits.x lacks says"),
        ("[x", "limits.toml is not valid TOML"),
    ],
)
def test_a_broken_limit_is_refused(text: str, says: str) -> None:
    with pytest.raises(LibraryError, match=says):
        read_limits(parse_table(text, "limits"), library.sources())


@given(note=st.integers(-40, 40), stop=st.integers(-40, 40))
def test_a_stop_warmer_than_its_note_is_refused(note: int, stop: int) -> None:
    text = f"{LIMIT}note_below = {STEP.format(v=note, u='°C')}\nstop_below = {STEP.format(v=stop, u='°C')}"
    if stop > note:
        with pytest.raises(LibraryError, match="must fall in temperature"):
            read_limits(parse_table(text, "limits"), library.sources())
    else:
        assert read_limits(parse_table(text, "limits"), library.sources())[0].values_c == (note, stop)


def test_a_structure_of_the_table_has_its_role_limit_and_tissue() -> None:
    cord = library.structure_rule("spinal_cord")
    assert (cord.role, cord.limit, cord.tissue, cord.known) == ("at_risk", "spinal_cord", "spinal_cord", True)
    bone = library.structure_rule("vertebrae_L1")
    assert (bone.role, bone.limit, bone.tissue, bone.bone) == ("way_in", None, None, True)


@pytest.mark.parametrize("name", ["nerve_root_L5_left", "ureter_right", "intercostal_nerve_7"])
def test_a_drawn_name_with_level_or_side_keeps_its_rule(name: str) -> None:
    rule = library.structure_rule(name)
    assert rule.known
    assert rule.name == name
    assert rule.limit is not None
    assert name.startswith(rule.limit)


@given(name=st.text(max_size=30))
def test_an_unknown_structure_is_at_risk_without_a_borrowed_limit(name: str) -> None:
    rule = library.structure_rule(name)
    if not rule.known:
        assert (rule.role, rule.limit, rule.tissue, rule.bone) == ("at_risk", None, None, False)
    assert rule.name == name


def test_a_name_that_only_begins_like_a_drawn_one_borrows_no_limit() -> None:
    assert not library.structure_rule("skinfold").known
    assert not library.structure_rule("colon_tumour").known, "the 117 names of the model are taken whole"


def test_the_mapping_constants_turn_dense_cortex_into_nearly_all_matrix() -> None:
    rules = library.hu_rules()
    per_hu = rules["bmd_per_hu"].value / rules["mineral_density"].value / rules["mineral_in_matrix_fraction"].value
    # Cortex lies near 1500 to 1900 HU; the notes take bone matrix as full there, within the ±12 % of bmd_per_hu.
    assert math.isclose(1700 * per_hu, 1.0, rel_tol=0.12)


def test_sources_of_rows_include_those_their_notes_name() -> None:
    row = library.tissue_rows("cortical_bone")["conductivity_w_per_m_k"]
    keys = {source.key for source in library.sources_of(row)}
    assert {"iceball_judgement", "itis_v5", "lee_2018", "moses_1995"} <= keys


@pytest.mark.parametrize("rows", [library.physics(), library.hu_rules(), library.thresholds()])
def test_constants_are_cited_and_cannot_be_changed(rows) -> None:
    assert all(isinstance(row, Cited) for row in rows.values())
    with pytest.raises(TypeError):
        rows["new"] = None
