r"""A neuron on a finer grid: its weights' scale, and the drive that keeps it quiet between ticks.

Symbols are those of :mod:`neuromem.backends.pynn.retiming`, and steps are counted from a decision.

**The drive.** In every tick an inhibitory pulse of size a arrives at the decision step and an
excitatory one of size b at the step before the next. Periodic currents are A right after the one
and B right after the other. What they add to v, j steps after a decision, is

.. math::
    u_j = B s_E^{1/k} f_E(j) - A f_I(j) \quad (0 < j < k), \qquad
    u_k = B s_E^{1/k} f_E(k) + b f_E(1) - A f_I(k),

    f_X(j) = q_X \sum_{i<j} p^{j-1-i} s_X^{i/k}, \qquad A = a / (1 - s_I), \quad B = b / (1 - s_E),

with f(j) the answer of v to a current of 1 after j steps.

B / A is chosen so that u_k = 0: v at decision steps is what it was without the drive, through
resets and refractory times too, since the currents do not depend on v. The first cycle is periodic
at once when the first pulses are A and, together with it, B s_E^{1/k}: the currents that an endless
past would have left.

How large a must be: between decisions v exceeds its last decision, which was below threshold or a
reset, by at most the rest of its way to the resting value E and f_E(j) times the largest current
that the incoming weights allow, each arriving in every tick.

IF_curr_delta takes jumps: -a one step after a decision and +a p^{k-1} at the next; it needs them
only if E is not below threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neuromem.backends.features import Unsupported
from neuromem.backends.pynn.dialects import Dialect
from neuromem.backends.pynn.translate import initial_potential
from neuromem.network import IF_curr_delta, IF_curr_exp, refractory_ticks

#: A drive this many times the distance from reset to threshold leaves 1e-9 of it to rounding.
LARGEST_DRIVE = 1e6


@dataclass(frozen=True)
class Pulse:
    """One train of the drive: spikes of one size that arrive once a tick, or once.

    Parameters
    ----------
    receptor
        ``"excitatory"`` or ``"inhibitory"``.
    weight
        Size of the pulse, in the simulator's unit.
    step
        Steps after a decision step at which it arrives.
    repeated
        In every tick, or only in the first.
    """

    receptor: str
    weight: float
    step: int
    repeated: bool = True


class Membrane:
    """One neuron model with k steps to a tick of a simulator.

    Parameters
    ----------
    neuron, timestep_ms
        The definition.
    dialect
        The simulator.
    steps
        k.
    name
        The population, for errors.
    """

    def __init__(
        self,
        neuron: IF_curr_exp | IF_curr_delta,
        timestep_ms: float,
        dialect: Dialect,
        steps: int,
        name: str,
    ) -> None:
        self.neuron, self.h, self.k = neuron, timestep_ms, steps
        self.dialect, self.name = dialect, name
        self.resistance = neuron.tau_m_ms / neuron.cm_nf
        self.rest = neuron.v_rest_mv + self.resistance * neuron.i_offset_na
        self.tau_m = neuron.tau_m_ms / timestep_ms * steps
        self.p = math.exp(-1 / self.tau_m)
        self.taus: dict[str, float] = {}
        if isinstance(neuron, IF_curr_exp):
            self.taus = {
                "excitatory": neuron.tau_syn_E_ms / timestep_ms * steps,
                "inhibitory": neuron.tau_syn_I_ms / timestep_ms * steps,
            }

    @property
    def driven(self) -> bool:
        """Whether v could pass the threshold between decisions."""
        return self.k > 1 and (bool(self.taus) or self.rest >= self.neuron.v_thresh_mv)

    def parameters(self) -> dict[str, float]:
        """Return PyNN's parameters of the cell."""
        neuron, step_ms = self.neuron, self.dialect.step_ms
        tau = 1 / math.expm1(1 / self.tau_m) if self.dialect.implicit_euler else self.tau_m
        frozen = self.k * refractory_ticks(neuron, self.h)
        if frozen:
            frozen += self.dialect.extra_refractory
        parameters = {
            "cm": tau * step_ms / self.resistance,
            "tau_m": tau * step_ms,
            "tau_refrac": frozen * step_ms,
            "v_rest": neuron.v_rest_mv,
            "v_reset": neuron.v_reset_mv,
            "v_thresh": neuron.v_thresh_mv,
            "i_offset": neuron.i_offset_na,
        }
        names = {"excitatory": "tau_syn_E", "inhibitory": "tau_syn_I"}
        return parameters | {names[r]: tau * step_ms for r, tau in self.taus.items()}

    def scales(self) -> dict[str, float]:
        """Return g by receptor: the simulator's weight for a weight of 1."""
        scales = {}
        for receptor, tau in self.taus.items():
            tau_ticks = tau / self.k
            one_tick = self.resistance * -math.expm1(-self.k / self.tau_m)
            gain = one_tick * tau_ticks * -math.expm1(-1 / tau_ticks)
            response = self._response(receptor, self.k)
            if gain > LARGEST_DRIVE * response:
                self._too_short()
            scales[receptor] = gain / response
        return scales

    def potential_before(self, steps: int) -> float:
        """Return the potential from which v_init is reached some steps later.

        Raises
        ------
        Unsupported
            When the neuron would fire on its way.
        """
        start = initial_potential(self.neuron)
        if start == self.rest:
            return start
        with np.errstate(all="ignore"):
            begin = self.rest + (start - self.rest) * float(np.power(self.p, -float(steps)))
        fires = steps and max(begin, start) >= self.neuron.v_thresh_mv
        if fires or not math.isfinite(begin):
            raise Unsupported(
                f"population {self.name!r}: {self.dialect.module} begins {steps} steps before "
                f"t = 0, and there is no potential from which it gets to v_init = {start:g} mV "
                "without firing; use v_init_mv = v_rest_mv, or the native backend"
            )
        return begin

    def drive(self, excitation: float) -> list[Pulse]:
        """Return the pulses that keep v below threshold between decisions.

        Parameters
        ----------
        excitation
            The largest sum of excitatory weights of a neuron, in the simulator's unit.
        """
        if not self.driven:
            return []
        between = np.arange(1, self.k)
        above = max(0.0, self.rest - self.neuron.v_thresh_mv)
        gap = self.neuron.v_thresh_mv - self.neuron.v_reset_mv
        if not self.taus:
            size = (above + gap) / max(self.p ** (self.k - 2), 1e-300)
            self._check_size(size, gap)
            jump = size * self.p ** (self.k - 1)
            return [Pulse("inhibitory", size, 1), Pulse("excitatory", jump, self.k)]
        self.scales()  # refuses time constants for which the divisions below fail
        s_e = math.exp(-1 / self.taus["excitatory"])
        f_e, f_i = (
            np.array([self._response(r, j) for j in range(self.k + 1)])
            for r in ("excitatory", "inhibitory")
        )
        large_b = 1.0  # B, and from it A, for a drive that is still to be scaled
        small_b = large_b * -math.expm1(-self.k / self.taus["excitatory"])
        large_a = (large_b * s_e * f_e[self.k] + small_b * f_e[1]) / f_i[self.k]
        shape = large_b * s_e * f_e[between] - large_a * f_i[between]
        current = excitation / -math.expm1(-self.k / self.taus["excitatory"])
        needed = above + gap + f_e[between] * current
        if shape.max() >= 0:
            self._too_short()
        size = float((needed / -shape).max())
        self._check_size(float(-shape.min()) * size, gap)
        small_a = large_a * -math.expm1(-self.k / self.taus["inhibitory"])
        return [
            Pulse("inhibitory", size * small_a, 0),
            Pulse("excitatory", size * small_b, self.k - 1),
            Pulse("inhibitory", size * (large_a - small_a), 0, repeated=False),
            Pulse("excitatory", size * large_b * s_e, 0, repeated=False),
        ]

    def _response(self, receptor: str, steps: int) -> float:
        """Return f(steps): v that many steps after a current of 1."""
        s = math.exp(-1 / self.taus[receptor])
        q = self.resistance * self._step_gain(self.taus[receptor])
        return q * sum(self.p ** (steps - 1 - i) * s**i for i in range(steps))

    def _step_gain(self, tau: float) -> float:
        """Return q / R: how far v goes in a step towards R times the current at its start."""
        if self.dialect.implicit_euler:
            return -math.expm1(-1 / self.tau_m)
        apart = 1 / tau - 1 / self.tau_m
        if abs(apart) < 1e-12:
            return self.p / self.tau_m
        return self.p * -math.expm1(-apart) / (apart * self.tau_m)

    def _check_size(self, size: float, gap: float) -> None:
        if size > LARGEST_DRIVE * gap:
            self._too_short()

    def _too_short(self) -> None:
        raise Unsupported(
            f"population {self.name!r}: its time constants are so short beside the time step, or "
            "its inputs so strong, that rounding would decide on spikes; use the native backend"
        )
