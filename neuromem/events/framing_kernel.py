"""The loop behind :class:`neuromem.events.Framing`, compiled by numba on first use, and cached."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def frame(x, y, p, t, starts, planes, window, steps, step_us, chunked, channels):
    """Return offsets, channels and counts of the spikes; see ``Framing.spikes``.

    Within a step the lines ascend, so that the order of a step's events never matters.
    """
    left, top, width, height = window
    samples = len(starts) - 1
    offsets = np.zeros(samples * steps + 1, np.int64)
    channel = np.empty(len(x), np.int32)
    count = np.empty(len(x), np.int32)
    pending = np.zeros(channels, np.int32)
    used = np.empty(channels, np.int32)
    n = 0
    for sample in range(samples):
        first, stop = starts[sample], starts[sample + 1]
        origin, span, chunk = np.int64(0), np.int64(1), np.int64(1)
        if first < stop:
            if step_us == 0.0:
                origin = np.int64(t[first])
                span = max(np.int64(t[stop - 1]) - origin, np.int64(1))
            elif chunked:
                chunk = -(-(np.int64(t[stop - 1] / step_us) + 1) // steps)
        event = first
        for step in range(steps):
            n_used = 0
            while event < stop:
                if step_us == 0.0:  # the last event ends the last step
                    at = min((np.int64(t[event]) - origin) * steps // span, steps - 1)
                else:
                    at = np.int64(t[event] / step_us) // chunk
                if at > step:
                    break
                plane = planes[1 if p[event] else 0]
                column, row = np.int64(x[event]) - left, np.int64(y[event]) - top
                event += 1
                if plane < 0 or not (0 <= column < width and 0 <= row < height):
                    continue
                line = (plane * height + row) * width + column
                if pending[line] == 0:
                    used[n_used] = line
                    n_used += 1
                pending[line] += 1
            lines = used[:n_used]
            lines.sort()
            for line in lines:
                channel[n], count[n] = line, pending[line]
                pending[line] = 0
                n += 1
            offsets[sample * steps + step + 1] = n
    return offsets, channel[:n].copy(), count[:n].copy()
