"""Which run a search goes on with, and with how many probes it begins: by stand-ins for runs."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_parts import guess_of

from iceball.errors import SimulationError
from iceball.planning._climb import best_of, leanest, numbers, price

SCENE = guess_of().scene
GOAL = SCENE.goal.coverage_fraction


@dataclasses.dataclass(frozen=True)
class Placed:
    """So many placements of kinds of probes."""

    probe: tuple[int, ...] = (0,)

    @property
    def size(self) -> int:
        return len(self.probe)


@dataclasses.dataclass(frozen=True)
class Came:
    """What a run came to."""

    chosen: Placed = dataclasses.field(default_factory=Placed)
    coverage_fraction: float = 1.0
    healthy_ml: float = 0.0
    stops: int = 0
    cautions: int = 0
    loss: float = 0.0
    coldest_c: tuple = ()
    plan: object = dataclasses.field(default_factory=lambda: type("Plan", (), {"protocol": "10-8-10"}))

    def reaches(self, scene, spare=0.0) -> bool:
        return self.coverage_fraction >= scene.goal.coverage_fraction + spare and not self.stops


@dataclasses.dataclass
class Stood:
    """A search that has run these, and where only so many probes go together."""

    trials: list = dataclasses.field(default_factory=list)
    together: int = 9
    first: int = 1
    scene: object = SCENE
    protocol: str = "10-8-10"
    asked: list = dataclasses.field(default_factory=list)

    def fewest(self, most: int) -> int:
        return self.first

    def goes(self, count: int) -> bool:
        return count <= self.together

    def with_probes(self, count: int):
        self.asked.append(count)
        if count > self.together:
            return []
        made = [Came(chosen=Placed((0,) * count), coverage_fraction=0.5, loss=3.0 - 0.3 * count)]
        self.trials += made
        return made

    def lost(self, trial, weights) -> float:
        return trial.loss


def probes(*kinds: int) -> Placed:
    return Placed(kinds)


def test_one_probe_more_is_worth_as_much_healthy_tissue_as_the_target_is_large():
    two = Came(chosen=probes(0, 0), healthy_ml=3.0)
    three = Came(chosen=probes(0, 0, 0), healthy_ml=3.0 - SCENE.target_ml)
    assert price(two, SCENE) == pytest.approx(price(three, SCENE))
    assert best_of(Stood([two, dataclasses.replace(three, healthy_ml=3.1 - SCENE.target_ml)])).chosen.size == 2
    assert best_of(Stood([two, dataclasses.replace(three, healthy_ml=2.9 - SCENE.target_ml)])).chosen.size == 3


@given(st.floats(GOAL, 1.0), st.floats(0.0, 50.0), st.integers(0, 3), st.integers(1, 8))
def test_a_plan_costs_at_least_its_probes_and_never_less_for_more_of_anything_bad(covered, healthy, cautions, count):
    came = Came(chosen=probes(*[0] * count), coverage_fraction=covered, healthy_ml=healthy, cautions=cautions)
    assert price(came, SCENE) >= count
    for change in ({"healthy_ml": healthy + 1.0}, {"cautions": cautions + 1}):
        assert price(dataclasses.replace(came, **change), SCENE) > price(came, SCENE)
    assert price(dataclasses.replace(came, coverage_fraction=1.0), SCENE) <= price(came, SCENE)


def test_what_reaches_the_goal_goes_before_all_else_then_what_is_not_at_a_stop():
    short, stopped = Came(coverage_fraction=GOAL - 0.01, loss=0.1), Came(stops=1, loss=0.0)
    reached = Came(chosen=probes(0, 0, 0, 0), healthy_ml=30.0, cautions=2, loss=5.0)
    assert best_of(Stood([short, stopped, reached])) is reached
    assert best_of(Stood([short, stopped])) is short
    assert best_of(Stood([stopped])) is stopped
    with pytest.raises(SimulationError, match="no plan was run"):
        best_of(Stood([]))


def test_each_set_of_kinds_gets_its_chance_to_be_made_lean_and_no_run_by_another_protocol_does():
    other = type("Plan", (), {"protocol": "8-8-8"})
    runs = [
        Came(chosen=probes(0, 1), loss=2.0),
        Came(chosen=probes(1, 0), loss=1.0),  # the same kinds, better
        Came(chosen=probes(1, 1), loss=3.0),
        Came(chosen=probes(0, 0), loss=0.0, plan=other),
        Came(chosen=probes(0), loss=0.0),
    ]
    assert leanest(Stood(runs), 2) == [runs[1].chosen, runs[2].chosen]


@pytest.mark.parametrize(("first", "together"), [(4, 2), (8, 1), (2, 2)])
def test_where_fewer_probes_go_together_than_are_wanted_the_search_begins_with_as_many_as_do(first, together):
    search = Stood(first=first, together=together)
    numbers(search, 8, protect=False)
    assert search.asked[0] == min(first, together)
    assert search.trials
