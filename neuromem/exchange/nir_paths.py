"""The ways that spikes take through a NIR graph, from neurons to neurons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from neuromem.exchange.nir_terms import nir_package

Edge = tuple[str, str]
READS = "Input, Output, Linear, Affine, Scale, Delay, LIF, IF, CubaLIF and NIRGraph"


class Way(NamedTuple):
    """What happens to spikes between two neurons.

    Parameters
    ----------
    size
        Width of the signal.
    weight
        Matrix [post, pre] so far; the identity where None.
    delay
        Summed delay (s).
    label
        What the first node that has a label is called.
    touched
        The last node that did something; empty where none did.
    """

    size: int
    weight: np.ndarray | None = None
    delay: float = 0.0
    label: str = ""
    touched: str = ""

    def must_fit(self, name: str, size: int) -> None:
        """Raise ValueError where the node ``name`` takes another width."""
        if self.size != size:
            raise ValueError(f"node {name!r} takes {size} inputs, and is given {self.size}")


class Paths:
    """A graph with the graphs inside opened, as nodes and what follows each.

    Parameters
    ----------
    graph
        A ``nir.NIRGraph``.

    Raises
    ------
    ValueError
        For an edge from or to a node that is not there.
    """

    def __init__(self, graph: Any) -> None:
        self.nir = nir_package()
        self.nodes, edges = self._flat(graph)
        self._after: dict[str, list[str]] = {name: [] for name in self.nodes}
        self._entered = {post for _, post in edges}
        for pre, post in edges:
            for name in (pre, post):
                if name not in self.nodes:
                    raise ValueError(f"edge ({pre!r}, {post!r}): there is no node {name!r}")
            self._after[pre].append(post)

    def is_source(self, name: str) -> bool:
        """Return whether a node is an input of the whole graph."""
        return isinstance(self.nodes[name], self.nir.Input) and name not in self._entered

    def is_neuron(self, name: str) -> bool:
        """Return whether a node is of neurons that spike."""
        return isinstance(self.nodes[name], (self.nir.LIF, self.nir.IF, self.nir.CubaLIF))

    def is_output(self, name: str) -> bool:
        """Return whether a node is an output of the whole graph."""
        return isinstance(self.nodes[name], self.nir.Output) and not self._after[name]

    def ways(self, at: str, way: Way, been: tuple[str, ...] = ()) -> Iterator[tuple[str, Way]]:
        """Yield the next neurons and outputs after a node, and the way to each.

        Raises
        ------
        ValueError
            Naming the node that is in the way.
        """
        for name in self._after[at]:
            if self.is_neuron(name) or self.is_output(name):
                yield name, way
            elif name in been:
                raise ValueError(f"node {name!r} is in a loop without a neuron")
            else:
                yield from self.ways(name, self._through(name, way), (*been, name))

    def _through(self, name: str, way: Way) -> Way:
        """Return a way longer by one node."""
        node, nir = self.nodes[name], self.nir
        if isinstance(node, (nir.Input, nir.Output)):  # the doors of an inner graph
            return way
        label = way.label or str(node.metadata.get("label", ""))
        if isinstance(node, (nir.Linear, nir.Affine)):
            weight = np.asarray(node.weight, dtype=np.float64)
            if weight.ndim != 2 or not np.all(np.isfinite(weight)):
                raise ValueError(f"node {name!r}: weight must be a finite matrix [post, pre]")
            if isinstance(node, nir.Affine) and np.any(node.bias):
                raise ValueError(f"node {name!r} has a bias, which no projection has: use a leak")
            way.must_fit(name, weight.shape[1])
            product = weight if way.weight is None else weight @ way.weight
            return Way(len(weight), product, way.delay, label, name)
        if isinstance(node, nir.Scale):
            scale = self._vector(name, node.scale, way)
            before = np.eye(way.size) if way.weight is None else way.weight
            return Way(way.size, scale[:, None] * before, way.delay, label, name)
        if isinstance(node, nir.Delay):
            delay = self._vector(name, node.delay, way)
            if np.any(delay != delay[0]) or delay[0] < 0:
                raise ValueError(f"node {name!r}: its delays must be equal and not negative")
            return Way(way.size, way.weight, way.delay + float(delay[0]), label, name)
        raise ValueError(f"node {name!r} is a {type(node).__name__}: only {READS} are read")

    def _vector(self, name: str, values: Any, way: Way) -> np.ndarray:
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 1 or not np.all(np.isfinite(array)):
            raise ValueError(f"node {name!r} of shape {array.shape}: must be a finite vector")
        way.must_fit(name, len(array))
        return array

    def _flat(self, graph: Any, prefix: str = "") -> tuple[dict[str, Any], list[Edge]]:
        """Return nodes and edges with the graphs inside opened."""
        nodes: dict[str, Any] = {}
        edges: list[Edge] = []
        entries: dict[str, list[str]] = {}
        exits: dict[str, list[str]] = {}
        for name, node in graph.nodes.items():
            full = prefix + name
            if isinstance(node, self.nir.NIRGraph):
                inner, inner_edges = self._flat(node, f"{full}.")
                nodes |= inner
                edges += inner_edges
                entries[full] = [f"{full}.{key}" for key in node.inputs]
                exits[full] = [f"{full}.{key}" for key in node.outputs]
            else:
                nodes[full] = node
        for pre, post in graph.edges:
            sources = exits.get(prefix + pre, [prefix + pre])
            targets = entries.get(prefix + post, [prefix + post])
            edges += [(source, target) for source in sources for target in targets]
        return nodes, edges
