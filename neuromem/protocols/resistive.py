"""What a device does to a liquid: accuracy against each of its imperfections, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from neuromem.liquid import Liquid, NoisyReads, calibrate, encode
from neuromem.protocols.contest import Contestant, Data, ReadoutName, Record, Splits
from neuromem.rram import (
    FlickerNoise,
    GaussianWeights,
    PowerRetention,
    ReadNoise,
    ResistiveWeights,
    TelegraphNoise,
    WhiteReadNoise,
    load_card,
)

#: The device as it was measured: fraction of formed cells, and its own read noise.
MEASURED = "measured device"
#: The same law of weights without a device: normal, of the published deviation.
NORMAL = "normal weights"
#: The device with nothing but its spread.
IDEAL = "ideal device"
#: The ideal device, its weights rounded by the engine.
INT8 = "int8 weights"
#: Duration of a time step of the published liquid: 306.3 ms of recording in 50 steps.
STEP_MS = 6.126
#: Deviation of the published recurrent weights (µS), and how many cells measure that of a law.
NORMAL_SD_US, SPREAD_CELLS = 6.673, 100_000
DAY_S, YEAR_S = 86_400.0, 3.15576e7
#: Correlation times of telegraph noise that are swept (ms): far shorter and far longer than a
#: recording. Assumed: no source gives those of the device.
DWELLS_MS = (10.0, 1000.0)


@dataclass(frozen=True)
class Condition:
    """A device under one condition.

    Parameters
    ----------
    sweep
        What is varied, with its unit.
    value
        Its value.
    weights
        The law of the weights when the readout is trained.
    tested
        The law when it is tested; the same where None.
    noise
        Read noise, in training and test.
    precision
        Of the engine's weights.
    """

    sweep: str
    value: float
    weights: ResistiveWeights | GaussianWeights
    tested: ResistiveWeights | None = None
    noise: ReadNoise | None = None
    precision: str = "float32"

    @property
    def name(self) -> str:
        """Name of its contestant."""
        return f"{self.sweep}={self.value:g}"


def conditions(card: str = "macro-40nm") -> list[Condition]:
    """Return the sweeps: what they vary, one at a time, about the ideal device."""
    ideal = ResistiveWeights(card=card)
    device = load_card(card)
    found = [
        Condition(NORMAL, 0, GaussianWeights()),
        Condition(IDEAL, 0, ideal),
        Condition(MEASURED, 0, ideal, noise=device.read_noise),
    ]
    for fraction in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9):
        found.append(Condition("formed fraction", fraction, _with(ideal, formed_fraction=fraction)))
    for size in (0.02, 0.05, 0.1, 0.2, 0.5):
        white = WhiteReadNoise(relative_sd=size)
        found.append(Condition("white read noise", size, ideal, noise=white))
        flicker = FlickerNoise(relative_sd=size, f_min_hz=0.1)
        found.append(Condition("1/f read noise", size, ideal, noise=flicker))
        for dwell in DWELLS_MS:
            # Two equally likely levels of +-A/2 have a deviation of A/2.
            telegraph = TelegraphNoise(
                relative_amplitude=2 * size, dwell_high_ms=dwell, dwell_low_ms=dwell
            )
            title = f"telegraph noise, {dwell:g} ms"
            found.append(Condition(title, size, ideal, noise=telegraph))
    for share in (0.01, 0.05, 0.1, 0.2):
        stuck = _with(ideal, stuck_low=share / 2, stuck_high=share / 2)
        found.append(Condition("stuck cells", share, stuck))
    for levels in (2, 4, 8, 16, 256):
        found.append(Condition("conductance levels", levels, _with(ideal, levels=levels)))
    found.append(Condition(INT8, 0, ideal, precision="int8"))
    law = load_card("pcm").retention
    assert isinstance(law, PowerRetention)
    # The law is there in training too, at 0 s: drawing it moves the draws of the other cells.
    kept = _with(ideal, retention=load_card("hfo2").retention)
    drifting = _with(ideal, retention=law)
    for time_s in (1.0, DAY_S, YEAR_S, 10 * YEAR_S):
        aged = _with(kept, retention_s=time_s)
        found.append(Condition("retention of HfO2, s", time_s, kept, tested=aged))
        drifted = _with(drifting, retention_s=time_s)
        found.append(Condition("drift of PCM, s", time_s, drifting, tested=drifted))
    return found


def contestants(
    splits: Splits,
    base: Liquid,
    *,
    seeds: Sequence[int] = (0,),
    card: str = "macro-40nm",
    target_rate: float = 0.1,
    readout: ReadoutName = "ridge",
    only: Sequence[str] = (),
) -> list[Contestant]:
    """Return a liquid under every condition, with every seed.

    For each law of weights the recurrent gain makes the weights spread as normal ones do, and the
    input gain is calibrated to the same firing rate, without labels, since a readout of currents
    has its gain for that; what changes after training (retention) is not made good.

    Raises
    ------
    ValueError
        When ``only`` names a sweep that there is not.
    """
    swept = conditions(card)
    if unknown := set(only) - {condition.sweep for condition in swept}:
        known = ", ".join(dict.fromkeys(condition.sweep for condition in swept))
        raise ValueError(f"no sweep {', '.join(sorted(unknown))}: there are {known}")
    kept = {*only, NORMAL, IDEAL, MEASURED}  # all else is compared with these
    swept = [condition for condition in swept if not only or condition.sweep in kept]
    found = []
    for seed in seeds:
        gains: dict[str, Liquid] = {}
        for condition in swept:
            law = condition.weights
            key = law.digest()
            if key not in gains:
                spread = law.draw((SPREAD_CELLS,), np.random.default_rng(0)).std() or NORMAL_SD_US
                gain = base.recurrent_gain * NORMAL_SD_US / spread
                liquid = base.replace(
                    seed=seed, input_weights=law, recurrent_weights=law, recurrent_gain=gain
                )
                gains[key] = calibrate(liquid, splits.train.data, target_rate)
            found.append(_contestant(condition, gains[key], readout))
    return found


def losses(records: Sequence[Record], of: str = "=0") -> list[str]:
    """Return a sentence for each split: what the measured device loses against normal weights.

    The loss is paired by seed; its interval is Student's, at 95 %.
    """
    from scipy.stats import t

    found = []
    by_name: dict[tuple[str, str], dict[int | None, float]] = {}
    for record in records:
        by_name.setdefault((record.name, record.split), {})[record.seed] = record.accuracy
    for split in dict.fromkeys(r.split for r in records):
        normal, device = by_name[NORMAL + of, split], by_name[MEASURED + of, split]
        gaps = np.array([100 * (normal[seed] - device[seed]) for seed in normal])
        text = f"{split}: the measured device loses {gaps.mean():.2f} points"
        if len(gaps) > 1:
            half = t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5
            text += f" (95 % interval {gaps.mean() - half:.2f} to {gaps.mean() + half:.2f})"
        seeds = "1 seed" if len(gaps) == 1 else f"{len(gaps)} seeds"
        found.append(f"{text} against normal weights, over {seeds}.")
    return found


def _contestant(condition: Condition, liquid: Liquid, readout: ReadoutName) -> Contestant:
    def way(of: Liquid, stream: int) -> Any:
        if condition.noise is None:
            return partial(encode, of, precision=condition.precision)
        reads = NoisyReads(of, condition.noise, STEP_MS)

        def noisy(data: Data) -> np.ndarray:
            # Reads of other samples are other reads, whatever was encoded before.
            seeds = (of.seed, stream, int(data.digest()[:16], 16))
            return encode(of, data, weights_of_step=reads, rng=np.random.default_rng(seeds))

        return noisy

    tested = liquid
    if condition.tested is not None:
        tested = liquid.replace(input_weights=condition.tested, recurrent_weights=condition.tested)
    noise = condition.noise.digest() if condition.noise is not None else "no noise"
    return Contestant(
        name=condition.name,
        encode=way(liquid, 0),
        encode_test=way(tested, 1),
        recipe=f"{_law(liquid)} {_law(tested)} {noise} {condition.precision}",
        readout=readout,
        neurons=liquid.neurons,
        seed=liquid.seed,
    )


def _law(liquid: Liquid) -> str:
    """Return a digest of a liquid and of the cards of its weights, which may be one's own files."""
    laws = (liquid.input_weights, liquid.recurrent_weights)
    cards = {load_card(law.card).digest() for law in laws if isinstance(law, ResistiveWeights)}
    return " ".join([liquid.digest(), *sorted(cards)])


def _with(spec: ResistiveWeights, **fields: Any) -> ResistiveWeights:
    import msgspec

    return msgspec.structs.replace(spec, **fields)
