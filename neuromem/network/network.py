"""The one definition of a network: populations, projections and what is recorded of them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from neuromem.network.connectors import Connector, Pairs
from neuromem.network.neurons import Neuron, Positive
from neuromem.network.spec import Spec, Values
from neuromem.network.synapses import STDPSynapse, Synapse

Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z")]
Size = Annotated[int, Meta(ge=1)]
_VIEW = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)(?:\[(\d*):(\d*)\])?$")


class Population(Spec, frozen=True, kw_only=True):
    """A group of equal neurons.

    Parameters
    ----------
    name
        Letters, digits and underscores.
    size
        Number of neurons, at least 1.
    neuron
        Their model and parameters.
    """

    name: Name
    size: Size
    neuron: Neuron


class SpikeSource(Spec, frozen=True, kw_only=True):
    """A group of input lines that emit the spikes they are given when the network runs.

    Parameters
    ----------
    name
        Letters, digits and underscores.
    size
        Number of lines, at least 1.
    """

    name: Name
    size: Size


class Projection(Spec, frozen=True, kw_only=True):
    """Connections of one kind from one population, or a slice of it, to another.

    Parameters
    ----------
    pre, post
        A population's name, or a slice of it as ``"input[:5]"``.
    connector
        Which neuron reaches which.
    synapse
        Weight, delay and plasticity.
    receptor_type
        ``"excitatory"`` and ``"inhibitory"`` weights are magnitudes, never negative. ``"signed"``
        takes both signs, where excitation and inhibition share one state (IF_curr_delta,
        LIF_hard_reset).
    label
        Unique name; ``"pre->post"`` where empty.
    """

    pre: str
    post: str
    connector: Connector
    synapse: Synapse
    receptor_type: Literal["excitatory", "inhibitory", "signed"] = "excitatory"
    label: str = ""

    @property
    def plastic(self) -> bool:
        """Whether its weights change."""
        return isinstance(self.synapse, STDPSynapse)


class Recording(Spec, frozen=True, kw_only=True):
    """What to keep of a run.

    Parameters
    ----------
    target
        A population's name, or a projection's label for ``"weights"``.
    variable
        ``"spikes"``; a state variable of the neuron model (``"v"`` in mV, ``"isyn_exc"`` and
        ``"isyn_inh"`` in nA); or ``"weights"``, as stored at that time.
    every_ms
        Sampling interval of a state or of weights (ms); the time step where None.
    """

    target: str
    variable: Literal["spikes", "v", "isyn_exc", "isyn_inh", "weights"] = "spikes"
    every_ms: Positive | None = None


class View(NamedTuple):
    """A slice ``start..stop-1`` of a population."""

    population: Population | SpikeSource
    start: int
    stop: int

    @property
    def size(self) -> int:
        """Number of neurons in the slice."""
        return self.stop - self.start


class Network(Spec, frozen=True, kw_only=True):
    """A complete network, validated when built. It knows no simulator.

    Parameters
    ----------
    name
        What it is called in tables and files.
    populations
        Populations and spike sources, names unique.
    projections
        Projections between them.
    recordings
        What a run keeps.
    timestep_ms
        The tick (ms). Every delay is a whole number of ticks.
    source
        Where the network comes from: a citation.

    Raises
    ------
    ValueError
        Naming the population or projection at fault, the value, the bound and the remedy.
    """

    name: str
    populations: Annotated[tuple[Population | SpikeSource, ...], Meta(min_length=1)]
    projections: tuple[Projection, ...] = ()
    recordings: tuple[Recording, ...] = ()
    timestep_ms: Positive = 1.0
    source: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, count in Counter(p.name for p in self.populations).items():
            if count > 1:
                raise ValueError(f"population {name!r} is defined {count} times: rename one")
        msgspec.structs.force_setattr(self, "projections", _labelled(self.projections))
        for projection in self.projections:
            try:
                self._check_projection(projection)
            except ValueError as error:
                raise ValueError(f"projection {projection.label!r}: {error}") from None
        for recording in self.recordings:
            self._check_recording(recording)
        kept = Counter((recording.target, recording.variable) for recording in self.recordings)
        for (target, variable), count in kept.items():
            if count > 1:
                raise ValueError(
                    f"{variable!r} of {target!r} is recorded {count} times: once will do"
                )

    def population(self, name: str) -> Population | SpikeSource:
        """Return the population of that name; raise ValueError when there is none."""
        for population in self.populations:
            if population.name == name:
                return population
        known = ", ".join(p.name for p in self.populations)
        raise ValueError(f"no population {name!r}: there are {known}")

    def projection(self, label: str) -> Projection:
        """Return the projection of that label; raise ValueError when there is none."""
        for projection in self.projections:
            if projection.label == label:
                return projection
        known = ", ".join(p.label for p in self.projections)
        raise ValueError(f"no projection {label!r}: there are {known}")

    def view(self, text: str) -> View:
        """Return the slice that ``"name"`` or ``"name[start:stop]"`` stands for."""
        match = _VIEW.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no population: write 'name' or 'name[start:stop]'")
        population = self.population(match[1])
        start = int(match[2] or 0)
        stop = int(match[3]) if match[3] else population.size
        if not start < stop <= population.size:
            raise ValueError(
                f"slice {text!r} is empty or outside 0..{population.size}: correct its bounds"
            )
        return View(population, start, stop)

    def pairs(self, projection: Projection) -> Pairs:
        """Return the connected (pre, post) indices, counted within the projection's slices."""
        pre, post = self.view(projection.pre), self.view(projection.post)
        return projection.connector.pairs(pre.size, post.size)

    def weights(self, projection: Projection) -> np.ndarray:
        """Return the (initial) weight of every connection, in the order of :meth:`pairs`."""
        return self._per_connection(projection, projection.synapse.weight, "weight")

    def weight_matrix(self, projection: Projection) -> np.ndarray:
        """Return the (initial) weights [pre, post], NaN where there is no connection."""
        shape = self.view(projection.pre).size, self.view(projection.post).size
        matrix = np.full(shape, np.nan)
        matrix[self.pairs(projection)] = self.weights(projection)
        return matrix

    def delays_ticks(self, projection: Projection) -> np.ndarray:
        """Return the delay of every connection in ticks, in the order of :meth:`pairs`."""
        delays_ms = self._per_connection(projection, projection.synapse.delay_ms, "delay_ms")
        ticks = delays_ms / self.timestep_ms
        whole = np.rint(ticks)
        if np.any(np.abs(ticks - whole) > 1e-9) or np.any(whole < 1):
            bad = delays_ms[(np.abs(ticks - whole) > 1e-9) | (whole < 1)][0]
            raise ValueError(
                f"delay_ms = {bad:g}: must be a whole number of time steps of "
                f"{self.timestep_ms:g} ms, at least one"
            )
        return whole.astype(np.int64)

    def ticks(self, time_ms: float, what: str = "time") -> int:
        """Return a time as whole ticks; raise ValueError when it is off the grid."""
        ticks = time_ms / self.timestep_ms
        if not np.isfinite(ticks) or ticks < 0 or abs(ticks - round(ticks)) > 1e-6:
            raise ValueError(
                f"{what} = {time_ms} ms: must be a whole number of time steps of "
                f"{self.timestep_ms:g} ms, not negative"
            )
        return round(ticks)

    def recording(self, *recordings: Recording) -> Network:
        """Return this network with other recordings."""
        return msgspec.structs.replace(self, recordings=recordings)

    def __str__(self) -> str:
        """Return the network as tables of populations and projections."""
        from neuromem.network.tables import as_text

        return as_text(self)

    def _per_connection(
        self, projection: Projection, value: float | Values, what: str
    ) -> np.ndarray:
        pre, post = self.pairs(projection)
        if not isinstance(value, Values):
            return np.full(len(pre), value, dtype=np.float64)
        array = value.array.astype(np.float64)
        shape = (self.view(projection.pre).size, self.view(projection.post).size)
        if array.ndim == 2 and array.shape == shape:
            return array[pre, post]
        if array.shape == (len(pre),):
            return array
        raise ValueError(
            f"{what} of shape {array.shape}: give one number, {len(pre)} values (one per "
            f"connection) or a matrix {shape} [pre, post]"
        )

    def _check_projection(self, projection: Projection) -> None:
        self.view(projection.pre)
        target = self.view(projection.post).population
        if isinstance(target, SpikeSource):
            raise ValueError(f"{target.name!r} is a spike source and cannot be a target")
        weights = self.weights(projection)
        self.delays_ticks(projection)
        neuron = target.neuron
        if projection.receptor_type == "signed":
            if not neuron.signed_weights:
                raise ValueError(
                    f"receptor_type 'signed' on {type(neuron).__name__}, whose excitatory and "
                    "inhibitory currents differ: split it into an excitatory and an inhibitory one"
                )
        elif weights.size and weights.min() < 0:
            raise ValueError(
                f"weight {weights.min():g} {neuron.weight_unit}: excitatory and inhibitory weights "
                "are magnitudes, at least 0; choose the sign by receptor_type"
            )
        synapse = projection.synapse
        if isinstance(synapse, STDPSynapse) and weights.size:
            low, high = weights.min(), weights.max()
            if low < synapse.w_min or high > synapse.w_max:
                raise ValueError(
                    f"initial weights {low:g}..{high:g}: must lie in w_min..w_max = "
                    f"{synapse.w_min:g}..{synapse.w_max:g}"
                )

    def _check_recording(self, recording: Recording) -> None:
        if recording.every_ms is not None:
            what = f"recording of {recording.target!r}: every_ms"
            if self.ticks(recording.every_ms, what) < 1:
                raise ValueError(f"{what} = {recording.every_ms}: must be at least one time step")
        if recording.variable == "weights":
            self.projection(recording.target)
            return
        target = self.population(recording.target)
        if recording.variable == "spikes":
            return
        allowed = target.neuron.variables if isinstance(target, Population) else ()
        if recording.variable not in allowed:
            raise ValueError(
                f"recording {recording.variable!r} of {target.name!r}: it has "
                f"{', '.join(('spikes', *allowed))}"
            )


def _labelled(projections: tuple[Projection, ...]) -> tuple[Projection, ...]:
    """Give every projection a unique label."""
    taken = Counter(p.label for p in projections if p.label)
    for label, count in taken.items():
        if count > 1:
            raise ValueError(f"projection label {label!r} is used {count} times: rename one")
    labelled = []
    for projection in projections:
        label, number = projection.label, 1
        while not label or (label in taken and label != projection.label):
            label = f"{projection.pre}->{projection.post}" + (f"#{number}" if number > 1 else "")
            number += 1
        taken[label] += 1
        labelled.append(msgspec.structs.replace(projection, label=label))
    return tuple(labelled)
