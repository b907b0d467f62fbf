"""The liquid: a fixed random spiking reservoir over event streams, as one definition."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from neuromem.events import EventSet, Framing
from neuromem.liquid.features import Features
from neuromem.liquid.wiring import Dense, Wiring
from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    Spec,
    SpikeBatch,
    SpikeSource,
    StaticSynapse,
    Values,
)
from neuromem.rram import GaussianWeights, Pairs, ResistiveWeights

Weights = GaussianWeights | ResistiveWeights
Decay = Annotated[float, Meta(ge=0, le=1)]
INPUT = "input"
#: Where the model comes from.
CITATION = (
    "Lin et al., Resistive memory-based zero-shot liquid state machine for multimodal event data "
    "learning, Nature Computational Science 5:37-47 (2025), doi 10.1038/s43588-024-00751-z"
)
_ROLES = ("places", "input wiring", "input weights", "recurrent wiring", "recurrent weights")


class Liquid(Spec, frozen=True, kw_only=True):
    r"""A fixed random reservoir of leaky integrate-and-fire neurons, and what is read out of it.

    .. math::
        u_t = d\, u_{t-1} (1 - s_{t-1}) + W_{in} x_t + W_{rec} s_{t-1}, \qquad s_t = [u_t > V_{th}]

    with :math:`W = gain \cdot G`, where G holds the conductance differences of resistive device
    pairs (µS), x the input spikes of :class:`neuromem.events.Framing` and u = s = 0 at t = 0.
    Nothing here is trained.

    Parameters
    ----------
    framing
        How recordings become input spikes.
    neurons
        Number of neurons N.
    input_wiring, recurrent_wiring
        Who reaches whom; no recurrence where None.
    input_weights, recurrent_weights
        The law of the conductance differences G (µS).
    input_gain, recurrent_gain
        Factor from µS to the (dimensionless) weight. See :func:`neuromem.liquid.calibrate`.
    decay
        Membrane decay d of a time step; several are shared out over equal parts of the neurons.
    v_thresh
        Threshold V_th.
    features
        What is read out.
    seed
        Of everything random; each role (wiring, weights, places) has a stream of its own, so
        that changing one law leaves the others' draws alone.

    Notes
    -----
    Source: Lin et al., Nature Computational Science 5:37-47 (2025), doi 10.1038/s43588-024-00751-z:
    dense wiring, one decay, counts. The published settings are
    :func:`neuromem.liquid.published_nmnist`.

    Raises
    ------
    ValueError
        When a field is out of its range, or there are fewer neurons than decays.
    """

    framing: Framing
    neurons: Annotated[int, Meta(ge=1)]
    input_wiring: Wiring = Dense()
    recurrent_wiring: Wiring | None = None
    input_weights: Weights = GaussianWeights()
    recurrent_weights: Weights = GaussianWeights(mean_us=0.0061, sd_us=6.673)
    input_gain: Annotated[float, Meta(gt=0)] = 0.07
    recurrent_gain: Annotated[float, Meta(gt=0)] = 0.07
    decay: tuple[Decay, ...] = (0.9,)
    v_thresh: Annotated[float, Meta(gt=0)] = 5.0
    features: Features = Features()
    seed: Annotated[int, Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.decay) <= self.neurons:
            raise ValueError(
                f"Liquid.decay = {self.decay}: give at least one, at most one a neuron "
                f"({self.neurons})"
            )
        if self.features.bins > self.framing.steps:
            raise ValueError(
                f"Liquid.features.bins = {self.features.bins}: must not exceed the "
                f"{self.framing.steps} steps of the framing"
            )

    def replace(self, **fields: object) -> Liquid:
        """Return this liquid with other values of some fields."""
        return msgspec.structs.replace(self, **fields)

    def places(self) -> np.ndarray:
        """Return where the neurons lie over the input window, (column, row) in pixels, [N, 2]."""
        window = self.framing.window
        low, high = (-0.5, -0.5), (window.width - 0.5, window.height - 0.5)
        return self._rng("places").uniform(low, high, (self.neurons, 2))

    def input_matrix(self) -> np.ndarray:
        """Return W_in, float64 [channels, N], 0 where there is no connection."""
        mask = self._mask("input")
        return self.input_gain * np.where(mask, self._drawn("input", mask.shape), 0.0)

    def recurrent_matrix(self) -> np.ndarray | None:
        """Return W_rec, float64 [N, N], or None without recurrence."""
        if self.recurrent_wiring is None:
            return None
        mask = self._mask("recurrent")
        return self.recurrent_gain * np.where(mask, self._drawn("recurrent", mask.shape), 0.0)

    def cells(self, role: Literal["input", "recurrent"]) -> Pairs:
        """Return the cells behind the weights, conductance 0 where there is no connection.

        Raises
        ------
        ValueError
            When the weights are no device's, or there is no recurrence.
        """
        law = self.input_weights if role == "input" else self.recurrent_weights
        if not isinstance(law, ResistiveWeights):
            raise ValueError(
                f"the {role} weights are {type(law).__name__}, which have no cells: use "
                "ResistiveWeights"
            )
        mask = self._mask(role)
        pairs = law.draw_pairs(mask.shape, self._rng(f"{role} weights"))
        return Pairs(np.where(mask, pairs.g_plus_us, 0.0), np.where(mask, pairs.g_minus_us, 0.0))

    def network(self) -> Network:
        """Return the liquid as a network, for any backend.

        The time step is 1 ms by convention, whatever a step of the framing lasts.
        """
        parts = np.array_split(np.arange(self.neurons), len(self.decay))
        names = ["liquid"] if len(parts) == 1 else [f"liquid_{i}" for i in range(len(parts))]
        sources = {INPUT: (self.input_matrix(), np.arange(self.framing.channels))}
        recurrent = self.recurrent_matrix()
        populations: list[SpikeSource | Population] = [
            SpikeSource(name=INPUT, size=self.framing.channels)
        ]
        for name, part, decay in zip(names, parts, self.decay, strict=True):
            neuron = LIF_hard_reset(decay=decay, v_thresh=self.v_thresh)
            populations.append(Population(name=name, size=len(part), neuron=neuron))
            if recurrent is not None:
                sources[name] = (recurrent, part)
        projections = [
            _projection(source, name, matrix[np.ix_(rows, part)])
            for source, (matrix, rows) in sources.items()
            for name, part in zip(names, parts, strict=True)
        ]
        return Network(
            name=f"liquid of {self.neurons}",
            populations=tuple(populations),
            projections=tuple(projections),
            source=CITATION,
        )

    def encode(
        self, recordings: EventSet | SpikeBatch, backend: str = "native", **options: Any
    ) -> np.ndarray:
        """Return the features of recordings: see :func:`neuromem.liquid.encode`."""
        from neuromem.liquid.encoder import encode

        return encode(self, recordings, backend, **options)

    def _mask(self, role: str) -> np.ndarray:
        """Return which pairs are connected, bool [pre, post]."""
        wiring, pre = self.input_wiring, self.framing.positions()[:, 2:0:-1].astype(float)
        if role == "recurrent":
            if self.recurrent_wiring is None:
                raise ValueError("this liquid has no recurrence: give it a recurrent_wiring")
            wiring, pre = self.recurrent_wiring, self.places()
        return wiring.mask(pre, self.places(), self._rng(f"{role} wiring"))

    def _drawn(self, role: str, shape: tuple[int, ...]) -> np.ndarray:
        law = self.input_weights if role == "input" else self.recurrent_weights
        return law.draw(shape, self._rng(f"{role} weights"))

    def _rng(self, role: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, _ROLES.index(role)])


def _projection(pre: str, post: str, weights: np.ndarray) -> Projection:
    used = weights != 0
    connector = AllToAllConnector() if used.all() else ArrayConnector(array=Values(array=used))
    return Projection(
        pre=pre,
        post=post,
        connector=connector,
        synapse=StaticSynapse(weight=Values(array=weights)),
        receptor_type="signed",
    )
