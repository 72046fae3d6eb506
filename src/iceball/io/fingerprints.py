"""What makes two cases the same: the CT, its grid, the labels and the lesion; not the pseudonym, not the notes."""

from __future__ import annotations

import numpy as np

from iceball import provenance
from iceball.nouns import Case

__all__ = ["case_fingerprint"]


def case_fingerprint(case: Case) -> str:
    """Fingerprint of what a simulation or an assessment goes by in ``case``: twelve hex letters (DESIGN).

    Roles, limits and tissues of the structures count: a limit that went missing would hide a danger.

    Arrays are brought to one type first, so that a case has the same fingerprint before and after it was stored.
    """
    lesion = case.lesion
    return provenance.fingerprint(
        {
            "grid": case.ct.grid,
            "ct": np.asarray(case.ct.array, dtype="<f4"),
            "labels": None if case.labels is None else np.asarray(case.labels.array, dtype="<i4"),
            "structures": sorted(case.structures, key=lambda s: s.label),
            "lesion": None if lesion is None else (np.asarray(lesion.mask.array) != 0, lesion.matrix),
            "field_of_view": None if case.field_of_view is None else np.asarray(case.field_of_view.array) != 0,
        }
    )
