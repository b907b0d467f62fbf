"""A liquid as the arrays that its engines add up: input rows, recurrent rows, decay, threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuromem.network import LIF_hard_reset, Network, Population, Projection, SpikeSource

ELSEWHERE = "neuromem.backends.run can run it"


@dataclass(frozen=True, eq=False)
class Reservoir:
    r"""Neurons with hard reset, driven by rows of weights.

    .. math::
        u_t = d\, u_{t-1} (1 - s_{t-1}) + W_{in}^T x_t + W_{rec}^T s_{t-1}, \qquad
        s_t = [u_t > V_{th}], \qquad u_0 = s_0 = 0

    Parameters
    ----------
    w_in
        Weight from each input line to each neuron, float32, shape (channels, N).
    w_rec
        Weight from each neuron to each neuron, float32, shape (N, N); None without recurrence.
    decay
        Factor d of each neuron, 0..1, float32, shape (N,).
    v_thresh
        Threshold V_th of each neuron, above 0, float32, shape (N,).

    Raises
    ------
    ValueError
        When a shape does not fit or a number is not finite or out of range.
    """

    w_in: np.ndarray
    w_rec: np.ndarray | None
    decay: np.ndarray
    v_thresh: np.ndarray

    def __post_init__(self) -> None:
        w_in = self._keep("w_in")
        if w_in.ndim != 2 or 0 in w_in.shape:
            raise ValueError(f"w_in of shape {w_in.shape}: give (channels, N), both at least 1")
        n = w_in.shape[1]
        shapes: dict[str, tuple[int, ...]] = {"decay": (n,), "v_thresh": (n,)}
        if self.w_rec is not None:
            shapes["w_rec"] = (n, n)
        for name, shape in shapes.items():
            array = self._keep(name)
            if array.shape != shape:
                raise ValueError(f"{name} of shape {array.shape}: must be {shape} as w_in has {n}")
        if self.decay.min() < 0 or self.decay.max() > 1:
            bad = self.decay[(self.decay < 0) | (self.decay > 1)][0]
            raise ValueError(f"decay = {bad}: must be in 0..1")
        if self.v_thresh.min() <= 0:
            raise ValueError(f"v_thresh = {self.v_thresh.min()}: must be above 0")

    @property
    def channels(self) -> int:
        """Number of input lines."""
        return self.w_in.shape[0]

    @property
    def neurons(self) -> int:
        """Number of neurons N."""
        return self.w_in.shape[1]

    @classmethod
    def of(cls, network: Network) -> Reservoir:
        """Return the arrays of a network; neurons in the order of its populations.

        A spike of the source in tick t acts in tick t + 1, as everywhere: step t of a batch is
        tick t + 1 of a run whose source emits the spikes of step t in tick t.

        Raises
        ------
        ValueError
            When the network has not exactly one source, another neuron than LIF_hard_reset, a
            plastic projection or a delay of more than one tick.
        """
        sources = [p for p in network.populations if isinstance(p, SpikeSource)]
        if len(sources) != 1:
            raise ValueError(
                f"{len(sources)} spike sources: a reservoir has exactly one; {ELSEWHERE}"
            )
        start: dict[str, int] = {}
        decay, v_thresh = [], []
        for population in network.populations:
            if not isinstance(population, Population):
                continue
            neuron = population.neuron
            if not isinstance(neuron, LIF_hard_reset):
                raise ValueError(
                    f"population {population.name!r} of {type(neuron).__name__}: a reservoir has "
                    f"LIF_hard_reset neurons only; {ELSEWHERE}"
                )
            start[population.name] = len(decay)
            decay += [neuron.decay] * population.size
            v_thresh += [neuron.v_thresh] * population.size
        n = len(decay)
        if not n:
            raise ValueError("no neurons: add a population of LIF_hard_reset")
        w_in, w_rec = np.zeros((sources[0].size, n)), np.zeros((n, n))
        for projection in network.projections:
            pre, post = network.view(projection.pre), network.view(projection.post)
            rows, columns = network.pairs(projection)
            columns = columns + start[post.population.name] + post.start
            rows = rows + pre.start
            weights = _signed_weights(network, projection)
            if pre.population is sources[0]:
                w_in[rows, columns] += weights
            else:
                w_rec[rows + start[pre.population.name], columns] += weights
        return cls(w_in, w_rec if w_rec.any() else None, np.array(decay), np.array(v_thresh))

    def _keep(self, name: str) -> np.ndarray:
        """Make a field a read-only float32 array of its own layout and return it."""
        given = np.asarray(getattr(self, name))
        with np.errstate(over="ignore"):
            array = np.array(given, dtype=np.float32, order="C")
        if not np.all(np.isfinite(array)):
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"{name}{list(where)} = {given[where]}: must be finite in float32")
        array.flags.writeable = False
        object.__setattr__(self, name, array)
        return array


def _signed_weights(network: Network, projection: Projection) -> np.ndarray:
    """Return the weight of every connection, inhibitory ones negative."""
    where = f"projection {projection.label!r}"
    if projection.plastic:
        raise ValueError(f"{where} is plastic: a reservoir learns nothing; {ELSEWHERE}")
    delays = network.delays_ticks(projection)
    if delays.size and delays.max() > 1:
        raise ValueError(
            f"{where} has a delay of {delays.max()} ticks: a reservoir's is one; {ELSEWHERE}"
        )
    weights = network.weights(projection)
    return -weights if projection.receptor_type == "inhibitory" else weights
