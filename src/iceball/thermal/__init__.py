"""SIMULATE: one verb, ``simulate(case, plan)``, and the ways to compute it."""

from iceball.thermal._simulate import simulate
from iceball.thermal.backends import backend_named, backend_names, default_backend
from iceball.thermal.phantom import freeze_phantom
from iceball.thermal.problem import Backend
from iceball.thermal.ready import Ready, freeze, make_ready, try_protections
from iceball.thermal.sensitivity import Sensitivities, sensitivities
from iceball.thermal.stepping import Stepping

__all__ = [
    "Backend",
    "Ready",
    "Sensitivities",
    "Stepping",
    "backend_named",
    "backend_names",
    "default_backend",
    "freeze",
    "freeze_phantom",
    "make_ready",
    "sensitivities",
    "simulate",
    "try_protections",
]
