r"""When each population's tick happens on the simulator, so that every spike is the definition's.

The definition advances in ticks of length h. On IF_curr_exp, with J the currents after this tick's
arrivals w, V relative to its resting value and one receptor written out,

.. math::
    J_t = s J_{t-1} + c w_t, \quad V_t = P V_{t-1} + R (1 - P) J_t, \quad
    P = e^{-h/\tau_m}, \; s = e^{-h/\tau_{syn}}, \; c = \tfrac{\tau_{syn}}{h} (1 - s).

A simulator of fixed steps, k to a tick, is linear between resets too. With arrivals a,

.. math::
    v_{n+1} = p v_n + q i_n, \qquad i_{n+1} = s^{1/k} i_n + a_{n+1},

so that an arrival is felt from the next step on. Let p be :math:`P^{1/k}`: this is so of itself
where v is integrated exactly; the implicit Euler method has :math:`p = 1 / (1 + e / \tau)` and is
given the :math:`\tau` for which it holds. Then over k steps without arrivals

.. math::
    v_{n+k} = P v_n + G i_n, \qquad i_{n+k} = s i_n, \qquad
    G = q \sum_{j<k} p^{k-1-j} s^{j/k}.

**Weights.** If all arrivals at a population fall on steps of one residue modulo k, its *decision
steps*, then weights times :math:`g = R (1 - P) c / G` make v at decision steps equal V after each
tick, for good: the state is linear, resets happen at decision steps, and refractory times are whole
ticks. A spike that arrives at a decision step counts for the next one, one tick (k steps) later.

**Time.** Give each population p a shift r_p: what the definition does in tick t happens at step
k t + r_p, which is p's decision step. A projection from p to q of delay d ticks gets the delay

.. math::
    d' = k d - \sigma_q + r_q - r_p \ge 1 \text{ steps},

where the hop :math:`\sigma_q` is k for IF_curr_exp, and 0 for IF_curr_delta on a simulator that
lets a jump be felt in the step of its arrival. This is the retiming of a synchronous circuit
(Leiserson and Saxe, Algorithmica 6:5-35, 1991, doi 10.1007/BF01759032): the lag of each element is
taken out of the delays of its inputs. The inequalities are difference constraints; a solution is a
longest path, and there is none exactly where a loop of projections has too little delay for its
hops.

**Pairs.** A pair rule whose delay lies on the post side compares post + d' with pre. On the
simulator the difference of a pair at :math:`\Delta` ticks is

.. math::
    k t_q + r_q + d' - k t_p - r_p = k \Delta - \varepsilon, \qquad
    \varepsilon = \sigma_q - 2 (r_q - r_p).

The simulator ignores a pair at 0. Ties of the definition are therefore moved off it:
:math:`0 < \varepsilon < k` where they depress, :math:`-k < \varepsilon < 0` where they potentiate,
:math:`\varepsilon = 0` where they do nothing; no other pair changes its order. These are bounds on
r_q - r_p, difference constraints again. The exponentials are made whole by

.. math::
    A_-' = A_- e^{\varepsilon / (k \tau_-)}, \qquad A_+' = A_+ e^{-\varepsilon / (k \tau_+)},

with the time constants in ticks. For an IF_curr_exp target that depresses on ties k = 3 is the
least that has a solution, with r_q - r_p = 1; networks without plasticity and with enough delay
need k = 1.

**Limits.** Onto IF_curr_exp no loop of projections may take one tick each all the way round, and no
loop of plastic projections exists at all: the r around it would have to rise for ever.

**Between decisions** the simulator compares v with the threshold as well. Where k > 1 a periodic
drive holds v down there and is zero at decision steps: see :mod:`neuromem.backends.pynn.membrane`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from neuromem.backends.features import Unsupported
from neuromem.network import Network, STDPSynapse

#: Finer grids are not tried: a run takes time in proportion.
MOST_STEPS = 16


@dataclass(frozen=True)
class Timing:
    """A retimed network.

    Parameters
    ----------
    steps_per_tick
        k.
    shift
        r of every population, sources included.
    hop
        sigma of every population, in steps.
    """

    steps_per_tick: int
    shift: Mapping[str, int]
    hop: Mapping[str, int]

    def delay_steps(self, pre: str, post: str, delay_ticks):
        """Return the delay d' on the simulator, in steps."""
        shift = self.shift[post] - self.shift[pre]
        return self.steps_per_tick * delay_ticks - self.hop[post] + shift

    def tie_offset(self, pre: str, post: str) -> int:
        """Return epsilon of a plastic projection, in steps."""
        return self.hop[post] - 2 * (self.shift[post] - self.shift[pre])


class _Bound(NamedTuple):
    """``r[after] >= r[before] + steps``, and which projection says so."""

    before: str
    after: str
    steps: int
    label: str


def retime(
    network: Network,
    hop_ticks: Mapping[str, int],
    earliest: Callable[[str, int], int],
    fewest: int,
    least_delay: int = 1,
) -> Timing:
    """Return the coarsest timing that a network has on a simulator.

    Parameters
    ----------
    network
        The definition.
    hop_ticks
        For each population with neurons: sigma / k, 0 or 1.
    earliest
        The least shift of a population, from its name and k.
    fewest
        The least k.
    least_delay
        The least d', in steps.

    Raises
    ------
    Unsupported
        When a loop of projections has too little delay, or the orders of ties contradict each
        other; names the projections.
    """
    blocked: list[str] = []
    for k in range(fewest, MOST_STEPS + 1):
        least = {p.name: earliest(p.name, k) for p in network.populations}
        hop = {name: k * ticks for name, ticks in hop_ticks.items()}
        bounds = _bounds(network, k, hop, least_delay)
        if bounds is None:
            continue
        shift, blocked = _longest_paths(least, bounds)
        if not blocked:
            return Timing(k, shift, hop)
    around = " -> ".join(blocked) if blocked else "its plastic projections"
    raise Unsupported(
        f"the delays around {around} leave no room for the tick that the simulator adds at each "
        "neuron, or for the order of its pairs: lengthen one, use fidelity='native', or the native "
        "backend"
    )


def _bounds(
    network: Network, k: int, hop: Mapping[str, int], least_delay: int
) -> list[_Bound] | None:
    """Return the difference constraints for k steps a tick; None where a pair rule excludes k."""
    bounds = []
    for projection in network.projections:
        delays = network.delays_ticks(projection)
        if not len(delays):
            continue
        pre = network.view(projection.pre).population.name
        post = network.view(projection.post).population.name
        shortest = k * int(delays.min()) - hop[post]
        bounds.append(_Bound(pre, post, least_delay - shortest, projection.label))
        rule = projection.synapse
        if isinstance(rule, STDPSynapse):
            low, high = {"depress": (1, k - 1), "ignore": (0, 0), "potentiate": (1 - k, -1)}[
                rule.dt_zero
            ]
            # epsilon = hop - 2 (r_post - r_pre)
            least, most = -((high - hop[post]) // 2), (hop[post] - low) // 2
            if least > most:
                return None
            bounds.append(_Bound(pre, post, least, projection.label))
            bounds.append(_Bound(post, pre, -most, projection.label))
    return bounds


def _longest_paths(
    least: Mapping[str, int], bounds: list[_Bound]
) -> tuple[dict[str, int], list[str]]:
    """Return the smallest shifts (Bellman and Ford), or the labels of a loop that has none."""
    shift, because = dict(least), dict.fromkeys(least, _Bound("", "", 0, ""))
    changed = ""
    for _ in range(len(shift) + 1):
        changed = ""
        for bound in bounds:
            if shift[bound.before] + bound.steps > shift[bound.after]:
                shift[bound.after] = shift[bound.before] + bound.steps
                because[bound.after] = bound
                changed = bound.after
        if not changed:
            return shift, []
    for _ in shift:  # walk back until surely on the loop
        changed = because[changed].before
    loop, name = [], changed
    while not loop or name != changed:
        loop.append(because[name].label)
        name = because[name].before
    return shift, list(dict.fromkeys(reversed(loop)))
