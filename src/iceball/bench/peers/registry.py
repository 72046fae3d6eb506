"""Which peers there are, and whether they are installed."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import math
from typing import TYPE_CHECKING, Protocol

from iceball.bench.peers.formulation import Stretch
from iceball.errors import MissingPart, UnknownName
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from iceball.bench.peers.formulation import Formulation


class Stepper(Protocol):
    """A peer with a problem in hand."""

    def run(self, freezing: bool, steps: int, step_s: float) -> None:
        """Take ``steps`` steps of ``step_s`` [s] with the probes on or off; come back when they are done."""
        ...

    def temperature_c(self) -> NDArray[np.float64]:
        """Temperature (I, J, K) [°C]."""
        ...


@noun
class Peer:
    """A tool that can solve the problem: ``package`` is what pip calls it, ``imported`` what Python calls it."""

    name: str
    package: str
    imported: str
    module: str

    @property
    def installed(self) -> bool:
        """Whether it can be imported here."""
        return importlib.util.find_spec(self.imported) is not None

    @property
    def says_missing(self) -> str:
        """What to do where it is not installed."""
        return f"{self.name} is not installed; pip install 'iceball[bench]'"

    @property
    def form(self) -> str:
        """What was done to make it fast, in words."""
        return importlib.import_module(self.module).FORM

    @property
    def implicit_step_s(self) -> float | None:
        """The step [s] of an implicit peer; None for an explicit one, whose step the lattice limits."""
        return getattr(importlib.import_module(self.module), "STEP_S", None)

    def version(self) -> str:
        """Return the installed version."""
        return importlib.metadata.version(self.package)

    def stepper(self, formulation: Formulation, threads: int) -> Stepper:
        """Hand it the problem.

        Raises
        ------
        MissingPart : if it is not installed; nothing takes its place
        """
        if not self.installed:
            raise MissingPart(self.says_missing)
        return importlib.import_module(self.module).Stepper(formulation, threads)


_HERE = __name__.rpartition(".")[0]
PEERS = (
    Peer(name="devito", package="devito", imported="devito", module=f"{_HERE}.devito_peer"),
    Peer(name="JAX", package="jax", imported="jax", module=f"{_HERE}.jax_peer"),
    Peer(name="torch", package="torch", imported="torch", module=f"{_HERE}.torch_peer"),
    Peer(name="py-pde", package="py-pde", imported="pde", module=f"{_HERE}.pypde_peer"),
    Peer(name="FiPy", package="fipy", imported="fipy", module=f"{_HERE}.fipy_peer"),
)


def peer_named(name: str) -> Peer:
    """Return the peer called ``name``, in any case of letters.

    Raises
    ------
    UnknownName : if there is none of that name
    """
    for peer in PEERS:
        if peer.name.lower() == name.lower():
            return peer
    raise UnknownName(f"no peer {name!r}; there are: {', '.join(peer.name for peer in PEERS)}")


def stretches_of(formulation: Formulation, peer: Peer) -> tuple[Stretch, ...]:
    """Return the steps that ``peer`` takes: explicit ones as the formulation has them, implicit ones as it asks."""
    if (longest := peer.implicit_step_s) is None:
        return formulation.stretches
    spans = [(stretch.freezing, stretch.steps * stretch.step_s) for stretch in formulation.stretches]
    counts = [math.ceil(span / longest - 1e-9) for _, span in spans]
    return tuple(
        Stretch(freezing=freezing, steps=count, step_s=span / count)
        for (freezing, span), count in zip(spans, counts, strict=True)
    )
