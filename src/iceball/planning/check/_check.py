"""The verb of this folder: check(case, plan, history) -> findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball.anatomy import measures
from iceball.errors import InputError
from iceball.planning.check._bone import of_bone
from iceball.planning.check._cement import of_cement
from iceball.planning.check._cold import of_cold
from iceball.planning.check._found import gravest_first
from iceball.planning.check._geometry import geometry
from iceball.planning.check._known import known_of
from iceball.planning.check._zone import goal_of, lethal_c, lethal_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iceball.nouns import Assessment, Case, Fact, Finding, Plan, ThermalHistory


def check(
    case: Case,
    plan: Plan,
    history: ThermalHistory,
    *,
    assessment: Assessment,
    screening: Sequence[Finding] = (),
    facts: Sequence[Fact] | None = None,
) -> tuple[Finding, ...]:
    """Findings on ``plan`` beyond those of its assessment: where the probes lie, what the cold does to goal and bone.

    Parameters
    ----------
    case : with a lesion
    plan : the plan that was frozen
    history : what the simulation kept of it
    assessment : the judgement of ``history``; its own findings are not said again
    screening : findings of stability from before the ablation, such as Mirels' score: they are carried on
    facts : what was measured on the case; measured now if None (a second or two)

    Raises
    ------
    InputError : if the case has no lesion

    Source: thresholds from ``library.planning_rules()``, each with its source; severities are this project's choice.
    """
    run = of_run(case, plan, history, assessment=assessment, screening=screening, facts=facts)
    return gravest_first((*geometry(case, plan), *run))


def of_run(
    case: Case,
    plan: Plan,
    history: ThermalHistory,
    *,
    assessment: Assessment,
    screening: Sequence[Finding] = (),
    facts: Sequence[Fact] | None = None,
) -> tuple[Finding, ...]:
    """Findings of ``check`` without those of ``geometry``; parameters and errors as there.

    Raises
    ------
    InputError : if the case has no lesion
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: mark the lesion (iceball lesion) before a plan is checked")
    known = known_of(case, measures.measure(case) if facts is None else facts)
    zone = lethal_zone(case, history, lethal_c(goal_of(plan)))
    frozen = None if zone is None else measures.frozen_bone(case, zone)
    return gravest_first(
        (
            *of_cold(case, plan, history, assessment, known.site),
            *of_bone(known, frozen, screening),
            *of_cement(case, known),
        )
    )
