"""Liquids to start from: the published one."""

from __future__ import annotations

from neuromem.events import Crop, Framing
from neuromem.liquid.features import Features
from neuromem.liquid.liquid import Liquid
from neuromem.liquid.wiring import Dense
from neuromem.rram import GaussianWeights

NMNIST_SENSOR = (34, 34, 2)
COCHLEA_SENSOR = (64, 1, 1)


def published_nmnist(neurons: int = 200, seed: int = 0) -> Liquid:
    """Return the published liquid for N-MNIST.

    One polarity (channel 0), the central 16 x 16 pixels, 50 steps over the recording, dense input
    and recurrent weights, decay 0.9, threshold 5, gain 0.07, one count for each neuron.

    Notes
    -----
    Source: the published scripts of Lin et al. (2025), doi 10.1038/s43588-024-00751-z.
    """
    return Liquid(
        framing=Framing(
            sensor_size=NMNIST_SENSOR,
            steps=50,
            crop=Crop.centre(16, NMNIST_SENSOR),
            polarity="off",
        ),
        neurons=neurons,
        input_wiring=Dense(),
        recurrent_wiring=Dense(),
        input_weights=GaussianWeights(mean_us=0.0016, sd_us=6.613),
        recurrent_weights=GaussianWeights(mean_us=0.0061, sd_us=6.673),
        input_gain=0.07,
        recurrent_gain=0.07,
        decay=(0.9,),
        v_thresh=5.0,
        features=Features(kinds=("count",), bins=1),
        seed=seed,
    )


def published_tidigits(neurons: int = 200, seed: int = 0) -> Liquid:
    """Return the published liquid for N-TIDIGITS.

    64 channels, bins of 1 ms combined by OR into at most 129 steps, decay 0.97, threshold 5.3,
    gain 0.08.

    Notes
    -----
    Source: as :func:`published_nmnist`.
    """
    return published_nmnist(neurons, seed).replace(
        framing=Framing(
            sensor_size=COCHLEA_SENSOR, steps=129, step_us=1000.0, chunked=True, polarity="both"
        ),
        input_gain=0.08,
        recurrent_gain=0.08,
        decay=(0.97,),
        v_thresh=5.3,
    )


def best_nmnist(neurons: int = 1000, seed: int = 0) -> Liquid:
    """Return our liquid for N-MNIST; its gain is to be set by :func:`calibrate`.

    The whole field and both polarities, 100 steps of 3.08 ms, dense input, no recurrence, counts
    and mean membranes in 5 time bins.
    """
    return Liquid(
        framing=Framing(sensor_size=NMNIST_SENSOR, steps=100, step_us=3080.0),
        neurons=neurons,
        decay=(0.9,),
        v_thresh=1.0,
        features=Features(kinds=("count", "membrane"), bins=5),
        seed=seed,
    )


def best_spoken(neurons: int = 1000, seed: int = 0) -> Liquid:
    """Return our liquid for spoken digits heard by the cochlea; :func:`calibrate` sets its gain.

    Each recording is divided into 100 steps, whatever its length; the spikes of a channel in a step
    are counted. The recurrent weights have a spectral radius of 0.8.
    """
    return Liquid(
        framing=Framing(sensor_size=COCHLEA_SENSOR, steps=100, counts=True),
        neurons=neurons,
        recurrent_wiring=Dense(),
        recurrent_gain=recurrent_gain(0.8, neurons),
        decay=(0.8,),
        v_thresh=1.0,
        features=Features(kinds=("count", "membrane"), bins=10),
        seed=seed,
    )


def task_liquid(steps: int, channels: int, neurons: int = 500, seed: int = 0) -> Liquid:
    """Return our liquid for delayed tasks; :func:`calibrate` sets its gain.

    A third of the neurons each has a decay of 0.9, 0.97 and 0.99 in a step; the recurrent weights
    have a spectral radius of 0.5. It is read out in five time bins.
    """
    return Liquid(
        framing=Framing(sensor_size=(channels, 1, 1), steps=steps, step_us=1000.0),
        neurons=neurons,
        recurrent_wiring=Dense(),
        recurrent_gain=recurrent_gain(0.5, neurons),
        decay=(0.9, 0.97, 0.99),
        v_thresh=1.0,
        features=Features(kinds=("count", "membrane"), bins=5),
        seed=seed,
    )


def recurrent_gain(radius: float, neurons: int) -> float:
    """Return the gain at which dense Gaussian recurrent weights have a spectral radius.

    The eigenvalues of N x N independent weights of deviation sigma fill a disc of radius
    sigma sqrt(N) (the circular law).
    """
    return radius / (GaussianWeights(mean_us=0.0061, sd_us=6.673).sd_us * neurons**0.5)
