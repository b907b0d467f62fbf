"""The trained counterpart of two liquids: recurrent spiking layers under a contrastive loss."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from neuromem.heads.pairs import PairAligner, PairSettings, labels_of
from neuromem.heads.senses import Sense
from neuromem.heads.training import linear, require_torch
from neuromem.network import SpikeBatch

Decay = Annotated[float, Meta(ge=0, lt=1)]


class SpikingSettings(PairSettings, frozen=True, kw_only=True):
    """How recurrent spiking layers and projections of their spike counts are trained.

    The settings of the published comparison are unknown; all defaults but the decays and the number
    of neurons, which are those of the published liquids, are assumed.

    Parameters
    ----------
    neurons
        Neurons of each sense's layer.
    decay
        Membrane decay of a step, for the first and the second sense.
    v_thresh
        Threshold.
    """

    neurons: Annotated[int, Meta(ge=1)] = 200
    decay: tuple[Decay, Decay] = (0.9, 0.97)
    v_thresh: Annotated[float, Meta(gt=0)] = 1.0
    epochs: Annotated[int, Meta(ge=1)] = 20


class SpikingAligner(PairAligner[SpikingSettings]):
    r"""Two recurrent spiking layers trained end to end through time with their projections.

    .. math::
        u_t = d\, u_{t-1} (1 - s_{t-1}) + W_{in} x_t + b + W_{rec} s_{t-1}, \qquad
        s_t = [u_t > V_{th}], \qquad c = \frac{1}{T} \sum_t s_t

    for each sense, with a projection of c as in :class:`~neuromem.heads.ContrastiveAligner`. Unlike
    a liquid's, W_in and W_rec are trained. The neuron is snnTorch's ``Leaky``; the spike's
    derivative is that of an arc tangent, its default.

    A sense's features are spikes, dense [n, steps, channels] of any real type (small ones stay
    small), or a :class:`~neuromem.network.SpikeBatch`. Each batch is unrolled over all steps:
    memory is about 5 x batch x steps x neurons floats a sense.

    Parameters
    ----------
    settings
        See :class:`SpikingSettings`.
    seed, patience
        As in :class:`~neuromem.heads.ContrastiveAligner`.

    Notes
    -----
    After the baseline "SRNN-CLIP" of Lin et al. (2025), doi 10.1038/s43588-024-00751-z.
    """

    _channels: dict[int, int]

    def __init__(
        self,
        settings: SpikingSettings = SpikingSettings(),  # noqa: B008, immutable
        *,
        seed: int = 0,
        patience: int | None = None,
    ) -> None:
        super().__init__(settings, seed=seed, patience=patience)
        self._channels = {}

    def _learn(self, which: int, sense: Sense) -> Any:
        what = ("first", "second")[which] + " features"
        spikes = _dense(sense.features, what)
        labels_of(sense.labels, len(spikes), what)
        self._channels[which] = spikes.shape[2]
        return self._tensor(spikes)

    def _inputs(self, which: int, X: Any, what: str) -> Any:
        spikes = _dense(X, what)
        if spikes.shape[2] != self._channels[which]:
            raise ValueError(
                f"{what} of {spikes.shape[2]} channels: training had {self._channels[which]}"
            )
        return self._tensor(spikes)

    def _tensor(self, spikes: np.ndarray) -> Any:
        import torch

        small = spikes.dtype in (np.bool_, np.uint8)
        return torch.tensor(spikes if small else spikes.astype(np.float32))

    def _network(self, which: int, generator: Any) -> Any:
        torch = require_torch("SpikingAligner")
        try:
            import snntorch
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "SpikingAligner needs snntorch: pip install 'neuromem-snn[torch]'"
            ) from error
        settings, channels = self.settings, self._channels[which]

        class Layer(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.input = linear(channels, settings.neurons, generator)
                self.recurrent = linear(settings.neurons, settings.neurons, generator)
                self.recurrent.bias = None  # the input's is enough
                self.neurons = snntorch.Leaky(
                    beta=settings.decay[which],
                    threshold=settings.v_thresh,
                    reset_mechanism="zero",
                )

            def forward(self, x: Any) -> Any:
                currents = self.input(x.float())
                membrane = spikes = torch.zeros_like(currents[:, 0])
                counts = torch.zeros_like(spikes)
                for current in currents.unbind(1):
                    spikes, membrane = self.neurons(current + self.recurrent(spikes), membrane)
                    counts = counts + spikes
                return counts / currents.shape[1]

        projection = settings.projection.build(settings.neurons, settings.embedding, generator)
        return torch.nn.Sequential(Layer(), projection)


def _dense(X: Any, what: str) -> np.ndarray:
    """Return spikes [n, steps, channels], checked."""
    spikes = X.dense() if isinstance(X, SpikeBatch) else np.asarray(X)
    if spikes.ndim != 3 or 0 in spikes.shape or spikes.dtype.kind not in "biuf":
        raise ValueError(
            f"{what} of shape {spikes.shape} and type {spikes.dtype}: give spikes of shape "
            f"(samples, steps, channels), at least one of each"
        )
    if spikes.dtype.kind == "f" and not np.isfinite(spikes).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(spikes))[0])
        raise ValueError(f"{what}{list(bad)} = {spikes[bad]}: every feature must be finite")
    return spikes
