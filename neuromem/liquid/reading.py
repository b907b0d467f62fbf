"""A liquid whose cells are read with noise, step after step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuromem.liquid.liquid import Liquid
from neuromem.rram import Pairs, ReadNoise, noisy_differences


@dataclass(frozen=True)
class NoisyReads:
    """Read noise on every cell of a liquid: ``weights_of_step`` of :func:`neuromem.liquid.encode`.

    Each step reads every cell anew; the samples of a group are read at the same time.

    Parameters
    ----------
    liquid
        Its weights are those of device pairs (:class:`neuromem.rram.ResistiveWeights`).
    noise
        Law of the noise.
    step_ms
        Time from one read to the next (ms).

    Raises
    ------
    ValueError
        When the weights are no device's.
    """

    liquid: Liquid
    noise: ReadNoise
    step_ms: float

    def __post_init__(self) -> None:
        roles = ("input",) if self.liquid.recurrent_wiring is None else ("input", "recurrent")
        object.__setattr__(self, "_cells", [self.liquid.cells(role) for role in roles])

    def __call__(self, rng: np.random.Generator) -> _Reads:
        """Return the reads of one group of samples."""
        cells: list[Pairs] = self._cells  # type: ignore[attr-defined]
        return _Reads(self, cells, rng)

    def __repr__(self) -> str:
        """Return a text that names everything that the reads depend on."""
        return f"NoisyReads({self.liquid.digest()}, {self.noise.digest()}, {self.step_ms})"


class _Reads:
    def __init__(self, of: NoisyReads, cells: list[Pairs], rng: np.random.Generator) -> None:
        gains = (of.liquid.input_gain, of.liquid.recurrent_gain)
        self._parts = [
            (noisy_differences(pairs, of.noise, of.step_ms, rng), np.float32(gain))
            for pairs, gain in zip(cells, gains, strict=False)
        ]

    def step(self) -> tuple[np.ndarray, np.ndarray | None]:
        read = [part.step() * gain for part, gain in self._parts]
        return read[0], read[1] if len(read) > 1 else None
