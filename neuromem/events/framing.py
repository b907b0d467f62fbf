"""From event streams to input spikes: which events count, on which line, in which time step."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from neuromem.events.eventset import EventSet
from neuromem.events.stream import SensorSize
from neuromem.network import Spec, SpikeBatch

Pixels = Annotated[int, Meta(ge=0)]


class Crop(Spec, frozen=True, kw_only=True):
    """A window of the sensor.

    Parameters
    ----------
    left, top
        First column and row that are kept.
    width, height
        Number of columns and rows (pixels, at least 1).
    """

    left: Pixels = 0
    top: Pixels = 0
    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]

    @classmethod
    def centre(cls, size: int, sensor_size: SensorSize) -> Crop:
        """Return the centred square window: of 34 x 34 pixels a 16 keeps rows and columns 9..24.

        Raises
        ------
        ValueError
            When the square is larger than the sensor.
        """
        width, height, _ = sensor_size
        if not 1 <= size <= min(width, height):
            raise ValueError(
                f"centre of {size} pixels: must be in 1..{min(width, height)}, the sensor's edge"
            )
        return cls(left=(width - size) // 2, top=(height - size) // 2, width=size, height=size)


class Framing(Spec, frozen=True, kw_only=True):
    r"""How recordings become input spikes in discrete time steps.

    An event at pixel (x, y) with polarity p at time t becomes a spike

    .. math::
        \text{line} = (p' H + y - top) W + x - left, \qquad
        \text{step} = \lfloor (t - t_0) / \Delta \rfloor

    for a window of W x H pixels, where p' is p, or 0 where polarities are merged or one of them is
    chosen. Lines are binary unless ``counts``: several events on a line in a step are one spike.

    Parameters
    ----------
    sensor_size
        (width, height, polarities) that the recordings must have.
    steps
        Number of time steps T.
    step_us
        Length of a step Delta (µs), at least 1, from t_0 = 0; events after ``steps`` of them are
        left out. None: each recording is divided into T equal steps from its first event at t_0 to
        its last, which belongs to the last step. (All at once: all are in the first step.)
    chunked
        With ``step_us``: a recording of L > T steps is not cut off, but every ceil(L / T)
        consecutive steps are combined into one by OR (600 steps become 120 with T = 129).
    crop
        Window of the sensor; all of it where None.
    polarity
        ``"both"``: a line for each; ``"merge"``: one line for the two; ``"on"`` or ``"off"``: that
        one alone (p = 1 or p = 0). A sensor of one polarity has one line, whichever is chosen.
    counts
        Keep the number of events on a line in a step.

    Raises
    ------
    ValueError
        When the window leaves the sensor, or ``chunked`` has no ``step_us``.
    """

    sensor_size: tuple[int, int, int]
    steps: Annotated[int, Meta(ge=1)]
    step_us: Annotated[float, Meta(ge=1)] | None = None
    chunked: bool = False
    crop: Crop | None = None
    polarity: Literal["both", "merge", "on", "off"] = "both"
    counts: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        width, height, polarities = self.sensor_size
        if min(self.sensor_size) < 1 or polarities > 2:
            raise ValueError(
                f"Framing.sensor_size = {self.sensor_size}: give width, height, and 1 or 2 "
                "polarities"
            )
        if self.chunked and self.step_us is None:
            raise ValueError("Framing.chunked without step_us: give the length of a step")
        if self.crop is None:
            full = Crop(width=width, height=height)
            msgspec.structs.force_setattr(self, "crop", full)
        if self.window.left + self.window.width > width or (
            self.window.top + self.window.height > height
        ):
            raise ValueError(
                f"Framing.crop = {self.window}: must lie within the sensor of {width} x {height}"
            )

    @property
    def window(self) -> Crop:
        """The part of the sensor that is kept."""
        assert self.crop is not None  # set when built
        return self.crop

    @property
    def planes(self) -> int:
        """Number of polarities that have lines of their own."""
        return self.sensor_size[2] if self.polarity == "both" else 1

    @property
    def channels(self) -> int:
        """Number of input lines."""
        return self.planes * self.window.height * self.window.width

    def positions(self) -> np.ndarray:
        """Return (plane, row, column) of every line, shape (channels, 3)."""
        shape = (self.planes, self.window.height, self.window.width)
        return np.stack(np.unravel_index(np.arange(self.channels), shape), axis=1)

    def spikes(self, recordings: EventSet) -> SpikeBatch:
        """Return the input spikes of recordings.

        Raises
        ------
        ValueError
            When the recordings come from a sensor of another size.
        """
        if recordings.sensor_size != self.sensor_size:
            raise ValueError(
                f"{recordings.name} of sensor size {recordings.sensor_size}: this liquid's input "
                f"is {self.sensor_size}; crop or convert the recordings, or change its framing"
            )
        from neuromem.events.framing_kernel import frame

        window = self.window
        # Which plane each polarity goes to; -1 is left out.
        planes = {"both": (0, 1), "merge": (0, 0), "on": (-1, 0), "off": (0, -1)}[self.polarity]
        if self.sensor_size[2] == 1:
            planes = (0, 0)
        offsets, channel, count = frame(
            recordings.x, recordings.y, recordings.p, recordings.t, recordings.offsets,
            np.array(planes, dtype=np.int64),
            np.array([window.left, window.top, window.width, window.height], dtype=np.int64),
            self.steps, self.step_us or 0.0, self.chunked, self.channels,
        )  # fmt: skip
        return SpikeBatch(
            offsets, channel, self.steps, self.channels, count if self.counts else None
        )
