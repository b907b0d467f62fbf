"""Spikes of one source over many samples and time steps: what a batch of a liquid is driven by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class SpikeBatch:
    """The input spikes of ``samples`` runs of ``steps`` time steps on ``channels`` lines, packed.

    The spikes of sample b in step t are ``channel[offsets[b * steps + t] : offsets[b * steps + t
    + 1]]``, ascending; a line that is listed twice spikes twice.

    Parameters
    ----------
    offsets
        Where each step of each sample begins, int64, shape (samples * steps + 1,).
    channel
        Line of each spike, int32, shape (n,).
    count
        How many spikes fell on that line in that step, int32, shape (n,); None where lines are
        binary (one spike a step at most).
    steps
        Time steps of a sample.
    channels
        Number of input lines.

    Raises
    ------
    ValueError
        When shapes do not fit or a channel is out of range.
    """

    offsets: np.ndarray
    channel: np.ndarray
    steps: int
    channels: int
    count: np.ndarray | None = None

    def __post_init__(self) -> None:
        offsets = np.ascontiguousarray(self.offsets, dtype=np.int64)
        channel = np.asarray(self.channel)
        if self.steps < 1:
            raise ValueError(f"steps = {self.steps}: must be at least 1")
        if (len(offsets) - 1) % self.steps or len(offsets) < 1:
            raise ValueError(
                f"{len(offsets)} offsets: must be samples * steps + 1 with steps = {self.steps}"
            )
        if offsets[0] != 0 or offsets[-1] != len(channel) or np.any(np.diff(offsets) < 0):
            raise ValueError(
                f"offsets must ascend from 0 to the number of spikes, {len(channel)}; they go "
                f"from {offsets[0]} to {offsets[-1]}"
            )
        if channel.size and (channel.min() < 0 or channel.max() >= self.channels):
            bad = channel[(channel < 0) | (channel >= self.channels)][0]
            raise ValueError(f"spike on channel {bad}: must be in 0..{self.channels - 1}")
        channel = np.ascontiguousarray(channel, dtype=np.int32)
        object.__setattr__(self, "offsets", offsets)
        object.__setattr__(self, "channel", channel)
        if self.count is not None:
            count = np.ascontiguousarray(self.count, dtype=np.int32)
            if count.shape != channel.shape or (count.size and count.min() < 1):
                raise ValueError("count: give a whole number of at least 1 for every spike")
            object.__setattr__(self, "count", count)

    @property
    def samples(self) -> int:
        """Number of samples."""
        return (len(self.offsets) - 1) // self.steps

    @property
    def binary(self) -> bool:
        """Whether no line spikes more than once in a step."""
        if self.count is not None and np.any(self.count > 1):
            return False
        again = np.flatnonzero(self.channel[1:] == self.channel[:-1]) + 1
        return bool(np.isin(again, self.offsets).all())  # the same line, but in another step

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.samples

    def part(self, start: int, stop: int) -> SpikeBatch:
        """Return the samples ``start..stop-1``; raise ValueError where there are none such."""
        if not 0 <= start <= stop <= self.samples:
            raise ValueError(f"samples {start}..{stop - 1}: there are 0..{self.samples - 1}")
        low, high = self.offsets[start * self.steps], self.offsets[stop * self.steps]
        return SpikeBatch(
            self.offsets[start * self.steps : stop * self.steps + 1] - low,
            self.channel[low:high],
            self.steps,
            self.channels,
            None if self.count is None else self.count[low:high],
        )

    def digest(self) -> str:
        """Return the SHA-256 of the spikes: a stable name for provenance."""
        sha = hashlib.sha256(f"{self.steps} {self.channels}".encode())
        for part in (self.offsets, self.channel, self.count):
            sha.update(b"-" if part is None else part.tobytes())
        return sha.hexdigest()

    def dense(self) -> np.ndarray:
        """Return the spikes per line as float32, shape (samples, steps, channels)."""
        out = np.zeros((self.samples * self.steps, self.channels), dtype=np.float32)
        row = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        np.add.at(out, (row, self.channel), 1 if self.count is None else self.count)
        return out.reshape(self.samples, self.steps, self.channels)

    def binned(self, bins: int) -> np.ndarray:
        """Return the spikes of each line per time bin, float32, shape (samples, bins, channels).

        Bin k covers the steps ``k * steps // bins`` up to, not including, ``(k + 1) * steps //
        bins``.

        Raises
        ------
        ValueError
            When there are more bins than steps, or none.
        """
        if not 1 <= bins <= self.steps:
            raise ValueError(f"bins = {bins}: must be in 1..{self.steps}, the batch's steps")
        edges = np.arange(bins + 1) * self.steps // bins
        bin_of_step = np.repeat(np.arange(bins), np.diff(edges))
        rows = np.tile(bin_of_step, len(self)) + np.repeat(np.arange(len(self)) * bins, self.steps)
        cell = np.repeat(rows, np.diff(self.offsets)) * self.channels + self.channel
        size = len(self) * bins * self.channels
        counts = np.bincount(cell, weights=self.count, minlength=size).astype(np.float32)
        return counts.reshape(len(self), bins, self.channels)

    @classmethod
    def of_dense(cls, dense: np.ndarray) -> SpikeBatch:
        """Build from whole, non-negative spike numbers of shape (samples, steps, channels)."""
        dense = np.asarray(dense)
        if dense.ndim != 3:
            raise ValueError(f"array of shape {dense.shape}: give (samples, steps, channels)")
        if dense.size and not (
            dense.min() >= 0 and dense.max() < 2**31 and np.array_equal(dense, np.rint(dense))
        ):
            raise ValueError("spike numbers must be whole, not negative and below 2147483648")
        samples, steps, channels = dense.shape
        row, channel = np.nonzero(dense.reshape(samples * steps, channels))
        offsets = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=samples * steps))))
        count = dense.reshape(samples * steps, channels)[row, channel].astype(np.int32)
        binary = not count.size or count.max() == 1
        return cls(offsets, channel, steps, channels, None if binary else count)
