"""What this backend can do."""

from __future__ import annotations

from neuromem.backends.simulation import Capabilities, Convention


def capabilities(backend: str) -> Capabilities:
    """Return the capabilities of the backend."""
    return Capabilities(
        name=backend,
        what="to be written",
        extra="snntorch",
        packages=("snntorch",),
        exact=frozenset(),
        native=frozenset(),
        convention=Convention("dendritic", "ignore", False, 0, ""),
    )
