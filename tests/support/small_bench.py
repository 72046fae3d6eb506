"""A gel of constants and an ideal probe: for tests of benches and of what is frozen on them."""

from __future__ import annotations

from iceball.nouns import Medium, Probe

GEL = Medium(
    name="gel",
    conductivity_frozen_w_per_m_k=2.2,
    conductivity_unfrozen_w_per_m_k=0.57,
    heat_capacity_frozen_j_per_m3_k=1.9e6,
    heat_capacity_unfrozen_j_per_m3_k=4.15e6,
    latent_heat_j_per_m3=317e6,
    solidus_c=-8.0,
    liquidus_c=-1.0,
)
IDEAL = Probe(
    name="ideal",
    cryogen="none named",
    shaft_diameter_mm=2.0,
    active_length_mm=12.0,
    gas_temperature_c=-140.0,
    internal_resistance_k_m_per_w=0.0,
    cooling_time_s=0.0,
)
