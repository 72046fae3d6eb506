"""MANY: plan a whole cohort of cases with one wish, into one table; what was done is not done again."""

from iceball.cohort._row import Row
from iceball.cohort._run import Cohort, document, run
from iceball.cohort._wish import Wish, read_wish

__all__ = ["Cohort", "Row", "Wish", "document", "read_wish", "run"]
