"""A silicon cochlea in software: sound in, events of 64 frequency channels out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from neuromem.events.eventset import EventSet
from neuromem.events.stream import Events
from neuromem.network.spec import Spec

#: How long the impulse responses are computed (s): the envelope t^3 exp(-2 pi 1.019 ERB t) of the
#: slowest, at 100 Hz, has by then fallen 85 dB below its peak.
RESPONSE_S = 0.08
#: Audio is filtered in blocks of this length (s), so that memory does not grow with the recording.
BLOCK_S = 0.25
#: A recording quieter than this (RMS, full scale 1) is silence: a thirtieth of a 16-bit step.
SILENCE_RMS = 1e-6
#: Above this share of samples at full scale a recording is reported as clipped (assumption).
CLIPPED_SHARE = 1e-3
CLIPPED = "clipped, heard all the same; the distortion is heard as high frequencies"


class Cochlea(Spec, frozen=True, kw_only=True):
    r"""Gammatone filters on an ERB scale, rectified, compressed, integrated and fired.

    .. math::
        y_k = g_k * (a - \bar a) / L, \qquad
        I_k = G \max(0,\, [y_k]_+^c - \theta^c)

        \dot V_k = I_k / (1 + \tau I_k)

    An event is sent each time that V passes 1, 2, 3, and so on; V begins at 0. The channel k = 0
    is the lowest, a the waveform. g_k is a gammatone of order 4 and bandwidth 1.019 ERB with gain
    1 at its centre. A steady drive I makes a channel fire every 1 / I + tau, as an
    integrate-and-fire neuron with refractory time tau does, and no two of its events are closer
    than tau. Nothing is drawn at random.

    Parameters
    ----------
    channels
        Number of channels.
    lowest_hz, highest_hz
        Centre frequencies of the first and the last channel; the others are equidistant on the
        ERB-rate scale. The highest must lie half an ERB within the band of the audio: audio of
        8 kHz allows 3.78 kHz, and what a voice or a sensor has above is lost.
    level_rms
        L: the RMS of the waveform (full scale 1) that counts as 0 dB. None: the RMS of the
        recording itself, so that its loudness does not matter; then the whole recording must be
        known before the first event.
    compression
        Exponent c of the drive.
    floor_db
        Threshold theta: the level below which a channel stays silent, relative to L.
    gain_hz
        G: the drive of a channel at 0 dB when there is no floor.
    refractory_us
        Refractory time tau.

    Raises
    ------
    ValueError
        For a parameter out of its bounds.

    Notes
    -----
    Filters: Glasberg & Moore 1990, doi 10.1016/0378-5955(90)90170-T (ERB and ERB-rate), as
    implemented by ``scipy.signal.gammatone``. The sensor behind N-TIDIGITS18 has 64 channels
    (Anumula et al. 2018, doi 10.3389/fnins.2018.00023). A silicon cochlea sends 10,000 to 100,000
    events a second for speech (Liu et al. 2014, doi 10.1109/TBCAS.2013.2281834, abstract: all
    neurons of two ears); ``gain_hz`` is set to reach the lower end. How many N-TIDIGITS18 has was
    not known here. Compression and floor were chosen on spoken digits by
    ``python benchmarks/cochlea_fidelity.py --choose``: a floor of -30 dB costs 3 to 4 points of
    accuracy, the other choices differ by about one. The refractory time is an assumption.
    """

    channels: Annotated[int, Meta(ge=2, le=4096)] = 64
    lowest_hz: Annotated[float, Meta(ge=20)] = 100.0
    highest_hz: Annotated[float, Meta(le=20000)] = 3600.0
    level_rms: Annotated[float, Meta(ge=SILENCE_RMS, le=1)] | None = None
    compression: Annotated[float, Meta(gt=0, le=1)] = 0.33
    floor_db: Annotated[float, Meta(ge=-120, le=0)] = -40.0
    gain_hz: Annotated[float, Meta(gt=0, le=1e6)] = 4000.0
    refractory_us: Annotated[float, Meta(gt=0)] = 500.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.highest_hz <= self.lowest_hz:
            raise ValueError(
                f"Cochlea.highest_hz = {self.highest_hz}: must be above lowest_hz = "
                f"{self.lowest_hz}"
            )

    @property
    def centres_hz(self) -> np.ndarray:
        """Centre frequency of each channel, ascending, shape (channels,)."""
        rates = np.linspace(_erb_rate(self.lowest_hz), _erb_rate(self.highest_hz), self.channels)
        return (10 ** (rates / 21.4) - 1) / 0.00437

    def hear(self, audio: np.ndarray, rate_hz: float) -> Events:
        """Return the events of one recording; t = 0 is its first sample.

        Parameters
        ----------
        audio
            Mono waveform, shape (n,): 16-bit integers, or floats within -1..1.
        rate_hz
            Samples a second.

        Raises
        ------
        ValueError
            For audio that is empty, not mono, not finite or out of range, or a sampling rate that
            the channels or the refractory time do not fit.

        Warns
        -----
        UserWarning
            When more than one sample in a thousand is at full scale: a clipped recording.
        """
        audio = _checked(audio)
        share = _clipped_share(audio)
        if share > CLIPPED_SHARE:
            warnings.warn(f"{share:.1%} of the samples are at full scale: {CLIPPED}", stacklevel=2)
        return self._bank(rate_hz).hear(audio)

    def hear_all(
        self,
        clips: Sequence[np.ndarray],
        rate_hz: float,
        labels: Sequence[int] | np.ndarray,
        ids: Sequence[Any] | np.ndarray | None = None,
        name: str = "cochlea",
    ) -> EventSet:
        """Return the events of many recordings of one sampling rate; see :meth:`hear`.

        Raises
        ------
        ValueError
            As :meth:`hear`, naming the recording by its id.

        Warns
        -----
        UserWarning
            Once, with the number of clipped recordings and the first of them; they are heard.
        """
        bank = self._bank(rate_hz)
        heard: list[Events] = []
        clipped: list[str] = []
        for clip, clip_id in zip(clips, range(len(clips)) if ids is None else ids, strict=True):
            audio = _checked(clip, f"{name} {clip_id}: ")
            heard.append(bank.hear(audio))
            if _clipped_share(audio) > CLIPPED_SHARE:
                clipped.append(str(clip_id))
        if clipped:
            warnings.warn(
                f"{name}: {len(clipped)} of {len(heard)} recordings, the first {clipped[0]}, have "
                f"more than {CLIPPED_SHARE:.1%} of their samples at full scale: {CLIPPED}",
                stacklevel=2,
            )
        return EventSet.of(heard, labels, name, ids)

    def _bank(self, rate_hz: float) -> _Bank:
        from scipy import fft, signal

        top = self.highest_hz + _erb_hz(self.highest_hz) / 2
        if not 2 * top <= rate_hz <= 1e6:
            raise ValueError(
                f"rate_hz = {rate_hz}: channels up to {self.highest_hz:g} Hz need "
                f"{2 * top:.0f} to 1000000 Hz (not kHz); give the rate in Hz or lower highest_hz"
            )
        if self.refractory_us * 1e-6 * rate_hz < 1:
            raise ValueError(
                f"Cochlea.refractory_us = {self.refractory_us}: must be at least one sample, "
                f"{1e6 / rate_hz:.1f} us at {rate_hz:g} Hz"
            )
        taps = int(RESPONSE_S * rate_hz)
        size: Any = fft.next_fast_len(int(BLOCK_S * rate_hz) + taps - 1, real=True)
        responses = np.stack(
            [signal.gammatone(hz, "fir", 4, taps, fs=rate_hz)[0] for hz in self.centres_hz]
        )
        spectra = fft.rfft(responses.astype(np.float32), size)
        return _Bank(self, rate_hz, taps, size, np.asarray(spectra))


@dataclass(frozen=True, eq=False)
class _Bank:
    """The filters of a cochlea at one sampling rate, as spectra for overlap-save convolution."""

    cochlea: Cochlea
    rate_hz: float
    taps: int
    size: int
    spectra: np.ndarray

    @property
    def floor(self) -> float:
        return 10 ** (self.cochlea.floor_db / 20)

    def hear(self, audio: np.ndarray) -> Events:
        cochlea = self.cochlea
        audio = audio - audio.mean()
        rms = float(np.sqrt(np.mean(audio**2)))
        channel, sample = [np.empty(0, int)], [np.empty(0)]
        if rms > SILENCE_RMS:
            scaled = (audio / (self.floor * (cochlea.level_rms or rms))).astype(np.float32)
            block = self.size - self.taps + 1
            padded = np.concatenate((np.zeros(self.taps - 1, np.float32), scaled))
            charge = np.zeros((cochlea.channels, block + 1))  # V; column 0 is V before the block
            for start in range(0, len(scaled), block):
                step = self._charge(padded[start : start + self.size])
                charge = charge[:, : step.shape[1] + 1]
                np.cumsum(step, axis=1, out=charge[:, 1:])
                charge[:, 1:] += charge[:, :1]
                whole = charge.astype(np.int32)
                # V rises by less than 1 / (tau * rate) <= 1 a sample: at most one event in each.
                fired = np.flatnonzero(whole[:, 1:] > whole[:, :-1])
                rows, at = np.divmod(fired, step.shape[1])
                over = charge[rows, at + 1] - whole[rows, at + 1]
                channel.append(rows)
                sample.append(start + at + 1 - over / step[rows, at])
                charge[:, 0] = charge[:, -1]
        t = np.concatenate(sample) * (1e6 / self.rate_hz)
        x = np.concatenate(channel)
        t = np.rint(t).astype(np.int64)
        order = np.lexsort((x, t))
        return Events.of(x[order], t[order], (cochlea.channels, 1, 1))

    def _charge(self, audio: np.ndarray) -> np.ndarray:
        """Return what each sample adds to V.

        The audio begins with taps - 1 samples of the past, and 1 is the level of the floor.
        """
        from scipy import fft

        cochlea = self.cochlea
        spectrum = fft.rfft(audio, self.size) * self.spectra
        y = np.asarray(fft.irfft(spectrum, self.size))[:, self.taps - 1 : len(audio)]
        # (y / floor)^c - 1, exactly 0 below the floor, in a third of the time numpy's power takes
        drive = np.exp(np.float32(cochlea.compression) * np.log(np.maximum(y, np.float32(1)))) - 1
        drive *= np.float32(cochlea.gain_hz * self.floor**cochlea.compression)
        drive /= np.float32(self.rate_hz) * (1 + np.float32(cochlea.refractory_us * 1e-6) * drive)
        return drive


def _erb_hz(frequency_hz: float) -> float:
    """Return the equivalent rectangular bandwidth of hearing (Glasberg & Moore 1990, eq. 3)."""
    return 24.7 * (4.37e-3 * frequency_hz + 1)


def _erb_rate(frequency_hz: float) -> float:
    """Return the number of ERBs below a frequency (Glasberg & Moore 1990, eq. 4)."""
    return 21.4 * float(np.log10(4.37e-3 * frequency_hz + 1))


def _checked(audio: np.ndarray, name: str = "") -> np.ndarray:
    """Return mono audio as float64 within -1..1, or raise a ValueError that begins with name."""
    audio = np.asarray(audio)
    if audio.ndim != 1:
        raise ValueError(
            f"{name}audio of shape {audio.shape}: give one channel, shape (n,); of 16-bit samples "
            "of shape (n, channels) pick one, audio[:, 0], or mix several, "
            "audio.mean(axis=1) / 32768"
        )
    if not audio.size:
        raise ValueError(f"{name}audio of 0 samples: give at least one")
    if audio.dtype == np.int16:
        audio = audio / 32768
    elif audio.dtype.kind != "f":
        raise ValueError(f"{name}audio of dtype {audio.dtype}: give 16-bit integers or floats")
    else:
        audio = audio.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(audio))
    if bad.size:
        raise ValueError(f"{name}audio sample {bad[0]} = {audio[bad[0]]}: must be finite")
    peak = float(np.abs(audio).max())
    if peak > 1:
        raise ValueError(
            f"{name}audio peak = {peak:g}: floats must lie within -1..1; divide by full scale"
        )
    return audio


def _clipped_share(audio: np.ndarray) -> float:
    """Return the share of samples at full scale."""
    return float(np.mean(np.abs(audio) >= 32767 / 32768))
