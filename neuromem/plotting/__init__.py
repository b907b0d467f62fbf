"""Pictures for papers. Every function returns a figure of its own; pyplot is not used.

matplotlib is imported here and nowhere else in the package.
"""

from neuromem.plotting.accuracy import accuracies
from neuromem.plotting.device import device_sweeps
from neuromem.plotting.rram import device_card
from neuromem.plotting.spikes import raster
from neuromem.plotting.style import DOUBLE_COLUMN_MM, FORMATS, SINGLE_COLUMN_MM, save_figure
from neuromem.plotting.timeline import operation_timeline
from neuromem.plotting.topology import topology
from neuromem.plotting.weights import weight_history, weight_matrices, weight_matrix
from neuromem.plotting.zero_shot import zero_shot_figure

__all__ = [
    "DOUBLE_COLUMN_MM",
    "FORMATS",
    "SINGLE_COLUMN_MM",
    "accuracies",
    "device_card",
    "device_sweeps",
    "operation_timeline",
    "raster",
    "save_figure",
    "topology",
    "weight_history",
    "weight_matrices",
    "weight_matrix",
    "zero_shot_figure",
]
