"""A network as tables that can be read, and checked against a paper."""

from __future__ import annotations

from neuromem.network.connectors import AllToAllConnector, FixedProbabilityConnector
from neuromem.network.network import Network, Population, Projection
from neuromem.network.neurons import Neuron
from neuromem.network.spec import Values

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
_CONNECTOR_NAMES = {
    "OneToOneConnector": "one-to-one",
    "FromListConnector": "list",
    "ArrayConnector": "matrix",
}


def population_table(network: Network) -> Table:
    """Return header and rows: a population a row, its neuron by its letter below."""
    letters = {neuron: letter for letter, neuron in _neurons(network).items()}
    rows = []
    for population in network.populations:
        kind = letters[population.neuron] if isinstance(population, Population) else "spike source"
        rows.append((population.name, str(population.size), kind))
    return ("population", "size", "neuron"), rows


def neuron_table(network: Network) -> Table:
    """Return header and rows: a parameter a row, a column for each different neuron."""
    neurons = _neurons(network)
    names = dict.fromkeys(name for n in neurons.values() for name in n.__struct_fields__)
    rows = [("model", *(type(neuron).__name__ for neuron in neurons.values()))]
    for name in names:
        values = (getattr(neuron, name, None) for neuron in neurons.values())
        rows.append((name, *("" if value is None else f"{value:g}" for value in values)))
    return ("parameter", *neurons), rows


def projection_table(network: Network) -> Table:
    """Return header and rows: a projection a row, numbered from 1."""
    rows = []
    for number, projection in enumerate(network.projections, start=1):
        synapse = projection.synapse
        unit = network.view(projection.post).population.neuron.weight_unit  # type: ignore[union-attr]
        kind = "STDP" if projection.plastic else "static"
        rows.append(
            (
                str(number),
                projection.pre,
                projection.post,
                _connector_name(projection),
                kind,
                projection.receptor_type,
                _range(synapse.weight) + ("" if unit == "1" else f" {unit}"),
                _range(synapse.delay_ms) + " ms",
                str(len(network.pairs(projection)[0])),
            )
        )
    header = ("#", "from", "to", "connector", "synapse", "receptor", "weight", "delay", "synapses")
    return header, rows


def totals(network: Network) -> dict[str, int]:
    """Return the number of neurons, input lines, and static and plastic synapses."""
    counts = {"neurons": 0, "input lines": 0, "static synapses": 0, "plastic synapses": 0}
    for population in network.populations:
        kind = "neurons" if isinstance(population, Population) else "input lines"
        counts[kind] += population.size
    for projection in network.projections:
        kind = "plastic synapses" if projection.plastic else "static synapses"
        counts[kind] += len(network.pairs(projection)[0])
    return counts


def as_text(network: Network) -> str:
    """Return the network as plain text."""
    parts = [f"{network.name}, time step {network.timestep_ms:g} ms"]
    if network.source:
        parts.append(network.source)
    for table in (population_table, neuron_table, projection_table):
        parts.append(_aligned(*table(network)))
    parts.append(", ".join(f"{count} {what}" for what, count in totals(network).items()))
    return "\n\n".join(parts)


def _neurons(network: Network) -> dict[str, Neuron]:
    """Return the different neurons of a network, lettered A, B, ... in order of appearance."""
    found = dict.fromkeys(p.neuron for p in network.populations if isinstance(p, Population))
    return {_letters(number): neuron for number, neuron in enumerate(found)}


def _letters(number: int) -> str:
    letters = chr(ord("A") + number % 26)
    return letters if number < 26 else _letters(number // 26 - 1) + letters


def _aligned(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _connector_name(projection: Projection) -> str:
    connector = projection.connector
    if isinstance(connector, AllToAllConnector):
        return "all-to-all" + (" except same index" if connector.skip_same_index else "")
    if isinstance(connector, FixedProbabilityConnector):
        return f"p = {connector.p_connect:g}"
    return _CONNECTOR_NAMES[type(connector).__name__]


def _range(value: float | Values) -> str:
    if not isinstance(value, Values):
        return f"{value:g}"
    array = value.array
    return f"{array.min():g}..{array.max():g}" if array.size else "-"
