"""What the planner is asked for in tests: slim bodies, coarse voxels, short freezes: a search takes seconds."""

from __future__ import annotations

import dataclasses
import functools

import made_ways as made
import promises
import turned

from iceball import library, planning
from iceball.nouns import Case, Goal, read_protocol
from iceball.planning import ways

PROBE = library.probe("argon-17g-22mm")
USUAL, FREE = Goal(), ways.Rules()
SHORT = read_protocol("4-1-4")


def body(*blobs: made.Blob, lesion_mm=7.0, bone_mm=9.0, spacing_mm=(2.5, 2.5, 2.5)) -> Case:
    """A slim trunk with a round lesion in a round bone, and what is put around it."""
    return made.body(
        *blobs,
        spacing_mm=spacing_mm,
        lesion_mm=lesion_mm,
        bone_mm=bone_mm,
        half_mm=(44.0, 34.0),
        height_mm=64.0,
        middle_mm=(0.0, -4.0),
    )


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a search is asked for."""

    case: Case
    goal: Goal = USUAL
    rules: ways.Rules = FREE
    max_probes: int = 2
    protocol: str = "4-1-4"
    seed: int = 0
    protect: bool = True

    def search(self, **more) -> planning.Planning:
        return planning.optimise(
            self.case,
            probes=(PROBE,),
            protocol=read_protocol(self.protocol),
            goal=self.goal,
            max_probes=self.max_probes,
            rules=self.rules,
            protect=self.protect,
            seed=self.seed,
            **more,
        )

    def keeps(self, found: planning.Planning) -> None:
        promises.keeps(self.case, found, rules=self.rules, goal=self.goal, max_probes=self.max_probes)


def on_other_axes(case: Case, order, flip) -> Case:
    """The same patient on a grid whose axes run otherwise."""
    assert case.labels is not None
    assert case.lesion is not None
    mask = turned.turned(case.lesion.mask, order, flip)
    return dataclasses.replace(
        case,
        ct=turned.turned(case.ct, order, flip),
        labels=turned.turned(case.labels, order, flip),
        lesion=dataclasses.replace(case.lesion, mask=mask),
    )


NERVE = made.Blob("sciatic_nerve", (-9.5, 9.5, 0.0), (3.0, 3.0, 60.0))
ASKED = {
    "open": Asked(body()),
    "a cord behind and bowel beside, nothing from the left": Asked(
        body(
            made.Blob("spinal_cord", (0.0, 18.0, 0.0), (4.0, 4.0, 60.0)),
            made.Blob("colon", (-22.0, 0.0, 0.0), (8.0, 12.0, 20.0)),
        ),
        rules=ways.Rules(position="prone", forbidden=("left",)),
        goal=Goal(isotherm_c=-40.0, margin_mm=2.0),
    ),
    "a scan whose axes run otherwise": Asked(
        on_other_axes(body(made.Blob("aorta", (0.0, -15.0, 0.0), (4.0, 4.0, 60.0))), (2, 0, 1), (True, False, True)),
        rules=ways.Rules(position="prone"),
        protocol="5",
    ),
    "a nerve that touches": Asked(
        body(NERVE, lesion_mm=10.0, bone_mm=10.5),
        rules=ways.Rules(position="prone"),
        goal=Goal(coverage_fraction=1.0),
        protocol="6-2-6",
    ),
}


@functools.cache
def found(name: str) -> planning.Planning:
    return ASKED[name].search()


TOUCHED = Asked(
    body(NERVE, lesion_mm=10.0, bone_mm=10.5),
    rules=ways.Rules(position="prone"),
    goal=Goal(coverage_fraction=0.97),
    protocol="8-2-8",
    protect=False,
)
