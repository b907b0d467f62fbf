"""Laws of random weights: what a matrix of device pairs holds without any training."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta

from neuromem.network import Spec
from neuromem.network.neurons import NonNegative, Positive
from neuromem.rram.card import DeviceCard, Faults, load_card
from neuromem.rram.pairs import Pairs
from neuromem.rram.quantise import quantise_levels
from neuromem.rram.retention import Retention

Fraction = Annotated[float, Meta(ge=0, le=1)]
Shape = tuple[int, ...]


class GaussianWeights(Spec, frozen=True, kw_only=True):
    """Normal conductance differences.

    Parameters
    ----------
    mean_us, sd_us
        Mean and standard deviation (µS).

    Notes
    -----
    Source of the defaults: the authors of Lin et al. (2025), doi 10.1038/s43588-024-00751-z, who
    use a mean of 0.0016 and a deviation of 6.613 for input weights in later published code, and
    0.0061 and 6.673 for recurrent ones.
    """

    mean_us: float = 0.0016
    sd_us: NonNegative = 6.613

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        """Return conductance differences (µS), float64; no gain is applied."""
        return rng.normal(self.mean_us, self.sd_us, shape)


class ResistiveWeights(Spec, frozen=True, kw_only=True):
    """Conductance differences of pairs of cells of a device, under conditions.

    The cells are as formed: nothing is programmed, the spread of the device is the weight. By
    default nothing but that spread is applied. Conditions act on single cells in the order levels,
    faults, retention; the same generator state gives the same cells under any conditions, so
    what differs between two draws is the condition alone.

    Parameters
    ----------
    card
        Name of a device card or path of its file.
    formed_fraction
        Fraction of the cells that are formed, 0..1; that of the card where None.
    stuck_low, stuck_high
        Fraction of the cells stuck at the lowest and the highest conductance.
    levels
        Number of conductance levels, evenly spread over the card's window; continuous where None.
    retention_s
        Time since the cells were written (s).
    retention
        Law of retention; that of the card where None. Unformed cells keep their conductance.
    temperature_k
        Temperature during that time (K); that at which the law was measured where None.

    Raises
    ------
    ValueError
        When there is no such card, a number is out of range, or retention is asked of a device
        for which no source gives it.
    """

    card: str = "macro-40nm"
    formed_fraction: Fraction | None = None
    stuck_low: Fraction = 0.0
    stuck_high: Fraction = 0.0
    levels: Annotated[int, Meta(ge=2)] | None = None
    retention_s: NonNegative = 0.0
    retention: Retention | None = None
    temperature_k: Positive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        Faults(stuck_low=self.stuck_low, stuck_high=self.stuck_high)
        self._retention(load_card(self.card))

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        """Return conductance differences (µS), float64; no gain is applied."""
        return self.draw_pairs(shape, rng).difference_us

    def draw_pairs(self, shape: Shape, rng: np.random.Generator) -> Pairs:
        """Return the cells behind the weights."""
        card = load_card(self.card)
        # Both before either ages, or the fate of G+ would decide which cells G- has.
        fresh = [card.form(shape, rng, self.formed_fraction) for _ in range(2)]
        plus, minus = (self.age(card, g_us, formed, rng) for g_us, formed in fresh)
        return Pairs(plus, minus)

    def age(
        self, card: DeviceCard, g_us: np.ndarray, formed: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return written cells under these conditions (µS).

        Parameters
        ----------
        card
            The device.
        g_us
            Conductances as written (µS).
        formed
            Which cells are formed; the others keep their conductance.
        rng
            Decides which cells fail and how they drift.
        """
        window = card.window
        if self.levels is not None:
            g_us = quantise_levels(g_us, self.levels, window.lowest_us, window.highest_us)
        faults = Faults(stuck_low=self.stuck_low, stuck_high=self.stuck_high)
        struck = faults.strike(g_us, window, rng)
        law = self._retention(card)
        if law is None:
            return struck
        drifted = law.after(struck, self.retention_s, rng, temperature_k=self.temperature_k)
        return np.where(formed & (struck == g_us), drifted, struck)

    def _retention(self, card: DeviceCard) -> Retention | None:
        """Return the law to apply; raise ValueError when one is needed and none is known."""
        law = self.retention or card.retention
        if law is None and self.retention_s > 0:
            raise ValueError(
                f"retention_s = {self.retention_s:g}: no source gives the retention of card "
                f"{self.card!r}; give a law as retention, or choose another card"
            )
        if self.temperature_k is not None and (law is None or law.activation_ev is None):
            raise ValueError(
                f"temperature_k = {self.temperature_k:g}: no activation energy is known for card "
                f"{self.card!r}; give a law with activation_ev as retention"
            )
        return law
