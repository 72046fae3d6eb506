"""Judge a run: isotherms against the lesion, how cold the structures at risk got, and what the rules say of it."""

from iceball.assessment.judge import assess

__all__ = ["assess"]
