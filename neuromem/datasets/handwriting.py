"""Attempted handwriting of single letters, recorded in the motor cortex (Willett et al. 2021)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuromem.datasets.emnist import LETTERS
from neuromem.network import SpikeBatch

#: Length of a time bin (ms).
BIN_MS = 10.0
CUBE = "neuralActivityCube_"
VARIABLES = (
    "characterCues", "goPeriodOnsetTimeBin", "blockNumsTimeSeries",
    "blockList", "meansPerBlock", "stdAcrossAllData",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Handwriting:
    """Threshold crossings of each electrode while letters were written in thought.

    Parameters
    ----------
    counts
        Crossings per time bin of 10 ms, uint8, shape (trials, bins, electrodes).
    labels
        Letter of each trial, 0 for a to 25 for z, int64, shape (trials,).
    blocks
        Row of ``block_means`` that belongs to each trial, int64, shape (trials,).
    block_means
        Mean count of each electrode in each block of the session, shape (blocks, electrodes).
    deviations
        Standard deviation of each electrode over the session, shape (electrodes,).
    """

    counts: np.ndarray
    labels: np.ndarray
    blocks: np.ndarray
    block_means: np.ndarray
    deviations: np.ndarray

    def __len__(self) -> int:
        """Return the number of trials."""
        return len(self.counts)

    def spikes(self) -> SpikeBatch:
        """Return binary spikes: one where an electrode crossed its threshold at least once.

        What Lin et al. give to their liquid: Nature Computational Science 5:37-47 (2025), doi
        10.1038/s43588-024-00751-z.
        """
        return SpikeBatch.of_dense(np.minimum(self.counts, 1))

    def zscored(self) -> np.ndarray:
        r"""Return what the data's authors use, float32, shape (trials, bins, electrodes).

        .. math:: z = (\mathrm{count} - \mathrm{mean\ of\ its\ block}) / \mathrm{deviation}

        An electrode that never varied is 0 throughout.

        Notes
        -----
        makeSyntheticSentences.py and matlabExamples/tsneAndKNNExample.m in
        github.com/fwillett/handwritingBCI; the latter puts 0 where the division gives none.
        """
        varied = self.deviations > 0
        scale = np.where(varied, 1 / np.where(varied, self.deviations, 1), 0).astype(np.float32)
        means = self.block_means.astype(np.float32)
        return (self.counts - means[self.blocks][:, None, :]) * scale


def read_handwriting(path: str | os.PathLike[str], letters: Sequence[str] = LETTERS) -> Handwriting:
    """Read ``singleLetters.mat`` of one session, such as ``Datasets/t5.2019.05.08``.

    Parameters
    ----------
    path
        The file, or the folder that holds it.
    letters
        Letters to read, in any order; the trials come in alphabetical order.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no MATLAB file, one of version 7.3, lacks a variable, or a variable is damaged;
        the message names it.

    Notes
    -----
    Willett et al., Nature 593:249-254 (2021), doi 10.1038/s41586-021-03506-2; the data are doi
    10.5061/dryad.wh70rxwmv. Of the file are read ``neuralActivityCube_<letter>`` (trials, bins,
    electrodes), ``characterCues``, ``goPeriodOnsetTimeBin``, ``blockNumsTimeSeries``,
    ``blockList``, ``meansPerBlock`` and ``stdAcrossAllData``; a trial's block is the one that was
    running at its go cue, as in the authors' makeSyntheticSentences.py.
    """
    wanted = sorted({str(letter) for letter in letters})
    strange = [letter for letter in wanted if letter not in LETTERS or len(letter) != 1]
    if strange or not wanted:
        raise ValueError(f"letters = {letters!r}: give one or more of {LETTERS}")
    path = Path(path)
    if path.is_dir():
        path = path / "singleLetters.mat"
    file = _load(path, [*VARIABLES, *(CUBE + letter for letter in wanted)])
    cues = np.array([_text(cue) for cue in _get(file, path, "characterCues").ravel()], dtype=str)
    go = _get(file, path, "goPeriodOnsetTimeBin").ravel().astype(np.int64)
    running = _get(file, path, "blockNumsTimeSeries").ravel().astype(np.int64)
    known = _get(file, path, "blockList").ravel().astype(np.int64)
    means = _get(file, path, "meansPerBlock").astype(np.float64)
    deviations = _get(file, path, "stdAcrossAllData").ravel().astype(np.float64)
    if len(cues) != len(go) or (go.size and not 0 <= go.min() <= go.max() < len(running)):
        raise ValueError(
            f"{path}: goPeriodOnsetTimeBin: {len(go)} values for {len(cues)} characterCues, each "
            f"to be in 0..{len(running) - 1}"
        )
    counts: list[np.ndarray] = []
    labels: list[int] = []
    blocks: list[np.ndarray] = []
    for letter in wanted:
        name = CUBE + letter
        cube = _cube(_get(file, path, name), f"{path}: {name}")
        block = running[go[cues == letter]]
        if len(block) != len(cube):
            raise ValueError(
                f"{path}: {name}: {len(cube)} trials, but {len(block)} cues {letter!r} in "
                "characterCues"
            )
        if not np.isin(block, known).all():
            raise ValueError(f"{path}: {name}: a trial's block is not in blockList {known}")
        if counts and cube.shape[1:] != counts[0].shape[1:]:
            raise ValueError(
                f"{path}: {name}: bins and electrodes {cube.shape[1:]}, others "
                f"{counts[0].shape[1:]}"
            )
        counts.append(cube)
        labels += [LETTERS.index(letter)] * len(cube)
        blocks.append(np.array([int(np.flatnonzero(known == number)[0]) for number in block]))
    electrodes = counts[0].shape[2]
    if means.shape != (len(known), electrodes) or deviations.shape != (electrodes,):
        raise ValueError(
            f"{path}: meansPerBlock {means.shape} and stdAcrossAllData {deviations.shape}: must be "
            f"{(len(known), electrodes)} and {(electrodes,)}"
        )
    if not (np.isfinite(means).all() and np.isfinite(deviations).all()):
        raise ValueError(f"{path}: meansPerBlock or stdAcrossAllData is not finite: damaged?")
    return Handwriting(
        np.concatenate(counts),
        np.array(labels, dtype=np.int64),
        np.concatenate(blocks).astype(np.int64),
        means,
        deviations,
    )


def _load(path: Path, names: list[str]) -> dict[str, Any]:
    from scipy.io import loadmat

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; its publisher: doi 10.5061/dryad.wh70rxwmv")
    try:
        return loadmat(path, variable_names=names)
    except NotImplementedError:
        raise ValueError(
            f"{path}: a MATLAB file of version 7.3 (HDF5), not the published one: in MATLAB load "
            "it and save it with -v7"
        ) from None
    except Exception as error:  # scipy raises whatever the damage leads to
        raise ValueError(f"{path}: not a readable MATLAB file: {error}") from None


def _get(file: dict[str, Any], path: Path, name: str) -> np.ndarray:
    try:
        return np.asarray(file[name])
    except KeyError:
        raise ValueError(f"{path}: no variable {name}: another file, or a damaged one") from None


def _cube(values: np.ndarray, name: str) -> np.ndarray:
    """Return counts as uint8; raise ValueError where they are none."""
    if values.ndim != 3 or not values.size:
        raise ValueError(f"{name} of shape {values.shape}: must be trials x bins x electrodes")
    if values.dtype.kind not in "iuf" or not np.array_equal(
        values, np.clip(np.rint(values), 0, 255)
    ):
        raise ValueError(f"{name}: counts must be whole numbers in 0..255")
    return values.astype(np.uint8)


def _text(cue: Any) -> str:
    """Return a cell of MATLAB as text."""
    return str(np.asarray(cue).ravel()[0]) if np.asarray(cue).size else ""
