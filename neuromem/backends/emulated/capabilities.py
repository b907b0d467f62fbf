"""What the emulated board can do: what the board's own programs do."""

from __future__ import annotations

from neuromem.backends.simulation import Capabilities
from neuromem.backends.spinnaker.capabilities import CONVENTION, NATIVE

#: Spikes and weights can be checked against the definition after a run. A sampled state cannot be
#: equal to it: the board's numbers have 15 fractional bits.
EXACT = NATIVE - {"record v", "record isyn_exc", "record isyn_inh"}
OPTIONS = {
    "neurons_per_core": "most neurons on a core; sPyNNaker's own choice if not given",
    "synapse_cores": "cores for the synapses of each core of neurons; sPyNNaker's own choice if "
    "not given: none of their own at 1 ms",
    "fit_weights": "ring buffers as large as the largest possible sum, and no larger",
    "compressed": "whether packets follow the compressed routing tables (yes if not given)",
    "folder": "where configuration, log, data and a crash report go; a temporary one if not given",
}


def capabilities(backend: str) -> Capabilities:
    """Return the capabilities of the backend."""
    return Capabilities(
        name=backend,
        what="SpiNNaker's own programs on emulated processors: their arithmetic, not their timing",
        extra="emulator",
        packages=("sPyNNaker", "unicorn"),
        exact=EXACT,
        native=NATIVE,
        convention=CONVENTION,
        options=OPTIONS,
        verified=True,
    )
