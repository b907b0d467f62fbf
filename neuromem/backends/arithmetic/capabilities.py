"""What the board's arithmetic can do: what the board's own programs do."""

from __future__ import annotations

from neuromem.backends.simulation import OURSELVES, Capabilities
from neuromem.backends.spinnaker.capabilities import CONVENTION, NATIVE

#: Spikes and weights are checked against the definition after a run. A sampled state cannot be
#: equal to it: the board's numbers have 15 fractional bits.
EXACT = NATIVE - {"record v", "record isyn_exc", "record isyn_inh"}
OPTIONS = {
    "fit_weights": "ring buffers as large as the largest possible sum, and no larger",
    "compare": "say in the provenance where the outcome is not the definition's (always done with "
    "fidelity='exact')",
}


def capabilities(backend: str) -> Capabilities:
    """Return the capabilities of the backend."""
    return Capabilities(
        name=backend,
        what="SpiNNaker's fixed-point arithmetic, to the last bit, without sPyNNaker or a board",
        extra="",
        packages=(OURSELVES,),
        exact=EXACT,
        native=NATIVE,
        convention=CONVENTION,
        options=OPTIONS,
        verified=True,
    )
