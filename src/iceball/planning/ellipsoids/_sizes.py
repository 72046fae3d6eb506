"""The fixed ellipsoid of one probe: its own isotherm in gel, computed, never a maker's table."""

from __future__ import annotations

import functools
import math

from iceball import library
from iceball.errors import InputError
from iceball.nouns import Placement, Probe, Protocol
from iceball.nouns._noun import noun
from iceball.nouns.bench import Bench, Layer
from iceball.thermal import freeze_phantom

GEL, START_C = "agar_gel", 37.0  # what makers measure in, at the temperature of the body
SPACING_MM = 1.0
SHAFT_MM = 60.0  # numerical: shaft behind the active zone; nothing of it freezes


@noun
class Ellipsoid:
    """An ellipsoid of revolution around a probe: its diameter, its length, and how far it reaches beyond the tip.

    ``beyond_tip_mm`` is negative where the isotherm ends before the tip.
    """

    diameter_mm: float
    length_mm: float
    beyond_tip_mm: float

    @property
    def middle_from_tip_mm(self) -> float:
        """How far back from the tip its middle lies [mm]."""
        return self.length_mm / 2 - self.beyond_tip_mm

    @property
    def volume_ml(self) -> float:
        """Its volume [ml]."""
        return math.pi / 6.0 * self.diameter_mm**2 * self.length_mm / 1000.0


@functools.cache
def ellipsoid_of(probe: Probe, protocol: Protocol, isotherm_c: float = -20.0) -> Ellipsoid:
    """Size of the isotherm of one probe alone in gel at 37 °C, when it is largest at the end of a step of ``protocol``.

    A few seconds for a probe and a protocol; then it is remembered.

    Parameters
    ----------
    probe : Probe
    protocol : Protocol
        power per probe is left out of account: fixed shapes know one power
    isotherm_c : float
        its temperature [°C]

    Raises
    ------
    InputError : if the probe never reaches the isotherm in gel

    Source: this project's solver at standard accuracy and 1 mm, gel from ``library.tissue("agar_gel")``.
    """
    half_mm = probe.active_length_mm / 2
    along = (0.0, 0.0, -half_mm - probe.tip_to_active_mm)
    alone = Placement(label="A", probe=probe, tip_mm=along, entry_mm=(0.0, 0.0, half_mm + SHAFT_MM))
    bench = Bench(
        layers=(Layer(medium=library.tissue(GEL)),),
        probes=(alone,),
        protocol=protocol,
        start_c=START_C,
        spacing_mm=SPACING_MM,
        isotherms_c=(isotherm_c,),
        name=f"{probe.name} alone in gel",
    )
    sizes = [
        Ellipsoid(diameter_mm=seen.diameter_mm, length_mm=seen.length_mm, beyond_tip_mm=seen.beyond_tip_mm)
        for moment in freeze_phantom(bench, curves=False).moments
        for seen in moment.probes[0].isotherms
        if seen.diameter_mm is not None and seen.length_mm is not None and seen.beyond_tip_mm is not None
    ]
    if not sizes:
        raise InputError(f"{probe.name} by {protocol} never reaches {isotherm_c:g} °C in gel: it has no such ellipsoid")
    return max(sizes, key=lambda size: size.volume_ml)
