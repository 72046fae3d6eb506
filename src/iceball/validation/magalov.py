"""Magalov 2008: how far apart needles give the most ice, and when the cold of three needles joins."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from iceball import library
from iceball.validation import rig
from iceball.validation.study import Claim
from iceball.validation.tables import rows, study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from iceball.nouns.bench_result import PhantomMoment
    from iceball.validation.study import Study

KEY, PROBE = "magalov", "argon-17g-30mm"
LEVELS = (rig.FREEZING_EDGE_C, -20.0, -40.0)
PAIRS_FOR, THREE_FOR = (10.0,), (1.0, 2.0, 3.0, 4.0, 5.0)  # minutes at which they are measured


def _mesh(*holes: tuple[int, int]) -> rig.Places:
    side = rows(KEY, "assumed_values")["mesh"].value
    return tuple((i * side, j * side) for i, j in holes)


def pairs() -> dict[str, rig.Places]:
    """Return two needles at each distance of the mesh up to 10 mm."""
    return {
        "5 mm": _mesh((0, 0), (1, 0)),
        "7.07 mm": _mesh((0, 0), (1, 1)),
        "10 mm": _mesh((0, 0), (2, 0)),
    }


def threes() -> dict[str, rig.Places]:
    """Return three needles, the tightest placement first."""
    return {
        "5-5-7.07 mm": _mesh((0, 0), (1, 0), (0, 1)),
        "5-5-10 mm": _mesh((0, 0), (1, 0), (2, 0)),
        "10-10-14.1 mm": _mesh((0, 0), (2, 0), (0, 2)),
    }


def validate(progress: Callable[[float, str], None]) -> Study:
    """Freeze the pairs and the threes."""
    two, three = pairs(), threes()
    volumes: dict[str, PhantomMoment] = {}
    for n, (name, places) in enumerate(two.items()):
        volumes[name] = freeze(places, PAIRS_FOR)[-1]
        progress((n + 1) / (len(two) + len(three)), f"two needles {name} apart")
    joined: dict[str, float] = {}
    for n, (name, places) in enumerate(three.items()):
        joined[name] = joined_after_s(freeze(places, THREE_FOR))
        progress((n + 1 + len(two)) / (len(two) + len(three)), f"three needles {name} apart")
    alone = freeze(_mesh((0, 0)), PAIRS_FOR)[-1]
    return study(KEY, [], [*_volumes(volumes), *_joining(joined), _upward(alone)])


def freeze(places: rig.Places, minutes: tuple[float, ...]) -> tuple[PhantomMoment, ...]:
    """Freeze needles at ``places`` [mm] and measure them after so many ``minutes``; several: finely."""
    gel, probe, start_c = library.tissue("agar_gel"), library.probe(PROBE), rows(KEY, "assumed_values")["start"].value
    protocol = f"{max(minutes):g}"
    bench = rig.bench(gel, probe, places, start_c=start_c, protocol=protocol, isotherms_c=LEVELS)
    spacing = rig.FINE_SPACING_MM if len(minutes) > 1 else rig.SPACING_MM
    return rig.freeze(replace(bench, spacing_mm=spacing, report_s=tuple(60.0 * each for each in minutes)))


def joined_after_s(moments: tuple[PhantomMoment, ...]) -> float:
    """First of the times looked at when the -40 °C surfaces are one piece [s]; infinite if they never are."""
    for moment in moments:
        section = rig.whole(moment, -40.0).section
        if section is not None and section.pieces == 1:
            return moment.time_s
    return math.inf


def _volumes(moments: Mapping[str, PhantomMoment]) -> list[Claim]:
    claims: list[Claim] = []
    for level in LEVELS:
        ml = {name: rig.whole(moment, level).volume_ml for name, moment in moments.items()}
        figures = ", ".join(f"{name}: {volume:.1f} ml" for name, volume in ml.items())
        shown = 0 if level > -1 else level
        says = f"of two needles, those 10 mm apart enclose the largest volume at {shown:g} °C (10 min)"
        claims.append(Claim(says=says, holds=max(ml, key=lambda name: ml[name]) == "10 mm", figures=figures))
    return claims


def _joining(joined: Mapping[str, float]) -> list[Claim]:
    figures = ", ".join(
        f"{name}: {f'{after / 60:g} min' if math.isfinite(after) else 'not in 5 min'}" for name, after in joined.items()
    )
    tight, second, loose = joined.values()
    at_once = max(tight, second) <= 60.0
    return [
        Claim(
            says="of three needles, the two tightest have one -40 °C surface by 1 min", holds=at_once, figures=figures
        ),
        Claim(
            says="the -40 °C surfaces of a less tight three join later, or not at all",
            holds=loose > max(tight, second),
            figures=figures,
            demanded=True,
        ),
    ]


def _upward(moment: PhantomMoment) -> Claim:
    """Compare how far the ice of one needle reaches beyond both ends of its active zone."""
    probe, surface = library.probe(PROBE), moment.probes[0].isotherms[0]
    down = (surface.beyond_tip_mm or 0.0) + probe.tip_to_active_mm
    up = (surface.length_mm or 0.0) - probe.active_length_mm - down
    return Claim(
        says="the ice reaches farther up along the shaft than down beyond the tip (by more than 2 mm)",
        holds=up - down > 2.0,
        figures=f"beyond the active zone: {up:.1f} mm up, {down:.1f} mm down",
    )
