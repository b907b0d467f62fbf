"""Neurons as a core holds them: what it computes from their parameters when it starts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuromem.backends.arithmetic import fixed
from neuromem.backends.features import Unsupported
from neuromem.backends.spinnaker.translate import cell
from neuromem.network import IF_curr_exp, Population

#: What a core divides by.
DIVISORS = ("tau_m", "cm", "tau_syn_E", "tau_syn_I")


class Neurons(NamedTuple):
    """Parameters of every neuron, as 64-bit integers; ``[2, n]`` are by receptor."""

    v_init: np.ndarray
    v_rest: np.ndarray
    v_reset: np.ndarray
    v_thresh: np.ndarray
    resistance: np.ndarray
    decay_v: np.ndarray
    offset: np.ndarray
    refractory: np.ndarray
    scale: np.ndarray
    decay: np.ndarray
    arrive: np.ndarray
    shift: np.ndarray


def neurons(
    populations: list[Population], shifts: dict[str, list[int]], timestep_ms: float
) -> Neurons:
    """Return the neurons of some populations, one after the other."""
    columns = [
        np.repeat([[*_parameters(p, timestep_ms), *shifts[p.name]]], p.size, axis=0).T
        for p in populations
    ]
    table = np.concatenate([np.zeros((15, 0), dtype=np.int64), *columns], axis=1)
    table = np.ascontiguousarray(table)
    return Neurons(*table[:9], decay=table[9:11], arrive=table[11:13], shift=table[13:15])


def _parameters(population: Population, timestep_ms: float) -> list[int]:
    """Return one neuron's parameters, in the order of :class:`Neurons`."""
    found = cell(population.neuron, timestep_ms)
    of = {name: fixed.encoded(value) for name, value in found.parameters.items()}
    h = fixed.encoded(timestep_ms)
    for name in DIVISORS:
        if of.get(name) == 0:
            raise Unsupported(
                f"population {population.name!r}: {name} = {found.parameters[name]:g} is 0 in the "
                "board's steps of 2^-15; scale the model's parameters up"
            )
    if isinstance(population.neuron, IF_curr_exp):
        scale = fixed.ONE
        (decay_e, arrive_e), (decay_i, arrive_i) = (
            fixed.arrival(of[tau], h) for tau in ("tau_syn_E", "tau_syn_I")
        )
    else:  # the input of one tick, as a current
        scale = fixed.divided(fixed.ONE, h)
        decay_e = decay_i = 0
        arrive_e = arrive_i = fixed.FRACTION_ONE
    refractory = fixed.divided(of["tau_refrac"], h)
    return [
        fixed.encoded(found.v_init),
        of["v_rest"],
        of["v_reset"],
        of["v_thresh"],
        fixed.divided(of["tau_m"], of["cm"]),
        fixed.exp_accum(-fixed.divided(h, of["tau_m"])),
        of["i_offset"],
        -(-refractory // fixed.ONE),
        scale,
        decay_e,
        decay_i,
        arrive_e,
        arrive_i,
    ]
