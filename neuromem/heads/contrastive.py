"""Two senses aligned by small projections of fixed features, trained by a contrastive loss."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from neuromem.heads.gram import Rows, Scaler
from neuromem.heads.pairs import PairAligner, PairSettings
from neuromem.heads.senses import Sense
from neuromem.heads.split import features, labelled


class ContrastiveSettings(PairSettings, frozen=True, kw_only=True):
    r"""How projections of features are trained.

    Parameters
    ----------
    sqrt
        Take :math:`\mathrm{sign}(x) \sqrt{|x|}` of each feature first, as for counts.
    standardise
        Subtract each feature's mean and divide by its standard deviation, of training.
    """

    sqrt: bool = False
    standardise: bool = True


#: Settings of the published zero-shot experiments: "audio-vision" (spoken digits and N-MNIST) and
#: "neural-vision" (handwriting cortex and letters). Source: the scripts published with Lin et al.
#: (2025), doi 10.1038/s43588-024-00751-z; soft targets of the first are inferred. Features are
#: spike counts divided by the number of time steps.
PUBLISHED_CONTRASTIVE: Mapping[str, ContrastiveSettings] = MappingProxyType(
    {
        "audio-vision": ContrastiveSettings(
            embedding=64, targets="soft", temperature=1.0, batch=8, standardise=False
        ),
        "neural-vision": ContrastiveSettings(
            embedding=256,
            targets="labels",
            temperature=0.5,
            learn_temperature=True,
            batch=1024,
            standardise=False,
        ),
    }
)


class ContrastiveAligner(PairAligner[ContrastiveSettings]):
    r"""Projections of two senses' features, trained so that samples of one class meet.

    .. math::
        u = \frac{f(x)}{\lVert f(x) \rVert}, \qquad v = \frac{g(x')}{\lVert g(x') \rVert}, \qquad
        \min_{f, g} L(u, v)

    with L of :func:`~neuromem.heads.pairs.info_nce`. The same seed gives the same projections,
    whatever the number of threads: they are trained on one.

    Parameters
    ----------
    settings
        See :class:`ContrastiveSettings` and :data:`PUBLISHED_CONTRASTIVE`.
    seed
        Seed of the initial weights and of the pairs.
    patience
        Stop after so many epochs without a better validation accuracy. None: no early stopping.
    """

    _scalers: dict[int, Scaler]

    def __init__(
        self,
        settings: ContrastiveSettings = ContrastiveSettings(),  # noqa: B008, immutable
        *,
        seed: int = 0,
        patience: int | None = None,
    ) -> None:
        super().__init__(settings, seed=seed, patience=patience)
        self._scalers = {}

    def _learn(self, which: int, sense: Sense) -> Any:
        what = ("first", "second")[which] + " features"
        rows, _ = labelled(sense.features, sense.labels, what)
        rows = self._lifted(rows)
        width = rows.matrix.shape[1]
        scaler = Scaler(np.zeros(width), np.ones(width))
        if self.settings.standardise:
            scaler = Scaler.of(rows)
        self._scalers[which] = scaler
        return self._scaled(which, rows)

    def _inputs(self, which: int, X: np.ndarray, what: str) -> Any:
        return self._scaled(which, self._lifted(features(X, what, self._width(which))))

    def _network(self, which: int, generator: Any) -> Any:
        projection, embedding = self.settings.projection, self.settings.embedding
        return projection.build(self._width(which), embedding, generator)

    def _width(self, which: int) -> int:
        return len(self._scalers[which].mean)

    def _lifted(self, rows: Rows) -> Rows:
        if not self.settings.sqrt:
            return rows
        return Rows(np.copysign(np.sqrt(np.abs(rows.matrix)), rows.matrix))

    def _scaled(self, which: int, rows: Rows) -> Any:
        import torch

        out = np.empty(rows.matrix.shape, dtype=np.float32)
        for part in rows.parts():
            out[part] = self._scalers[which].apply(rows, part)
        return torch.from_numpy(out)
