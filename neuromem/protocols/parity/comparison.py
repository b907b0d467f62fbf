"""Do the backends agree? One scenario a row, one backend a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, get_args

import msgspec
import numpy as np

from neuromem import backends
from neuromem.backends import Fidelity, Unsupported
from neuromem.backends.verified import WEIGHT_TOLERANCE as VERIFIED_TOLERANCE
from neuromem.memory import replay
from neuromem.protocols.parity.scenarios import Scenario

#: Stored weights that differ by less (in their own unit) count as equal; the board's have 16 bits,
#: and are compared as its backends do.
WEIGHT_TOLERANCE = 1e-6
#: What is compared with: the engine that is the definition, line by line.
REFERENCE = "native-reference"
_LEGEND = (
    "`equal`: the same spikes and stored weights as the definition (as the board, where recorded); "
    "on the two SpiNNaker backends, whose weights have 16 bits, weights within 1 % of `w_max`. "
    "`-2 +3 of 90`: of 90 spikes 2 are missing and 3 are extra. `refused`: said before anything "
    "ran, with the reason below."
)


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """How one backend did in one scenario.

    Parameters
    ----------
    scenario, backend, fidelity
        Which.
    outcome
        ``"equal"``, ``"differs"``, ``"refused"`` (before it ran) or ``"not installed"``.
    spikes
        How many the reference has.
    missing, extra
        How many of these the backend lacks, and how many it has beside them.
    weight_error
        Largest difference of a stored plastic weight; 0 where nothing is plastic.
    reason
        Why it was refused.
    """

    scenario: str
    backend: str
    fidelity: Fidelity
    outcome: Literal["equal", "differs", "refused", "not installed"]
    spikes: int = 0
    missing: int = 0
    extra: int = 0
    weight_error: float = 0.0
    reason: str = ""


def parity(
    asked: Iterable[Scenario],
    names: Sequence[str],
    fidelities: Sequence[Fidelity] = ("exact", "native"),
    report: Callable[[str, int, int], None] | None = None,
) -> Iterator[Parity]:
    """Yield how every backend does in every scenario, as it gets to know it."""
    asked = list(asked)
    total, done = len(asked) * len(names) * len(fidelities), 0
    for scenario in asked:
        expected = _run(scenario, REFERENCE, "exact")
        for name in names:
            for fidelity in fidelities:
                if report is not None:
                    report(f"{scenario.name} on {name}", done, total)
                yield _compared(scenario, expected, name, fidelity)
                done += 1


def in_words(row: Parity) -> str:
    """Return how a backend did, in a few words."""
    if row.outcome == "differs":
        weights = f", weights by {row.weight_error:.2g}" if row.weight_error else ""
        return f"-{row.missing} +{row.extra} of {row.spikes}{weights}"
    return row.outcome


def table(
    rows: Iterable[Parity], fidelity: Fidelity
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return header and rows: a scenario a row, a backend a column."""
    chosen = {(r.scenario, r.backend): in_words(r) for r in rows if r.fidelity == fidelity}
    names = list(dict.fromkeys(backend for _, backend in chosen))
    cells = [
        (scenario, *(chosen.get((scenario, name), "") for name in names))
        for scenario in dict.fromkeys(scenario for scenario, _ in chosen)
    ]
    return (f"{fidelity} fidelity", *names), cells


def markdown(rows: Sequence[Parity], title: str) -> str:
    """Return the tables and every refusal's reason as Markdown."""
    versions = ", ".join(f"{n} {v}" for n, v in _versions(r.backend for r in rows).items())
    parts = [f"# {title}", "", _LEGEND, "", f"Made by `neuromem bench parity` with {versions}."]
    for fidelity in get_args(Fidelity):
        header, cells = table(rows, fidelity)
        if not cells:
            continue
        parts += ["", f"## With {fidelity} fidelity", ""]
        parts += [_line(header), _line("---" for _ in header), *map(_line, cells)]
    refused = [r for r in rows if r.outcome in ("refused", "not installed")]
    reasons = dict.fromkeys(f"- {r.reason.split(', which')[0]}" for r in refused)
    return "\n".join([*parts, "", "## Why refused", "", *reasons]) + "\n"


def _versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages behind some backends, as they are installed now."""
    found = {}
    for name in dict.fromkeys(names):
        can = backends.capabilities(name)
        found |= {package: version for package, version in can.versions.items() if version}
    return found


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _compared(
    scenario: Scenario, expected: backends.Simulation, name: str, fidelity: Fidelity
) -> Parity:
    tolerance = WEIGHT_TOLERANCE
    known = Parity(scenario=scenario.name, backend=name, fidelity=fidelity, outcome="refused")
    try:
        if scenario.recording is not None:
            comparisons, _ = replay(scenario.recording, name, fidelity=fidelity)
            spikes = sum(len(c.recorded) for c in comparisons)
            missing = sum(len(c.missing) for c in comparisons)
            extra = sum(len(c.extra) for c in comparisons)
            error = 0.0
        else:
            found = _run(scenario, name, fidelity)
            wanted, got = _spikes(expected), _spikes(found)
            spikes, missing, extra = len(wanted), len(wanted - got), len(got - wanted)
            error = _weight_error(found, expected)
            if fidelity == "exact" and backends.capabilities(name).verified:
                tolerance = VERIFIED_TOLERANCE * _largest_bound(scenario)
    except Unsupported as refusal:
        return msgspec.structs.replace(known, reason=str(refusal))
    except ModuleNotFoundError as absence:
        return msgspec.structs.replace(known, outcome="not installed", reason=str(absence))
    equal = missing == extra == 0 and error <= tolerance
    return msgspec.structs.replace(
        known, outcome="equal" if equal else "differs", spikes=spikes, missing=missing,
        extra=extra, weight_error=error,
    )  # fmt: skip


def _largest_bound(scenario: Scenario) -> float:
    """Return the largest bound of a plastic weight."""
    rules = (p.synapse for p in scenario.network.projections)
    return max((getattr(rule, "w_max", 0.0) for rule in rules), default=0.0)


def _spikes(simulation: backends.Simulation) -> set[tuple[str, float, int]]:
    """Return all spikes as (population, time in ms, neuron)."""
    return {
        (p.name, round(time, 6), neuron)
        for p in simulation.network.populations
        for time, neuron in simulation.spikes(p.name).pairs()
    }


def _weight_error(found: backends.Simulation, expected: backends.Simulation) -> float:
    errors = [
        float(np.nanmax(np.abs(found.weights(p.label) - expected.weights(p.label)), initial=0.0))
        for p in found.network.projections
        if p.plastic
    ]
    return max(errors, default=0.0)


def _run(scenario: Scenario, name: str, fidelity: Fidelity) -> backends.Simulation:
    simulation = backends.start(scenario.network, name, fidelity=fidelity)
    simulation.stimulate(scenario.stimulus)
    simulation.run(scenario.duration_ms)
    return simulation
