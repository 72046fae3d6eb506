"""What several tests need and none is about: a run that nobody ran, a probe that no library has."""

from __future__ import annotations

from iceball.nouns import Probe
from iceball.provenance import Run

RUN = Run(
    version="0",
    inputs=(),
    backend="numpy",
    device="cpu",
    dtype="float64",
    seed=None,
    library="",
    sources=(),
    started_at="",
)
PROBE = Probe(
    name="test probe",
    cryogen="argon",
    shaft_diameter_mm=1.5,
    active_length_mm=30.0,
    gas_temperature_c=-150.0,
    internal_resistance_k_m_per_w=0.13,
    cooling_time_s=30.0,
)
