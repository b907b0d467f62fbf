"""What PyNN's simulators can do."""

from __future__ import annotations

from neuromem.backends.pynn.dialects import DIALECTS
from neuromem.backends.simulation import Capabilities

_STATIC = {"IF_curr_exp", "i_offset", "v_init", "StaticSynapse", "delay per connection", "record v"}
_JUMPS = {"IF_curr_delta", "LIF_hard_reset", "signed weights"}
_STDP = {
    "STDPSynapse",
    "dendritic delay",
    "dt = 0 depresses",
    "dt = 0 potentiates",
    "dt = 0 ignored",
    "post history",
}
# With the simulator's own side of the delay and order at dt = 0, which its convention says.
_ITS_OWN = {*_STDP, "axonal delay", "record weights"}
# Exact plasticity is NEST's alone. NEURON clips the sum of what its definition clips one by one;
# on Brian2 a pre spike arrives in the step in which its target decides, so that a post spike one
# tick before the arrival, which depresses, is a tie.
_EXACT = {
    "pynn:nest": {*_STATIC, *_JUMPS, *_STDP, "record weights"},
    "pynn:neuron": _STATIC,
    "pynn:brian2": _STATIC,
}
_NATIVE = {
    "pynn:nest": {*_STATIC, *_JUMPS, *_ITS_OWN},
    "pynn:neuron": {*_STATIC, *_ITS_OWN, "w_min above 0"},
    "pynn:brian2": {*_STATIC, *_JUMPS, *_ITS_OWN, "w_min above 0"},
}
_WHAT = {
    "pynn:nest": "NEST through PyNN",
    "pynn:neuron": "NEURON through PyNN",
    "pynn:brian2": "Brian2 through PyNN",
}
_OPTIONS = {"pynn:nest": {"threads": "number of threads; the result is the same"}}


def capabilities(backend: str) -> Capabilities:
    """Return the capabilities of ``"pynn:nest"``, ``"pynn:neuron"`` or ``"pynn:brian2"``."""
    dialect = DIALECTS[backend]
    return Capabilities(
        name=backend,
        what=_WHAT[backend],
        extra="pynn",
        packages=dialect.packages,
        exact=frozenset(_EXACT[backend]),
        native=frozenset(_NATIVE[backend]),
        convention=dialect.convention,
        options=_OPTIONS.get(backend, {}),
    )
