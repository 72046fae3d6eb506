"""What a case is: a CT, the structures on it, the lesion."""

from __future__ import annotations

from typing import Literal

import numpy as np

from iceball.errors import GeometryError, InputError, UnknownName
from iceball.nouns._noun import array_noun, noun
from iceball.nouns.fact import Fact
from iceball.nouns.space import Volume

Role = Literal["target", "at_risk", "barrier", "way_in"]
Matrix = Literal["lytic", "blastic", "mixed"]
Intent = Literal["palliation", "local_control"]


@noun
class Structure:
    """A named region of the label volume. Its role drives the rules, not its name.

    ``limit`` is the key of a safety limit of the library, or None where no limit is known. ``estimated`` is True where
    iceball guessed the outline from the bone or the body: nobody drew it.
    """

    name: str
    role: Role
    label: int
    limit: str | None = None
    tissue: str | None = None
    estimated: bool = False

    def __post_init__(self) -> None:
        """Refuse the background's number."""
        if self.label <= 0:
            raise InputError(f"structure {self.name!r} has label {self.label}; labels start at 1, 0 is the background")


@array_noun
class Lesion:
    """The target: where it is (a 0/1 label volume) and what kind of lesion it is.

    ``origin`` says who made the mask, for example "drawn by an expert" or "implanted by iceball".
    """

    mask: Volume
    matrix: Matrix
    origin: str
    bone: str = ""
    site: str = ""
    intent: Intent = "palliation"

    def __post_init__(self) -> None:
        """Refuse an empty mask."""
        if self.mask.quantity != "label" or not np.any(self.mask.array):
            raise InputError("the lesion mask is empty: no voxel is marked")

    @property
    def volume_ml(self) -> float:
        """Volume of the lesion [ml]."""
        return float(np.count_nonzero(self.mask.array)) * self.mask.grid.voxel_ml


@array_noun
class Case:
    """A CT with what is known on it. ``id`` is a pseudonym: no name, no birth date enters a case.

    ``field_of_view`` is a 0/1 label volume (1 = scanned) where part of the CT array is padding, else None.
    ``notes`` record what the reader had to put right. ``facts`` are what people answered about the patient.
    """

    id: str
    ct: Volume
    labels: Volume | None = None
    structures: tuple[Structure, ...] = ()
    lesion: Lesion | None = None
    field_of_view: Volume | None = None
    notes: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()

    def __post_init__(self) -> None:
        """Refuse volumes on other grids than the CT's, and structures without labels or with the same number."""
        parts = {
            "labels": self.labels,
            "field of view": self.field_of_view,
            "lesion mask": self.lesion and self.lesion.mask,
        }
        for what, volume in parts.items():
            if volume is not None and not volume.grid.same_place_as(self.ct.grid):
                raise GeometryError(f"the {what} does not lie on the grid of the CT: resample it onto the CT first")
        if self.structures and self.labels is None:
            raise InputError(f"{len(self.structures)} structures are named but there is no label volume")
        numbers = [structure.label for structure in self.structures]
        if len(set(numbers)) != len(numbers):
            raise InputError("two structures share one label number")

    def structure(self, name: str) -> Structure:
        """Return the structure called ``name``; UnknownName lists what there is."""
        for structure in self.structures:
            if structure.name == name:
                return structure
        known = ", ".join(s.name for s in self.structures) or "none"
        raise UnknownName(f"case {self.id} has no structure {name!r}; it has: {known}")
