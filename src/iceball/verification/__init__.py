"""ARE THE EQUATIONS SOLVED RIGHT? Two verbs: ``verify`` on exact cases, ``measure_targets`` of accuracies."""

from iceball.verification._accuracy import Scope, Targets, Trial, measure_targets, scope
from iceball.verification._cases import CASES, case_names
from iceball.verification._half_spacing import IsothermError
from iceball.verification._lone_probe import ProbeError
from iceball.verification._nouns import Case, Check, Engine, Result, Verification
from iceball.verification._verify import verify

__all__ = [
    "CASES",
    "Case",
    "Check",
    "Engine",
    "IsothermError",
    "ProbeError",
    "Result",
    "Scope",
    "Targets",
    "Trial",
    "Verification",
    "case_names",
    "measure_targets",
    "scope",
    "verify",
]
