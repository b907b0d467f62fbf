"""What contrastive training is, whatever is trained: pairs by class, the loss, the loop (torch)."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

import numpy as np
from msgspec import Meta

from neuromem.heads.projections import LinearProjection, Projection
from neuromem.heads.senses import Sense, common_classes, retrieval_accuracy, unit_rows
from neuromem.heads.training import (
    Checkpoint,
    Epoch,
    Progress,
    Training,
    check_validation,
    one_thread,
    patience_checked,
    require_torch,
)
from neuromem.network import Spec

Targets = Literal["diagonal", "soft", "labels"]
#: Most that a learned scale 1 / temperature grows to, as in CLIP (Radford et al. 2021, arXiv
#: 2103.00020, section 2.5).
LARGEST_SCALE = 100.0
#: Samples that are embedded at a time.
_BLOCK = 1024


class PairSettings(Spec, frozen=True, kw_only=True):
    """How two senses are trained by a contrastive loss. The defaults are assumed.

    Parameters
    ----------
    projection
        The kind of projection, the same for both senses.
    embedding
        Dimensions of the shared space.
    targets
        Which samples of a batch belong together; see :func:`info_nce`.
    temperature
        Of the softmax; where it is learned, where it starts.
    learn_temperature
        Whether it is trained too, to no less than 0.01.
    learning_rate, weight_decay
        Of AdamW, which without weight decay is Adam.
    batch
        Pairs of a step.
    epochs
        Passes over the training samples, at most.
    """

    projection: Projection = LinearProjection()
    embedding: Annotated[int, Meta(ge=2, le=4096)] = 64
    targets: Targets = "labels"
    temperature: Annotated[float, Meta(gt=0)] = 0.3
    learn_temperature: bool = False
    learning_rate: Annotated[float, Meta(gt=0)] = 1e-3
    weight_decay: Annotated[float, Meta(ge=0)] = 0.0
    batch: Annotated[int, Meta(ge=2)] = 128
    epochs: Annotated[int, Meta(ge=1)] = 100


def info_nce(first: Any, second: Any, labels: Any, scale: Any, targets: Targets) -> Any:
    r"""Return the symmetric contrastive loss of a batch of pairs (nats), a scalar tensor.

    .. math::
        L = -\frac{1}{2B} \sum_{ij} T_{ij} \Big( \ln \mathrm{softmax}_j(s\, u_i \cdot v_j)
        + \ln \mathrm{softmax}_j(s\, v_i \cdot u_j) \Big)

    Parameters
    ----------
    first, second
        Embeddings u and v of B pairs, rows of unit length, tensors [B, embedding].
    labels
        Class of each pair, [B].
    scale
        s = 1 / temperature.
    targets
        T, whose rows sum to 1. ``"diagonal"``: the pair itself, so that other samples of its
        class count as wrong. ``"labels"``: all pairs of the class alike. ``"soft"``: the softmax
        over j of :math:`s (u_i \cdot u_j + v_i \cdot v_j) / 2`, taken as constant.

    Notes
    -----
    Source: Radford et al. 2021, arXiv 2103.00020 (diagonal); Khosla et al. 2020, arXiv 2004.11362,
    equation 2 (labels). That the published experiment with sound and images used soft targets is
    inferred, and the form that they have here is ours.
    """
    import torch

    logits = scale * first @ second.T
    if targets == "diagonal":
        wanted = torch.eye(len(logits), dtype=logits.dtype)
    elif targets == "labels":
        same = (labels[:, None] == labels).to(logits.dtype)
        wanted = same / same.sum(dim=1, keepdim=True)
    else:
        with torch.no_grad():
            wanted = torch.softmax(scale * (first @ first.T + second @ second.T) / 2, dim=1)
    cross_entropy = torch.nn.functional.cross_entropy
    return (cross_entropy(logits, wanted) + cross_entropy(logits.T, wanted)) / 2


Settings = TypeVar("Settings", bound=PairSettings)


class PairAligner(Generic[Settings]):
    """Base of what is trained on pairs of equal class; subclasses say what a sense's network is.

    Attributes
    ----------
    history_
        An :class:`~neuromem.heads.training.Epoch` for each pass, after ``fit``.
    temperature_
        The temperature, after ``fit``.
    """

    settings: Settings
    seed: int
    patience: int | None
    history_: tuple[Epoch, ...]
    temperature_: float
    _model: Any

    def __init__(self, settings: Settings, *, seed: int = 0, patience: int | None = None) -> None:
        self.settings = settings
        self.seed = seed
        self.patience = patience_checked(patience)

    def fit(
        self,
        first: Sense,
        second: Sense,
        *,
        validation: tuple[Sense, Sense] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Train on two senses.

        Each epoch pairs the samples of a class anew, at random; the sense that has fewer of them
        shows some again.

        Parameters
        ----------
        first, second
            Training samples; both senses have the same classes.
        validation
            Other samples of these classes, of both senses. The weights of the epoch in which a
            search among them succeeds most often are kept; without them, the last epoch's.
        checkpoint
            File in which the state is kept, at least every second or epoch. Where it exists,
            training goes on from it, to the same result as without the interruption.
        progress
            Called with (epochs done, epochs at most) after each.

        Raises
        ------
        ValueError
            For samples that do not fit, classes that are not the same in both senses, features
            that are not finite, validation classes that training lacks, ``patience`` without
            validation samples, a loss that is not finite, or another training's checkpoint.
        ModuleNotFoundError
            When torch is not installed.
        """
        torch = require_torch(type(self).__name__)
        check_validation(self.patience, validation, "fit(..., validation=(first, second))")
        vars(self).pop("temperature_", None)  # a fit that fails leaves nothing fitted
        classes, *labels = common_classes(first.labels, second.labels)
        inputs = [self._learn(i, sense) for i, sense in enumerate((first, second))]
        held = self._held(classes, validation)
        with one_thread():
            generator = torch.Generator().manual_seed(self.seed)
            self._model = self._build(generator)
            rates = {"lr": self.settings.learning_rate, "weight_decay": self.settings.weight_decay}
            optimiser = torch.optim.AdamW(self._model.parameters(), **rates, fused=True)
            pairs = _Pairs([torch.tensor(y) for y in labels], self.settings.batch)

            def loss(batch: Any) -> Any:
                u, v = (self._directions(i, inputs[i][batch[:, i]]) for i in range(2))
                scale = self._model.log_scale.exp().clamp(max=self._largest_scale)
                return info_nce(u, v, pairs.labels[0][batch[:, 0]], scale, self.settings.targets)

            def score(held: tuple[Sense, Sense]) -> float:
                u, v = (self._embedded(i, sense.features) for i, sense in enumerate(held))
                return retrieval_accuracy(u, held[0].labels, v, held[1].labels)

            samples = (*zip(inputs, (first.labels, second.labels), strict=True), *(held or ()))
            self.history_ = Training(self._model, optimiser, generator).run(
                pairs.epoch,
                loss,
                epochs=self.settings.epochs,
                score=None if held is None else lambda: score(held),
                keep_best=held is not None,
                patience=self.patience,
                checkpoint=self._checkpoint(checkpoint, samples),
                progress=progress,
            )
        scale = math.exp(self._model.log_scale.item())
        self.temperature_ = 1 / min(scale, self._largest_scale)
        return self

    def embed_first(self, X: np.ndarray) -> np.ndarray:
        """Return float32 [n, embedding] for samples of the first sense; rows of unit length."""
        return self._embed(0, X)

    def embed_second(self, X: np.ndarray) -> np.ndarray:
        """Return the same for samples of the second sense."""
        return self._embed(1, X)

    def _learn(self, which: int, sense: Sense) -> Any:
        """Check training samples of a sense, note what they are like, and return their tensor."""
        raise NotImplementedError

    def _inputs(self, which: int, X: Any, what: str) -> Any:
        """Check samples, and return the tensor that a sense's network takes."""
        raise NotImplementedError

    def _network(self, which: int, generator: Any) -> Any:
        """Return the network of a sense, a ``torch.nn.Module``, its weights random."""
        raise NotImplementedError

    def _build(self, generator: Any) -> Any:
        import torch

        model = torch.nn.Module()
        model.senses = torch.nn.ModuleList([self._network(i, generator) for i in range(2)])
        scale = torch.tensor(-math.log(self.settings.temperature))
        model.log_scale = torch.nn.Parameter(scale, requires_grad=self.settings.learn_temperature)
        return model

    @property
    def _largest_scale(self) -> float:
        return LARGEST_SCALE if self.settings.learn_temperature else math.inf

    def _directions(self, which: int, inputs: Any) -> Any:
        import torch

        return torch.nn.functional.normalize(self._model.senses[which](inputs), dim=1)

    def _embed(self, which: int, X: Any) -> np.ndarray:
        if not hasattr(self, "temperature_"):
            raise ValueError(f"{type(self).__name__} has not been fitted: call fit first")
        inputs = self._inputs(which, X, "X")
        with one_thread():
            return self._embedded(which, inputs)

    def _embedded(self, which: int, inputs: Any) -> np.ndarray:
        import torch

        with torch.no_grad():
            parts = [self._model.senses[which](part) for part in inputs.split(_BLOCK)]
        return unit_rows(torch.cat(parts).numpy())

    def _held(self, classes: np.ndarray, validation: Any) -> tuple[Sense, Sense] | None:
        """Return validation samples as tensors, checked."""
        if validation is None:
            return None
        held = []
        for which, (X, labels) in enumerate(validation):
            unknown = np.setdiff1d(labels, classes)
            if unknown.size:
                raise ValueError(
                    f"validation has class {unknown[0]}, training has none of it: what is chosen "
                    f"may depend on the classes of training alone"
                )
            inputs = self._inputs(which, X, "validation X")
            labels = labels_of(labels, len(inputs), "validation X")
            held.append(Sense(inputs, labels))
        return held[0], held[1]

    def _checkpoint(self, path: Any, samples: Iterable[tuple[Any, Any]]) -> Checkpoint | None:
        if path is None:
            return None
        recipe = (type(self).__name__, self.settings.digest(), self.seed, self.patience)
        sha = hashlib.sha256(repr(recipe).encode())
        for inputs, labels in samples:
            for array in (inputs.numpy(), np.asarray(labels)):
                sha.update(f"{array.dtype.str} {array.shape}".encode())
                sha.update(np.ascontiguousarray(array).tobytes())
        return Checkpoint(Path(path), sha.hexdigest())


class _Pairs:
    """Pairs of samples of equal class, drawn anew for each epoch."""

    def __init__(self, labels: list[Any], batch: int) -> None:
        self.labels = labels
        self.batch = batch

    def epoch(self, generator: Any) -> Any:
        """Return batches of pairs, tensors [B, 2] of indices into both senses."""
        import torch

        found = []
        for c in range(int(self.labels[0].max()) + 1):
            members = [torch.nonzero(y == c)[:, 0] for y in self.labels]
            most = max(map(len, members))
            drawn = [m[torch.randperm(len(m), generator=generator)] for m in members]
            found.append(torch.stack([m.repeat(-(-most // len(m)))[:most] for m in drawn], dim=1))
        pairs = torch.cat(found)
        return pairs[torch.randperm(len(pairs), generator=generator)].split(self.batch)


def labels_of(labels: Any, samples: int, what: str) -> np.ndarray:
    """Return the labels of samples, one each, or raise ValueError."""
    found = np.asarray(labels)
    if found.shape != (samples,):
        raise ValueError(
            f"labels of shape {found.shape} for {samples} samples in {what}: give one a sample"
        )
    return found
