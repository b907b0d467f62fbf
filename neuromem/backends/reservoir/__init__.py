"""A batch of samples through a liquid: the dynamics of a run, for many inputs at once."""

from neuromem.backends.reservoir.features import OUTPUTS
from neuromem.backends.reservoir.reservoir import Reservoir
from neuromem.backends.reservoir.run import ENGINES, PRECISIONS, run_batch

__all__ = ["ENGINES", "OUTPUTS", "PRECISIONS", "Reservoir", "run_batch"]
