"""Cement: a volume where it holds, and a warning where it must not stand alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.planning.check._found import found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iceball.nouns import Case, Finding
    from iceball.planning.check._known import Known

WALLS = {
    "posterior_wall_breached": "the posterior wall",
    "acetabular_roof_breached": "the roof of the acetabulum",
    "cortex_breached": "the cortex",
}
HOLDS_AT = ("spine", "acetabulum")  # where the site table says that cement holds, in compression


def of_cement(case: Case, known: Known) -> Iterator[Finding]:
    """Findings on cement at the lesion's site: a proposal, a leak, or why not alone."""
    if known.site == "long_bone":
        yield from _long_bone(known)
    if known.site not in HOLDS_AT or case.lesion is None:
        return
    if known.matrix == "blastic":
        says = "The lesion is blastic: it leaves no cavity, and no cement is proposed."
        yield found("cement_blastic", says, subject=known.site)
        return
    cavity = cavity_ml(case)
    fill = library.planning_numbers()["cement_fill_fraction"]
    says = (
        f"Cement holds here, in compression: {fill.value * cavity:.1f} ml are proposed for a cavity of {cavity:.1f} ml "
        f"({fill.low * cavity:.1f} to {fill.high * cavity:.1f} ml: how full it gets is a judgement, no published "
        f"volume was found).{_screws(known)}"
    )
    yield found("cement_proposed", says, subject=known.site, measured=fill.value * cavity, unit="ml")
    if open_walls := [wall for key, wall in WALLS.items() if known.says(key)]:
        guess = any(key in known.facts and known.facts[key].origin == "estimated" for key in WALLS if known.says(key))
        says = (
            f"{open_walls[0][:1].upper()}{open_walls[0][1:]} is breached{' (an estimate)' if guess else ''}: "
            "cement may leak."
        )
        yield found("cement_leak", says, subject=open_walls[0])


def cavity_ml(case: Case) -> float:
    """Volume of the lytic part of the lesion [ml]: what is below the HU of bone, within bone where labels say so."""
    assert case.lesion is not None  # the caller looked
    there = np.argwhere(np.asarray(case.lesion.mask.array) > 0)
    low, high = there.min(axis=0), there.max(axis=0) + 1
    place = slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])
    cavity = (np.asarray(case.lesion.mask.array)[place] > 0) & (
        np.asarray(case.ct.array)[place] < library.hu_rules()["bone_above_hu"].value
    )
    bones = [s.label for s in case.structures if library.structure_rule(s.name).bone]
    if case.labels is not None and bones:
        within = np.isin(case.labels.array[place], bones)
        # Segmentations leave lytic lesions out of the bone's label: then nothing says which part lies in bone.
        cavity &= within if (within & cavity).any() else True
    return float(np.count_nonzero(cavity)) * case.ct.grid.voxel_ml


def _screws(known: Known) -> str:
    return " Screws take the shear, which cement does not." if known.site == "acetabulum" else ""


def _long_bone(known: Known) -> Iterator[Finding]:
    long_mm, broken = known.number("cortex_axial_mm"), known.says("prior_lesser_trochanter_fracture")
    limit = library.planning_rule("cement_alone_contraindicated").threshold.value
    contraindicated = known.word("femur_part") == "proximal" and (broken or (long_mm is not None and long_mm > limit))
    alone = known.says("cement_planned") and not known.says("fixation_planned")
    if contraindicated and not known.says("fixation_planned"):
        why = "after a fracture of the lesser trochanter" if broken else f"with {long_mm:.0f} mm of cortex involved"
        says = f"Cement alone is contraindicated in a proximal femur {why}: add a fixation, or leave the cement out."
        severity = "stop" if alone else "caution"  # where no cement is planned, nothing is wrong yet
        yield found("cement_alone_contraindicated", says, subject=known.bone, measured=long_mm, severity=severity)
    elif not known.says("fixation_planned"):
        says = "Cement does not hold a long bone alone: it bears compression, neither shear nor torsion."
        yield found("cement_not_alone", says, subject=known.bone, severity="caution" if alone else "note")
