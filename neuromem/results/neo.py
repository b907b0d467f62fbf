"""Results as Neo objects, the format PyNN and the analysis packages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuromem.results.result import Result

if TYPE_CHECKING:
    import neo


def to_neo(result: Result) -> neo.Block:
    """Return a Neo block: a SpikeTrain per neuron and an IrregularlySampledSignal per state.

    Every spike train is annotated with its ``population`` and ``neuron``. Weights over time have
    no place in Neo and are left out.

    Raises
    ------
    ModuleNotFoundError
        When neo is not installed.
    """
    try:
        import neo
        import quantities as pq
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is not installed: pip install 'neuromem-snn[pynn]'"
        ) from None
    units = {"mV": pq.mV, "nA": pq.nA}
    block = neo.Block(name=result.network.name, backend=result.provenance.backend)
    segment = neo.Segment(name=result.network.name)
    for name, trains in result.spikes.items():
        for neuron, times in enumerate(trains.per_neuron()):
            segment.spiketrains.append(
                neo.SpikeTrain(
                    np.array(times) * pq.ms,
                    t_start=result.start_ms * pq.ms,
                    t_stop=result.stop_ms * pq.ms,
                    name=f"{name}[{neuron}]",
                    population=name,
                    neuron=neuron,
                )
            )
    for name, states in result.states.items():
        for variable, samples in states.items():
            segment.irregularlysampledsignals.append(
                neo.IrregularlySampledSignal(
                    samples.times_ms * pq.ms,
                    samples.values * units.get(samples.unit, pq.dimensionless),
                    name=f"{name}.{variable}",
                    population=name,
                    variable=variable,
                )
            )
    block.segments.append(segment)
    return block
