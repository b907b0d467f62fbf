"""The board's tick, compiled by numba.

1. What the ring buffers hold for this tick becomes input; a slot stays at its largest value.
2. Every neuron advances, and fires in the tick that takes it to the threshold.
3. Spikes go into the ring buffers of their targets. At a pre spike each of its plastic synapses
   first takes the post spikes since the last one, then the pre spike:

       w <- min(w + A+ (r e+[t_post - t_last] >> 11), w_max)      for every post spike
       w <- max(w - A- (o e-[t - t_post] >> 11), w_min)           for the latest post spike

   with the traces r of the pre and o of the post neuron and tables e of a decay, which have 11
   fractional bits. With nearest pairing the traces are 1, and only the first post spike
   potentiates. A weight is widened to 15 fractional bits for this, and cut to its 16 bits after it.

A post neuron remembers 16 entries, the first of which stands for time 0: 15 spikes. A product of
two numbers is rounded down. Sums of weights are never negative and stay at a limit, so that the
order of the spikes in a tick does not matter.

Source: sPyNNaker 7.4.1, ``neuron_impl_standard.h``, ``neuron_model_lif_impl.h``, ``synapses.c``,
``exp_synapse_utils.h``, ``input_type_delta.h``, ``synapse_dynamics_stdp_mad_impl.c``,
``post_events.h``, ``timing_pair_impl.h``, ``timing_nearest_pair_impl.h`` and
``weight_additive_one_term_impl.h``.
"""

from __future__ import annotations

from numba import njit

LARGEST_RAW = 0xFFFF
TRACE_ONE = 1 << 11


@njit(cache=True, inline="always")
def _wrapped(bits):
    """Return what a signed 32-bit register keeps."""
    return ((bits + 0x80000000) & 0xFFFFFFFF) - 0x80000000


@njit(cache=True, inline="always")
def _half(bits):
    """Return what 16 bits with a sign keep."""
    return ((bits + 0x8000) & 0xFFFF) - 0x8000


@njit(cache=True, inline="always")
def _looked_up(table, ticks):
    """Return the table's value; 0 for times past its end, and for those before it began."""
    return table[ticks] if 0 <= ticks < len(table) else 0


@njit(cache=True)
def _next_trace(trace, table, since):
    return _half(_half((trace * _looked_up(table, since)) >> 11) + TRACE_ONE)


@njit(cache=True)
def _advance(tick, p, s, spikes, found):
    """Advance all neurons; returns the number of spikes in the log."""
    size = len(s.v)
    arrivals = s.arrivals[tick & (len(s.arrivals) - 1)]
    for n in range(size):
        given = 0
        for receptor in range(2):
            arrived = arrivals[receptor * size + n]
            arrivals[receptor * size + n] = 0
            if arrived > LARGEST_RAW:
                arrived = LARGEST_RAW
                s.saturated[0] += 1
            arrived = _wrapped(arrived << p.shift[receptor, n])
            current = s.currents[receptor, n] + _wrapped((arrived * p.arrive[receptor, n]) >> 32)
            current = _wrapped(current)
            s.currents[receptor, n] = _wrapped((current * p.decay[receptor, n]) >> 32)
            current = _wrapped((current * p.scale[n]) >> 15)
            given += current if receptor == 0 else -current
        if s.refractory[n] > 0:
            s.refractory[n] -= 1
        else:
            given = _wrapped(given + p.offset[n])
            level = _wrapped(_wrapped((given * p.resistance[n]) >> 15) + p.v_rest[n])
            left = (p.decay_v[n] * _wrapped(level - s.v[n])) >> 15
            s.v[n] = _wrapped(level - _wrapped(left))
        if s.v[n] >= p.v_thresh[n]:
            s.v[n] = p.v_reset[n]
            s.refractory[n] = p.refractory[n]
            spikes[found, 0], spikes[found, 1] = tick, n
            found += 1
    return found


@njit(cache=True)
def _remember(tick, n, table, s):
    """Add a spike to a neuron's history; a full one forgets its oldest spike."""
    last = s.known[n] - 1
    trace = _next_trace(s.traces[n, last], table, tick - s.times[n, last])
    if last == len(s.times[n]) - 1:
        for entry in range(1, last):
            s.times[n, entry] = s.times[n, entry + 1]
            s.traces[n, entry] = s.traces[n, entry + 1]
    else:
        last += 1
        s.known[n] += 1
    s.times[n, last], s.traces[n, last] = tick, trace


@njit(cache=True)
def _updated(weight, tick, last, trace, delay, n, part, rules, s):
    """Return a widened weight after a pre spike."""
    before, until = max(last - delay, 0), max(tick - delay, 0)
    entry, count = 0, s.known[n]
    while entry + 1 < count and s.times[n, entry + 1] <= before:
        entry += 1
    while entry + 1 < count and s.times[n, entry + 1] <= until:
        entry += 1
        arrived = s.times[n, entry] + delay
        since = arrived - last
        if since > 0:
            effect = _looked_up(rules.plus[part], since)
            if not rules.nearest[part]:
                effect = (effect * trace) >> 11
            elif arrived - s.times[n, entry - 1] < since:
                effect = 0  # told by a time without its delay, as on the board
            rise = _wrapped((rules.a_plus[part] * (effect << 4)) >> 15)
            weight = min(_wrapped(weight + rise), rules.w_max[part])
    if entry > 0:
        effect = _looked_up(rules.minus[part], tick - (s.times[n, entry] + delay))
        if not rules.nearest[part]:
            effect = (effect * s.traces[n, entry]) >> 11
        drop = _wrapped((rules.a_minus[part] * (effect << 4)) >> 15)
        weight = max(_wrapped(weight - drop), rules.w_min[part])
    return weight


@njit(cache=True)
def _deliver_plastic(tick, cell, part, plastic, s):
    """Update a cell's plastic synapses of one part, and deliver them."""
    rules, shift, mask = plastic.rules, plastic.shift[part], len(s.arrivals) - 1
    last, trace = s.last[part, cell], s.trace[part, cell]
    s.last[part, cell] = tick
    s.trace[part, cell] = _next_trace(trace, rules.plus[part], tick - last)
    for c in range(plastic.first[part, cell], plastic.first[part, cell + 1]):
        delay = plastic.delay[c]
        weight = _wrapped(s.weight[c] << shift)
        weight = _updated(weight, tick, last, trace, delay, plastic.post[c], part, rules, s)
        s.weight[c] = (weight >> shift) & LARGEST_RAW
        if delay > 0:  # a delay of 0 counts as too late
            s.arrivals[(tick + delay) & mask, plastic.target[c]] += s.weight[c]


@njit(cache=True)
def run(tick, stop, p, static, plastic, s, first_input, inputs, spikes):
    """Run ticks up to ``stop``, or until the log of spikes is full.

    Parameters
    ----------
    tick, stop
        The first tick, and the one after the last.
    p, static, plastic, s
        Neurons, connections and state.
    first_input, inputs
        Input cells of tick t are ``inputs[first_input[t]:first_input[t + 1]]``.
    spikes
        Log of (tick, cell).

    Returns
    -------
    tick, found
        The next tick, and how many spikes are in the log.
    """
    found, mask = 0, len(s.arrivals) - 1
    while tick < stop:
        begin, end = first_input[tick], first_input[tick + 1]
        if found + len(s.v) + end - begin > len(spikes):
            break
        mine = found
        found = _advance(tick, p, s, spikes, found)
        for entry in range(mine, found):
            n = spikes[entry, 1]
            if plastic.rule_of[n] >= 0:
                _remember(tick, n, plastic.rules.minus[plastic.rule_of[n]], s)
        for entry in range(begin, end):
            spikes[found, 0], spikes[found, 1] = tick, inputs[entry]
            found += 1
        for entry in range(mine, found):
            cell = spikes[entry, 1]
            for c in range(static.first[cell], static.first[cell + 1]):
                slot = (tick + static.delay[c]) & mask
                s.arrivals[slot, static.target[c]] += static.weight[c]
            for part in range(len(plastic.first)):
                if plastic.first[part, cell] < plastic.first[part, cell + 1]:
                    _deliver_plastic(tick, cell, part, plastic, s)
        tick += 1
    return tick, found
