"""A bench and its media check themselves when they are made."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from small_bench import GEL, IDEAL

from iceball import library
from iceball.errors import GeometryError, InputError, UnknownName
from iceball.nouns import Bench, Layer, Medium, placed, read_protocol
from iceball.nouns.bench import LAWS

A = placed("A", IDEAL, (0.0, 0.0, -6.0), (0.0, 0.0, -2.0))
BENCH = Bench(layers=(Layer(medium=GEL),), probes=(A,), protocol=read_protocol("10-8-10"), start_c=20.0)


def test_a_probe_placed_by_direction_lies_behind_its_tip():
    deep, shallow = A.active_ends_mm
    assert deep == pytest.approx((0, 0, -6))  # the direction points from handle to tip: the zone runs up from there
    assert shallow == pytest.approx((0, 0, 6))


def test_without_times_the_end_of_every_step_is_reported():
    assert BENCH.times_s == (600.0, 1080.0, 1680.0)
    assert replace(BENCH, report_s=(300.0, 60.0, 300.0)).times_s == (60.0, 300.0)


@pytest.mark.parametrize("field", [name for name in Medium.__dataclass_fields__ if name != "name"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_medium_refuses_every_number_that_is_not_finite_and_names_it(field, value):
    with pytest.raises(InputError, match=f"gel: .*{field}"):
        replace(GEL, **{field: value})


@pytest.mark.parametrize("field", LAWS)
@pytest.mark.parametrize(
    ("table", "says"),
    [
        ((), "empty table"),
        (((-10.0, 1.0), (-20.0, 2.0)), "must rise from row to row"),
        (((-10.0, 1.0), (-10.0, 2.0)), "must rise from row to row"),
        (((-10.0, -1.0),), "at -10 °C must be above zero"),
        (((math.nan, 1.0),), "its temperature must be a finite number"),
        (((-10.0, math.inf),), "at -10 °C must be above zero"),
        (((-10.0, 1.0, 2.0),), "pairs"),
    ],
)
def test_a_table_that_is_none_is_refused_by_its_field(field, table, says):
    with pytest.raises(InputError, match=f"gel: {field}.*{says}"):
        replace(GEL, **{field: table})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"solidus_c": 1.0}, "solidus_c 1 lies above liquidus_c -1"),
        ({"latent_heat_j_per_m3": -1.0}, "latent_heat_j_per_m3 cannot be negative"),
        ({"perfusion_w_per_m3_k": -1.0}, "perfusion_w_per_m3_k cannot be negative"),
        ({"conductivity_frozen_w_per_m_k": 0.0}, "conductivity_frozen_w_per_m_k must be above zero"),
        ({"solidus_c": -230.0}, "must lie within -220"),
    ],
)
def test_a_medium_that_no_matter_is_like_is_refused(change, says):
    with pytest.raises(InputError, match=says):
        replace(GEL, **change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start_c": math.nan}, "start_c must be a finite number"),
        ({"start_c": 500.0}, "start_c must lie within"),
        ({"spacing_mm": math.nan}, "spacing_mm must be above zero"),
        ({"spacing_mm": 0.0}, "spacing_mm must be above zero"),
        ({"walls": "open"}, "'held' .* or 'insulated', not 'open'"),
        ({"layers": ()}, "needs a medium"),
        ({"layers_from_z_mm": math.inf}, "layers_from_z_mm must be a finite number"),
        ({"layers": (Layer(medium=GEL), Layer(medium=GEL))}, "the layer of gel needs a thickness_mm"),
        ({"layers": (Layer(medium=replace(GEL, perfusion_w_per_m3_k=2e3)),)}, "gel is perfused: write arterial_c"),
        ({"arterial_c": math.nan}, "arterial_c must be a finite number"),
        ({"report_s": (1681.0,)}, "1681 s lies outside the protocol, which takes 1680 s"),
        ({"report_s": (math.nan,)}, "report_s must be a finite number"),
        ({"isotherms_c": (20.0,)}, "20 °C is not below start_c"),
        ({"points_mm": (("x", (0.0, 0.0, math.nan)),)}, "point 'x' must be a finite number"),
        ({"points_mm": (("x", (0.0, 0.0, 0.0)), ("x", (1.0, 0.0, 0.0)))}, "two points share a name"),
        ({"box_size_mm": (10.0, math.nan, 10.0)}, "box_size_mm must be a finite number"),
        ({"box_size_mm": (10.0, -1.0, 10.0)}, "box_size_mm must be above zero"),
        ({"box_centre_mm": (0.0, 0.0, 0.0)}, "box_centre_mm without box_size_mm"),
        ({"probes": ()}, "at least one probe"),
        ({"probes": (A, A)}, "two probes share a label"),
    ],
)
def test_a_bench_that_contradicts_itself_is_refused(change, says):
    with pytest.raises(InputError, match=says):
        replace(BENCH, **change)


def test_a_number_of_a_tissue_that_is_not_finite_is_refused():
    fat = replace(library.tissue("fat"), latent_heat_j_per_m3=math.nan)
    with pytest.raises(InputError, match="fat: latent_heat_j_per_m3 must be a finite number"):
        replace(BENCH, layers=(Layer(medium=fat),), arterial_c=37.0)


def test_a_protocol_that_names_a_probe_there_is_not_is_refused():
    with pytest.raises(UnknownName, match="names probe 'B'"):
        replace(BENCH, protocol=read_protocol("freeze at 80% (B at 60%) for 10 min"))


@pytest.mark.parametrize("thickness_mm", [0.0, -1.0, math.nan])
def test_a_layer_without_thickness_is_refused(thickness_mm):
    with pytest.raises(InputError, match="thickness_mm of the layer of gel must be above zero"):
        Layer(medium=GEL, thickness_mm=thickness_mm)


def test_a_direction_without_length_is_refused():
    with pytest.raises(GeometryError, match="probe A: direction .* has no length"):
        placed("A", IDEAL, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def test_a_place_that_is_not_finite_is_refused():
    with pytest.raises(InputError, match="probe A: tip_mm and direction must be a finite number"):
        placed("A", IDEAL, (0.0, math.inf, 0.0), (0.0, 0.0, 1.0))
