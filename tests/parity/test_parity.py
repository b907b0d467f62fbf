"""Every backend that accepts a scenario with exact fidelity gives the definition's spikes."""

import pytest

from neuromem.backends import BACKENDS, capabilities
from neuromem.protocols.parity.comparison import REFERENCE, Parity, markdown, parity, table
from neuromem.protocols.parity.scenarios import scenarios
from tests.recordings import ORACLE, of_the_board

SCENARIOS = {scenario.name: scenario for scenario in scenarios(ORACLE)}
SIMULATORS = [name for name in BACKENDS if name != REFERENCE and capabilities(name).runs]
QUICK = ("native", "brian2", "snntorch")
#: Seconds that a simulator needs for these are many.
LONG = ("recorded", "30 random operations")

LIQUID, JUMPS = "a liquid of 40 neurons", "30 recurrent neurons with jumps of the potential"
PLASTIC = {name for name in SCENARIOS if any(w in name for w in ("STDP", "memory", "board"))}
STATIC = set(SCENARIOS) - PLASTIC - {LIQUID, JUMPS}
#: What each backend must accept; the rest it may refuse, but never get wrong.
MUST = {
    "native": set(SCENARIOS),
    "brian2": set(SCENARIOS),
    "snntorch": {LIQUID},
    "pynn:nest": {n for n in SCENARIOS if not any(w in n for w in ("nearest", "axonal"))},
    "pynn:neuron": STATIC,
    "pynn:brian2": STATIC,
}


def _cases():
    for backend in SIMULATORS:
        for name in SCENARIOS:
            slow = backend not in QUICK or any(word in name for word in LONG)
            marks = [pytest.mark.slow] if slow and backend != "native" else []
            yield pytest.param(name, backend, marks=marks, id=f"{backend}-{name}")


@pytest.mark.parametrize(("name", "backend"), list(_cases()))
def test_exact_is_exact(name: str, backend: str) -> None:
    can = capabilities(backend)
    if can.missing:
        pytest.skip(f"{' and '.join(can.missing)} not installed")
    (row,) = parity([SCENARIOS[name]], [backend], ["exact"])
    if name in MUST.get(backend, ()):
        assert row.outcome == "equal", row
    assert row.outcome in ("equal", "refused"), row


def test_the_recordings_are_there() -> None:
    of_the_board("functional")
    assert sum("board" in name for name in SCENARIOS) == 2


def test_tables_name_what_differs_and_why_something_is_refused() -> None:
    other = "brian2"
    found = [
        Parity(scenario="a", backend="native", fidelity="exact", outcome="equal", spikes=3),
        Parity(
            scenario="a", backend=other, fidelity="exact", outcome="differs", spikes=3, missing=1,
            extra=2, weight_error=0.5,
        ),
        Parity(
            scenario="b", backend=other, fidelity="exact", outcome="refused", reason="no such rule"
        ),
    ]  # fmt: skip
    header, cells = table(found, "exact")
    assert header == ("exact fidelity", "native", "brian2")
    assert cells == [("a", "equal", "-1 +2 of 3, weights by 0.5"), ("b", "", "refused")]
    text = markdown(found, "Title")
    assert "| a | equal | -1 +2 of 3, weights by 0.5 |" in text
    assert "- no such rule" in text and "native fidelity" not in text


@pytest.mark.parametrize("name", ["coincidence", "inhibition"])
def test_a_wrong_backend_would_be_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation that loses its last spikes differs."""
    from neuromem.backends.native.simulation import NativeSimulation

    whole = NativeSimulation.spikes

    def cut(self, population):
        found = whole(self, population)
        return found.between(0.0, 12.0) if self.backend == "native" else found

    monkeypatch.setattr(NativeSimulation, "spikes", cut)
    (row,) = parity([SCENARIOS[name]], ["native"], ["exact"])
    assert row.outcome == "differs" and row.missing > 0 and row.extra == 0
