"""Neuron models and the pair rule in Brian2's language, for each fidelity.

With ``fidelity="exact"`` one Brian2 step is one tick of the definition. In the slot ``groups`` each
neuron takes its arrivals and advances; ``thresholds`` finds who fires; in ``synapses`` the spikes
are put into ``exc`` and ``inh``, which the targets take in the next tick; ``resets`` sets the
potential back. Arithmetic is written in the order of the native engines, to round alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuromem.backends.native.translate import TRACE_CUTOFF
from neuromem.network import IF_curr_delta, IF_curr_exp, LIF_hard_reset, STDPSynapse


@dataclass(frozen=True)
class NeuronCode:
    """A neuron model: names of its parameters, and Brian2's four pieces of code."""

    parameters: tuple[str, ...]
    model: str
    each_tick: str
    threshold: str
    reset: str
    refractory: str = ""


@dataclass(frozen=True)
class RuleCode:
    """A pair rule: equations, pathways by name, and the order and delay (ticks) of each."""

    model: str
    on_pre: dict[str, str]
    on_post: dict[str, str]
    order: dict[str, int]
    delays: dict[str, int]
    constants: dict[str, float]


_COMMON = ("v_rest", "v_reset", "v_thresh", "resistance", "offset")

#: A neuron that fires waits ``refractory_ticks``, from the next one on.
_REFRACTORY_RESET = "v = v_reset\nwait = refractory_ticks + 1"

EXACT = {
    IF_curr_exp: NeuronCode(
        parameters=(
            *_COMMON, "decay_v", "decay_e", "decay_i", "arrive_e", "arrive_i", "refractory_ticks"
        ),
        model="v : 1\nisyn_exc : 1\nisyn_inh : 1\nwait : 1",
        each_tick="""
            wait = wait - int(wait > 0)
            isyn_exc = isyn_exc + arrive_e * exc
            isyn_inh = isyn_inh + arrive_i * inh
            steady = v_rest + resistance * ((isyn_exc - isyn_inh) + offset)
            v = int(wait > 0) * v + int(wait == 0) * (steady + (v - steady) * decay_v)
            isyn_exc = isyn_exc * decay_e
            isyn_inh = isyn_inh * decay_i
        """,
        threshold="wait == 0 and v >= v_thresh",
        reset=_REFRACTORY_RESET,
    ),
    IF_curr_delta: NeuronCode(
        parameters=(*_COMMON, "decay_v", "refractory_ticks"),
        model="v : 1\nwait : 1",
        each_tick="""
            wait = wait - int(wait > 0)
            steady = v_rest + resistance * offset
            moved = steady + (v - steady) * decay_v + (exc - inh)
            v = int(wait > 0) * v + int(wait == 0) * moved
        """,
        threshold="wait == 0 and v >= v_thresh",
        reset=_REFRACTORY_RESET,
    ),
    LIF_hard_reset: NeuronCode(
        parameters=("decay_v", "v_thresh"),
        model="v : 1",
        each_tick="v = v * decay_v + (exc - inh)",
        threshold="v >= v_thresh",
        reset="v = 0",
    ),
}  # fmt: skip

NATIVE = {
    IF_curr_exp: NeuronCode(
        parameters=(*_COMMON, "tau_m_ms", "tau_syn_E_ms", "tau_syn_I_ms", "tau_refrac_ms"),
        model="""
            dv/dt = (v_rest - v + resistance * (isyn_exc - isyn_inh + offset)) / (tau_m_ms * ms)
                    : 1 (unless refractory)
            disyn_exc/dt = -isyn_exc / (tau_syn_E_ms * ms) : 1
            disyn_inh/dt = -isyn_inh / (tau_syn_I_ms * ms) : 1
        """,
        each_tick="",
        threshold="v >= v_thresh",
        reset="v = v_reset",
        refractory="tau_refrac_ms * ms",
    ),
    IF_curr_delta: NeuronCode(
        parameters=(*_COMMON, "tau_m_ms", "tau_refrac_ms"),
        model="""
            dv/dt = (v_rest - v + resistance * offset) / (tau_m_ms * ms) : 1 (unless refractory)
        """,
        each_tick="",
        threshold="v >= v_thresh",
        reset="v = v_reset",
        refractory="tau_refrac_ms * ms",
    ),
    LIF_hard_reset: NeuronCode(
        parameters=("decay_v", "v_thresh"),
        model="v : 1",
        each_tick="v = v * decay_v",
        threshold="v >= v_thresh",
        reset="v = 0",
    ),
}

#: What a weight does in the native translation, by whether the current is a state of the target.
_NATIVE_EFFECT = {
    (True, "exc"): "isyn_exc_post += w",
    (True, "inh"): "isyn_inh_post += w",
    (False, "exc"): "v_post += w",
    (False, "inh"): "v_post -= w",
}


def native_effect(neuron: type, receptor: str) -> str:
    """Return what an arriving weight does, as a Brian2 user would write it."""
    return _NATIVE_EFFECT[neuron is IF_curr_exp, receptor]


#: In which order things happen at a synapse within a tick. ``rise``: a post spike potentiates;
#: ``trace``: it is remembered for depression; ``pre``: a pre spike does all that it does.
_DENDRITIC_ORDER = {
    "depress": ("rise", "trace", "pre"),
    "potentiate": ("pre", "rise", "trace"),
    "ignore": ("rise", "pre", "trace"),
}
#: A pre spike that arrives with the next tick comes after the posts of this one.
_AXONAL_ORDER = ("rise", "trace", "pre")


def exact_rule(rule: STDPSynapse, delay: int, h: float, effect: str) -> RuleCode:
    r"""Return the pair rule with the definition's order of events.

    ``w`` is the weight stored, and delivered, by the last pre spike; ``w_next`` has the
    potentiation since. Applying it at once rather than replaying it at the next pre spike is the
    same: between two pre spikes nothing else changes the weight, and each term is clipped alike.
    Before the first pre spike ``pre_trace`` is 0, and nothing rises.

    Parameters
    ----------
    rule
        The definition.
    delay
        Delay of these synapses in ticks.
    h
        Time step (ms).
    effect
        What the weight does to the target.
    """
    dendritic = rule.dendritic_delay_fraction == 1
    # With the delay on the pre side a spike is handled at the end of the tick before it arrives.
    now = "t_in_timesteps" if dendritic else "(t_in_timesteps + 1)"
    tie = " - int(t_in_timesteps == pre_at)" if rule.dt_zero == "ignore" else ""
    older_pre = older_post = ""
    if rule.pairing == "all":
        older_pre = f"pre_trace * {_faded('plus', 'pre_at', now)} + "
        older_post = f"post_trace * {_faded('minus', 'post_at', 't_in_timesteps')} + "
    pre = f"""
        loss = a_minus * (post_trace * {_faded("minus", "post_at", now)})
        w_next = clip(w_next - loss, w_min, w_max)
        w = w_next
        {effect}
        pre_trace = {older_pre}1
        pre_at = {now}
    """
    rise = f"""
        gain = a_plus * ((pre_trace{tie}) * {_faded("plus", "pre_at", "t_in_timesteps")})
        w_next = clip(w_next + gain, w_min, w_max)
    """
    trace = f"""
        post_trace = {older_post}1
        post_at = t_in_timesteps
    """
    order = _DENDRITIC_ORDER[rule.dt_zero] if dendritic else _AXONAL_ORDER
    late = delay if dendritic else 0
    return RuleCode(
        model="""
            w : 1
            w_next : 1
            pre_trace : 1
            post_trace : 1
            pre_at : integer
            post_at : integer
        """,
        on_pre={"pre": pre},
        on_post={"rise": rise, "trace": trace},
        order={name: place for place, name in enumerate(order)},
        delays={"pre": 0 if dendritic else delay - 1, "rise": late, "trace": late},
        constants={
            **_constants(rule),
            "h_ms": h,
            "last_plus": -math.log(TRACE_CUTOFF) * rule.tau_plus_ms / h,
            "last_minus": -math.log(TRACE_CUTOFF) * rule.tau_minus_ms / h,
        },
    )


def native_rule(rule: STDPSynapse, delay: int, effect: str) -> RuleCode:
    """Return the pair rule as Brian2's manual teaches it, with traces that decay by themselves."""
    add = "=" if rule.pairing == "nearest" else "+="
    return RuleCode(
        model="""
            w : 1
            dpre_trace/dt = -pre_trace / (tau_plus_ms * ms) : 1 (event-driven)
            dpost_trace/dt = -post_trace / (tau_minus_ms * ms) : 1 (event-driven)
        """,
        on_pre={
            "pre": f"""
                {effect}
                pre_trace {add} 1
                w = clip(w - a_minus * post_trace, w_min, w_max)
            """
        },
        on_post={
            "post": f"""
                post_trace {add} 1
                w = clip(w + a_plus * pre_trace, w_min, w_max)
            """
        },
        order={"pre": 0, "post": 0},
        delays={"pre": delay, "post": 0},
        constants=_constants(rule),
    )


def _constants(rule: STDPSynapse) -> dict[str, float]:
    return {
        "a_plus": rule.A_plus,
        "a_minus": rule.A_minus,
        "w_min": rule.w_min,
        "w_max": rule.w_max,
        "tau_plus_ms": rule.tau_plus_ms,
        "tau_minus_ms": rule.tau_minus_ms,
    }


def _faded(side: str, since: str, now: str) -> str:
    """Return what is left of a trace after some ticks; nothing where the engines cut it off."""
    gap = f"({now} - {since})"
    return f"(exp(-{gap} * h_ms / tau_{side}_ms) * int({gap} <= last_{side}))"
