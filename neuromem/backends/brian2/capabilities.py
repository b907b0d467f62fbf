"""What Brian2 can do: with our equations in its schedule, everything."""

from __future__ import annotations

from neuromem.backends.brian2.session import TARGETS
from neuromem.backends.features import FEATURES
from neuromem.backends.simulation import Capabilities, Convention

#: As Brian2 runs what its manual teaches: ``delay`` delays the pre side; a weight arrives after
#: the membrane and the threshold of its tick, so that it acts one tick later than defined; in a
#: tie the post side comes first, for Brian2 orders equals by name and "post" is before "pre".
_CONVENTION = Convention(
    stdp_delay="axonal",
    dt_zero="depress",
    weights_are_current=True,
    extra_delay_ticks=1,
    reset="membrane (exact integration), threshold, arrivals, reset",
)


def capabilities(backend: str) -> Capabilities:
    """Return the capabilities of ``brian2``."""
    return Capabilities(
        name=backend,
        what="Brian2 without PyNN, equations and tick order as defined",
        extra="brian2",
        packages=("brian2",),
        exact=frozenset(FEATURES),
        native=frozenset(FEATURES),
        convention=_CONVENTION,
        options={
            "target": f"how Brian2 runs its code: {', '.join(TARGETS)}; "
            f"{TARGETS[0]}, which needs no compiler, where it is not given"
        },
    )
