"""Slow synaptic currents, to which the board may add nothing of a weight that arrives.

A core multiplies what arrives in a tick by tau / h (1 - e^(-h / tau)), a fraction that is just
below 1 for a slow current. It rounds both factors, and where the product comes to 1 or more the
fraction keeps only what is beyond 1: the weight is lost. That depends on the last digits of tau.

Source: the arithmetic of sPyNNaker 7.4.1 (:mod:`neuromem.backends.arithmetic.fixed`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from neuromem.backends.spinnaker.preflight import Finding
from neuromem.network import IF_curr_exp, Network, Population, Projection

#: How much of a weight may be missing without a warning: as for the weights themselves.
NOTABLE_SHARE = 0.01


def check_currents(network: Network) -> Iterator[Finding]:
    """Yield the currents to which weights count for notably more or less than defined."""
    for population in network.populations:
        if not isinstance(population, Population) or not isinstance(population.neuron, IF_curr_exp):
            continue
        for receptor in ("excitatory", "inhibitory"):
            used = any(_gets(network, p, population, receptor) for p in network.projections)
            tau = getattr(population.neuron, f"tau_syn_{receptor[0].upper()}_ms")
            found, exact = arrival_share(tau, network.timestep_ms)
            if used and abs(found - exact) > NOTABLE_SHARE * exact:
                other = _kept_whole(tau, network.timestep_ms)
                yield Finding(
                    severity="warning",
                    check="neurons",
                    where=f"population {population.name!r}, {receptor}",
                    what=f"of an arriving weight the current with tau_syn_{receptor[0].upper()} = "
                    f"{tau:g} ms gets {found:.4f} on the board, and {exact:.4f} as defined"
                    + (": it is lost, by an overflow" if found < exact / 2 else ""),
                    remedy=f"use a time constant of {other:g} ms, the next below that is within "
                    f"{NOTABLE_SHARE:.0%}, or a longer time step",
                )


def arrival_share(tau_ms: float, timestep_ms: float) -> tuple[float, float]:
    """Return how much of an arriving weight a current gets, on the board and as defined."""
    # In here: the twin, whose numbers these are, imports this package.
    from neuromem.backends.arithmetic import fixed

    exact = tau_ms / timestep_ms * -math.expm1(-timestep_ms / tau_ms)
    try:
        _, share = fixed.arrival(fixed.encoded(tau_ms), fixed.encoded(timestep_ms))
    except (ValueError, ZeroDivisionError):  # no step, or too many: another finding
        return exact, exact
    return share / fixed.FRACTION_ONE, exact


def _kept_whole(tau_ms: float, timestep_ms: float) -> float:
    """Return the longest whole number of ticks below a time constant whose current is right."""
    for ticks in range(math.ceil(tau_ms / timestep_ms) - 1, 0, -1):
        found, exact = arrival_share(ticks * timestep_ms, timestep_ms)
        if abs(found - exact) <= NOTABLE_SHARE * exact:
            return ticks * timestep_ms
    return timestep_ms


def _gets(network: Network, projection: Projection, population: Population, receptor: str) -> bool:
    onto = network.view(projection.post).population is population
    return onto and projection.receptor_type in (receptor, "signed")
