"""THE PEERS: the same problem in other tools, each in the best form we found for it."""

from iceball.bench.peers.formulation import Formulation, Stretch, formulate
from iceball.bench.peers.registry import PEERS, Peer, Stepper, peer_named, stretches_of

__all__ = ["PEERS", "Formulation", "Peer", "Stepper", "Stretch", "formulate", "peer_named", "stretches_of"]
