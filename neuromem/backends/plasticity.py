"""What follows from spikes alone about a pair rule whose potentiation is applied late."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuromem.network import Network, Projection, SpikeTrains, STDPSynapse


def settled(
    network: Network,
    projection: Projection,
    stored: np.ndarray,
    spikes: Mapping[str, SpikeTrains],
    end_ms: float,
) -> np.ndarray:
    r"""Return stored weights [pre, post] with the potentiation that waits for the next pre spike.

    .. math::
        w \leftarrow \min(w + A_+ K_i e^{-(t_j - t_i)/\tau_+}, w_{max})

    for every post spike t_j at the synapse after the last pre spike t_i, posts still on their way
    included, with K_i the pre neuron's summed trace at t_i (1 with nearest pairing).

    Parameters
    ----------
    network, projection
        The definition, and its plastic projection.
    stored
        Weights after the last pre spike, NaN where there is no connection.
    spikes
        Spikes of every population.
    end_ms
        When the run ended: pre spikes further than a tick from the synapse have not acted.
    """
    rule = projection.synapse
    assert isinstance(rule, STDPSynapse)
    weights, end = stored.copy(), round(end_ms / network.timestep_ms)
    tau = rule.tau_plus_ms / network.timestep_ms
    for i, j, pre, post in _synapses(network, projection, spikes):
        # A spike that arrives in the next tick has met all posts before it, and has acted.
        pre = pre[pre <= end]
        if not len(pre):
            continue
        last = pre[-1]
        trace = 1.0 if rule.pairing == "nearest" else np.exp((pre - last) / tau).sum()
        # With the delay on the pre side a post spike comes after the pre spike of its tick.
        tied = rule.dt_zero == "potentiate" or not rule.dendritic_delay_fraction
        for tick in post[post >= last if tied else post > last]:
            ignored = float(tick == last and rule.dt_zero == "ignore")
            rise = rule.A_plus * (trace - ignored) * np.exp((last - tick) / tau)
            weights[i, j] = min(weights[i, j] + rise, rule.w_max)
    return weights


def overflow(network: Network, spikes: Mapping[str, SpikeTrains]) -> str | None:
    """Return where a post neuron outran its ``post_history`` between two pre spikes, or None.

    Up to there a backend that remembers every post spike does the same.
    """
    for projection in network.projections:
        rule = projection.synapse
        if not isinstance(rule, STDPSynapse) or rule.post_history is None:
            continue
        for i, j, pre, post in _synapses(network, projection, spikes):
            between = np.diff(np.append(np.searchsorted(post, pre, side="right"), len(post)))
            if np.any(between > rule.post_history):
                return (
                    f"projection {projection.label!r}: post neuron {j} spikes "
                    f"{between.max()} times between two spikes of pre neuron {i}, and remembers "
                    f"{rule.post_history}"
                )
    return None


def _synapses(network: Network, projection: Projection, spikes: Mapping[str, SpikeTrains]):
    """Yield (pre, post, pre ticks, post ticks) of each synapse, ticks at the synapse."""
    rule = projection.synapse
    assert isinstance(rule, STDPSynapse)
    pre, post = network.view(projection.pre), network.view(projection.post)
    rows, columns = network.pairs(projection)
    delays = network.delays_ticks(projection)
    before, after = (
        [
            np.rint(np.array(times) / network.timestep_ms).astype(np.int64)
            for times in spikes[view.population.name].per_neuron()
        ]
        for view in (pre, post)
    )
    side = rule.dendritic_delay_fraction
    for i, j, delay in zip(rows.tolist(), columns.tolist(), delays.tolist(), strict=True):
        one, other = before[pre.start + i], after[post.start + j]
        yield i, j, one + (1 - side) * delay, other + side * delay
