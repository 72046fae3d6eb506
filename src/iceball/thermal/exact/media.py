"""The media of the exact solutions: constant properties in each phase."""

from __future__ import annotations

from iceball.nouns._noun import noun


@noun
class Phases:
    """A medium that freezes at one temperature: conductivities, volumetric heat capacities, latent heat."""

    frozen_conductivity_w_per_m_k: float
    frozen_capacity_j_per_m3_k: float
    conductivity_w_per_m_k: float
    capacity_j_per_m3_k: float
    latent_heat_j_per_m3: float
    freezing_c: float

    @property
    def frozen_diffusivity(self) -> float:
        """Diffusivity of the frozen phase [m²/s]."""
        return self.frozen_conductivity_w_per_m_k / self.frozen_capacity_j_per_m3_k

    @property
    def diffusivity(self) -> float:
        """Diffusivity of the unfrozen phase [m²/s]."""
        return self.conductivity_w_per_m_k / self.capacity_j_per_m3_k


@noun
class MushyPhases:
    """A medium that freezes over a range: a mushy phase between solidus and liquidus, latent heat released linearly.

    ``mushy_capacity_j_per_m3_k`` is without the latent heat.
    """

    frozen_conductivity_w_per_m_k: float
    frozen_capacity_j_per_m3_k: float
    mushy_conductivity_w_per_m_k: float
    mushy_capacity_j_per_m3_k: float
    conductivity_w_per_m_k: float
    capacity_j_per_m3_k: float
    latent_heat_j_per_m3: float
    solidus_c: float
    liquidus_c: float

    @property
    def frozen_diffusivity(self) -> float:
        """Diffusivity of the frozen phase [m²/s]."""
        return self.frozen_conductivity_w_per_m_k / self.frozen_capacity_j_per_m3_k

    @property
    def apparent_capacity_j_per_m3_k(self) -> float:
        """Heat capacity of the mushy phase, latent heat included."""
        return self.mushy_capacity_j_per_m3_k + self.latent_heat_j_per_m3 / (self.liquidus_c - self.solidus_c)

    @property
    def mushy_diffusivity(self) -> float:
        """Diffusivity of the mushy phase [m²/s]."""
        return self.mushy_conductivity_w_per_m_k / self.apparent_capacity_j_per_m3_k

    @property
    def diffusivity(self) -> float:
        """Diffusivity of the unfrozen phase [m²/s]."""
        return self.conductivity_w_per_m_k / self.capacity_j_per_m3_k
