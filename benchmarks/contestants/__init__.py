"""The simulators that run the memory against each other, one module each.

A contestant is built for one workload, outside the timing, and then runs it from the initial state
as often as asked. Importing this package limits every numerical library to one thread, so it is to
be imported before any of them.
"""

from __future__ import annotations

import os

for _name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"
os.environ["PYNEST_QUIET"] = "1"
