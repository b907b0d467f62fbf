"""Few synthetic spoken digits as wav files."""

from collections.abc import Iterable
from pathlib import Path

from neuromem.datasets import synthetic_digits

SPEAKERS = ("ann", "bob", "eve")


def write_speech(
    folder: Path, voices: int = 3, digits: Iterable[int] = range(10), each: int = 2
) -> Path:
    """Write short synthetic digits as wav files of ann, bob and so on."""
    from scipy.io import wavfile

    folder.mkdir(exist_ok=True)
    spoken = synthetic_digits(each * voices, seed=3, voices=voices)
    for clip, label, name in zip(spoken.clips, spoken.labels, spoken.ids, strict=True):
        _, voice, index = str(name).split("_")
        speaker = SPEAKERS[int(voice.removeprefix("voice"))]
        if label in digits:
            wavfile.write(folder / f"{label}_{speaker}_{index}.wav", spoken.rate_hz, clip)
    return folder
