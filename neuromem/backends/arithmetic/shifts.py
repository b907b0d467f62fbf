"""The ring buffers' shifts as the host chooses them, from the weights that it expects to arrive.

With one delay onto a receptor all inputs may arrive in the same tick, and the expected sum is that
of each projection's largest weight times its inputs. With several delays it is, at most that,

    lambda m + sigma sqrt(lambda m^2 + V),    at least the largest weight,

for n inputs that fire as Poisson processes, lambda of their spikes in a tick, with weights of mean
m and variance v; V is the part of the variance that the weights' spread makes.

Source: sPyNNaker 7.4.1, ``population_vertex.py`` (``_Stats``) and ``spynnaker.cfg``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neuromem.backends.spinnaker.fixed_point import needed_shift
from neuromem.backends.spinnaker.parts import Part, largest_sums
from neuromem.network import Network, Population

#: Rate of every input, and standard deviations above the mean (``spynnaker.cfg``).
SPIKES_PER_SECOND, SIGMA = 30.0, 5.0
#: How far the sum over a Poisson distribution goes, in standard deviations (``constants.py``).
SUMMATION_LIMIT = 3.0
RECEPTORS = ("excitatory", "inhibitory")


@dataclass
class _Pooled:
    """Mean and sum of squares of several groups of values, pooled in the host's order."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, mean: float, variance: float, count: int) -> None:
        total, off = self.count + count, mean - self.mean
        self.squares += variance * (count - 1) + off * off * self.count * count / total
        self.mean = (self.count * self.mean + count * mean) / total
        self.count = total

    @property
    def variance(self) -> float:
        return self.squares / (self.count - 1) if self.count > 1 else 0.0


def shifts(
    network: Network, population: Population, split: dict[str, list[Part]], fit_weights: bool
) -> tuple[int, int]:
    """Return the left shift of a population's ring buffers: excitatory, inhibitory.

    ``split`` holds the parts of every projection by its label.
    """
    if fit_weights:
        excitatory, inhibitory = largest_sums(network, population)
    else:
        excitatory, inhibitory = (
            _expected(network, population, split, receptor_type) for receptor_type in RECEPTORS
        )
    return needed_shift(excitatory), needed_shift(inhibitory)


def _expected(
    network: Network, population: Population, split: dict[str, list[Part]], receptor_type: str
) -> float:
    """Return the largest sum of weights in a tick that the host expects."""
    weights, delays = _Pooled(), _Pooled()
    largest = total = 0.0
    per_tick = SPIKES_PER_SECOND * network.timestep_ms / 1000
    onto = [
        (part, projection)
        for projection in network.projections
        if network.view(projection.post).population is population
        for part in split[projection.label]
        if part.receptor_type == receptor_type and len(part.pre)
    ]
    for part, projection in onto:
        limit = getattr(projection.synapse, "w_max", 0.0)
        inputs = int(np.bincount(part.post).max())
        highest = max(float(part.weights.max()), limit)
        # Every plastic weight may become the largest one.
        alike = projection.plastic or _equal(part.weights)
        mean = highest if alike else float(part.weights.mean())
        weights.add(mean, 0.0 if alike else float(np.var(part.weights)), inputs)
        late = part.delays_ms
        delays.add(0.0, 0.0 if _equal(late) else float(np.var(late)), inputs)
        largest = max(largest, highest)
        total += max(1.0, per_tick) * highest * inputs
    if delays.variance == 0:
        return max(total, largest)
    return max(min(_upper_bound(weights, per_tick), total), largest)


def _equal(values: np.ndarray) -> bool:
    return bool(np.all(values == values[0]))


def _upper_bound(weights: _Pooled, per_tick: float) -> float:
    spikes = weights.count * per_tick
    deviation, spread = math.sqrt(weights.variance), 0.0
    last = round(spikes + SUMMATION_LIMIT * math.sqrt(spikes))
    log_ratio = math.log(spikes) * last - math.lgamma(1 + last)
    if deviation > 0 and -701 < log_ratio < 701 and log_ratio != 0:
        below = sum(math.exp(k * math.log(spikes) - math.lgamma(k + 1)) for k in range(last + 1))
        spread = spikes * deviation**2 * math.exp(-spikes) * (below - math.exp(log_ratio))
    return spikes * weights.mean + SIGMA * math.sqrt(spikes * weights.mean**2 + spread)
