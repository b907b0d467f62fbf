"""The liquid in torch: ``dense`` by hand, ``snntorch``, ``spikingjelly`` and ``norse``.

All are given the dense input (steps, samples, lines) ready made, multiply it by W_in in one matrix
product for all steps, which none of them does by itself, and then loop over the steps, where the
library's neuron is called and its spikes are multiplied by W_rec. They run without gradients, in
batches of the size that was fastest when the contestant was built, out of ``BATCHES``.

``norse`` integrates ``v + dt (i - v) / tau``: its weights are scaled by ten to match, which rounds
differently; ``spikingjelly`` computes ``v - v / tau + i``, which does too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from time import perf_counter

import numpy as np
import torch

from contestants.liquid_workload import V_THRESH, LiquidWorkload

#: Samples of a batch to choose from, and most floats of the input's product with W_in.
BATCHES = (32, 64, 128, 256)
MOST_FLOATS = 1 << 26


class _Torch(ABC):
    """One liquid in torch."""

    def __init__(self, work: LiquidWorkload, most: int) -> None:
        start = perf_counter()
        torch.set_num_threads(work.threads)
        self.work = work
        scale = self.input_scale()
        self.w_in = torch.tensor(work.reservoir.w_in) * scale
        assert work.reservoir.w_rec is not None
        self.w_rec = torch.tensor(work.reservoir.w_rec) * scale
        self.samples = most = min(most, work.batch.samples)
        dense = work.batch.part(0, most).dense()
        self.x = torch.tensor(np.ascontiguousarray(dense.transpose(1, 0, 2)))
        sizes = [
            b for b in BATCHES if b <= most and b * work.neurons * work.steps <= MOST_FLOATS
        ] or [most]
        self.best = sizes[0]
        if len(sizes) > 1:
            rates = {size: self._rate(size) for size in sizes}
            self.best = max(rates, key=lambda size: rates[size])
        self.samples = most // self.best * self.best
        self.compile_seconds = perf_counter() - start

    def run(self) -> tuple[float, np.ndarray]:
        """Run; return the seconds and the spikes of every neuron in every recording."""
        return self._run(self.best, self.samples)

    def close(self) -> None:  # noqa: B027
        """Nothing is held."""

    def input_scale(self) -> float:
        """Return the factor of weights that the library's neuron asks for."""
        return 1.0

    @abstractmethod
    def neurons(self):
        """Return a function from the current of a step to its spikes, with a state at zero."""

    @torch.inference_mode()
    def _run(self, size: int, samples: int) -> tuple[float, np.ndarray]:
        torch.set_num_threads(self.work.threads)
        counts = torch.zeros((samples, self.work.neurons))
        start = self.work.clock()
        for first in range(0, samples, size):
            x = self.x[:, first : first + size]
            current = x.flatten(0, 1) @ self.w_in
            current = current.view(self.work.steps, size, -1)
            step = self.neurons()
            spikes = step(current[0])
            count = spikes.clone()
            for t in range(1, self.work.steps):
                spikes = step(torch.addmm(current[t], spikes, self.w_rec))
                count += spikes
            counts[first : first + size] = count
        return self.work.clock() - start, counts.numpy().astype(np.int64)

    def _rate(self, size: int) -> float:
        self._run(size, size)
        return size / self._run(size, size)[0]


class DenseTorch(_Torch):
    """The fewest operations that were found, in place."""

    def neurons(self):
        """Return the neurons of a batch."""
        v: torch.Tensor | None = None
        decay = self.work.decay

        def step(current: torch.Tensor) -> torch.Tensor:
            nonlocal v
            v = current.clone() if v is None else v.mul_(decay).add_(current)
            spikes = (v > V_THRESH).to(v.dtype)
            v.masked_fill_(spikes.bool(), 0)
            return spikes

        return step


class SnnTorch(_Torch):
    """``snntorch.Leaky`` without its surrogate gradient."""

    def neurons(self):
        """Return the neurons of a batch."""
        import snntorch

        layer = snntorch.Leaky(
            beta=self.work.decay, threshold=V_THRESH, reset_mechanism="zero", surrogate_disable=True
        )
        state: list[torch.Tensor] = []

        def step(current: torch.Tensor) -> torch.Tensor:
            spikes, v = layer(current, *state)
            state[:] = [v]
            return spikes

        return step


class SpikingJelly(_Torch):
    """``LIFNode`` step by step."""

    def neurons(self):
        """Return the neurons of a batch."""
        from spikingjelly.activation_based.neuron import LIFNode

        # It fires at the threshold, the liquid above it.
        bound = float(np.nextafter(np.float32(V_THRESH), np.float32(np.inf)))
        return LIFNode(
            tau=round(1 / (1 - self.work.decay), 9),
            decay_input=False,
            v_threshold=bound,
            v_reset=0.0,
        ).eval()


class Norse(_Torch):
    """``lif_box_feed_forward_step``, norse's neuron without a synaptic current."""

    def input_scale(self) -> float:
        """Return tau / dt."""
        return 1 / (1 - self.work.decay)

    def neurons(self):
        """Return the neurons of a batch."""
        from norse.torch.functional.lif_box import (
            LIFBoxFeedForwardState,
            LIFBoxParameters,
            lif_box_feed_forward_step,
        )

        state = LIFBoxFeedForwardState(v=torch.zeros(()))
        parameters = LIFBoxParameters(
            tau_mem_inv=torch.tensor(1000 * (1 - self.work.decay)), v_th=torch.tensor(V_THRESH)
        )

        def step(current: torch.Tensor) -> torch.Tensor:
            nonlocal state
            spikes, state = lif_box_feed_forward_step(current, state, parameters)
            return spikes

        return step
