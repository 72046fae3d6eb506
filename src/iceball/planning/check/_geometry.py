"""What can be said of a plan before anything is frozen: where its probes lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball.planning.check._found import found, gravest_first
from iceball.planning.check._probes import of_probes
from iceball.planning.check._scene import scene
from iceball.planning.check._way import of_way

if TYPE_CHECKING:
    from collections.abc import Collection

    from iceball.anatomy import Prepared
    from iceball.nouns import Case, Finding, Plan


def geometry(
    case: Case, plan: Plan, *, fingerprint: str = "", allowed: Collection[str] = (), prepared: Prepared | None = None
) -> tuple[Finding, ...]:
    """Findings on where the probes of ``plan`` lie in ``case``, the gravest first; nothing is simulated.

    Each shaft is followed with its thickness from the tip to the skin, through every voxel of the labels that it
    touches: none is left out. What is looked at in a case is found once (about half a second) and kept.

    Parameters
    ----------
    case : with labels, to know what is at risk
    plan : probes in place
    fingerprint : of the case; "" leaves out whether the plan was made for it
    allowed : names of structures that a person lets a shaft cross: then that is a caution
    prepared : the case as ``anatomy.prepare`` made it, where that was done: the body need not be found again

    Raises
    ------
    InputError : if there is no body on the CT

    Source: thresholds from ``library.planning_rules()``, each with its source.
    """
    there = scene(case, prepared)
    said: list[Finding] = []
    if fingerprint and plan.case not in ("", fingerprint):
        says = f"The plan was made for case {plan.case}, this one is {fingerprint}: its places may mean nothing here."
        said.append(found("plan_of_another_case", says, subject=plan.case))
    said.extend(of_probes(plan.placements))
    for placement in plan.placements:
        said.extend(of_way(case, there, placement, allowed))
    return gravest_first(said)
