"""What every case of a cohort is planned with, read from one line of text."""

from __future__ import annotations

import argparse
import shlex
from typing import Any, NoReturn, get_args

from iceball import library
from iceball.errors import InputError
from iceball.nouns import Goal, Probe, Protocol, read_protocol
from iceball.nouns._noun import noun
from iceball.nouns.case import Intent
from iceball.nouns.goal import Aim
from iceball.planning import Wish as GoalWish
from iceball.planning import goal_of

HOW = "for example --plan-with '--probe argon-17g-30mm --protocol 10-8-10 --max-probes 4'"
# How a person writes an intent, as `iceball plan` takes it.
INTENTS: dict[str | None, Intent] = {each.replace("_", "-"): each for each in get_args(Intent)}


@noun
class Wish:
    """The probes there are, the protocol, what is wished of the goal, how many probes at most, and the seed."""

    probes: tuple[Probe, ...]
    protocol: Protocol
    goal: GoalWish
    max_probes: int = 8
    seed: int = 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"--plan-with cannot be read: {message}; {HOW}")


def read_wish(text: str) -> Wish:
    """Read the options of ``iceball plan`` that hold for every case, for example "--probe argon-17g-30mm".

    Raises
    ------
    InputError : if an option is unknown, lacks its value, or the probe is left out
    UnknownName : if the library has no such probe
    """
    try:
        words = shlex.split(text)
    except ValueError as broken:
        raise InputError(f"--plan-with cannot be read: {broken}; {HOW}") from None
    found: Any = _parser().parse_args(words)
    goal = GoalWish(
        intent=INTENTS.get(found.goal),
        isotherm_c=found.isotherm,
        margin_mm=found.margin,
        coverage_fraction=found.coverage,
        aim=found.aim,
    )
    goal_of(goal)  # one that is none is refused before any case is read
    if found.max_probes < 1:
        raise InputError(f"{found.max_probes} probes freeze nothing: ask for at least 1 (--max-probes)")
    return Wish(
        probes=tuple(library.probe(name.strip()) for name in found.probe.split(",")),
        protocol=read_protocol(found.protocol),
        goal=goal,
        max_probes=found.max_probes,
        seed=found.seed,
    )


def _parser() -> argparse.ArgumentParser:
    usual, parser = Goal(), _Parser(add_help=False, allow_abbrev=False, prog="--plan-with")
    parser.add_argument("--probe", required=True)
    parser.add_argument("--protocol", default="10-8-10")
    parser.add_argument("--max-probes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--goal", choices=sorted(INTENTS))
    parser.add_argument("--isotherm", type=float)
    parser.add_argument("--margin", type=float, default=usual.margin_mm)
    parser.add_argument("--coverage", type=float, default=usual.coverage_fraction)
    parser.add_argument("--aim", choices=get_args(Aim), default=usual.aim)
    return parser
