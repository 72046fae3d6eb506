"""When to freeze and when to thaw, in text both ways."""

from __future__ import annotations

import re
from typing import Literal

from iceball.errors import InputError
from iceball.nouns._noun import noun, require_fraction, require_positive

Kind = Literal["freeze", "passive thaw", "active thaw"]

_STEP = re.compile(r"(freeze|passive thaw|active thaw|thaw)(?: at ([\d.]+)%)?(?: \(([^)]*)\))? for ([\d.]+) (min|s)")
_KINDS: dict[str, Kind] = {
    "freeze": "freeze",
    "thaw": "passive thaw",
    "passive thaw": "passive thaw",
    "active thaw": "active thaw",
}
_PROBE = re.compile(r"(\w+) at ([\d.]+)%")
_DASHED = re.compile(r"\d+(?:\.\d+)?(?:-\d+(?:\.\d+)?)*")
HOW = "write '10-8-10' (minutes: freeze, thaw, freeze) or 'freeze at 80% (B at 60%) for 10 min; thaw for 8 min'"


@noun
class Step:
    """One step of a protocol. ``power_fraction`` holds for every probe not named in ``power_by_probe``."""

    kind: Kind
    duration_s: float
    power_fraction: float = 1.0
    power_by_probe: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse steps without duration, fractions outside [0, 1] and power in a passive thaw.

        Durations are kept to a nanosecond and powers to twelve digits: a step and its text mean the same number.
        """
        object.__setattr__(self, "duration_s", round(self.duration_s, 9))
        object.__setattr__(self, "power_fraction", round(self.power_fraction, 12))
        by_probe = tuple((label, round(power, 12)) for label, power in self.power_by_probe)
        object.__setattr__(self, "power_by_probe", by_probe)
        require_positive("the duration of a step", self.duration_s, "s")
        for value in (self.power_fraction, *(power for _, power in self.power_by_probe)):
            require_fraction("the power of a step", value)
        if len({label for label, _ in self.power_by_probe}) != len(self.power_by_probe):
            raise InputError(f"a step names a probe twice: {self.power_by_probe}")
        if self.kind == "passive thaw" and (self.power_by_probe or self.power_fraction != 1.0):
            raise InputError("a passive thaw has no power: the gas is off")

    def power_of(self, label: str) -> float:
        """Power of the probe called ``label`` in this step, as a fraction of full power."""
        return dict(self.power_by_probe).get(label, self.power_fraction)

    def __str__(self) -> str:
        """Return the step as text that ``read_step`` reads back."""
        power = "" if self.power_fraction == 1.0 else f" at {_number(self.power_fraction * 100)}%"
        by_probe = ", ".join(f"{label} at {_number(value * 100)}%" for label, value in self.power_by_probe)
        minutes, unit = (self.duration_s / 60, "min") if self.duration_s % 6 == 0 else (self.duration_s, "s")
        return f"{self.kind}{power}{f' ({by_probe})' if by_probe else ''} for {_number(minutes)} {unit}"


@noun
class Protocol:
    """The steps of a treatment, in order."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse a protocol that never freezes."""
        if not any(step.kind == "freeze" for step in self.steps):
            raise InputError(f"a protocol needs at least one freeze; {HOW}")

    @property
    def duration_s(self) -> float:
        """Length of the whole protocol [s]."""
        return sum(step.duration_s for step in self.steps)

    def __str__(self) -> str:
        """Return the short form (10-8-10) where it says everything, else the steps in words."""
        plain = all(
            step.kind == ("freeze" if i % 2 == 0 else "passive thaw")
            and step.power_fraction == 1.0
            and not step.power_by_probe
            and step.duration_s % 6 == 0
            for i, step in enumerate(self.steps)
        )
        if plain:
            return "-".join(_number(step.duration_s / 60) for step in self.steps)
        return "; ".join(str(step) for step in self.steps)


def read_step(text: str) -> Step:
    """Read one step, for example "freeze at 80% (B at 60%) for 10 min" or "thaw for 8 min" (a passive thaw).

    Raises
    ------
    InputError : if the text is anything else
    """
    found = _STEP.fullmatch(text.strip())
    if not found:
        raise InputError(f"cannot read step {text.strip()!r}; {HOW}")
    kind, power, by_probe, amount, unit = found.groups()
    powers: list[tuple[str, float]] = []
    for part in by_probe.split(",") if by_probe else ():
        probe = _PROBE.fullmatch(part.strip())
        if not probe:
            raise InputError(f"cannot read {part.strip()!r} in step {text.strip()!r}; {HOW}")
        powers.append((probe[1], _float(probe[2]) / 100))
    return Step(
        kind=_KINDS[kind],
        duration_s=_float(amount) * (60.0 if unit == "min" else 1.0),
        power_fraction=_float(power) / 100 if power else 1.0,
        power_by_probe=tuple(powers),
    )


def read_protocol(text: str) -> Protocol:
    """Read a protocol: "10-8-10" (minutes, freeze and passive thaw in turn) or steps parted by semicolons.

    Raises
    ------
    InputError : if the text is anything else, or never freezes
    """
    text = text.strip()
    if _DASHED.fullmatch(text):
        kinds: tuple[Kind, Kind] = ("freeze", "passive thaw")
        minutes = [_float(part) for part in text.split("-")]
        return Protocol(steps=tuple(Step(kind=kinds[i % 2], duration_s=60.0 * m) for i, m in enumerate(minutes)))
    return Protocol(steps=tuple(read_step(part) for part in text.split(";")))


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is not a number; {HOW}") from None


def _number(value: float) -> str:
    return f"{value:.12g}"
