"""What a liquid costs: operations, column read-outs, energy, and how it compares with digital."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from neuromem.network import Spec, SpikeBatch

Whole = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]


class EncoderSize(Spec, frozen=True, kw_only=True):
    r"""Size of one liquid, with dense weights.

    .. math::
        F = (I N + N^2) T, \qquad n = N T

    F counts multiply-accumulates of a sample: every weight in every time step. n counts
    neuron-steps: in the crossbar, one column read-out with one conversion each.

    Parameters
    ----------
    inputs
        Input lines I.
    neurons
        Neurons N.
    steps
        Time steps T of a sample.
    """

    inputs: Whole
    neurons: Whole
    steps: Whole

    @property
    def dense_macs(self) -> int:
        """Multiply-accumulates of a sample, F."""
        return (self.inputs + self.neurons) * self.neurons * self.steps

    @property
    def neuron_steps(self) -> int:
        """Neurons times time steps, n."""
        return self.neurons * self.steps


class Hardware(Spec, frozen=True, kw_only=True):
    """Energy constants of the comparison.

    Parameters
    ----------
    digital_tops_per_w
        Efficiency of the digital accelerator, 10^12 operations per second and watt; a
        multiply-accumulate is two operations.
    readout_pj
        Energy of one column read-out of the crossbar, its conversion included (pJ).

    Notes
    -----
    Defaults: the constants of Lin et al., Nature Computational Science 5:37-47 (2025), doi
    10.1038/s43588-024-00751-z. With them :class:`Cost` gives gains of 23.57 and 159.1 where 23.34
    and 160 are published.
    """

    digital_tops_per_w: Positive = 2.08
    readout_pj: Positive = 12.3


class Cost(Spec, frozen=True, kw_only=True):
    r"""Operations and energy of one sample, digital and with the liquids in resistive memory.

    .. math::
        E_{digital} = \frac{2 (F + P)}{\eta}, \qquad
        E_{hybrid} = n\, e + \frac{2 P}{\eta}, \qquad
        \text{gain} = E_{digital} / E_{hybrid}

    with the efficiency :math:`\eta` and the read-out energy e of :class:`Hardware`. The update of
    the membranes, which both designs do digitally, is left out of both, as in the source.

    Parameters
    ----------
    encoder_macs
        Multiply-accumulates F of the liquids: dense, or those that spikes cause.
    head_macs
        Multiply-accumulates P of the trained heads.
    neuron_steps
        Column read-outs n. They do not depend on the number of spikes or of weights.
    hardware
        Energy constants.

    Examples
    --------
    The published audio-to-image experiment: two liquids of 200 neurons, two heads of 200 x 64.

    >>> liquids = [
    ...     EncoderSize(inputs=256, neurons=200, steps=50),
    ...     EncoderSize(inputs=64, neurons=200, steps=129),
    ... ]
    >>> cost = Cost.dense(liquids, head_macs=2 * 200 * 64)
    >>> round(cost.gain, 2)
    23.57

    Notes
    -----
    Source: doi 10.1038/s43588-024-00751-z; the formulas reproduce its ratios.
    """

    encoder_macs: NonNegative
    head_macs: NonNegative
    neuron_steps: Whole
    hardware: Hardware = Hardware()

    @classmethod
    def dense(
        cls, encoders: Sequence[EncoderSize], head_macs: float, hardware: Hardware | None = None
    ) -> Cost:
        """Count every weight in every time step.

        Raises
        ------
        ValueError
            When there is no encoder.
        """
        if not encoders:
            raise ValueError("no encoder to count: give at least one")
        return cls(
            encoder_macs=sum(encoder.dense_macs for encoder in encoders),
            head_macs=head_macs,
            neuron_steps=sum(encoder.neuron_steps for encoder in encoders),
            hardware=hardware or Hardware(),
        )

    def event_driven(self, encoder_macs: float) -> Cost:
        """Return the same with the work that spikes cause; see :func:`event_macs`.

        The fair digital baseline: a digital design that skips the rows without a spike. Each of
        its operations is priced as a dense one, although a plain addition would do for a binary
        spike, and irregular memory access costs more; neither is modelled.
        """
        return msgspec.structs.replace(self, encoder_macs=encoder_macs)

    @property
    def energy_digital_pj(self) -> float:
        """Energy of a sample with everything digital (pJ)."""
        return 2 * (self.encoder_macs + self.head_macs) / self.hardware.digital_tops_per_w

    @property
    def energy_hybrid_pj(self) -> float:
        """Energy of a sample with the liquids' weights in resistive memory (pJ)."""
        heads = 2 * self.head_macs / self.hardware.digital_tops_per_w
        return self.neuron_steps * self.hardware.readout_pj + heads

    @property
    def gain(self) -> float:
        """How many times less energy the hybrid takes; below 1 it takes more."""
        return self.energy_digital_pj / self.energy_hybrid_pj

    def training_ratio(self, passes: int = 1) -> float:
        r"""Return how many times less work it is to train the heads alone.

        .. math::
            (F + P) / (k P)

        Parameters
        ----------
        passes
            k: what a training step of the heads costs, in forward passes through them. With 1,
            one forward pass of all stands against one of the heads; with 3, the heads' backward
            pass is counted (two forward passes' worth).

        Raises
        ------
        ValueError
            When ``passes`` is below 1 or there is no head.
        """
        if passes < 1 or not self.head_macs:
            raise ValueError(
                f"passes = {passes}, head_macs = {self.head_macs:g}: must be at least 1 and above 0"
            )
        return (self.encoder_macs + self.head_macs) / (passes * self.head_macs)


def event_macs(
    batch: SpikeBatch,
    spikes: np.ndarray,
    *,
    input_fan_out: float | np.ndarray,
    recurrent_fan_out: float | np.ndarray,
) -> float:
    r"""Return the operations that the spikes of a run cause, per sample.

    .. math::
        F_{event} = \frac{1}{B} \Big( \sum_{\text{input spikes}} o_{in} + \sum_{\text{liquid
        spikes}} o_{rec} \Big)

    Parameters
    ----------
    batch
        Input of B samples. A line that is active in a step is one spike, whatever its count.
    spikes
        Spike counts of the liquid's neurons in that run, shape (B, bins, N) or (B, N). (Those of
        the last step are counted too, although nothing follows them.)
    input_fan_out, recurrent_fan_out
        Connections that leave an input line and a neuron: one number (N for dense weights), or
        one for each line or neuron.

    Raises
    ------
    ValueError
        When the shapes do not fit or something is negative.
    """
    spikes, samples = np.asarray(spikes, dtype=np.float64), len(batch)
    if spikes.ndim not in (2, 3) or len(spikes) != samples or not samples:
        raise ValueError(
            f"spike counts of shape {spikes.shape} for {samples} samples: give (samples, bins, "
            f"neurons) or (samples, neurons), at least one sample"
        )
    per_neuron = spikes.reshape(-1, spikes.shape[-1]).sum(axis=0)
    per_line = np.bincount(batch.channel, minlength=batch.channels)
    total = 0.0
    for name, count, fan_out in (
        ("input_fan_out", per_line, input_fan_out),
        ("recurrent_fan_out", per_neuron, recurrent_fan_out),
    ):
        fan_out = np.asarray(fan_out, dtype=np.float64)
        if fan_out.shape not in ((), count.shape) or np.any(fan_out < 0) or np.any(count < 0):
            raise ValueError(
                f"{name} of shape {fan_out.shape}: give one number or {len(count)}, none negative, "
                f"and spike counts that are not negative"
            )
        total += float(np.sum(count * fan_out))
    return total / samples
