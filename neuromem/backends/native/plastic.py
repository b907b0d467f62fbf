"""The fast engine's plastic projections as seen from Python: views of what the kernel keeps.

The kernel moves a column of weights to the front when its post neuron first fires, and looks at
those columns alone. States and weights have the columns in the order of the neurons.
"""

from __future__ import annotations

import numpy as np

from neuromem.backends.native import arena as at
from neuromem.backends.native.state import State, still_needed
from neuromem.backends.native.translate import NEVER, ProjectionPlan


class PlasticPart:
    """One plastic projection part of a fast engine.

    Parameters
    ----------
    projection
        Its plan.
    q
        Its row of the kernel's table of projections, a view.
    f, k
        The kernel's arrays.
    """

    def __init__(
        self, projection: ProjectionPlan, q: np.ndarray, f: np.ndarray, k: np.ndarray
    ) -> None:
        assert projection.plastic is not None
        self.projection, self.rule, self.q = projection, projection.plastic, q
        pre, post, stride = projection.n_pre, projection.n_post, q[at.Q_STRIDE]

        def view(pool: np.ndarray, field: int, size: int) -> np.ndarray:
            return pool[q[field] : q[field] + size]

        self.weights = view(f, at.Q_DATA, pre * stride).reshape(pre, stride)[:, :post]
        self.last_pre, self.trace_pre = view(k, at.Q_LAST_PRE, pre), view(f, at.Q_TRACE_PRE, pre)
        self.last_post = view(k, at.Q_LAST_POST, post)
        self.trace_post = view(f, at.Q_TRACE_POST, post)
        self.counts, self.cursors = view(k, at.Q_COUNT, post), view(k, at.Q_CURSOR, pre)
        # Where the column of each neuron lies, and whose column lies where.
        self.place, self.column = view(k, at.Q_PLACE, post), view(k, at.Q_COLUMN, post)
        self._arrange(np.any(projection.weights != 0, axis=0))
        self.weights[:] = projection.weights[:, self.column]

    def history(self, posts: np.ndarray) -> np.ndarray:
        """Return the part's rows (tick, column, number) of the log of post spikes."""
        start = self.q[at.Q_HIST_START]
        return posts[start : start + self.q[at.Q_HIST_N]]

    def needed(self, posts: np.ndarray, tick: int) -> np.ndarray:
        """Return which rows of the log still matter."""
        when, column, number = self.history(posts).T
        later = self.counts[column] - number
        keep = still_needed(when, later, self.last_pre, tick - 1, self.rule)
        # Never drop what the post traces have not absorbed yet.
        keep[self.q[at.Q_ARRIVED] :] = True
        return keep

    def compacted(self, posts: np.ndarray, tick: int) -> np.ndarray:
        """Return the rows of the log that still matter, having set all cursors to them."""
        keep = self.needed(posts, tick)
        new_index = np.concatenate([[0], np.cumsum(keep)])
        self.cursors[:] = new_index[self.cursors]
        self.q[at.Q_ARRIVED] = new_index[self.q[at.Q_ARRIVED]]
        return self.history(posts)[keep]

    def state(self, posts: np.ndarray, tick: int) -> State:
        """Return a copy of the part's state."""
        self._absorb(posts, tick)
        when, column, number = self.history(posts)[self.needed(posts, tick)].T.astype(np.int64)
        return {
            "weights": self.weights[:, self.place],
            "last_pre": self.last_pre.copy(),
            "trace_pre": self.trace_pre.copy(),
            "last_post": self.last_post[self.place],
            "trace_post": self.trace_post[self.place],
            "history": np.stack([when, self.column[column], self.counts[column] - number]),
        }

    def restore(self, state: State, posts: np.ndarray, tick: int) -> None:
        """Take over a state, where the log has room for its post spikes."""
        when, neuron, later = state["history"]
        live = np.any(state["weights"] != 0, axis=0) | (state["last_post"] != NEVER)
        live[neuron] = True
        self._arrange(live)
        last_pre = state["last_pre"]
        self.last_pre[:], self.trace_pre[:] = last_pre, state["trace_pre"]
        for name in ("weights", "last_post", "trace_post"):
            target = getattr(self, name)
            target[:] = state[name]
            target[:] = target[..., self.column]
        self.q[at.Q_HIST_N] = len(when)
        self.q[at.Q_ARRIVED] = np.searchsorted(when, tick - 1, side="right")
        self.history(posts)[:] = np.stack([when, self.place[neuron], -later], axis=1)
        after = self.rule.dendritic and self.rule.dt_zero != "potentiate"
        replayed = last_pre + 1 if after else last_pre
        self.cursors[:] = np.where(last_pre == NEVER, 0, np.searchsorted(when, replayed))

    def _arrange(self, live: np.ndarray) -> None:
        """Put the columns that live in front."""
        self.column[:] = np.argsort(~live, kind="stable")
        self.place[self.column] = np.arange(len(live))
        self.q[at.Q_LIVE] = np.count_nonzero(live)

    def _absorb(self, posts: np.ndarray, tick: int) -> None:
        """Take posts that have reached the synapse into the post traces, as the kernel does."""
        rule, arrived = self.rule, self.q[at.Q_ARRIVED]
        for when, c, _ in self.history(posts)[arrived:].tolist():
            if when >= tick:
                break
            gap, last = when - self.last_post[c], self.last_post[c]
            connected = last != NEVER and not rule.nearest and gap < len(rule.table_minus)
            trace = self.trace_post[c] * rule.table_minus[gap] if connected else 0.0
            self.trace_post[c], self.last_post[c] = trace + 1.0, when
            self.q[at.Q_ARRIVED] += 1
