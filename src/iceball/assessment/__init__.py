"""Judge a run: isotherms against the lesion, how cold the structures at risk got, and what the rules say of it."""

from iceball.assessment.judge import assess
from iceball.assessment.sampling import sample as sampled

__all__ = ["assess", "sampled"]
