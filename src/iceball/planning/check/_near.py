"""The part of a case that a run can have changed: judging looks at all of a case, and most of it is far away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns import Case, Lesion

if TYPE_CHECKING:
    from iceball.nouns import Grid, Volume

# Numerical: how far beyond the box of a run the part reaches, so that distances to the lesion stay exact to well
# beyond what any rule asks for.
MARGIN_MM = 30.0


def near_part(case: Case, box: Grid) -> Case:
    """Return ``case`` cut to ``box`` and ``MARGIN_MM`` around it: what is assessed there is assessed alike, and sooner.

    Only the distance to the lesion of a structure whose nearest part lies beyond, far from any ice, may read larger.
    """
    grid = case.ct.grid
    ends = np.array([(0, 0, 0), np.asarray(box.shape) - 1], dtype=float)
    corners = np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, 3)
    index, more = grid.index_of(box.position_mm(corners)), MARGIN_MM / np.asarray(grid.spacing_mm)
    low = np.clip(np.floor(index.min(axis=0) - more), 0, np.asarray(grid.shape) - 1).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + more) + 1, low + 1, grid.shape).astype(int)
    place = slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])

    def part(volume: Volume | None) -> Volume | None:
        return None if volume is None else volume.part(place)

    lesion = case.lesion
    return Case(
        id=case.id,
        ct=case.ct.part(place),
        labels=part(case.labels),
        structures=case.structures,
        lesion=lesion
        and Lesion(
            mask=lesion.mask.part(place),
            matrix=lesion.matrix,
            origin=lesion.origin,
            bone=lesion.bone,
            site=lesion.site,
            intent=lesion.intent,
        ),
        field_of_view=part(case.field_of_view),
        notes=case.notes,
        facts=case.facts,
    )
