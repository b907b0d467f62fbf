"""The published readout: one linear layer trained by gradient descent (torch)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from neuromem.heads.gram import Rows
from neuromem.heads.split import classes_of, features, labelled, validated
from neuromem.heads.training import (
    Epoch,
    Training,
    check_validation,
    linear,
    one_thread,
    patience_checked,
    require_torch,
)
from neuromem.network import Spec

Whole = Annotated[int, Meta(ge=1)]


class HeadSettings(Spec, frozen=True, kw_only=True):
    """How a linear head is trained.

    Parameters
    ----------
    optimiser
        ``"adam"``, or ``"adamw"`` with torch's default weight decay of 0.01.
    learning_rate
        Step size, above 0.
    batch
        Samples of a step.
    epochs
        Passes over the training samples.
    """

    optimiser: Literal["adam", "adamw"] = "adam"
    learning_rate: Annotated[float, Meta(gt=0)] = 1e-4
    batch: Whole = 100
    epochs: Whole = 100


#: Settings of the published experiments, by dataset. Source: the scripts published with Lin et
#: al., Nature Computational Science 5:37-47 (2025), doi 10.1038/s43588-024-00751-z. Their
#: features are spike counts divided by the number of time steps.
PUBLISHED_HEADS: Mapping[str, HeadSettings] = MappingProxyType(
    {
        "N-MNIST": HeadSettings(optimiser="adam", learning_rate=1e-4, batch=100, epochs=100),
        "N-TIDIGITS": HeadSettings(optimiser="adamw", learning_rate=6e-4, batch=256, epochs=600),
    }
)


class LinearHead:
    r"""One linear layer, trained on the cross-entropy of its softmax.

    .. math::
        p = \mathrm{softmax}(W x + b), \qquad \min_{W, b} -\langle \ln p_y \rangle

    Features x are taken as they are. W and b start uniform in +-1/sqrt(features), torch's default.
    The same seed gives the same head, whatever the number of threads: it is trained on one, which
    for so small a layer is also the fastest.

    Parameters
    ----------
    settings
        Optimiser, learning rate, batch and epochs; see :data:`PUBLISHED_HEADS`.
    seed
        Seed of the initial weights and of the order of samples.
    patience
        Stop after so many epochs without a better validation accuracy, and keep the weights of
        the best epoch. None: no early stopping, the last weights are kept.

    Attributes
    ----------
    classes_, coef_, intercept_
        Classes, weights (classes, features) and offsets (classes,), after ``fit``.
    history_
        An :class:`Epoch` for each pass.

    Raises
    ------
    ModuleNotFoundError
        From ``fit``, when torch is not installed.
    """

    classes_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray
    history_: tuple[Epoch, ...]

    def __init__(
        self,
        settings: HeadSettings = PUBLISHED_HEADS["N-MNIST"],
        *,
        seed: int = 0,
        patience: int | None = None,
    ) -> None:
        self.settings = settings
        self.seed = seed
        self.patience = patience_checked(patience)

    def fit(
        self,
        X: np.ndarray,
        y: Sequence[Any] | np.ndarray,
        validation: tuple[np.ndarray, Sequence[Any] | np.ndarray] | None = None,
    ) -> LinearHead:
        """Train on features (samples, features) and a label each.

        Parameters
        ----------
        X, y
            Training samples.
        validation
            (X, y) whose accuracy is recorded per epoch and, with ``patience``, ends the training.

        Raises
        ------
        ValueError
            For features that are not finite, shapes that do not fit, a validation class that
            training lacks, or ``patience`` without validation samples.
        """
        torch = require_torch("LinearHead")
        check_validation(self.patience, validation, "fit(X, y, validation=(X, y))")
        rows, labels = labelled(X, y)
        self.classes_, target = classes_of(labels)
        train = _tensors(torch, rows, target)
        held = None
        if validation is not None:
            width = rows.matrix.shape[1]
            held = _tensors(torch, *validated(validation, width, self.classes_))
        with one_thread():
            layer, self.history_ = self._train(torch, *train, held)
        self.coef_ = layer.weight.detach().numpy().copy()
        self.intercept_ = layer.bias.detach().numpy().copy()
        return self

    def _train(
        self, torch: Any, inputs: Any, targets: Any, held: tuple[Any, Any] | None
    ) -> tuple[Any, tuple[Epoch, ...]]:
        generator = torch.Generator().manual_seed(self.seed)
        layer = linear(inputs.shape[1], len(self.classes_), generator)
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[self.settings.optimiser]
        optimiser = kind(layer.parameters(), lr=self.settings.learning_rate)

        def batches(generator: Any) -> Any:
            return torch.randperm(len(inputs), generator=generator).split(self.settings.batch)

        def loss(part: Any) -> Any:
            return torch.nn.functional.cross_entropy(layer(inputs[part]), targets[part])

        def accuracy(X: Any, y: Any) -> float:
            with torch.no_grad():
                return float((layer(X).argmax(1) == y).double().mean())

        history = Training(layer, optimiser, generator).run(
            batches,
            loss,
            epochs=self.settings.epochs,
            score=None if held is None else lambda: accuracy(*held),
            keep_best=self.patience is not None,
            patience=self.patience,
        )
        return layer, history

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return the logit of each class, shape (samples, classes)."""
        if not hasattr(self, "coef_"):
            raise ValueError("LinearHead has not been fitted: call fit first")
        return features(X, "X", self.coef_.shape[1]).scores(self.coef_, self.intercept_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the label of the class with the highest logit, per sample."""
        best = self.decision_function(X).argmax(axis=1)
        return self.classes_[best]

    def score(self, X: np.ndarray, y: Sequence[Any] | np.ndarray) -> float:
        """Return the fraction of samples that are predicted right."""
        return float(np.mean(self.predict(X) == np.asarray(y)))


def _tensors(torch: Any, rows: Rows, target: np.ndarray) -> tuple[Any, Any]:
    # Copied: torch warns of an array that is read-only.
    return torch.tensor(rows.matrix, dtype=torch.float32), torch.tensor(target)
