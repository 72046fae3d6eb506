"""The canal's front wall: the cortex between the canal and the vertebral body, looked at from the canal forward."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from iceball import library

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._canal import Canal
    from iceball.anatomy.measures._state import State
    from iceball.anatomy.measures._survey import Notebook
    from iceball.anatomy.measures._vertebra import Vertebra

KEY = "posterior_wall_breached"
# Numerical: rays of sight stand this far apart and are sampled this finely; the wall is looked for from a little
# behind the canal's border to well in front of it, and is weighed so far to either side of its middle; a reference of
# fewer rays is none.
APART_MM, STEP_MM = 1.0, 0.5
BEHIND_MM, AHEAD_MM, WALL_MM = 2.0, 7.0, 2.5
FEWEST_RAYS = 30


def posterior_wall(own: Vertebra, others: list[Vertebra], canal: Canal, state: State, book: Notebook) -> None:
    """Write down whether the wall between the lesion and the spinal canal is breached.

    Rays run forward from the canal, a millimetre apart. Where one meets the lesion within ``cortex_reach_mm`` of the
    wall, the bone mineral along it is compared with the median of the rays of the same vertebra and its neighbours
    that keep away from the lesion.

    Source: thresholds from ``library.measure_rules()``, ``judgement``.
    """
    rules, state = library.measure_rules(), state.of_breach()
    origin, least = state.origin(canal.estimated), rules["breach_area_mm2"].value
    inside = _in_canal_mm3(own, canal)
    if inside >= least:  # a breach that is deep by a millimetre
        book.put(KEY, True, origin, note=state.noted(f"{inside:.0f} mm³ of the lesion lie in the canal"))
        return
    rays = [_rays(vertebra, canal) for vertebra in (own, *others)]
    wall = _wall_mm(rays, rules["reference_from_mm"].value)
    if wall is None:
        book.leave("no intact wall beside the lesion is in the scan to compare with", KEY)
        return
    reach = rules["cortex_reach_mm"].value
    meets = rays[0].meets(wall + reach)
    met = np.count_nonzero(meets) * APART_MM**2
    if met < least:
        if state.cut:
            book.leave("the scan cuts the lesion: what of the wall it meets is not all seen", KEY)
        else:
            book.put(KEY, False, origin, note=state.noted("the lesion keeps off the canal's front wall"))
        return
    usual = np.median(np.concatenate([r.mineral(wall)[r.free(rules["reference_from_mm"].value)] for r in rays]))
    if not usual > 0:
        book.leave("no intact wall beside the lesion is in the scan to compare with", KEY)
        return
    left = rays[0].mineral(wall) / usual
    hole = np.count_nonzero(meets & (left < rules["breached_cortex_fraction"].value)) * APART_MM**2
    if state.cut and hole < least:
        book.leave("the scan cuts the lesion: what of the wall it meets is not all seen", KEY)
        return
    note = f"{hole:.0f} mm² of the {met:.0f} mm² of wall that the lesion meets have no cortex"
    book.put(KEY, bool(hole >= least), origin, note=state.noted(note))


def _in_canal_mm3(own: Vertebra, canal: Canal) -> float:
    """Volume [mm³] of the lesion in the front half of the canal, at this vertebra: what came through its front wall."""
    frame = own.frame
    places = own.places(own.part.lesion & canal.mask)
    front = (places[:, 0] > (frame.front_mm + frame.back_mm) / 2) & (np.abs(places[:, 1]) <= 0.8 * frame.side_mm)
    level = (places[:, 2] >= frame.low_mm) & (places[:, 2] <= frame.high_mm)
    return float(np.count_nonzero(front & level) * np.prod(own.part.spacing_mm))


@dataclasses.dataclass(frozen=True, eq=False)
class Rays:
    """Rays forward from the canal, U by L of them: ``hu`` (U, L, S) [HU] at ``steps_mm`` (S,) from its border.

    ``lesion`` (U, L, S) is where they run in the lesion, ``bone`` (U, L) which of them run into the vertebra.
    """

    steps_mm: NDArray[np.float64]
    hu: NDArray[np.float32]
    lesion: NDArray[np.bool_]
    bone: NDArray[np.bool_]

    def meets(self, within_mm: float) -> NDArray[np.bool_]:
        """(U, L) rays that meet the lesion before ``within_mm`` [mm]."""
        return np.asarray(self.lesion[:, :, self.steps_mm <= within_mm].any(axis=2), dtype=bool)

    def free(self, from_mm: float) -> NDArray[np.bool_]:
        """(U, L) rays into bone, wholly scanned, that keep ``from_mm`` [mm] away from all that meet the lesion."""
        from scipy import ndimage  # only here: slow to import

        size = 2 * round(from_mm / APART_MM) + 1
        near = ndimage.maximum_filter(self.lesion.any(axis=2).view(np.uint8), size=size)
        return self.bone & (near == 0) & np.asarray(np.isfinite(self.hu).all(axis=2))

    def mineral(self, wall_mm: float) -> NDArray[np.float64]:
        """(U, L) HU above the mineral threshold around ``wall_mm`` [mm], summed [HU·mm]."""
        threshold = library.hu_rules()["mineral_above_hu"].value
        window = np.abs(self.steps_mm - wall_mm) <= WALL_MM
        return np.clip(self.hu[:, :, window] - threshold, 0.0, None).sum(axis=2, dtype=np.float64) * STEP_MM


def _wall_mm(rays: list[Rays], from_mm: float) -> float | None:
    """Where the intact wall lies, from the canal's border forward [mm]: the peak of the rays that the lesion spares."""
    found = np.concatenate([each.hu[each.free(from_mm)] for each in rays])
    if len(found) < FEWEST_RAYS:
        return None
    return float(rays[0].steps_mm[np.argmax(np.median(found, axis=0))])


def _rays(vertebra: Vertebra, canal: Canal) -> Rays:
    part, frame = vertebra.part, vertebra.frame
    up = np.arange(frame.low_mm, frame.high_mm, APART_MM)
    left = np.arange(-0.8 * frame.side_mm, 0.8 * frame.side_mm, APART_MM)
    ahead = np.arange(-frame.side_mm, frame.front_mm + 6.0, STEP_MM)
    base = frame.origin_mm + up[:, None, None, None] * frame.up + left[:, None, None] * frame.left
    inside = part.sample(canal.mask, base + ahead[:, None] * frame.forward, 0.0) > 0.5
    last = inside.shape[2] - 1 - inside[:, :, ::-1].argmax(axis=2)
    border = np.where(inside.any(axis=2), ahead[last] + STEP_MM / 2, np.nan)
    steps = np.arange(-BEHIND_MM, AHEAD_MM + STEP_MM / 2, STEP_MM)
    points = base + (border[:, :, None] + steps)[..., None] * frame.forward
    points = np.where(np.isfinite(points), points, -1e6)  # far outside: nothing is seen there
    return Rays(
        steps_mm=steps,
        hu=part.sample(part.hu, points, np.nan),
        lesion=part.look_up(part.lesion, points),
        bone=np.asarray(part.look_up(vertebra.bone, points).any(axis=2), dtype=bool),
    )
