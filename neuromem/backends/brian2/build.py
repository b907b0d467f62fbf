"""Brian2's objects for a model: one for each group and each bundle of synapses."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromem.backends.brian2.translate import SOURCES, Group, Model, Synapses, tick_code
from neuromem.backends.rerun import Job


def neuron_group(brian2: Any, clock: Any, name: str, group: Group, fidelity: str) -> Any:
    """Return all neurons of one model, at t = 0."""
    code = group.code
    assert code is not None
    arrivals, tick = tick_code(group) if fidelity == "exact" else ("", code.each_tick)
    parameters = "\n".join(f"{name} : 1 (constant)" for name in code.parameters)
    neurons = brian2.NeuronGroup(
        group.size,
        "\n".join([parameters, code.model, arrivals]),
        method="exact",
        threshold=code.threshold,
        reset=code.reset,
        refractory=code.refractory or False,
        clock=clock,
        name=name,
        namespace={f"weight_{n}": weight for n, (_, weight) in enumerate(group.tallies)},
    )
    if tick:
        neurons.run_regularly(tick, clock=clock, when="groups", name=f"{name}_tick")
    for parameter in code.parameters:
        setattr(neurons, parameter, np.array(group.values[parameter]))
    neurons.v = np.array(group.values["v_init"])
    return neurons


def spike_sources(brian2: Any, clock: Any, size: int, model: Model, job: Job) -> Any:
    """Return all spike sources with their spikes."""
    parts = [
        (np.rint(trains.times_ms / job.network.timestep_ms), trains.neurons + model.first[name][1])
        for name, trains in job.stimulus.items()
    ]
    ticks, lines = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return brian2.SpikeGeneratorGroup(size, lines, ticks * clock.dt, clock=clock, name=SOURCES)


def synapses(brian2: Any, clock: Any, name: str, table: Synapses, pre: Any, post: Any) -> Any:
    """Return one bundle of synapses, connected."""
    rule = table.rule
    if rule is None:
        made = brian2.Synapses(pre, post, "w : 1", on_pre=table.effect, clock=clock, name=name)
    else:
        made = brian2.Synapses(
            pre,
            post,
            rule.model,
            on_pre=rule.on_pre,
            on_post=rule.on_post,
            delay={pathway: ticks * clock.dt for pathway, ticks in rule.delays.items()},
            clock=clock,
            namespace=rule.constants,
            name=name,
        )
        for pathway, place in rule.order.items():
            getattr(made, pathway).order = place
    made.connect(i=table.i, j=table.j)
    made.w = table.weights
    if rule is None:
        made.delay = table.delays * clock.dt
    elif "w_next" in rule.model:
        made.w_next = table.weights
    return made
