"""``c``: the fast engine's algorithm by hand in C (``memory.c``), compiled here and now."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from ctypes import POINTER, c_double, c_int32, c_void_p
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from contestants.native import source_cells
from contestants.workload import SOURCE, Workload
from neuromem.backends.native.arena import unaided
from neuromem.backends.native.translate import (
    CONSTANT,
    INHIBITORY,
    ONE_TO_ONE,
    PLASTIC,
    PopulationPlan,
    ProjectionPlan,
    translate,
)

FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
KINDS = (ONE_TO_ONE, CONSTANT, PLASTIC)


class _Population(ctypes.Structure):
    _fields_ = (
        [(name, c_double) for name in ("rest", "resistance", "offset", "reset", "thresh")]
        + [(name, c_double) for name in ("decay_v", "decay_e", "decay_i", "arrive_e", "arrive_i")]
        + [("unaided", c_double), ("quiet", c_void_p)]
        + [(name, c_int32) for name in ("n_quiet", "start", "n", "refractory", "inhibited")]
        + [(name, c_int32) for name in ("n_waiting", "ready")]
        + [(name, c_void_p) for name in ("waiting", "until")]
    )


class _Projection(ctypes.Structure):
    _fields_ = (
        [("weights", c_void_p)]
        + [(name, c_double) for name in ("a_plus", "a_minus", "w_min", "w_max")]
        + [("table_plus", c_void_p), ("table_minus", c_void_p)]
        + [(name, c_int32) for name in ("reach_plus", "reach_minus", "kind", "inhibitory")]
        + [(name, c_int32) for name in ("delay", "skip_same_index", "pre_group", "pre_start")]
        + [(name, c_int32) for name in ("n_pre", "post_group", "post_start", "n_post")]
        + [(name, c_void_p) for name in ("trace_pre", "trace_post", "drop", "sum")]
        + [(name, c_void_p) for name in ("last_pre", "last_post", "cursor", "dropped")]
        + [(name, c_void_p) for name in ("place", "column")]
        + [(name, c_int32) for name in ("n_log", "log_room", "arrived", "stride", "live")]
        + [("log", c_void_p)]
    )


class CompiledC:
    """The C kernel; a run is one call for all ticks, and reading out every spike."""

    def __init__(self, work: Workload) -> None:
        start = perf_counter()
        self.library = _compiled()
        self.compile_seconds = perf_counter() - start
        self.ticks = work.ticks
        self.plan = plan = translate(work.network)
        self.events = source_cells(work.events, plan.groups[SOURCE][0]).astype(np.int32)
        self.kept: list[np.ndarray] = []
        inhibited = {p.post_population for p in plan.projections if p.receptor == INHIBITORY}
        self.populations = (_Population * len(plan.populations))(
            *[self._population(p, i in inhibited) for i, p in enumerate(plan.populations)]
        )
        self.projections = (_Projection * len(plan.projections))(
            *[self._projection(p) for p in plan.projections]
        )
        groups = list(plan.groups.values())
        sizes = [len(plan.populations), len(groups), len(plan.projections)]
        sizes += [plan.n_neurons, plan.n_cells, plan.ring]
        self.sizes = (c_int32 * 6)(*sizes)
        self.group_start = (c_int32 * (len(groups) + 1))(*[a for a, _ in groups], plan.n_cells)

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return CPU seconds and the spikes of every neuron."""
        v_init = self.plan.populations[0].v_init
        memory = self.library.memory_new(
            self.sizes, self.populations, self.projections, self.group_start, v_init
        )
        count = c_int32()
        start = process_time()
        address = self.events.ctypes.data
        self.library.memory_run(memory, self.ticks, address, len(self.events))
        first = self.library.memory_spikes(memory, ctypes.byref(count))
        cells = np.ctypeslib.as_array(first, (count.value, 2)).copy()[:, 1]
        seconds = process_time() - start
        self.library.memory_free(memory)
        return seconds, np.bincount(cells, minlength=self.plan.n_cells)[: self.plan.n_neurons]

    def close(self) -> None:
        """Nothing is held."""

    def _keep(self, values: np.ndarray) -> int:
        self.kept.append(np.ascontiguousarray(values, dtype=np.float64))
        return self.kept[-1].ctypes.data

    def _population(self, p: PopulationPlan, inhibited: bool) -> _Population:
        quiet = p.quiet
        return _Population(
            p.v_rest, p.resistance, p.offset, p.v_reset, p.v_thresh, p.decay_v, p.decay_e,
            p.decay_i, p.arrive_e, p.arrive_i, unaided(p), self._keep(quiet), len(quiet), p.start,
            p.stop - p.start, p.refractory, inhibited,
        )  # fmt: skip

    def _projection(self, p: ProjectionPlan) -> _Projection:
        row = _Projection(
            weights=self._keep(np.atleast_1d(p.weights)), kind=KINDS.index(p.kind),
            inhibitory=p.receptor == INHIBITORY, delay=p.delay, skip_same_index=p.skip_same_index,
            pre_group=p.pre_population, pre_start=p.pre_start, n_pre=p.n_pre,
            post_group=p.post_population, post_start=p.post_start, n_post=p.n_post,
        )  # fmt: skip
        rule = p.plastic
        if rule is not None:
            if np.any(p.weights):
                raise ValueError(f"{p.label}: memory.c takes plastic weights that start at zero")
            row.a_plus, row.a_minus = rule.a_plus, rule.a_minus
            row.w_min, row.w_max = rule.w_min, rule.w_max
            row.table_plus, row.reach_plus = self._keep(rule.table_plus), rule.table_plus.size
            row.table_minus, row.reach_minus = self._keep(rule.table_minus), rule.table_minus.size
        return row


def _compiled() -> ctypes.CDLL:
    """Compile ``memory.c`` for this machine and load it."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise ImportError("no C compiler: install gcc")
    source = Path(__file__).with_name("memory.c")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "memory.so"
        subprocess.run([compiler, *FLAGS, str(source), "-o", str(target)], check=True)
        library = ctypes.CDLL(str(target))
    library.memory_new.restype = c_void_p
    library.memory_new.argtypes = [c_void_p] * 4 + [c_double]
    library.memory_run.restype = None
    library.memory_run.argtypes = [c_void_p, c_int32, c_void_p, c_int32]
    library.memory_spikes.restype = POINTER(c_int32)
    library.memory_spikes.argtypes = [c_void_p, c_void_p]
    library.memory_free.restype = None
    library.memory_free.argtypes = [c_void_p]
    return library
