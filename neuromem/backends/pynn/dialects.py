"""What PyNN's simulators differ in, as data: all that this backend knows of each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neuromem.backends.simulation import Convention

#: Sub-step of the first input spike. NEST hands source spikes on by way of a relay, and so has
#: none at its first step.
FIRST_STEP = 2

_RESET = "relax to V_rest + R I over the step, take arrivals, compare, reset"


@dataclass(frozen=True)
class Dialect:
    """What one PyNN simulator needs, and what it does of itself; times in its own steps.

    Everything was measured on single neurons and pairs of spikes, with PyNN 0.13.0, NEST 3.10.0,
    NEURON 9.0.2 and Brian2 2.9.0; ``tests/backends/test_pynn.py`` measures it again.

    Parameters
    ----------
    module
        The PyNN module.
    packages
        What must be installed, the simulator's own package first.
    setup
        Arguments of ``setup`` beyond time step and delays.
    models
        PyNN cell types that the simulator has.
    convention
        What it does of itself.
    negative_inhibition
        Whether inhibitory weights are given as negative numbers.
    relative_amplitude
        Whether ``A_plus`` and ``A_minus`` are fractions of ``w_max``.
    dendritic_delay_fraction
        The only side on which it takes the delay of a plastic synapse.
    one_tau_minus
        Whether ``tau_minus`` belongs to the post neuron, and not to the synapse.
    step_ms
        Simulator time (ms) that stands for one step: all times are stretched to it. Brian2's
        spike sources run on a clock of 0.1 ms whatever the time step is.
    delta_bound
        Factor on ``w_max`` of a plastic synapse onto IF_curr_delta; its inverse is on the weights
        read back.
    delta_potential
        Name by which ``initialize`` takes the potential of IF_curr_delta.
    implicit_euler
        Whether V is integrated by the implicit Euler method, and not exactly.
    fewest_steps
        The fewest steps of a tick with which it fires in successive ticks.
    least_delay
        The shortest delay, in steps; NEURON on several processes takes none of a single step.
    extra_refractory
        Steps to add to a refractory time that is not zero.
    read_lag
        Steps to run after a pre spike until the weight read is the one that it left.
    v_lag
        Index of the recorded potential of step 0.
    v_before_reset
        Whether the potential recorded in the step of a spike is the one before the reset.
    equal_taus
        Whether it integrates tau_syn = tau_m.
    unrecorded
        PyNN cell types whose potential cannot be recorded.
    """

    module: str
    packages: tuple[str, ...]
    convention: Convention
    setup: Mapping[str, Any] = field(default_factory=dict)
    models: frozenset[str] = frozenset({"IF_curr_exp", "IF_curr_delta", "SpikeSourceArray"})
    negative_inhibition: bool = True
    relative_amplitude: bool = True
    dendritic_delay_fraction: int = 1
    one_tau_minus: bool = False
    step_ms: float = 1.0
    delta_bound: float = 1.0
    delta_potential: str = "v"
    implicit_euler: bool = False
    fewest_steps: int = 1
    least_delay: int = 1
    extra_refractory: int = 0
    read_lag: int = 1
    v_lag: int = 0
    v_before_reset: bool = False
    equal_taus: bool = True
    unrecorded: frozenset[str] = frozenset()


DIALECTS = {
    "pynn:nest": Dialect(
        module="pyNN.nest",
        packages=("nest-simulator", "PyNN", "neo"),
        setup={"spike_precision": "on_grid", "verbosity": "error"},
        convention=Convention("dendritic", "ignore", False, 1, f"exact integration: {_RESET}"),
        one_tau_minus=True,
        delta_bound=1e-3,
        delta_potential="V_m",
        read_lag=0,
        unrecorded=frozenset({"IF_curr_delta"}),
    ),
    "pynn:neuron": Dialect(
        module="pyNN.neuron",
        packages=("neuron", "PyNN", "neo"),
        convention=Convention(
            "dendritic",
            "depress",
            False,
            1,
            f"implicit Euler: {_RESET}; potentiation and depression since the last pre spike are "
            "summed before the weight is clipped",
        ),
        models=frozenset({"IF_curr_exp", "SpikeSourceArray"}),
        implicit_euler=True,
        fewest_steps=2,
        least_delay=2,
        v_before_reset=True,
    ),
    "pynn:brian2": Dialect(
        module="pyNN.brian2",
        packages=("brian2", "PyNN", "neo"),
        convention=Convention(
            "axonal",
            "potentiate",
            True,
            1,
            f"exact integration: {_RESET}; IF_curr_delta is compared before it takes its arrivals",
        ),
        dendritic_delay_fraction=0,
        step_ms=0.1,
        extra_refractory=1,
        v_lag=1,
        equal_taus=False,
    ),
}
