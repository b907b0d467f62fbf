"""Memories: build one, choose where it runs, and use it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from neuromem import backends
from neuromem.memory import ca3, content_addressable, hippocampus, hippocampus_logic
from neuromem.memory.model import MemoryModel
from neuromem.memory.operations import Learn, Operation, check
from neuromem.memory.session import KIND, Saved, Session
from neuromem.network import Network, Projection, Recording, SpikeTrains, STDPSynapse, Values
from neuromem.results import read_tree

MODELS: dict[str, MemoryModel] = {
    module.MODEL.name: module.MODEL
    for module in (content_addressable, ca3, hippocampus, hippocampus_logic)
}
#: How many post spikes a SpiNNaker core remembers per neuron.
BOARD_POST_HISTORY = 15


def find_model(name: str) -> MemoryModel:
    """Return the model of that name; raise ValueError when there is none."""
    if name not in MODELS:
        raise ValueError(f"no memory model {name!r}: there are {', '.join(MODELS)}")
    return MODELS[name]


class Memory:
    """A memory of the CA3 family.

    Parameters
    ----------
    cues
        Number of cues C: the capacity.
    content
        Number of content bits M.
    model
        Name of the model, one of ``MODELS``.
    initial
        Contents held from the start: ``{cue: bits}``.
    post_history
        How many spikes a post neuron remembers until its synapse's next pre spike: 15, as on
        SpiNNaker, where older ones are lost and with them what was learned; None: unlimited.
    weights_every_ms
        Interval at which a run samples the plastic weights (ms); None: not at all.

    Attributes
    ----------
    network : Network
        The definition, the same for every backend.
    model : MemoryModel
        Topology, code and timing.

    Raises
    ------
    ValueError
        For sizes below 1, an unknown model, or initial contents out of range.

    Examples
    --------
    >>> memory = Memory(cues=5, content=10)
    >>> session = memory.start(backend="native-reference")
    >>> session.learn(0, [0, 1, 8, 9]).content
    (0, 1, 8, 9)
    >>> session.recall_by_cue(0).content
    (0, 1, 8, 9)
    >>> session.recall_by_content([8]).cues
    (0,)
    """

    def __init__(
        self,
        cues: int,
        content: int,
        *,
        model: str = "content-addressable",
        initial: Mapping[int, Iterable[int]] | None = None,
        post_history: int | None = BOARD_POST_HISTORY,
        weights_every_ms: float | None = None,
    ) -> None:
        self.model = find_model(model)
        for name, size in (("cues", cues), ("content", content)):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} = {size!r}: must be a whole number, at least 1")
        self.cues, self.content = cues, content
        self.initial: dict[int, tuple[int, ...]] = {}
        for cue, bits in (initial or {}).items():
            held = Learn(cue=cue, content=bits)  # type: ignore[arg-type]
            try:
                check(held, self.model, cues, content)
            except ValueError as error:
                raise ValueError(f"initial contents: {error}") from None
            self.initial[held.cue] = held.content
        self.post_history, self.weights_every_ms = post_history, weights_every_ms
        network = self._filled(self.model.build(cues, content, post_history))
        recordings = [Recording(target=p.name) for p in network.populations]
        if weights_every_ms is not None:
            recordings += [
                Recording(target=p.label, variable="weights", every_ms=weights_every_ms)
                for p in network.projections
                if p.plastic
            ]
        self.network = network.recording(*recordings)

    def start(
        self,
        backend: str = "native",
        *,
        seed: int | None = None,
        fidelity: backends.Fidelity = "exact",
        spacing_ms: int | None = None,
        force: bool = False,
        **options: Any,
    ) -> Session:
        """Return a live session at t = 0.

        Parameters
        ----------
        backend, seed, fidelity, **options
            As in :func:`neuromem.backends.start`.
        spacing_ms
            Distance kept from one operation's start to the next (ms); a comfortable one where None.
        force
            Accept operations closer than the model's minimal spacing.
        """
        simulation = backends.start(self.network, backend, seed=seed, fidelity=fidelity, **options)
        simulation.stimulate(
            {name: SpikeTrains.of([times]) for name, times in self.model.boot.items()}
        )
        return Session(self, simulation, spacing_ms=spacing_ms, force=force)

    def run(
        self,
        operations: Sequence[Operation],
        backend: str = "native",
        *,
        seed: int | None = None,
        fidelity: backends.Fidelity = "exact",
        spacing_ms: int | None = None,
        force: bool = False,
        progress: backends.Progress | None = None,
        **options: Any,
    ) -> Session:
        """Run a program of operations in one go and return the session, with all its answers.

        To keep what an interruption leaves, :meth:`start` a session and ``run`` it there.

        Raises
        ------
        ValueError
            For an operation that does not fit the memory, or starts too early.
        """
        session = self.start(
            backend,
            seed=seed,
            fidelity=fidelity,
            spacing_ms=spacing_ms,
            force=force,
            **options,
        )
        session.run(operations, progress)
        return session

    @classmethod
    def resume(cls, path: str | os.PathLike[str], backend: str | None = None) -> Session:
        """Return the session that :meth:`Session.save` wrote; it continues bit-identically.

        Raises
        ------
        FileNotFoundError, ValueError
            When there is no such file, or it holds no session.
        """
        tree = read_tree(path, KIND)
        try:
            saved = msgspec.json.decode(tree["session"], type=Saved)
            if len(saved.operations) != len(saved.starts):
                raise ValueError(f"{len(saved.operations)} operations, {len(saved.starts)} starts")
            memory = cls.from_settings(saved.settings)
            next_ms, state = int(tree["next_ms"]), tree["simulation"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path}: damaged memory session: {error}") from None
        simulation = backends.from_tree(state, backend, str(path))
        if simulation.network != memory.network:
            raise ValueError(f"{path}: damaged memory session: the network is not its memory's")
        return Session.restored(memory, saved, next_ms, simulation)

    def settings(self) -> dict[str, Any]:
        """Return the arguments that rebuild this memory, as plain values."""
        return {
            "cues": self.cues,
            "content": self.content,
            "model": self.model.name,
            "initial": {str(cue): list(bits) for cue, bits in self.initial.items()},
            "post_history": self.post_history,
            "weights_every_ms": self.weights_every_ms,
        }

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Memory:
        """Return the memory with the given :meth:`settings`."""
        initial = {}
        for cue, bits in settings["initial"].items():
            if not str(cue).isdecimal():
                raise ValueError(f"initial contents: cue {cue!r}: must be a whole number")
            initial[int(cue)] = bits
        return cls(**{**settings, "initial": initial})

    def _filled(self, network: Network) -> Network:
        """Return the network with the initial contents in its plastic weights."""
        if not self.initial:
            return network
        table = np.zeros((self.cues, self.content))
        for cue, bits in self.initial.items():
            table[cue, list(bits)] = 1.0

        def filled(projection: Projection) -> Projection:
            if not isinstance(projection.synapse, STDPSynapse):
                return projection
            stored = table if projection.label == self.model.cue_to_content else table.T
            weight = Values(array=stored * projection.synapse.w_max)
            synapse = msgspec.structs.replace(projection.synapse, weight=weight)
            return msgspec.structs.replace(projection, synapse=synapse)

        return msgspec.structs.replace(network, projections=tuple(map(filled, network.projections)))
