"""What the CA3 family is made of: its neurons, its plasticity rule, and rows of a topology table.

Source of every number: the authors' published configurations (Casanueva-Morato et al., Neural
Networks 178:106474 (2024), doi 10.1016/j.neunet.2024.106474; IEEE Transactions on Emerging Topics
in Computing (2024), doi 10.1109/TETC.2024.3387026).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from neuromem.network import (
    AllToAllConnector,
    Connector,
    FromListConnector,
    IF_curr_exp,
    OneToOneConnector,
    Projection,
    StaticSynapse,
    STDPSynapse,
    Synapse,
    Values,
)

Receptor = Literal["excitatory", "inhibitory"]

#: The weight (nA) of a spike that is simply passed on.
RELAY_NA = 6.0

SLOW = IF_curr_exp(
    cm_nf=0.27,
    tau_m_ms=3.0,
    tau_syn_E_ms=0.3,
    tau_syn_I_ms=0.3,
    tau_refrac_ms=1.0,
    v_rest_mv=-60.0,
    v_reset_mv=-60.0,
    v_thresh_mv=-57.0,
)
FAST = msgspec.structs.replace(SLOW, cm_nf=0.14, tau_m_ms=0.5)
#: SLOW and FAST with the lower threshold of relays.
SLOW_RELAY = msgspec.structs.replace(SLOW, v_thresh_mv=-57.5)
FAST_RELAY = msgspec.structs.replace(FAST, v_thresh_mv=-57.5)
#: A logic gate: one spike of weight 1 fires it, and it can fire in every tick.
GATE = IF_curr_exp(
    cm_nf=0.1,
    tau_m_ms=0.1,
    tau_syn_E_ms=0.1,
    tau_syn_I_ms=0.1,
    tau_refrac_ms=0.0,
    v_rest_mv=-65.0,
    v_reset_mv=-65.0,
    v_thresh_mv=-64.91,
)

ONE_TO_ONE = OneToOneConnector()
ALL_TO_ALL = AllToAllConnector()
#: Also between two different populations, where PyNN's ``allow_self_connections`` masks nothing.
ALL_TO_OTHERS = AllToAllConnector(skip_same_index=True)
EXC: Receptor = "excitatory"
INH: Receptor = "inhibitory"

Row = tuple[int, str, str, Connector, Receptor, float | Values | STDPSynapse, float]


def learning(post_history: int | None) -> STDPSynapse:
    """Return the family's plastic synapse: 6 nA in one pair, 0..6 nA, tau 3 ms, starting at 0."""
    return STDPSynapse(
        weight=0.0,
        delay_ms=1.0,
        tau_plus_ms=3.0,
        tau_minus_ms=3.0,
        A_plus=RELAY_NA,
        A_minus=RELAY_NA,
        w_min=0.0,
        w_max=RELAY_NA,
        post_history=post_history,
    )


def table(*rows: Row) -> tuple[Projection, ...]:
    """Return the projections of a topology table.

    Each row is (number, from, to, connector, receptor, weight or plastic synapse, delay); weights
    in nA, delays in ms.
    """
    projections = []
    for _, pre, post, connector, receptor, weight, delay_ms in rows:
        synapse: Synapse
        if isinstance(weight, STDPSynapse):
            synapse = msgspec.structs.replace(weight, delay_ms=delay_ms)
        else:
            synapse = StaticSynapse(weight=weight, delay_ms=delay_ms)
        projections.append(
            Projection(
                pre=pre, post=post, connector=connector, synapse=synapse, receptor_type=receptor
            )
        )
    return tuple(projections)


def code_bits(number: int) -> list[int]:
    """Return the positions of the set bits of a number, the lowest first."""
    return [bit for bit in range(number.bit_length()) if number >> bit & 1]


def pairs(connections: Sequence[tuple[int, int]]) -> FromListConnector:
    """Return a connector of explicit (pre, post) pairs."""
    return FromListConnector(connections=tuple(connections))
