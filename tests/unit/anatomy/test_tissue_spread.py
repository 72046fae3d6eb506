"""Does every tissue have a spread, and do drawn patients keep to it?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball import anatomy, library
from iceball.anatomy._factors import GROUPS, Draw, at, factors, group_of
from iceball.anatomy._recipes import BINS, FAMILIES
from iceball.anatomy._spread import PROPERTIES
from iceball.errors import InputError
from iceball.nouns import FreezingPointDepression, Tissue, TissueMap

COUNT = 400
# Least share of draws within the spread. Root of sum of squares of triangular ends: 1.4 % beyond at the most if linear.
INSIDE = 0.95
# Where two spreads multiply: a little marrow in solid bone makes much of the heat, and tumour's heat spreads 13-fold.
TIMES_EACH_OTHER = ("metabolic_heat_w_per_m3",)


@pytest.fixture(scope="module")
def spread(prepared_torso: anatomy.Prepared) -> anatomy.PropertySpread:
    return anatomy.property_spread(prepared_torso)


@pytest.fixture(scope="module")
def many(prepared_torso: anatomy.Prepared) -> np.ndarray:
    """(COUNT, T, P): the properties of drawn patients."""
    drawn = [anatomy.drawn(prepared_torso, draw).palette.tissues for draw in anatomy.draws(COUNT, seed=7)]
    return np.array([[[getattr(tissue, name) for name in PROPERTIES] for tissue in tissues] for tissues in drawn])


def column(spread: anatomy.PropertySpread, tissue: str, quantity: str) -> tuple[int, int]:
    return spread.tissues.index(tissue), spread.properties.index(quantity)


def test_every_tissue_has_a_spread_around_its_value(spread: anatomy.PropertySpread):
    assert (spread.low <= spread.values + 1e-12).all()
    assert (spread.values <= spread.high + 1e-12).all()
    living = [i for i, name in enumerate(spread.tissues) if name not in ("air", "metal")]
    for quantity in PROPERTIES[:5]:  # conductivity and heat, frozen and not
        j = spread.properties.index(quantity)
        assert (spread.high[living, j] > spread.low[living, j]).all(), quantity
    air = spread.tissues.index("air")
    assert (spread.low[air] == spread.high[air]).all()


@pytest.mark.parametrize("tissue", ["muscle", "fat", "osteolytic_lesion", "metal"])
@pytest.mark.parametrize("quantity", ["conductivity_w_per_m_k", "frozen_conductivity_w_per_m_k", "solidus_c"])
def test_the_spread_of_a_row_is_the_row_s(spread: anatomy.PropertySpread, tissue: str, quantity: str):
    place, row = column(spread, tissue, quantity), library.tissue_rows(tissue)[quantity]
    assert (spread.low[place], spread.high[place]) == pytest.approx((row.low, row.high))


def test_latent_heat_spreads_with_its_row_and_the_density(spread: anatomy.PropertySpread):
    rows, place = library.tissue_rows("muscle"), column(spread, "muscle", "latent_heat_j_per_m3")
    heat, density = rows["latent_heat_j_per_kg"], rows["density_kg_per_m3"]
    ends = [heat.value * density.high, heat.high * density.value]
    expected = np.hypot(*(end - heat.value * density.value for end in ends))
    assert spread.high[place] - spread.values[place] == pytest.approx(expected)


def test_bone_is_as_uncertain_as_the_notes_ask(spread: anatomy.PropertySpread):
    # physics README, headline 5: half of the frozen conductivity, 40 % of the latent heat
    for quantity, share in (("frozen_conductivity_w_per_m_k", 0.5), ("latent_heat_j_per_m3", 0.4)):
        place = column(spread, "bone, 13% matrix", quantity)
        half = (spread.high[place] - spread.low[place]) / 2
        assert half / spread.values[place] == pytest.approx(share, abs=0.08)  # mixing dulls, calibration adds


def test_draws_stay_within_the_spread_but_for_a_few(spread: anatomy.PropertySpread, many: np.ndarray):
    rounding = 1e-9 * np.abs(spread.values)
    inside = ((many >= spread.low - rounding) & (many <= spread.high + rounding)).mean(axis=0)
    for j, quantity in enumerate(PROPERTIES):
        assert inside[:, j].min() > (0.85 if quantity in TIMES_EACH_OTHER else INSIDE), quantity


def test_the_width_of_the_draws_is_that_of_the_spread(spread: anatomy.PropertySpread, many: np.ndarray):
    half = (spread.high - spread.low) / 2
    some = half > 1e-9 * np.abs(spread.values)
    # a triangular score from -1 to 1 has a standard deviation of 1/√6; 400 draws know theirs to 4 %, the rest is
    # that spreads are lopsided and mixtures not linear
    ratio = np.where(some, many.std(axis=0) * np.sqrt(6.0) / np.where(some, half, 1.0), 1.0)
    for j, quantity in enumerate(PROPERTIES):
        if quantity not in TIMES_EACH_OTHER:
            assert ratio[:, j].min() > 0.8, quantity
            assert ratio[:, j].max() < 1.3, quantity


def test_the_median_of_the_draws_is_the_library_s_value(spread: anatomy.PropertySpread, many: np.ndarray):
    for tissue in ("muscle", "bone, 33% matrix", "lesion, 53% matrix"):
        for quantity in PROPERTIES[:5]:
            place = column(spread, tissue, quantity)
            half = (spread.high[place] - spread.low[place]) / 2
            # 400 draws know their median to 0.03 of the half width; lopsided parts shift that of a mixture
            assert abs(np.median(many[:, *place]) - spread.values[place]) < 0.15 * half, (tissue, quantity)


def test_percentiles_of_a_row_s_draws_are_those_of_a_triangle(spread: anatomy.PropertySpread, many: np.ndarray):
    row, place = library.tissue_rows("muscle")["conductivity_w_per_m_k"], column(spread, "muscle", PROPERTIES[0])
    reach = 1 - np.sqrt(0.1)  # five in a hundred scores lie beyond: (1 - u)²/2 = 0.05
    expected = [at(row, -reach), at(row, 0.0), at(row, reach)]
    found = np.percentile(many[:, *place], [5, 50, 95])
    assert found == pytest.approx(expected, abs=0.06 * (row.high - row.low))  # two standard errors of 400 draws


def test_the_same_seed_gives_the_same_patients_and_another_seed_others():
    one, again, other = (anatomy.draws(3, seed=seed) for seed in (1, 1, 2))
    assert [dict(draw.scores) for draw in one] == [dict(draw.scores) for draw in again]
    assert [dict(draw.scores) for draw in one] != [dict(draw.scores) for draw in other]
    assert [(draw.seed, draw.number) for draw in one] == [(1, 0), (1, 1), (1, 2)]


def test_more_draws_begin_with_the_same_ones():
    few, more = anatomy.draws(2, seed=5), anatomy.draws(20, seed=5)
    assert [dict(draw.scores) for draw in few] == [dict(draw.scores) for draw in more[:2]]


def test_draws_of_two_factors_have_nothing_to_do_with_each_other():
    scores = np.array([[draw.score(factor) for factor in factors()] for draw in anatomy.draws(500, seed=0)])
    correlation = np.corrcoef(scores.T) - np.eye(scores.shape[1])
    assert np.abs(correlation).max() < 0.2  # 4.5 standard errors for ten thousand pairs


def test_no_draws_at_all_are_refused():
    with pytest.raises(InputError, match="0 draws are none: ask for at least 1"):
        anatomy.draws(0, seed=1)


def test_a_score_beyond_the_spread_is_refused():
    with pytest.raises(InputError, match=r"goes 1\.5 of the way; a score lies between -1 and 1"):
        Draw(scores={"bmd_per_hu": 1.5})


def test_nothing_drawn_leaves_every_tissue_as_it_is(prepared_torso: anatomy.Prepared):
    assert anatomy.drawn(prepared_torso, anatomy.NOMINAL).palette.tissues == prepared_torso.palette.tissues


def test_a_drawn_patient_has_the_same_tissues_in_the_same_places(torso):
    prepared = anatomy.prepare(torso)
    draw = anatomy.draws(1, seed=3)[0]
    drawn = anatomy.drawn(prepared, draw)
    maps: list[TissueMap] = [anatomy.tissue_map(each, torso.ct.grid) for each in (prepared, drawn)]
    assert (maps[0].index == maps[1].index).all()
    assert (maps[0].open_faces == maps[1].open_faces).all()
    assert drawn.draw is draw
    assert prepared.draw is anatomy.NOMINAL
    assert maps[0].tissues != maps[1].tissues


def test_one_calibration_moves_all_bone_the_same_way(prepared_torso: anatomy.Prepared):
    steeper = anatomy.drawn(prepared_torso, Draw(scores={"bmd_per_hu": 1.0})).palette.tissues
    plain = prepared_torso.palette.tissues
    for family in FAMILIES:
        bins = [i for i, tissue in enumerate(plain) if tissue.name.startswith(f"{family},")]
        assert len(bins) == BINS
        heat = [steeper[i].latent_heat_j_per_m3 - plain[i].latent_heat_j_per_m3 for i in bins[2:-3]]
        assert max(heat) < 0, family  # more matrix everywhere, so less water


def test_one_multiplier_of_matrix_moves_dense_bone_more_than_marrow(prepared_torso: anatomy.Prepared):
    better = anatomy.drawn(prepared_torso, Draw(scores={"matrix.frozen_conductivity_w_per_m_k": 1.0})).palette.tissues
    ratio = {
        tissue.name: other.frozen_conductivity_w_per_m_k / tissue.frozen_conductivity_w_per_m_k
        for tissue, other in zip(prepared_torso.palette.tissues, better, strict=True)
    }
    steps = [ratio[f"bone, {share:.0%} matrix"] for share in (i / (BINS - 1) for i in range(BINS))]
    assert steps[0] == 1.0
    assert (np.diff(steps) > 0).all()
    assert steps[-1] == pytest.approx(0.9 / 0.6)
    assert ratio["muscle"] == 1.0


def test_fattier_marrow_holds_less_latent_heat(prepared_torso: anatomy.Prepared):
    fat = anatomy.drawn(prepared_torso, Draw(scores={"marrow_fat_fraction": 1.0})).palette.tissues
    heat = {tissue.name: tissue.latent_heat_j_per_m3 for tissue in prepared_torso.palette.tissues}
    for tissue in fat:
        if tissue.name == "bone, 0% matrix":
            assert tissue.latent_heat_j_per_m3 < heat[tissue.name]


def test_a_choice_for_the_whole_case_outlives_the_draw(torso):
    law = FreezingPointDepression(complete_c=-40.0)
    drawn = anatomy.drawn(anatomy.prepare(torso, freezing=law), anatomy.draws(1, seed=9)[0])
    assert all(tissue.freezing == law for tissue in drawn.palette.tissues if tissue.latent_heat_j_per_m3 > 0)


@settings(max_examples=60)
@given(data=st.data())
def test_any_draw_makes_tissues_that_matter_can_have(prepared_torso: anatomy.Prepared, data):
    ends = st.sampled_from([-1.0, 0.0, 1.0])
    draw = Draw(scores={factor: data.draw(ends) for factor in factors()})
    made = anatomy.drawn(prepared_torso, draw).palette.tissues  # a Tissue refuses what no matter has
    assert all(isinstance(tissue, Tissue) for tissue in made)
    for tissue in made:
        assert 0 <= tissue.conductivity_ice_fraction <= 1
        assert 0 <= tissue.capacity_ice_fraction <= 1


def test_every_tissue_of_the_groups_exists_and_stands_in_one_group():
    named = [name for names in GROUPS.values() for name in names]
    assert set(named) <= set(library.tissue_names())
    assert len(named) == len(set(named))
    assert group_of("metal") == "metal"


def test_every_factor_that_can_be_drawn_moves_something(prepared_torso: anatomy.Prepared):
    plain = prepared_torso.palette.tissues
    here = {group_of(name) for name in ("cortical_bone", "red_marrow", "muscle", "osteolytic_lesion", "metal")}
    water = ("red_marrow_water_fraction", "yellow_marrow_water_fraction", "matrix_water_fraction")  # fractions only
    for factor in factors():
        group, _, quantity = factor.partition(".")
        rows = [
            row for name in library.tissue_names() if group_of(name) == group for row in [library.tissue_rows(name)]
        ]
        fixed = bool(quantity) and all(row[quantity].low == row[quantity].high for row in rows)
        if (quantity and group not in here) or fixed or factor in water:
            continue
        moved = [anatomy.drawn(prepared_torso, Draw(scores={factor: s})).palette.tissues for s in (-1.0, 1.0)]
        assert any(each != plain for each in moved), factor
