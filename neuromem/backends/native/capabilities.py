"""What the native engines can do."""

from __future__ import annotations

from neuromem._version import __version__
from neuromem.backends.simulation import Capabilities

_WHAT = {
    "native": "compiled engine, lazily integrated populations",
    "native-reference": "the same tick in plain numpy and Python, to be checked by eye",
}


def capabilities(backend: str) -> Capabilities:
    """Return the capabilities of ``native`` or ``native-reference``."""
    return Capabilities(
        name=backend,
        version=__version__,
        what=_WHAT[backend],
        neurons=("IF_curr_exp", "IF_curr_delta", "LIF_hard_reset"),
        synapses=("StaticSynapse", "STDPSynapse"),
        resumes=True,
    )
