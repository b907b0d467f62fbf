"""The pixels of an event camera, compiled by numba when this module is first imported.

A row of pixels is advanced as a whole by a loop that the compiler vectorises; only rows in which
something happens are then gone through pixel by pixel.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def film(scene, margin, gaze, weight, threshold, phase, refractory, follow, step_us, event):
    """Write the events of one recording into ``event``; return how many, or -1 if it is full.

    Parameters
    ----------
    scene
        Log light on a grid of two cells per pixel, the even columns of each row before the odd
        ones, shape (rows, 2, columns / 2).
    margin
        Cells to the left of the first pixel and above it.
    gaze, weight
        In step s a pixel sees the cell ``gaze[s]`` to the right of and below its own, the one
        right of that, and the two below them, with ``weight[s]``; shapes (steps, 2), (steps, 4).
    threshold
        Change of log light for an OFF and for an ON event, shape (2, side, side).
    phase
        Where between its two thresholds each pixel starts, 0..1, shape (side, side).
    refractory
        Steps after an event in which a pixel is blind.
    follow
        Share of a change of light that is followed within a step.
    step_us
        Length of a step.
    event
        Per event ``(time in us * pixels + pixel) * 2 + polarity``, int64, shape (room,).
    """
    side = len(phase)
    light = np.empty((side, side))
    # A pixel sends OFF when its light falls to `low`, ON when it rises to `high`.
    low = np.empty((side, side))
    high = np.empty((side, side))
    ready = np.full((side, side), -1.0)
    after = np.empty(side)
    n = 0
    for s in range(len(gaze)):
        left = margin + gaze[s, 0]
        even, near, far = left & 1, left >> 1, (left + 1) >> 1
        w0, w1, w2, w3 = weight[s]
        for y in range(side):
            cell = margin + 2 * y + gaze[s, 1]
            upper_left = scene[cell, even, near : near + side]
            upper_right = scene[cell, 1 - even, far : far + side]
            lower_left = scene[cell + 1, even, near : near + side]
            lower_right = scene[cell + 1, 1 - even, far : far + side]
            before, falls, rises = light[y], low[y], high[y]
            if s == 0:
                for x in range(side):
                    before[x] = (
                        w0 * upper_left[x]
                        + w1 * upper_right[x]
                        + w2 * lower_left[x]
                        + w3 * lower_right[x]
                    )
                    reach = threshold[0, y, x] + threshold[1, y, x]
                    falls[x] = before[x] - phase[y, x] * reach
                    rises[x] = falls[x] + reach
                continue
            eventful = False
            for x in range(side):
                seen = (
                    w0 * upper_left[x]
                    + w1 * upper_right[x]
                    + w2 * lower_left[x]
                    + w3 * lower_right[x]
                )
                after[x] = before[x] + follow * (seen - before[x])
                eventful |= (after[x] <= falls[x]) | (after[x] >= rises[x])
            if eventful:
                n = _fire(
                    s - 1, y, before, after, falls, rises, ready[y], threshold, refractory,
                    step_us, event, n,
                )  # fmt: skip
                if n < 0:
                    return n
            before[:] = after
    return n


@njit(nogil=True, cache=True)
def _fire(start, y, before, after, falls, rises, ready, threshold, refractory, step_us, event, n):
    """Write the events of a row of pixels in one step; return how many there are now, or -1."""
    side = len(before)
    for x in range(side):
        if (falls[x] < after[x] < rises[x]) or ready[x] >= start + 1:
            continue
        down, up = threshold[0, y, x], threshold[1, y, x]
        # Light changes evenly within a step, of which the part `now` has passed.
        now = ready[x] - start
        if now >= 0.0:
            light = before[x] + now * (after[x] - before[x])
            falls[x], rises[x] = light - down, light + up
        while True:
            if after[x] >= rises[x]:
                light, polarity = rises[x], 1
            elif after[x] <= falls[x]:
                light, polarity = falls[x], 0
            else:
                break
            if n == len(event):
                return -1
            now = max(now, (light - before[x]) / (after[x] - before[x]), 0.0)
            time = int((start + now) * step_us)
            event[n] = ((time * side + y) * side + x) * 2 + polarity
            n += 1
            now += refractory
            ready[x] = start + now
            if now >= 1.0:
                # Blind: every step asks again until the time has passed.
                rises[x] = -np.inf
                break
            light = before[x] + now * (after[x] - before[x])
            falls[x], rises[x] = light - down, light + up
    return n
