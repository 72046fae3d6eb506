"""DECIDE: which probes, where, and what protects; and what the rules say of a plan."""

from iceball.planning._goal import Wish, goal_of
from iceball.planning._result import Hindrance, Option, Planning
from iceball.planning.optimise import optimise

__all__ = ["Hindrance", "Option", "Planning", "Wish", "goal_of", "optimise"]
