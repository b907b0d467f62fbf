"""What snnTorch can do: networks of discrete-time neurons with static connections."""

from __future__ import annotations

from neuromem.backends.simulation import Capabilities, Convention

#: ``snn.Leaky`` resets to zero and compares strictly: it is LIF_hard_reset and no other neuron.
FEATURES = frozenset(
    {
        "LIF_hard_reset",
        "StaticSynapse",
        "signed weights",
        "delay per connection",
        "record v",
        "record weights",
    }
)


def capabilities(backend: str) -> Capabilities:
    """Return the capabilities of the backend."""
    return Capabilities(
        name=backend,
        what="discrete-time neurons in torch: batches, gradients, CPU or GPU",
        extra="torch",
        packages=("snntorch", "torch"),
        exact=FEATURES,
        native=FEATURES,
        convention=Convention(
            stdp_delay="either",
            dt_zero="any",
            weights_are_current=False,
            extra_delay_ticks=0,
            reset="reset of what fired in the tick before, decay, arrivals, threshold; float32",
        ),
        options={"device": "where torch computes: 'cpu' (the default), 'cuda', 'cuda:1', ..."},
    )
