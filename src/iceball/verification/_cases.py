"""The list of cases, in the order in which they are tried: cheap and fundamental first."""

from __future__ import annotations

from iceball.verification import _fields, _fronts, _mushy, _numerics, _promises, _steady
from iceball.verification._nouns import Case

CASES: tuple[Case, ...] = (
    Case(
        name="B1", says="one-phase Stefan: a cold wall, water at its freezing point", run=_fronts.one_phase, quick=True
    ),
    Case(name="B2", says="two-phase Neumann: a cold wall, three warm media", run=_fronts.two_phase),
    Case(name="B3", says="Paterson's line of constant heat: radius and temperatures at 1 mm", run=_fronts.line_sink),
    Case(name="B3-order", says="Paterson's line on ever finer grids", run=_fronts.line_sink_refined),
    Case(name="B4", says="Frank's sphere: a point whose heat grows as sqrt(t)", run=_fronts.point_sink),
    Case(name="B5", says="a mushy zone frozen from a wall", run=_mushy.mushy_wall, quick=True),
    Case(name="B6", says="a mushy zone frozen from a line", run=_mushy.mushy_sink),
    Case(name="B7-plane", says="a wall's freeze that perfusion stops", run=_steady.perfused_wall),
    Case(name="B7-cylinder", says="a probe's freeze that perfusion stops", run=_steady.perfused_cylinder),
    Case(name="B7-sphere", says="a sphere's freeze that perfusion stops", run=_steady.perfused_sphere),
    Case(name="B8", says="a probe in ice, whose conductivity follows 1/T", run=_steady.ice_cylinder, quick=True),
    Case(name="B9-layers", says="a probe in a cylinder of one medium within another", run=_steady.two_layers),
    Case(name="B9-contact", says="bone that touches cold metal", run=_steady.contact, quick=True),
    Case(name="B10", says="perfusion alone: tissue warmed by blood", run=_fields.perfused_field, quick=True),
    Case(
        name="B10-spot",
        says="conduction and perfusion: a spot that spreads and fades",
        run=_fields.gaussian_spot,
        quick=True,
    ),
    Case(name="B11", says="a manufactured field: k(T), perfusion and smooth freezing", run=_fields.manufactured),
    Case(name="B12", says="the radius of a line on the lattice, and a probe's heat", run=_numerics.lattice_radius),
    Case(name="B13", says="long steps: waves decay as they must", run=_numerics.long_steps, quick=True),
    Case(name="energy", says="heat is neither made nor lost in a freeze and a thaw", run=_promises.energy, quick=True),
    Case(name="mirror", says="a freeze seen in a mirror is the same freeze", run=_promises.mirror),
    Case(name="rotation", says="a freeze turned round is the same freeze", run=_promises.rotation),
    Case(name="no-perfusion", says="the limit of no perfusion", run=_fields.no_perfusion, quick=True),
)


def case_names() -> tuple[str, ...]:
    """Return the names of the cases, in the order in which they are tried."""
    return tuple(case.name for case in CASES)
