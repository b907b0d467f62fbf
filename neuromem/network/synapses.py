"""Synapses: what a connection does with a spike, static or plastic."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from neuromem.network.neurons import NonNegative, Positive
from neuromem.network.spec import Spec, Values


class StaticSynapse(Spec, frozen=True, kw_only=True):
    """A fixed weight and delay.

    A spike emitted in tick t acts on its target at ``t + delay``.

    Parameters
    ----------
    weight
        One number, a value per connection (in the connector's order) or a matrix [pre, post], in
        the unit of the target's neuron model (nA, mV or dimensionless).
    delay_ms
        One number or a value per connection (ms): whole time steps, at least one.
    """

    weight: float | Values
    delay_ms: Positive | Values = 1.0


class STDPSynapse(Spec, frozen=True, kw_only=True):
    r"""Additive pair-based spike-timing-dependent plasticity.

    .. math::
        \Delta w = +A_+ e^{-\Delta t/\tau_+} \; (\Delta t > 0), \qquad
        \Delta w = -A_- e^{+\Delta t/\tau_-} \; (\Delta t < 0), \qquad
        w \leftarrow \min(\max(w, w_{min}), w_{max}) \text{ after each}

    with :math:`\Delta t = t_{post} - t_{pre}`, both times taken at the synapse, after their share
    of the delay. The weight delivered by a pre spike is the weight updated up to that spike.

    Parameters
    ----------
    weight
        Initial weight: a number, a value per connection, or a matrix [pre, post].
    delay_ms
        Delay (ms): whole time steps, at least one.
    tau_plus_ms, tau_minus_ms
        Time constants of potentiation and depression (ms).
    A_plus, A_minus
        Jump of one pair at dt -> 0, **in the unit of the weight**, not as a fraction of ``w_max``
        (PyNN multiplies by w_max on NEST and Brian2; sPyNNaker 7.4.1 does not).
    w_min, w_max
        Bounds of the weight.
    dendritic_delay_fraction
        1: the delay lies on the post side, a post spike reaches the synapse ``delay`` after it
        was emitted (SpiNNaker, NEST). 0: on the pre side (PyNN on Brian2).
    dt_zero
        What a pair with dt = 0 does. ``"depress"``: the post counts as first, and depresses
        (the board). ``"potentiate"``: the pre counts as first. ``"ignore"``: the pair does nothing.
    pairing
        ``"all"`` pairs sum; ``"nearest"`` lets only the latest spike of the other side count.
    post_history
        How many of its latest spikes a post neuron remembers for potentiation that is applied
        only at the next pre spike; None: all. SpiNNaker keeps 15, and older ones are lost.

    Notes
    -----
    Source of the rule on SpiNNaker: sPyNNaker 7.4.1; its 16-entry post history has 15 usable
    entries.

    Raises
    ------
    ValueError
        When a bound or amplitude is out of range, or a tie at dt = 0 asks for what cannot be
        ordered: with the delay on the pre side the pre spike arrives before the post fires.
    """

    weight: float | Values = 0.0
    delay_ms: Positive | Values = 1.0
    tau_plus_ms: Positive = 20.0
    tau_minus_ms: Positive = 20.0
    A_plus: NonNegative
    A_minus: NonNegative
    w_min: NonNegative = 0.0
    w_max: NonNegative
    dendritic_delay_fraction: Literal[0, 1] = 1
    dt_zero: Literal["depress", "potentiate", "ignore"] = "depress"
    pairing: Literal["all", "nearest"] = "all"
    post_history: Annotated[int, Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.w_min > self.w_max:
            raise ValueError(
                f"STDPSynapse.w_min = {self.w_min}: must not exceed w_max = {self.w_max}"
            )
        if self.dendritic_delay_fraction == 0 and self.dt_zero == "depress":
            raise ValueError(
                "STDPSynapse.dt_zero = 'depress' with dendritic_delay_fraction = 0: the pre spike "
                "arrives before the post fires in that tick; use 'potentiate' or 'ignore'"
            )
        if (self.dendritic_delay_fraction, self.dt_zero, self.pairing) == (0, "ignore", "nearest"):
            raise ValueError(
                "STDPSynapse.pairing = 'nearest' with dendritic_delay_fraction = 0 and dt_zero = "
                "'ignore': an ignored tie would hide the pair before it; use dt_zero = 'potentiate'"
            )


Synapse = StaticSynapse | STDPSynapse
