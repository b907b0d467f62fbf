"""The complete state of a native simulation, the same for both engines.

A state is a flat dictionary of arrays, so that it goes into a file as it is:

========================  ====================================================================
``tick``                  number of completed ticks
``v``                     membrane potential of every neuron (mV, or dimensionless)
``isyn_exc, isyn_inh``    synaptic currents (nA)
``age``                   ticks since each population's v and currents were brought up to date
``due``                   [k, population]: whether it must advance k ticks from now, and why
``refractory``            refractory ticks left when each population was brought up to date
``arrivals``              [receptor, k, neuron]: summed weights that act k ticks from now
``fired``                 [k, cell]: who fired k + 1 ticks ago
``plastic<q>_weights``    stored weights [pre, post] of plastic projection part q
``plastic<q>_last_pre``   tick of each row's last pre spike at the synapse, -1 for never
``plastic<q>_trace_pre``  pre trace at that tick
``plastic<q>_last_post``  tick of each column's last post spike at the synapse, -1 for never
``plastic<q>_trace_post`` post trace at that tick
``plastic<q>_history``    [3, n] post spikes that still matter: tick at the synapse, neuron, and
                          how many spikes that neuron has fired since (for a limited history)
========================  ====================================================================
"""

from __future__ import annotations

import numpy as np

from neuromem.backends.native.translate import NEVER, PlasticPlan

State = dict[str, np.ndarray]


def plastic_keys(part: int) -> dict[str, str]:
    """Return the state's key for each quantity of one plastic projection part."""
    names = ("weights", "last_pre", "trace_pre", "last_post", "trace_post", "history")
    return {name: f"plastic{part}_{name}" for name in names}


def still_needed(
    when: np.ndarray, later: np.ndarray, last_pre: np.ndarray, now: int, rule: PlasticPlan
) -> np.ndarray:
    """Return which post spikes can still change a weight or a trace.

    Parameters
    ----------
    when
        Ticks at which post spikes reach the synapse, ascending.
    later
        How many spikes their neurons have fired since.
    last_pre
        Tick of each row's last pre spike.
    now
        The last completed tick; later arrivals are still on the way.
    rule
        The pair rule, for its reach in time and its history.
    """
    on_the_way = when > now
    seen = last_pre[last_pre != NEVER]
    opened = np.searchsorted(when, seen, side="left")
    closed = np.searchsorted(when, seen + len(rule.table_plus) - 1, side="right")
    size = len(when) + 1
    open_now = np.cumsum(np.bincount(opened, minlength=size) - np.bincount(closed, minlength=size))
    in_reach = open_now[:-1] > 0
    if rule.post_history:
        in_reach &= later < rule.post_history
    return on_the_way | in_reach
