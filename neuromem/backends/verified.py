"""Whether an outcome is the definition's, by a run of the native engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuromem.backends.features import Unsupported
from neuromem.backends.rerun import Job, Outcome

#: How far a weight may be from the definition's and still be taken for the same, relative to
#: ``w_max``: the board's weights have 16 bits, and its traces 11 fractional bits.
WEIGHT_TOLERANCE = 0.01


@dataclass(frozen=True)
class Difference:
    """Where an outcome is not that of the definition.

    Parameters
    ----------
    spikes
        Every spike that only one of them has: time (ms), population, neuron, who has it.
    weights
        Largest difference of each plastic projection's weights, and its ``w_max``.
    """

    spikes: tuple[tuple[float, str, int, str], ...]
    weights: dict[str, tuple[float, float]]

    def __str__(self) -> str:
        """Return the first difference, in a line."""
        if self.spikes:
            time, name, neuron, where = self.spikes[0]
            return (
                f"{len(self.spikes)} spikes differ, the first is that of neuron {neuron} of "
                f"{name!r} at {time:g} ms, {where}"
            )
        for label, (off, limit) in self.weights.items():
            if off > WEIGHT_TOLERANCE * limit:
                return f"equal spikes; weights of {label!r} differ by up to {off:g} of {limit:g}"
        return "equal spikes"

    def require_none(self, backend: str) -> None:
        """Raise Unsupported, naming the first difference, where there is one.

        Weights count as equal up to ``WEIGHT_TOLERANCE``.
        """
        if str(self) != "equal spikes":
            raise Unsupported(
                f"backend {backend!r}: the board's fixed-point numbers lead elsewhere than the "
                f"definition: {self}; use fidelity='native' for what the board does, or the "
                "native backend"
            )


def against_definition(job: Job, outcome: Outcome) -> Difference:
    """Return how an outcome differs from what the native engine gives for the same job."""
    from neuromem.backends import native

    exact = native.start(job.network.recording(), "native", job.seed, "exact", {})
    exact.stimulate(job.stimulus)
    exact.run(job.duration_ms)
    spikes: list[tuple[float, str, int, str]] = []
    for name, trains in outcome.spikes.items():
        if trains == exact.spikes(name):
            continue  # at once, where sets of many spikes take long
        ours, theirs = trains.pairs(), exact.spikes(name).pairs()
        spikes += [(t, name, n, "only on the board") for t, n in ours - theirs]
        spikes += [(t, name, n, "only in the definition") for t, n in theirs - ours]
    weights = {
        label: (
            _largest(found, exact.weights(label)),
            float(getattr(job.network.projection(label).synapse, "w_max", 0.0)),
        )
        for label, found in outcome.weights.items()
    }
    return Difference(tuple(sorted(spikes)), weights)


def _largest(found: np.ndarray, expected: np.ndarray) -> float:
    either = ~(np.isnan(found) & np.isnan(expected))
    # NaN in one of them only is a connection that is missing, or one too many.
    return float(np.nan_to_num(np.abs(found - expected)[either], nan=np.inf).max(initial=0.0))
