"""The tables say what the network holds."""

from __future__ import annotations

from hypothesis import given, settings

from neuromem.network import (
    Network,
    Population,
    population_table,
    projection_table,
    totals,
)
from tests.network.strategies import networks


@given(networks())
@settings(max_examples=30)
def test_tables_agree_with_the_network(network: Network) -> None:
    header, rows = population_table(network)
    assert all(len(row) == len(header) for row in rows)
    table = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(r["population"], int(r["size"])) for r in table] == [
        (p.name, p.size) for p in network.populations
    ]

    header, rows = projection_table(network)
    table = [dict(zip(header, row, strict=True)) for row in rows]
    counts = [len(network.pairs(p)[0]) for p in network.projections]
    assert [int(r["synapses"]) for r in table] == counts
    assert [(r["#"], r["from"], r["to"], r["receptor"]) for r in table] == [
        (str(number), p.pre, p.post, p.receptor_type)
        for number, p in enumerate(network.projections, start=1)
    ]
    assert [r["synapse"] == "STDP" for r in table] == [p.plastic for p in network.projections]

    plastic = sum(n for n, p in zip(counts, network.projections, strict=True) if p.plastic)
    neurons = sum(p.size for p in network.populations if isinstance(p, Population))
    assert totals(network) == {
        "neurons": neurons,
        "input lines": sum(p.size for p in network.populations) - neurons,
        "static synapses": sum(counts) - plastic,
        "plastic synapses": plastic,
    }


@given(networks())
@settings(max_examples=10)
def test_text_names_everything(network: Network) -> None:
    text = str(network)
    assert all(p.name in text for p in network.populations)
    assert all(p.pre in text and p.post in text for p in network.projections)
