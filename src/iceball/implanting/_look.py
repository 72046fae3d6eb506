"""Draw how one lesion looks, from the spreads of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball import library
from iceball.implanting._fields import stream
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from iceball.implanting._scan import ScanLook
    from iceball.implanting._wish import Wish
    from iceball.nouns import Cited

RIM = ("rim_hu", "rim_mm")


@array_noun
class Look:
    """What was drawn for one lesion, by quantity: its ``border``, its matters, its rim; empty where it has none."""

    border: Mapping[str, float]
    lytic: Mapping[str, float]
    blastic: Mapping[str, float]
    rim: Mapping[str, float]


def draw_look(wish: Wish) -> Look:
    """Draw every quantity of ``wish``'s kind evenly between the low and the high end of its row.

    A mixed lesion has the border and the cortex of a lytic one.
    """
    rng = stream(wish.seed, "look")
    lytic, blastic, mixed = (_drawn(rng, library.implant_rows(kind)) for kind in ("lytic", "blastic", "mixed"))
    has_rim = wish.matrix == "lytic" and rng.uniform() < lytic["rim_chance_fraction"]
    return Look(
        border=blastic if wish.matrix == "blastic" else lytic | mixed,
        lytic={} if wish.matrix == "blastic" else lytic,
        blastic={} if wish.matrix == "lytic" else blastic,
        rim={key: lytic[key] for key in RIM} if has_rim else {},
    )


def said(look: Look, scan: ScanLook) -> str:
    """Say what was drawn and measured, for the note."""
    parts = [f"{kind} {rows['matter_hu']:.0f} HU" for kind in ("lytic", "blastic") if (rows := getattr(look, kind))]
    if look.lytic:
        border = look.border
        parts.append(
            f"touched cortex {border['broken_fraction']:.0%} gone, the rest {border['thinned_fraction']:.0%} thinned"
        )
        parts.append(f"bulge up to {border['bulge_mm']:.1f} mm")
    if look.lytic and look.blastic:
        parts.append(f"{look.border['blastic_fraction']:.0%} blastic")
    if look.rim:
        parts.append(f"sclerotic rim of {look.rim['rim_mm']:.1f} mm")
    how = "measured beside it" if scan.measured else "not measured: too little soft tissue beside it"
    return ", ".join(parts) + f"; noise of {scan.noise_hu:.0f} HU ({how})"


def _drawn(rng: np.random.Generator, rows: Mapping[str, Cited]) -> dict[str, float]:
    return {name: float(rng.uniform(row.low, row.high)) for name, row in rows.items()}
