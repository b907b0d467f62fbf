"""A network in Brian2's terms: few objects, each of many cells or synapses.

Brian2's time per tick goes by the number of its objects, hardly by their size: all populations of
one model are one group, and all static synapses from one group to another are one object.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np

from neuromem.backends.brian2.equations import (
    EXACT,
    NATIVE,
    NeuronCode,
    RuleCode,
    exact_rule,
    native_effect,
    native_rule,
)
from neuromem.backends.features import Unsupported
from neuromem.backends.native.translate import translate as plan_of
from neuromem.backends.simulation import Fidelity
from neuromem.network import (
    AllToAllConnector,
    IF_curr_exp,
    Network,
    Population,
    Projection,
    SpikeSource,
    STDPSynapse,
    Values,
)

SOURCES = "sources"


@dataclass
class Group:
    """Populations that are one Brian2 group, and what their targets' arrivals need.

    Parameters
    ----------
    code
        Their equations; None for spike sources.
    size
        Number of cells.
    values
        A value of each parameter, and of ``v_init``, for each cell.
    ahead
        For each receptor, how many ticks beyond the next one plastic weights are put ahead.
    tallies
        (receptor, weight) of each projection with a single weight, whose spikes are counted.
    """

    code: NeuronCode | None
    size: int = 0
    values: dict[str, list[float]] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=lambda: {"exc": 0, "inh": 0})
    tallies: list[tuple[str, float]] = field(default_factory=list)


class Synapses(NamedTuple):
    """Synapses that are one Brian2 object; cells ``i`` and ``j`` are counted in its groups."""

    pre: str
    post: str
    i: np.ndarray
    j: np.ndarray
    weights: np.ndarray
    delays: np.ndarray
    effect: str
    rule: RuleCode | None = None
    label: str = ""


@dataclass
class Model:
    """A network in Brian2's terms; ``first`` has each population's group and first cell in it."""

    groups: dict[str, Group]
    first: dict[str, tuple[str, int]]
    synapses: list[Synapses]


def translate(network: Network, fidelity: Fidelity) -> Model:
    """Return a network in Brian2's terms.

    Raises
    ------
    Unsupported
        With ``fidelity="native"``, where a membrane and a synapse have one time constant.
    """
    model = _groups(network, fidelity)
    for projection in network.projections:
        model.synapses.extend(_synapses(network, projection, model, fidelity))
    model.synapses = _merged(model.synapses)
    return model


def _groups(network: Network, fidelity: Fidelity) -> Model:
    table = EXACT if fidelity == "exact" else NATIVE
    # The native engines' factors of one tick, to the last bit.
    alone = msgspec.structs.replace(network, projections=(), recordings=())
    plans = {plan.name: plan for plan in plan_of(alone).populations}
    model = Model({}, {}, [])
    for population in network.populations:
        source = isinstance(population, SpikeSource)
        key = SOURCES if source else type(population.neuron).__name__
        code = None if source else table[type(population.neuron)]
        group = model.groups.setdefault(key, Group(code))
        model.first[population.name] = (key, group.size)
        group.size += population.size
        if isinstance(population, Population) and code is not None:
            if fidelity == "native":
                _check_time_constants(population)
            plan = plans[population.name]
            known = {
                **msgspec.structs.asdict(population.neuron),
                **vars(plan),
                "refractory_ticks": plan.refractory,
            }
            for name in (*code.parameters, "v_init"):
                group.values.setdefault(name, []).extend([known[name]] * population.size)
    return model


def _synapses(
    network: Network, projection: Projection, model: Model, fidelity: Fidelity
) -> list[Synapses]:
    """Return a projection's synapses, plastic ones apart by delay."""
    pre, post = network.view(projection.pre), network.view(projection.post)
    (pre_key, pre_first), (post_key, post_first) = (
        model.first[view.population.name] for view in (pre, post)
    )
    rows, columns = network.pairs(projection)
    weights, delays = network.weights(projection), network.delays_ticks(projection)
    i, j = rows + (pre_first + pre.start), columns + (post_first + post.start)
    group, rule, h = model.groups[post_key], projection.synapse, network.timestep_ms
    receptor = "inh" if projection.receptor_type == "inhibitory" else "exc"
    exact = fidelity == "exact"
    assert isinstance(post.population, Population)
    natively = native_effect(type(post.population.neuron), receptor)
    if not isinstance(rule, STDPSynapse):
        effect = natively
        if exact:
            # They arrive in the slot after the membrane's, and act in the next tick.
            effect, delays = f"{receptor}_post += w", delays - 1
            if pre.size > 1 and _one_weight(projection, delays):
                effect = f"hits_{len(group.tallies)}_post += 1"
                group.tallies.append((receptor, float(weights[0])))
        return [Synapses(pre_key, post_key, i, j, weights, delays, effect)]
    parts = []
    for delay in np.unique(delays).tolist():
        if exact:
            ahead = delay - 1 if rule.dendritic_delay_fraction else 0
            group.ahead[receptor] = max(group.ahead[receptor], ahead)
            effect = f"{_slot(receptor, ahead)}_post += w"
            code = exact_rule(rule, delay, h, effect)
        else:
            effect, code = natively, native_rule(rule, delay, natively)
        chosen = delays == delay
        table = (i[chosen], j[chosen], weights[chosen], delays[chosen])
        parts.append(Synapses(pre_key, post_key, *table, effect, code, projection.label))
    return parts


def _merged(synapses: list[Synapses]) -> list[Synapses]:
    """Join static synapses that go from one group to another with the same effect."""
    alike: dict[object, list[Synapses]] = {}
    for number, one in enumerate(synapses):
        key = (one.pre, one.post, one.effect) if one.rule is None else number
        alike.setdefault(key, []).append(one)
    return [
        same[0]._replace(
            **{
                name: np.concatenate([getattr(one, name) for one in same])
                for name in ("i", "j", "weights", "delays")
            }
        )
        for same in alike.values()
        if sum(len(one.i) for one in same)
    ]


def tick_code(group: Group) -> tuple[str, str]:
    """Return the variables of a group's arrivals, and the code of its tick around them.

    Many spikes through one weight are counted and multiplied, as the native engines do: fifty
    times 0.02 is 1, but a sum of fifty is not.
    """
    assert group.code is not None
    names, before, after = [], [], []
    for number, (receptor, _) in enumerate(group.tallies):
        names.append(f"hits_{number}")
        before += [
            f"{receptor} = {receptor} + weight_{number} * hits_{number}", f"hits_{number} = 0"
        ]  # fmt: skip
    for receptor, ahead in group.ahead.items():
        slots = [_slot(receptor, tick) for tick in range(ahead + 1)]
        names += slots
        after += [f"{one} = {later}" for one, later in zip(slots, [*slots[1:], "0"], strict=True)]
    tick = [line.strip() for line in group.code.each_tick.strip().splitlines()]
    return "\n".join(f"{name} : 1" for name in names), "\n".join([*before, *tick, *after])


def _slot(receptor: str, ahead: int) -> str:
    """Return the variable of what arrives so many ticks after the next one."""
    return f"{receptor}_{ahead}" if ahead else receptor


def _one_weight(projection: Projection, delays: np.ndarray) -> bool:
    return (
        isinstance(projection.connector, AllToAllConnector)
        and not isinstance(projection.synapse.weight, Values)
        and len(np.unique(delays)) == 1
    )


def _check_time_constants(population: Population) -> None:
    neuron = population.neuron
    if isinstance(neuron, IF_curr_exp) and neuron.tau_m_ms in (
        neuron.tau_syn_E_ms,
        neuron.tau_syn_I_ms,
    ):
        raise Unsupported(
            f"population {population.name!r}: Brian2's exact integration divides by the difference "
            f"of tau_m_ms = {neuron.tau_m_ms:g} and tau_syn, which is 0: change one of them by a "
            "millionth, or use fidelity='exact'"
        )
