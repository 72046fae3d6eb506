"""Littrup 2009: one to four argon probes in warm agar. Fitted to one probe, the rest is predicted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from iceball import library
from iceball.nouns._noun import noun
from iceball.validation import rig
from iceball.validation.study import Claim, Comparison, among
from iceball.validation.tables import calibration, rows, study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from iceball.nouns.bench import Bench
    from iceball.nouns.bench_result import PhantomMoment, Section
    from iceball.validation.study import Study

KEY, PROBE = "littrup", "argon-13g-35mm"
LETHAL_C, START_C, PROTOCOL, SIDE_MM = -30.0, 39.0, "15", 20.0
DEMANDED = 0.15  # of the largest caliper, issue 3; the fitted number itself must be met to 3 %
FIT_DEMANDED = 0.03
SHAPES = {
    "equal-area": "equal_area_diameter_mm",
    "largest caliper": "largest_caliper_mm",
    "mean caliper": "mean_caliper_mm",
}
ARRANGED = {1: ((0.0, 0.0),), 2: rig.line(2, SIDE_MM), 3: rig.triangle(SIDE_MM), 4: rig.square(SIDE_MM)}
OTHERWISE = {
    "three in a line": rig.line(3, SIDE_MM),
    "four in a rhombus": rig.rhombus(SIDE_MM),
    "four in a line": rig.line(4, SIDE_MM),
}


@noun
class Variant:
    """One way to fill in what the study does not state.

    R' is fitted so that one probe has ``fitted_mm``. None: the library's own value. ``gel`` are fields of the tissue
    that are changed.
    """

    name: str
    fitted_mm: float
    active_length_mm: float | None = None
    gas_temperature_c: float | None = None
    gel: tuple[tuple[str, float], ...] = ()
    insulated_box_mm: float | None = None


def variants() -> tuple[Variant, ...]:
    """Return every way the calibration was repeated; the first is the library's."""
    row, gel = rows(KEY)["diameter_1"], library.tissue_rows("agar_gel")
    density, k, latent = (gel[q] for q in ("density_kg_per_m3", "conductivity_w_per_m_k", "latent_heat_j_per_kg"))

    def properties(conductivity: float, latent_j_per_kg: float) -> tuple[tuple[str, float], ...]:
        return (("conductivity_w_per_m_k", conductivity), ("latent_heat_j_per_m3", latent_j_per_kg * density.value))

    assumed, fitted = rows(KEY, "assumed_values"), row.value
    length, box = assumed["active_length"], assumed["box"]
    return (
        Variant(name="central", fitted_mm=fitted),
        Variant(name="active length, low", fitted_mm=fitted, active_length_mm=length.low),
        Variant(name="active length, high", fitted_mm=fitted, active_length_mm=length.high),
        Variant(name="gas temperature, low", fitted_mm=fitted, gas_temperature_c=assumed["gas_temperature"].low),
        Variant(name="gas temperature, high", fitted_mm=fitted, gas_temperature_c=assumed["gas_temperature"].high),
        Variant(name="gel that freezes slowly", fitted_mm=fitted, gel=properties(k.high, latent.high)),
        Variant(name="gel that freezes fast", fitted_mm=fitted, gel=properties(k.low, latent.low)),
        Variant(name="fitted diameter, low", fitted_mm=row.low),
        Variant(name="fitted diameter, high", fitted_mm=row.high),
        Variant(name="small insulated phantom", fitted_mm=fitted, insulated_box_mm=box.value),
    )


def setting(variant: Variant, places: rig.Places, resistance_k_m_per_w: float, **probe: Any) -> Bench:
    """Set up the study's bench for ``variant``, with R' [K·m/W]; ``probe`` are further fields of the probe."""
    own = library.probe(PROBE)
    changed = {
        "internal_resistance_k_m_per_w": resistance_k_m_per_w,
        "active_length_mm": variant.active_length_mm or own.active_length_mm,
        "gas_temperature_c": variant.gas_temperature_c or own.gas_temperature_c,
    }
    gel = replace(library.tissue("agar_gel"), **dict(variant.gel))
    levels = (rig.FREEZING_EDGE_C, LETHAL_C)
    bench = rig.bench(
        gel, replace(own, **changed | probe), places, start_c=START_C, protocol=PROTOCOL, isotherms_c=levels
    )
    if variant.insulated_box_mm is None:
        return bench
    return replace(bench, walls="insulated", box_size_mm=(variant.insulated_box_mm,) * 3)


def validate(progress: Callable[[float, str], None]) -> Study:
    """Freeze one to four probes, in every variant of what is not stated, and compare."""
    fits: Mapping[str, Any] = calibration()[PROBE]["variants"]
    ways, done = variants(), 0
    found: dict[str, dict[int, PhantomMoment]] = {}
    for way in ways:
        found[way.name] = {}
        for count, places in ARRANGED.items():
            resistance = _resistance(fits, way)
            found[way.name][count] = rig.freeze(setting(way, places, resistance))[-1]
            done += 1
            progress(done / (len(ways) * len(ARRANGED) + 7), f"{way.name}, {count} probes")
    thin = _thin(found["central"], lambda: progress(0.95, "the thinner probe"))
    other = {
        name: rig.freeze(setting(ways[0], places, _resistance(fits, ways[0])))[-1] for name, places in OTHERWISE.items()
    }
    return study(KEY, [*_single(found), *_several(found), thin], [_edge(found["central"]), *_arranged(other)])


def _resistance(fits: Mapping[str, Any], way: Variant) -> float:
    """R' [K·m/W] of a variant; the central one is what the library has."""
    if way.name == "central":
        return library.probe(PROBE).internal_resistance_k_m_per_w
    return float(fits[way.name]["internal_resistance_k_m_per_w"])


def _section(moment: PhantomMoment, isotherm_c: float) -> Section:
    section = rig.whole(moment, isotherm_c).section
    if section is None:
        raise ArithmeticError(f"no surface at {isotherm_c:g} °C")
    return section


def _single(found: Mapping[str, Mapping[int, PhantomMoment]]) -> list[Comparison]:
    measured, ones = rows(KEY), _of(found, 1)
    diameters, balls = (
        [rig.diameter_mm(moment, level) for moment in ones] for level in (LETHAL_C, rig.FREEZING_EDGE_C)
    )
    shares = [_share(moment) for moment in ones]
    return [
        among("one probe: -30 °C diameter", "fitted", measured["diameter_1"], diameters, FIT_DEMANDED),
        among("one probe: ball, from its area", "inferred", measured["ball_1"], balls),
        among("one probe: share of the ball's area", "predicted", measured["share_1"], shares),
    ]


def _several(found: Mapping[str, Mapping[int, PhantomMoment]]) -> list[Comparison]:
    compared: list[Comparison] = []
    for count in (2, 3, 4):
        moments = _of(found, count)
        for shape, field in SHAPES.items():
            what = f"{count} probes: -30 °C diameter as {shape}"
            demanded = DEMANDED if shape == "largest caliper" else None
            measured = rows(KEY)[f"diameter_{count}"]
            values = [float(getattr(_section(moment, LETHAL_C), field)) for moment in moments]
            compared.append(among(what, "predicted", measured, values, demanded))
        what, measured = f"{count} probes: share of the ball's area", rows(KEY)[f"share_{count}"]
        compared.append(among(what, "predicted", measured, [_share(moment) for moment in moments]))
    return compared


def _of(found: Mapping[str, Mapping[int, PhantomMoment]], count: int) -> list[PhantomMoment]:
    """Return the ice of ``count`` probes in every variant, the central one first."""
    return [found["central"][count], *(by_count[count] for name, by_count in found.items() if name != "central")]


def _share(moment: PhantomMoment) -> float:
    return 100 * _section(moment, LETHAL_C).area_mm2 / _section(moment, rig.FREEZING_EDGE_C).area_mm2


def _thin(thick: Mapping[int, PhantomMoment], tick: Callable[[], None]) -> Comparison:
    """Compare the 1.7 mm probe, taken to have the gas and R' of the 2.4 mm one: its mean share of the diameters."""
    own, central = library.probe(PROBE), variants()[0]
    shares: list[float] = []
    for count, places in ARRANGED.items():
        shaft = rows(KEY, "assumed_values")["thin_shaft"].value
        bench = setting(central, places, own.internal_resistance_k_m_per_w, shaft_diameter_mm=shaft)
        thin = _section(rig.freeze(bench)[-1], LETHAL_C).largest_caliper_mm
        shares.append(100 * thin / _section(thick[count], LETHAL_C).largest_caliper_mm)
        tick()
    return Comparison(
        what="1.7 mm probes: -30 °C diameter over that of 2.4 mm probes, mean of 1 to 4",
        use="predicted",
        measured=rows(KEY)["thin_diameter"],
        model=sum(shares) / len(shares),
        low=min(shares),
        high=max(shares),
    )


def _edge(central: Mapping[int, PhantomMoment]) -> Claim:
    gaps = {
        count: (_section(moment, rig.FREEZING_EDGE_C).mean_caliper_mm - _section(moment, LETHAL_C).mean_caliper_mm) / 2
        for count, moment in central.items()
    }
    return Claim(
        says="the -30 °C surface lies less than 10 mm behind the edge for nearly all arrangements",
        holds=max(gaps.values()) < 10.0,
        figures=", ".join(f"{count}: {gap:.1f} mm" for count, gap in gaps.items()),
    )


def _arranged(other: Mapping[str, PhantomMoment]) -> list[Claim]:
    """Say what other arrangements would give: the study states only that probes stood 2 cm apart."""
    claims: list[Claim] = []
    for name, moment in other.items():
        count = 3 if name.startswith("three") else 4
        measured, section = rows(KEY)[f"diameter_{count}"].value, _section(moment, LETHAL_C)
        sizes = ", ".join(f"{shape} {getattr(section, field):.1f} mm" for shape, field in SHAPES.items())
        near = abs(section.largest_caliper_mm / measured - 1) <= DEMANDED
        claims.append(Claim(says=f"{name}: the largest caliper is within 15 % too", holds=near, figures=sizes))
    return claims
