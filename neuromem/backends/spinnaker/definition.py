"""What can be said of a network on the board from its definition alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from neuromem.backends.features import Unsupported, features
from neuromem.backends.spinnaker.capabilities import NATIVE
from neuromem.backends.spinnaker.currents import check_currents
from neuromem.backends.spinnaker.fixed_point import to_s1615
from neuromem.backends.spinnaker.parts import neurons_per_core
from neuromem.backends.spinnaker.preflight import Finding
from neuromem.backends.spinnaker.translate import cell, jump
from neuromem.network import IF_curr_exp, Network, Population, SpikeSource, STDPSynapse

#: Post spikes that a core remembers for each neuron: one of its 16 entries stands for time 0.
POST_HISTORY = 15
#: Logarithm of the number of ring buffer slots of a core, and stages of a delay core
#: (sPyNNaker 7.4.1: ``MAX_RING_BUFFER_BITS``, ``DelayExtensionVertex.MAX_SLOTS``).
RING_BUFFER_BITS, DELAY_STAGES = 14, 8
#: What is worth a warning where no source sets a bound: an assumption.
NOTABLE = 1e-3
REMEDIES = {
    "axonal delay": "set dendritic_delay_fraction = 1: the board puts the delay on the post side",
    "dt = 0 potentiates": "set dt_zero = 'depress': on the board a pair at dt = 0 depresses",
    "dt = 0 ignored": "set dt_zero = 'depress': on the board a pair at dt = 0 depresses",
    "record weights": "leave the recording out: a run gives the weights at its end",
}


def check_definition(network: Network) -> list[Finding]:
    """Return what the definition alone says; with errors among it there is no use in mapping."""
    return [
        *_features(network),
        *_rules(network),
        *_neurons(network),
        *check_currents(network),
        *_delays(network),
        *_time_step(network),
    ]


def longest_delay_ticks(network: Network, population: Population) -> int:
    """Return the longest delay onto a population that a delay core can still make (ticks)."""
    return delay_slots(network, population) * (1 + DELAY_STAGES)


def ring_slots(network: Network, population: Population | SpikeSource) -> int:
    """Return how many ticks a population's ring buffers hold: a power of two."""
    longest = 1
    for projection in network.projections:
        if network.view(projection.post).population is population:
            longest = max(longest, int(network.delays_ticks(projection).max(initial=1)))
    return max(2, 1 << (longest - 1).bit_length())


def delay_slots(network: Network, population: Population) -> int:
    """Return the longest delay onto a population that its own ring buffers hold (ticks)."""
    per_core = min(population.size, neurons_per_core(network, population))
    neuron_bits = max(1, math.ceil(math.log2(per_core)))
    return 2 ** (RING_BUFFER_BITS - neuron_bits - 1)


def _features(network: Network) -> Iterator[Finding]:
    for feature, where in features(network).items():
        if feature not in NATIVE:
            remedy = REMEDIES.get(feature, "use another backend; see neuromem backends")
            yield Finding(
                severity="error",
                check="features",
                where=where,
                what=f"sPyNNaker lacks: {feature}",
                remedy=remedy,
            )


def _rules(network: Network) -> Iterator[Finding]:
    rules: dict[str, tuple[str, tuple]] = {}
    for projection in network.projections:
        rule = projection.synapse
        if not isinstance(rule, STDPSynapse):
            continue
        where, post = f"projection {projection.label!r}", network.view(projection.post).population
        same = (
            rule.tau_plus_ms, rule.tau_minus_ms, rule.A_plus, rule.A_minus, rule.w_min, rule.w_max,
            rule.pairing,
        )  # fmt: skip
        other, theirs = rules.setdefault(post.name, (projection.label, same))
        if theirs != same:
            yield Finding(
                severity="error",
                check="plasticity",
                where=where,
                what=f"another STDP rule than that of {other!r} onto population {post.name!r}",
                remedy="give both the same rule, or split the population: a core runs one rule",
            )
        if rule.post_history != POST_HISTORY:
            kept = "all" if rule.post_history is None else rule.post_history
            yield Finding(
                severity="warning",
                check="plasticity",
                where=where,
                what=f"post_history is {kept}; the board keeps {POST_HISTORY} post spikes between "
                "two pre spikes, and forgets older ones",
                remedy=f"set post_history = {POST_HISTORY} to see the board's behaviour elsewhere",
            )
        if rule.pairing == "nearest":
            yield Finding(
                severity="warning",
                check="plasticity",
                where=where,
                what="nearest pairing: on the board only the first post spike after a pre spike "
                "potentiates, here every one does (sPyNNaker: timing_nearest_pair_impl.h)",
                remedy="use pairing = 'all' where neurons fire more than once between pre spikes",
            )


def _neurons(network: Network) -> Iterator[Finding]:
    for population in network.populations:
        if not isinstance(population, Population):
            continue
        where = f"population {population.name!r}"
        try:
            found = cell(population.neuron, network.timestep_ms)
            held = {k: to_s1615(v) for k, v in {**found.parameters, "v": found.v_init}.items()}
        except Unsupported as error:
            what, _, remedy = str(error).partition("; ")
            yield Finding(severity="error", check="neurons", where=where, what=what, remedy=remedy)
            continue
        except ValueError as error:
            what, _, remedy = str(error).partition("; ")
            yield Finding(severity="error", check="neurons", where=where, what=what, remedy=remedy)
            continue
        for name, value in found.parameters.items():
            if abs(held[name] - value) > NOTABLE * abs(value):
                yield Finding(
                    severity="warning",
                    check="neurons",
                    where=where,
                    what=f"{name} = {value:g} becomes {held[name]:g} in steps of 2^-15",
                    remedy="scale the model's parameters up",
                )
        if not isinstance(population.neuron, IF_curr_exp):
            yield _as_delta(network, population, where)


def _as_delta(network: Network, population: Population, where: str) -> Finding:
    """Say how a neuron without synaptic currents is run."""
    neuron = population.neuron
    assert not isinstance(neuron, IF_curr_exp)
    off = jump(neuron, network.timestep_ms) - 1
    what = f"runs as sPyNNaker's IF_curr_delta; a weight of 1 lifts V by {1 + off:.6f}"
    if type(neuron).__name__ == "LIF_hard_reset":
        decay = math.exp(
            -network.timestep_ms / cell(neuron, network.timestep_ms).parameters["tau_m"]
        )
        what += (
            f"; decay {decay:g} is {to_s1615(decay):.6f}; it fires at V >= the first step of 2^-15 "
            "above the threshold, as u > v_thresh does on that grid; signed weights are split into "
            "excitatory and inhibitory ones, with a ring buffer each"
        )
    large = abs(off) > NOTABLE
    return Finding(
        severity="warning" if large else "note",
        check="neurons",
        where=where,
        what=what,
        remedy="use a smaller decay or time constant" if large else "",
    )


def _delays(network: Network) -> Iterator[Finding]:
    for projection in network.projections:
        ticks = network.delays_ticks(projection)
        post = network.view(projection.post).population
        if not len(ticks) or not isinstance(post, Population):
            continue
        longest = longest_delay_ticks(network, post)
        if ticks.max() > longest:
            yield Finding(
                severity="error",
                check="delays",
                where=f"projection {projection.label!r}",
                what=f"a delay of {ticks.max() * network.timestep_ms:g} ms; the longest onto "
                f"{post.name!r} is {longest * network.timestep_ms:g} ms",
                remedy="shorten it, or pass the spikes through a relay population",
            )


def _time_step(network: Network) -> Iterator[Finding]:
    step_us = network.timestep_ms * 1000
    if abs(step_us - round(step_us)) > 1e-6:
        yield Finding(
            severity="error",
            check="time step",
            where="network",
            what=f"timestep_ms = {network.timestep_ms:g} is not a whole number of microseconds",
            remedy="round it to 0.001 ms",
        )
