"""Tasks that need memory: the answer is in no single moment and in no count of the input."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from neuromem.network import Spec, SpikeBatch

Whole = Annotated[int, Meta(ge=1)]
Probability = Annotated[float, Meta(ge=0, le=1)]
#: In place of a symbol: a slot in which none is shown.
BLANK = -1


class SymbolCode(Spec, frozen=True, kw_only=True):
    """How a sequence of symbols becomes spikes: each has lines of its own, active in its slot.

    Parameters
    ----------
    lines
        Input lines of a symbol; symbol k has the lines ``k * lines`` to ``(k + 1) * lines - 1``.
    slot_steps
        Time steps for which a symbol is shown.
    active, idle
        Probability that a line fires in a step, while its symbol is shown and otherwise. The
        defaults, as those above, are assumed.
    """

    lines: Whole = 8
    slot_steps: Whole = 5
    active: Probability = 0.5
    idle: Probability = 0.02

    def spikes(self, symbols: np.ndarray, alphabet: int, rng: np.random.Generator) -> SpikeBatch:
        """Return spikes for symbols 0..alphabet-1, or BLANK, of shape (samples, slots).

        Raises
        ------
        ValueError
            When a symbol is outside the alphabet.
        """
        symbols = np.asarray(symbols)
        if symbols.ndim != 2 or np.any((symbols < BLANK) | (symbols >= alphabet)):
            raise ValueError(
                f"symbols of shape {symbols.shape}: give (samples, slots), each in "
                f"{BLANK}..{alphabet - 1}"
            )
        shown = symbols[:, :, None] == np.arange(alphabet)  # (samples, slots, alphabet)
        rate = np.where(shown, self.active, self.idle).astype(np.float32)
        rate = rate.repeat(self.slot_steps, axis=1).repeat(self.lines, axis=2)
        return SpikeBatch.of_dense((rng.random(rate.shape, dtype=np.float32) < rate).view(np.uint8))


class Parity(Spec, frozen=True, kw_only=True):
    r"""N-parity: whether the number of ones among the last N bits of a random stream is odd.

    .. math::
        y = b_L \oplus b_{L-1} \oplus \dots \oplus b_{L-N+1}, \qquad L = \text{lead} + N

    A trial shows the bits :math:`b_1 \dots b_L`, one a slot, and ends with the last. Bits are
    independent, and even given any N - 1 of the last N: for N of 2 and more y is uncorrelated with
    every count, of the whole trial or of a slot, and least squares and softmax find nothing. What
    is to answer must be nonlinear and remember.

    Three cautions for the control. A hyperplane need not be uncorrelated to be lucky: the best one
    is right in 75 % of trials for N = 2 and 3, in 68.75 % for 4 and 5 (by a threshold on the
    number of ones). For even N a hyperplane through the mean is at chance; for odd N one fitted to
    noise is above or below it as the noise has it, widely for N = 3: prefer even N, or average
    over draws. And without ``lead``, a nonlinear function of the whole trial's counts is enough.

    Parameters
    ----------
    bits
        N.
    lead
        Bits before them, which do not count.
    code
        How bits become spikes: a zero has lines of its own, so that both take as many spikes.

    Notes
    -----
    Chance is 0.5. Source of the task: Bertschinger and Natschläger, Neural Computation
    16:1413-1436 (2004), doi 10.1162/089976604323057443.
    """

    bits: Whole = 2
    lead: Annotated[int, Meta(ge=0)] = 2
    code: SymbolCode = SymbolCode()

    chance: ClassVar[float] = 0.5

    @property
    def slots(self) -> int:
        """Number of slots of a trial, L."""
        return self.lead + self.bits

    def draw(self, samples: int, rng: np.random.Generator) -> tuple[SpikeBatch, np.ndarray]:
        """Return the spikes of trials and their targets, int64, 0 (even) or 1 (odd).

        Exactly half of the targets are 1.

        Raises
        ------
        ValueError
            When the number of samples is odd or not positive.
        """
        targets = _balanced(samples, rng)
        bits = rng.integers(2, size=(samples, self.slots))
        # The last bit makes the sum right; it is as even and as independent as the others.
        bits[:, -1] = (targets - bits[:, self.lead : -1].sum(axis=1)) % 2
        return self.code.spikes(bits, 2, rng), targets


class DelayedMatch(Spec, frozen=True, kw_only=True):
    r"""Delayed match to sample: whether the pattern shown now is the one of N slots ago.

    .. math::
        y = [\, p_{N} = p_{0} \,]

    A trial shows the sample :math:`p_0`, N - 1 blank slots, and the probe :math:`p_N`. Sample and
    probe are each uniform over the patterns in matches and mismatches alike: y is uncorrelated
    with every count, of the whole trial or of a slot, and least squares and softmax find nothing.

    Cautions for the control: the best hyperplane is right in 75 % of trials, and with more than
    two patterns one fitted to noise scatters about chance more widely than the number of trials
    explains; a nonlinear function of the whole trial's counts is enough, as a match doubles one
    pattern's.

    Parameters
    ----------
    slots_ago
        N.
    patterns
        Number of patterns, at least 2.
    code
        How patterns become spikes.

    Notes
    -----
    Chance is 0.5.
    """

    slots_ago: Whole = 3
    patterns: Annotated[int, Meta(ge=2)] = 2
    code: SymbolCode = SymbolCode()

    chance: ClassVar[float] = 0.5

    @property
    def slots(self) -> int:
        """Number of slots of a trial, N + 1."""
        return self.slots_ago + 1

    def draw(self, samples: int, rng: np.random.Generator) -> tuple[SpikeBatch, np.ndarray]:
        """Return the spikes of trials and their targets, int64, 0 (differs) or 1 (matches).

        Exactly half of the targets are 1.

        Raises
        ------
        ValueError
            When the number of samples is odd or not positive.
        """
        targets = _balanced(samples, rng)
        symbols = np.full((samples, self.slots), BLANK)
        symbols[:, 0] = rng.integers(self.patterns, size=samples)
        other = rng.integers(1, self.patterns, size=samples)
        symbols[:, -1] = (symbols[:, 0] + np.where(targets == 1, 0, other)) % self.patterns
        return self.code.spikes(symbols, self.patterns, rng), targets


def _balanced(samples: int, rng: np.random.Generator) -> np.ndarray:
    if samples < 2 or samples % 2:
        raise ValueError(f"samples = {samples}: must be even and positive, half for each answer")
    return rng.permutation(np.arange(samples, dtype=np.int64) % 2)
