"""What `iceball phantom --json` prints, checked field by field."""

from __future__ import annotations

from typing import Literal

import numpy as np

from iceball.io._models import GridModel, _Model
from iceball.io._run_models import Curve, RunModel, fields_of, listed
from iceball.nouns import PhantomCurves, PhantomMoment, PhantomResult, ProbeMoment, Section, WholeIsotherm


class SectionModel(_Model):
    """The cut through an isotherm by the plane across the middle of the active lengths; calipers of its hull."""

    area_mm2: float
    equal_area_diameter_mm: float
    largest_caliper_mm: float
    smallest_caliper_mm: float
    mean_caliper_mm: float
    pieces: int

    @classmethod
    def of(cls, section: Section) -> SectionModel:
        """Model of ``section``."""
        return cls(**fields_of(section))


class ProbeIsothermModel(_Model):
    """One isotherm around one probe; null where it is not there, or inside the shaft."""

    isotherm_c: float
    diameter_mm: float | None
    smallest_diameter_mm: float | None
    largest_diameter_mm: float | None
    length_mm: float | None
    beyond_tip_mm: float | None


class ProbeMomentModel(_Model):
    """One probe at one time: the heat it takes, and the mean temperature of its surface while its gas flows."""

    label: str
    heat_w: float
    surface_c: float | None
    isotherms: tuple[ProbeIsothermModel, ...]

    @classmethod
    def of(cls, moment: ProbeMoment) -> ProbeMomentModel:
        """Model of ``moment``."""
        return cls(
            label=moment.label,
            heat_w=moment.heat_w,
            surface_c=moment.surface_c,
            isotherms=tuple(ProbeIsothermModel(**fields_of(found)) for found in moment.isotherms),
        )


class WholeIsothermModel(_Model):
    """One isotherm around all probes; ``section`` is null where the plane does not meet it."""

    isotherm_c: float
    volume_ml: float
    section: SectionModel | None

    @classmethod
    def of(cls, whole: WholeIsotherm) -> WholeIsothermModel:
        """Model of ``whole``."""
        section = None if whole.section is None else SectionModel.of(whole.section)
        return cls(isotherm_c=whole.isotherm_c, volume_ml=whole.volume_ml, section=section)


class PhantomMomentModel(_Model):
    """The bench at one time."""

    time_s: float
    heat_w: float
    heat_taken_j: float
    energy_residual_fraction: float
    wall_change_k: float
    points_c: dict[str, float]
    probes: tuple[ProbeMomentModel, ...]
    whole: tuple[WholeIsothermModel, ...]

    @classmethod
    def of(cls, moment: PhantomMoment) -> PhantomMomentModel:
        """Model of ``moment``."""
        return cls(
            time_s=moment.time_s,
            heat_w=moment.heat_w,
            heat_taken_j=moment.heat_taken_j,
            energy_residual_fraction=moment.energy_residual_fraction,
            wall_change_k=moment.wall_change_k,
            points_c=dict(moment.points_c),
            probes=tuple(ProbeMomentModel.of(probe) for probe in moment.probes),
            whole=tuple(WholeIsothermModel.of(whole) for whole in moment.whole),
        )


class ProbeCurvesModel(_Model):
    """One probe over time: ``diameter_mm`` has one row for each isotherm."""

    label: str
    heat_w: Curve
    surface_c: Curve
    diameter_mm: tuple[Curve, ...]


class PhantomCurvesModel(_Model):
    """Over time: the probes, the thermometers by name, and the volume of each isotherm (one row each)."""

    time_s: tuple[float, ...]
    probes: tuple[ProbeCurvesModel, ...]
    points_c: dict[str, Curve]
    volume_ml: tuple[Curve, ...]

    @classmethod
    def of(cls, curves: PhantomCurves, labels: list[str], points: list[str]) -> PhantomCurvesModel:
        """Model of ``curves``."""
        return cls(
            time_s=tuple(float(time) for time in curves.time_s),
            probes=tuple(
                ProbeCurvesModel(
                    label=label,
                    heat_w=listed(curves.heat_w[p]),
                    surface_c=listed(curves.surface_c[p]),
                    diameter_mm=tuple(listed(row) for row in curves.diameter_mm[p]),
                )
                for p, label in enumerate(labels)
            ),
            points_c={name: listed(np.asarray(row)) for name, row in zip(points, curves.points_c, strict=True)},
            volume_ml=tuple(listed(row) for row in curves.volume_ml),
        )


class PhantomFile(_Model):
    """A bench that has been run. ``isotherms_c`` gives the order of the rows of the curves."""

    format: Literal["iceball-phantom"]
    version: Literal[1]
    name: str
    grid: GridModel
    isotherms_c: tuple[float, ...]
    moments: tuple[PhantomMomentModel, ...]
    curves: PhantomCurvesModel
    notes: tuple[str, ...]
    run: RunModel

    @classmethod
    def of(cls, result: PhantomResult) -> PhantomFile:
        """Model of ``result``."""
        bench = result.bench
        labels, points = [probe.label for probe in bench.probes], [name for name, _ in bench.points_mm]
        return cls(
            format="iceball-phantom",
            version=1,
            name=bench.name,
            grid=GridModel.of(result.grid),
            isotherms_c=bench.isotherms_c,
            moments=tuple(PhantomMomentModel.of(moment) for moment in result.moments),
            curves=PhantomCurvesModel.of(result.curves, labels, points),
            notes=result.notes,
            run=RunModel.of(result.run),
        )
