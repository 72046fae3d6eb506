"""What the lethal zone does to the bone: the published cut-offs, and the scores that screening handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball import library
from iceball.assessment.words import in_words, percent
from iceball.planning.check._found import found

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from iceball.anatomy.measures import FrozenBone
    from iceball.nouns import Finding
    from iceball.planning.check._known import Known

SCORES = ("mirels_", "spine_unstable", "spine_potentially_unstable", "femur_", "fracture_or_impending")
FLOOR = "Ablation itself weakens bone: a score from before it is a floor."


def of_bone(known: Known, frozen: FrozenBone | None, screening: Sequence[Finding]) -> Iterator[Finding]:
    """Findings on the stability of the bone.

    ``screening`` are findings of stability from before the ablation: they are carried on as they are.
    """
    carried = [finding for finding in screening if finding.rule.startswith(SCORES)]
    yield from carried
    if carried:
        yield found("score_is_a_floor", FLOOR, subject=known.bone)
    if frozen is not None and frozen.bone_ml > 0:
        says = (
            f"The lethal zone takes {frozen.bone_ml:.1f} ml of bone outside the lesion, "
            f"{percent(frozen.bone_fraction)} of what the scan holds of {_name(known)}. Ablation itself weakens bone."
        )
        yield found("zone_in_bone", says, subject=known.bone, measured=frozen.bone_ml, unit="ml")
    axial, around = known.axial(frozen), known.around(frozen)
    if known.is_femur:
        yield from _femur(known, axial, around)
    elif axial[0] is not None and axial[1] == "frozen":
        says = (
            f"The lethal zone holds {axial[0]:.0f} mm of the cortex along {_name(known)}. No threshold is known for "
            "this bone, and none is borrowed from the femur."
        )
        yield found("zone_cortex_other", says, subject=known.bone, measured=axial[0], unit="mm")


def _femur(known: Known, axial: tuple[float | None, str], around: tuple[float | None, str]) -> Iterator[Finding]:
    long_mm, share = axial[0], None if around[0] is None else 100.0 * around[0]
    limit = library.planning_rule("zone_femur_axial").threshold.value
    if long_mm is not None and long_mm > limit:
        says = (
            f"The cortex of {_name(known)} is {axial[1]} over {long_mm:.0f} mm of its length; fractures follow from "
            f"{limit:g} mm on: plan a fixation.{_judged(axial[1])}"
        )
        yield found("zone_femur_axial", says, subject=known.bone, measured=long_mm)
    for rule, over in (("zone_femur_circumference_half", True), ("zone_femur_circumference_third", False)):
        bound = library.planning_rule(rule).threshold.value
        if share is not None and (share > bound if over else share >= bound):
            says = (
                f"{share:.0f} % of the circumference of the cortex of {_name(known)} is {around[1]}; fractures follow "
                f"from {bound:g} % on{': plan a fixation' if over else ' in one CT cohort'}.{_judged(around[1])}"
            )
            yield found(rule, says, subject=known.bone, measured=share)
            break
    if known.word("femur_part") == "proximal":
        says = "The zone lies in the proximal femur: one femoral neck broke six weeks after cryoablation."
        yield found("femoral_neck", says, subject=known.bone)


def _judged(how: str) -> str:
    if how != "frozen":
        return " Ablation itself weakens bone."
    return " The cut-off is of lesions; that frozen cortex counts alike is a judgement."


def _name(known: Known) -> str:
    text = in_words(known.bone) if known.bone else "the bone"
    return text if text == "the bone" else f"the {text[:1].lower()}{text[1:]}"
