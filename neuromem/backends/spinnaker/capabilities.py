"""What sPyNNaker can do, and what it does of itself."""

from __future__ import annotations

from neuromem.backends.simulation import Capabilities, Convention

#: What the board runs in its own fixed point. Nothing is exact: its numbers are not the
#: definition's, however often the spikes agree.
NATIVE = frozenset(
    {
        "IF_curr_exp",
        "IF_curr_delta",
        "LIF_hard_reset",
        "i_offset",
        "v_init",
        "StaticSynapse",
        "STDPSynapse",
        "signed weights",
        "delay per connection",
        "dendritic delay",
        "dt = 0 depresses",
        "nearest pairing",
        "post history",
        "w_min above 0",
        "record v",
        "record isyn_exc",
        "record isyn_inh",
    }
)
CONVENTION = Convention(
    stdp_delay="dendritic",
    dt_zero="depress",
    weights_are_current=False,
    extra_delay_ticks=0,
    reset="input, V decays and is compared with >=, then V_reset; refractory V is frozen",
)
OPTIONS = {
    "board": "virtual (maps only, and runs nothing), a board's host name, or spalloc:SERVER",
    "card": "kind of board: a name in hardware/spinnaker/ or a TOML file",
    "folder": "where configuration, log and sPyNNaker's reports go; a temporary one if not given",
    "settings": "file of further sPyNNaker settings",
    "fit_weights": "ring buffers as large as the largest possible sum, and no larger",
    "check": "whether to ask the board if it answers, before mapping",
}


def capabilities(backend: str) -> Capabilities:
    """Return the capabilities of the backend."""
    return Capabilities(
        name=backend,
        what="SpiNNaker boards through sPyNNaker; the virtual board maps and reports, without runs",
        extra="spinnaker",
        packages=("sPyNNaker",),
        exact=frozenset(),
        native=NATIVE,
        convention=CONVENTION,
        options=OPTIONS,
        runs=False,
    )
