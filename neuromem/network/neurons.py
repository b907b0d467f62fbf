"""Neuron models: one equation each, with the tick in which a discrete-time engine runs it."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from neuromem.network.spec import Spec

Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]


class IF_curr_exp(Spec, frozen=True, kw_only=True):
    r"""Leaky integrate-and-fire neuron with exponentially decaying synaptic currents.

    .. math::
        \tau_m \dot V = V_{rest} - V + R (I_E - I_I + I_{offset}), \qquad R = \tau_m / c_m

        \dot I_X = -I_X / \tau_{syn,X}, \qquad I_X \mathrel{+}= w \text{ on arrival}

    A spike is emitted when V >= V_thresh; V is then V_reset for ``tau_refrac``. A neuron sees the
    mean of each current over a tick of length h, as on SpiNNaker: an arriving weight counts as
    ``tau_syn / h * (1 - exp(-h / tau_syn)) * w``, is held over the tick while V relaxes exactly
    towards ``V_rest + R I``, and only then decays. A weight can fire its target in the tick in
    which it arrives. While refractory, V is frozen and the currents decay.

    Parameters
    ----------
    cm_nf
        Membrane capacitance c_m (nF).
    tau_m_ms
        Membrane time constant (ms).
    tau_syn_E_ms, tau_syn_I_ms
        Decay of the excitatory and inhibitory current (ms).
    tau_refrac_ms
        Refractory time (ms), rounded up to whole ticks.
    v_rest_mv, v_reset_mv, v_thresh_mv
        Resting, reset and threshold potential (mV).
    v_init_mv
        Potential at t = 0 (mV); the resting potential where None.
    i_offset_na
        Constant current (nA).

    Notes
    -----
    Weights are in nA. Names and defaults are PyNN's ``IF_curr_exp``.

    Raises
    ------
    ValueError
        When a time constant or capacitance is not positive, or the reset is not below threshold.
    """

    cm_nf: Positive = 1.0
    tau_m_ms: Positive = 20.0
    tau_syn_E_ms: Positive = 5.0
    tau_syn_I_ms: Positive = 5.0
    tau_refrac_ms: NonNegative = 0.1
    v_rest_mv: float = -65.0
    v_reset_mv: float = -65.0
    v_thresh_mv: float = -50.0
    v_init_mv: float | None = None
    i_offset_na: float = 0.0

    weight_unit: ClassVar[str] = "nA"
    signed_weights: ClassVar[bool] = False
    variables: ClassVar[tuple[str, ...]] = ("v", "isyn_exc", "isyn_inh")

    def __post_init__(self) -> None:
        super().__post_init__()
        _reset_below_threshold(self)


class IF_curr_delta(Spec, frozen=True, kw_only=True):
    r"""Leaky integrate-and-fire neuron whose potential jumps by the weight of each arriving spike.

    .. math::
        \tau_m \dot V = V_{rest} - V + R I_{offset}, \qquad V \mathrel{+}= w \text{ on arrival}

    In a tick V first relaxes exactly, then takes its arrivals, then is compared with V_thresh
    (V >= V_thresh fires). Arrivals in the refractory time are lost.

    Parameters
    ----------
    cm_nf, tau_m_ms, tau_refrac_ms, v_rest_mv, v_reset_mv, v_thresh_mv, v_init_mv, i_offset_na
        As in :class:`IF_curr_exp`.

    Notes
    -----
    Weights are in mV. Names and defaults are PyNN's ``IF_curr_delta``.

    Raises
    ------
    ValueError
        When a time constant or capacitance is not positive, or the reset is not below threshold.
    """

    cm_nf: Positive = 1.0
    tau_m_ms: Positive = 20.0
    tau_refrac_ms: NonNegative = 0.1
    v_rest_mv: float = -65.0
    v_reset_mv: float = -65.0
    v_thresh_mv: float = -50.0
    v_init_mv: float | None = None
    i_offset_na: float = 0.0

    weight_unit: ClassVar[str] = "mV"
    signed_weights: ClassVar[bool] = True
    variables: ClassVar[tuple[str, ...]] = ("v",)

    def __post_init__(self) -> None:
        super().__post_init__()
        _reset_below_threshold(self)


class LIF_hard_reset(Spec, frozen=True, kw_only=True):
    r"""Discrete-time leaky integrate-and-fire neuron with reset to zero: the liquid's neuron.

    .. math::
        u_t = d\, u_{t-1} (1 - s_{t-1}) + \sum w, \qquad s_t = [u_t > V_{th}]

    The comparison is strict, there is no refractory time and no synaptic filter. The recorded
    ``v`` is u after the reset.

    Parameters
    ----------
    decay
        Factor d by which the membrane decays in one time step, 0..1.
    v_thresh
        Threshold V_th, above 0 (dimensionless, as are u and the weights).

    Notes
    -----
    Source: Lin et al., Nature Computational Science 5:37-47 (2025), doi 10.1038/s43588-024-00751-z.

    Raises
    ------
    ValueError
        When the decay is outside 0..1 or the threshold is not positive.
    """

    decay: Annotated[float, Meta(ge=0, le=1)] = 0.9
    v_thresh: Positive = 1.0

    weight_unit: ClassVar[str] = "1"
    signed_weights: ClassVar[bool] = True
    variables: ClassVar[tuple[str, ...]] = ("v",)


Neuron = IF_curr_exp | IF_curr_delta | LIF_hard_reset


def _reset_below_threshold(neuron: IF_curr_exp | IF_curr_delta) -> None:
    if neuron.v_reset_mv >= neuron.v_thresh_mv:
        raise ValueError(
            f"{type(neuron).__name__}.v_reset_mv = {neuron.v_reset_mv}: must be below "
            f"v_thresh_mv = {neuron.v_thresh_mv}, or the neuron fires for ever"
        )
    if neuron.v_init_mv is None:
        msgspec.structs.force_setattr(neuron, "v_init_mv", neuron.v_rest_mv)


def refractory_ticks(neuron: Neuron, timestep_ms: float) -> int:
    """Return the refractory time in whole ticks, rounded up as the board does."""
    if isinstance(neuron, LIF_hard_reset):
        return 0
    return math.ceil(round(neuron.tau_refrac_ms / timestep_ms, 9))


def firing_weight(neuron: Neuron, timestep_ms: float) -> float:
    """Return the smallest weight of one excitatory spike that at once fires a neuron at rest."""
    if isinstance(neuron, LIF_hard_reset):
        return math.nextafter(neuron.v_thresh, math.inf)
    gap = neuron.v_thresh_mv - neuron.v_rest_mv
    if isinstance(neuron, IF_curr_delta):
        return gap
    arrive = neuron.tau_syn_E_ms / timestep_ms * (1 - math.exp(-timestep_ms / neuron.tau_syn_E_ms))
    rise = 1 - math.exp(-timestep_ms / neuron.tau_m_ms)
    return gap / (neuron.tau_m_ms / neuron.cm_nf * arrive * rise)
