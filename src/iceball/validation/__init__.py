"""VALIDATE: published measurements beside the model, and the calibration of the generic probes."""

from iceball.validation.runner import STUDIES, validate
from iceball.validation.study import VERDICTS, Claim, Comparison, Study

__all__ = ["STUDIES", "VERDICTS", "Claim", "Comparison", "Study", "validate"]
