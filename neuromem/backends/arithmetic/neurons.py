"""Neurons as a core holds them: what it computes from their parameters when it starts."""

from __future__ import annotations

from dataclasses import dataclass

from neuromem.backends.arithmetic import fixed
from neuromem.backends.features import Unsupported
from neuromem.backends.spinnaker.translate import cell
from neuromem.network import IF_curr_exp, Population

#: What a core divides by.
DIVISORS = ("tau_m", "cm", "tau_syn_E", "tau_syn_I")


@dataclass(frozen=True)
class NeuronPlan:
    """The neurons of a population, which are alike: where they are, and their parameters' bits.

    ``exponential``: arrivals become a current that decays; else they are one of that tick alone.
    ``decay``, ``arrive`` and ``shift`` are by receptor. ``slots`` is how many ticks of arrivals are
    kept, a power of two.
    """

    name: str
    start: int
    size: int
    exponential: bool
    v_init: int
    v_rest: int
    v_reset: int
    v_thresh: int
    resistance: int
    decay_v: int
    offset: int
    refractory: int
    scale: int
    decay: tuple[int, int]
    arrive: tuple[int, int]
    shift: tuple[int, int]
    slots: int

    @property
    def level(self) -> int:
        """Where the potential goes without a current."""
        return fixed.wrapped(fixed.wrapped((self.offset * self.resistance) >> 15) + self.v_rest)


def neurons(
    population: Population, start: int, shift: tuple[int, int], slots: int, timestep_ms: float
) -> NeuronPlan:
    """Return a population's neurons.

    Raises
    ------
    Unsupported
        When the board would divide by 0.
    """
    found = cell(population.neuron, timestep_ms)
    of = {name: fixed.encoded(value) for name, value in found.parameters.items()}
    h = fixed.encoded(timestep_ms)
    for name in DIVISORS:
        if of.get(name) == 0:
            raise Unsupported(
                f"population {population.name!r}: {name} = {found.parameters[name]:g} is 0 in the "
                "board's steps of 2^-15; scale the model's parameters up"
            )
    scale, decay, arrive = fixed.ONE, (0, 0), (0, 0)
    exponential = isinstance(population.neuron, IF_curr_exp)
    if exponential:
        excitatory, inhibitory = (fixed.arrival(of[f"tau_syn_{r}"], h) for r in "EI")
        decay, arrive = zip(excitatory, inhibitory, strict=True)
    else:  # the input of one tick, as a current
        scale = fixed.divided(fixed.ONE, h)
    return NeuronPlan(
        name=population.name,
        start=start,
        size=population.size,
        exponential=exponential,
        v_init=fixed.encoded(found.v_init),
        v_rest=of["v_rest"],
        v_reset=of["v_reset"],
        v_thresh=of["v_thresh"],
        resistance=fixed.divided(of["tau_m"], of["cm"]),
        decay_v=fixed.exp_accum(-fixed.divided(h, of["tau_m"])),
        offset=of["i_offset"],
        refractory=-(-fixed.divided(of["tau_refrac"], h) // fixed.ONE),
        scale=scale,
        decay=decay,
        arrive=arrive,
        shift=shift,
        slots=slots,
    )
