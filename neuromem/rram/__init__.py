"""Resistive memory: what a device does to the weights that it holds.

A card (:func:`load_card`) holds the facts of one device. :class:`ResistiveWeights` draws random
weights from it, :func:`program` writes those of any network, :func:`noisy_differences` reads them
over time. By default nothing but the spread of the device applies; conditions are asked for.
"""

from neuromem.rram.card import (
    DeviceCard,
    Faults,
    Programming,
    Readout,
    Window,
    card_names,
    load_card,
)
from neuromem.rram.conductance import (
    Conductance,
    HistogramConductance,
    LognormalConductance,
    NormalConductance,
    UniformConductance,
)
from neuromem.rram.forming import Forming
from neuromem.rram.noise import (
    FlickerNoise,
    NoiseProcess,
    ReadNoise,
    TelegraphNoise,
    WhiteReadNoise,
)
from neuromem.rram.pairs import NoisyDifferences, Pairs, noisy_differences
from neuromem.rram.program import program, program_weights
from neuromem.rram.quantise import quantise_int8, quantise_levels
from neuromem.rram.readout import ColumnADC, ir_drop
from neuromem.rram.retention import Exponent, LogRetention, PowerRetention, Retention
from neuromem.rram.weights import GaussianWeights, ResistiveWeights

__all__ = [
    "ColumnADC",
    "Conductance",
    "DeviceCard",
    "Exponent",
    "Faults",
    "FlickerNoise",
    "Forming",
    "GaussianWeights",
    "HistogramConductance",
    "LogRetention",
    "LognormalConductance",
    "NoiseProcess",
    "NoisyDifferences",
    "NormalConductance",
    "Pairs",
    "PowerRetention",
    "Programming",
    "ReadNoise",
    "Readout",
    "ResistiveWeights",
    "Retention",
    "TelegraphNoise",
    "UniformConductance",
    "WhiteReadNoise",
    "Window",
    "card_names",
    "ir_drop",
    "load_card",
    "noisy_differences",
    "program",
    "program_weights",
    "quantise_int8",
    "quantise_levels",
]
