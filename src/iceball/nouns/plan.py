"""What is to be done."""

from __future__ import annotations

from iceball.errors import InputError, UnknownName
from iceball.nouns._noun import noun
from iceball.nouns.goal import Goal
from iceball.nouns.probe import Placement
from iceball.nouns.protection import Protection, Sensor
from iceball.nouns.protocol import Protocol


@noun
class Plan:
    """Probes in place, when they freeze, and what is protected from the cold.

    ``case`` is the fingerprint of the case it was made for, "" if for none. ``goal`` is what it was made to reach, None
    where nobody said.
    """

    placements: tuple[Placement, ...]
    protocol: Protocol
    case: str = ""
    name: str = ""
    notes: tuple[str, ...] = ()
    protections: tuple[Protection, ...] = ()
    goal: Goal | None = None

    def __post_init__(self) -> None:
        """Refuse a plan without probes, with two probes of one label, or whose protocol names a probe it lacks."""
        labels = [placement.label for placement in self.placements]
        if not labels:
            raise InputError("a plan needs at least one probe")
        if len(set(labels)) != len(labels):
            raise InputError(f"two probes share a label: {', '.join(labels)}")
        guards = [protection.label for protection in self.protections]
        if len(set(guards)) != len(guards):
            raise InputError(f"two protections share a label: {', '.join(guards)}")
        for step in self.protocol.steps:
            for label, _ in step.power_by_probe:
                if label not in labels:
                    raise UnknownName(f"the protocol names probe {label!r}; the plan has: {', '.join(labels)}")

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The thermometers among the protections."""
        return tuple(each for each in self.protections if isinstance(each, Sensor))


@noun
class Approval:
    """A signature under one frozen plan: any change makes another fingerprint and undoes it."""

    plan: str
    by: str
    day: str
