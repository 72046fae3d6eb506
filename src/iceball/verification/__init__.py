"""ARE THE EQUATIONS SOLVED RIGHT? Exact cases for any backend: one verb, ``verify(engine)``."""

from iceball.verification._cases import CASES, case_names
from iceball.verification._nouns import Case, Check, Engine, Result, Verification
from iceball.verification._verify import verify

__all__ = ["CASES", "Case", "Check", "Engine", "Result", "Verification", "case_names", "verify"]
