"""What keeps the cold away from what must live: pockets of fluid or gas, warmth from outside, thermometers."""

from __future__ import annotations

import math

from iceball.errors import InputError
from iceball.nouns._noun import Point, noun, require_finite, require_positive

FARTHEST_PUSH_MM = 50.0  # beyond it a push is a slip of the pen


@noun
class Ball:
    """All within ``radius_mm`` of ``centre_mm``, LPS."""

    centre_mm: Point
    radius_mm: float

    def __post_init__(self) -> None:
        """Refuse a ball without size or place."""
        require_finite("the centre of a ball", self.centre_mm)
        require_positive("the radius of a ball", self.radius_mm, "mm")


@noun
class Capsule:
    """All within ``radius_mm`` of the line from ``start_mm`` to ``end_mm``, LPS."""

    start_mm: Point
    end_mm: Point
    radius_mm: float

    def __post_init__(self) -> None:
        """Refuse a capsule without size or place."""
        require_finite("the ends of a capsule", (*self.start_mm, *self.end_mm))
        require_positive("the radius of a capsule", self.radius_mm, "mm")


@noun
class Drawn:
    """All that the labels of the case call ``structure``."""

    structure: str


Region = Ball | Capsule | Drawn


@noun
class Pocket:
    """Fluid or gas let in to keep things apart: hydrodissection, gas dissection, an irrigated space.

    ``filling`` is a tissue of the library: "saline" freezes and then conducts, "carbon_dioxide" and "air" insulate. It
    takes the place of soft tissue and gas in ``region``, never of bone, metal, the lesion or a structure that is drawn.
    With ``held_c`` it is kept circulating at that temperature and does not freeze; else it starts as warm as what is
    around it. What of the structures ``pushes`` lies in ``region`` is moved by ``push_mm`` (LPS), and the pocket takes
    its place as well.
    """

    label: str
    filling: str
    region: Region
    held_c: float | None = None
    pushes: tuple[str, ...] = ()
    push_mm: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse a temperature that no irrigation has, and pushes that move nothing or farther than tissue gives."""
        _require_label(self.label)
        require_finite(f"pocket {self.label}: its push", self.push_mm)
        far_mm = math.hypot(*self.push_mm)
        if bool(self.pushes) != (far_mm > 0) or far_mm > FARTHEST_PUSH_MM:
            raise InputError(
                f"pocket {self.label}: it pushes {', '.join(self.pushes) or 'nothing'} by {far_mm:g} mm; name what it "
                f"pushes and by how much, more than 0 and at most {FARTHEST_PUSH_MM:g} mm"
            )
        if self.held_c is not None and not 0.0 < self.held_c <= 60.0:
            raise InputError(f"pocket {self.label}: a fluid kept at {self.held_c!r} °C; write more than 0, at most 60")


@noun
class WarmPad:
    """Warmth on the skin: where the skin in ``region`` meets the room, it meets ``outside_c`` instead.

    ``film_w_per_m2_k`` is how well the two are in touch: a glove of warm saline, warm air under a blanket.
    """

    label: str
    region: Region
    outside_c: float
    film_w_per_m2_k: float

    def __post_init__(self) -> None:
        """Refuse what would not warm, or burn."""
        _require_label(self.label)
        require_positive(f"pad {self.label}: the film coefficient", self.film_w_per_m2_k, "W/m²/K")
        if not 0.0 < self.outside_c <= 60.0:
            raise InputError(f"pad {self.label}: a pad at {self.outside_c!r} °C; write more than 0, at most 60")


@noun
class Sensor:
    """A thermometer at ``at_mm``, LPS: it changes nothing, its temperature is recorded."""

    label: str
    at_mm: Point

    def __post_init__(self) -> None:
        """Refuse a sensor that is nowhere."""
        _require_label(self.label)
        require_finite(f"sensor {self.label}: its place", self.at_mm)


Protection = Pocket | WarmPad | Sensor


def _require_label(label: str) -> None:
    if not label.strip():
        raise InputError("a protection needs a label, such as 'saline at the nerve'")
