"""What the native engines can do: everything, for the definition is their own arithmetic."""

from __future__ import annotations

from neuromem.backends.features import FEATURES
from neuromem.backends.simulation import Capabilities, Convention

_WHAT = {
    "native": "compiled engine, lazily integrated populations",
    "native-reference": "the same tick in plain numpy and Python, to be checked by eye",
}
_CONVENTION = Convention(
    stdp_delay="either",
    dt_zero="any",
    weights_are_current=False,
    extra_delay_ticks=0,
    reset="arrivals, membrane, threshold and reset, decay of the currents",
)


def capabilities(backend: str) -> Capabilities:
    """Return the capabilities of ``native`` or ``native-reference``."""
    return Capabilities(
        name=backend,
        what=_WHAT[backend],
        extra="",
        packages=("neuromem-snn",),
        exact=frozenset(FEATURES),
        native=frozenset(FEATURES),
        convention=_CONVENTION,
    )
