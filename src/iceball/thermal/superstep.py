"""The numbers of super-time-stepping: how many stages a step needs, and what each stage weighs.

RKL1 and RKL2 (Meyer, Balsara and Aslam 2014), in difference form: Y_j - Y_{j-1} is carried from stage to stage, so that
single precision does not lose what a stage adds.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAFETY = 0.95


@array_noun
class Stages:
    """One step of unit length: (s,) coefficients of the last difference, of the rate, of Y - Y_0 and of the first rate.

    ``share`` (s,) is how much each stage's rate weighs in the whole step (sum one), ``time`` (s,) when it is taken.
    """

    carry: NDArray[np.float64]
    weight: NDArray[np.float64]
    back: NDArray[np.float64]
    again: NDArray[np.float64]
    share: NDArray[np.float64]
    time: NDArray[np.float64]


def stages_needed(step_s: float, stiffness_per_s: float, order: int) -> int:
    """Even number of stages that keeps a step of ``step_s`` [s] stable where no eigenvalue exceeds the stiffness.

    RKL1 covers (s² + s)/2, RKL2 (s² + s - 2)/4 times Euler's limit 2/λ.
    """
    reach = step_s * stiffness_per_s / SAFETY
    wanted = 0.5 * (math.sqrt(1 + 4 * reach) - 1) if order == 1 else 0.5 * (math.sqrt(9 + 8 * reach) - 1)
    count = max(math.ceil(wanted), 2 if order == 1 else 3)
    return count + count % 2


@lru_cache(maxsize=256)
def stages(count: int, order: int) -> Stages:
    """Return the coefficients of ``count`` stages of RKL ``order`` 1 or 2."""
    carry, weight, back, again, time = (np.zeros(count) for _ in range(5))
    if order == 1:
        w1 = 2.0 / (count * count + count)
        for j in range(1, count + 1):
            carry[j - 1], weight[j - 1] = (j - 1) / j, (2 * j - 1) / j * w1
            time[j - 1] = 0.5 * ((j - 1) ** 2 + (j - 1)) * w1
    else:
        w1 = 4.0 / (count * count + count - 2)
        b = [1 / 3, 1 / 3, *((j * j + j - 2) / (2 * j * (j + 1)) for j in range(2, count + 1))]
        weight[0] = b[1] * w1
        for j in range(2, count + 1):
            mu, nu = (2 * j - 1) / j * b[j] / b[j - 1], -(j - 1) / j * b[j] / b[j - 2]
            carry[j - 1], weight[j - 1], back[j - 1] = -nu, mu * w1, mu + nu - 1
            again[j - 1] = -(1 - b[j - 1]) * mu * w1
    share = _shares(carry, weight, back, again)
    if order == 2:
        time = _times(carry, weight, back, again)
    return Stages(carry=carry, weight=weight, back=back, again=again, share=share, time=time)


def _shares(carry: NDArray, weight: NDArray, back: NDArray, again: NDArray) -> NDArray[np.float64]:
    """Run the recursion on unit rates, one per stage."""
    count = carry.size
    rates = np.eye(count)
    y, d = np.zeros(count), np.zeros(count)
    for j in range(count):
        d = carry[j] * d + weight[j] * rates[j] + back[j] * y + again[j] * rates[0] * (j > 0)
        y = y + d
    return y


def _times(carry: NDArray, weight: NDArray, back: NDArray, again: NDArray) -> NDArray[np.float64]:
    """Run the recursion on the rate one: Y is then the time."""
    y = d = 0.0
    found = []
    for j in range(carry.size):
        found.append(y)
        d = carry[j] * d + weight[j] + back[j] * y + (again[j] if j else 0.0)
        y += d
    assert math.isclose(y, 1.0, rel_tol=1e-9)
    return np.array(found)
