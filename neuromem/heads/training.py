"""Gradient descent as every trained head does it (torch): seeded, resumable, on one thread."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Told after each epoch: (epochs done, epochs at most).
Progress = Callable[[int, int], None]
#: Least time between two writes of a checkpoint (seconds); the last state is always written.
CHECKPOINT_INTERVAL_S = 1.0
_FORMAT = 1


@dataclass(frozen=True)
class Epoch:
    """Mean training loss (nats) and, where there are validation samples, their accuracy."""

    loss: float
    accuracy: float | None


@dataclass(frozen=True)
class Checkpoint:
    """Where a training keeps its state, and what it is a training of.

    Parameters
    ----------
    path
        The file.
    identity
        Digest of settings, seed and samples: another training's file is refused.
    """

    path: Path
    identity: str


@dataclass
class Training:
    """A training in progress: everything that is needed to go on.

    Parameters
    ----------
    model
        What is trained, a ``torch.nn.Module``.
    optimiser
        Its ``torch.optim.Optimizer``.
    generator
        Source of everything random.
    """

    model: Any
    optimiser: Any
    generator: Any
    history: list[Epoch] = field(default_factory=list)
    best: Any = None
    best_epoch: int = -1
    done: bool = False

    def run(
        self,
        batches: Callable[[Any], Iterable[Any]],
        loss: Callable[[Any], Any],
        *,
        epochs: int,
        score: Callable[[], float] | None = None,
        keep_best: bool = False,
        patience: int | None = None,
        checkpoint: Checkpoint | None = None,
        progress: Progress | None = None,
    ) -> tuple[Epoch, ...]:
        """Train, and return what happened in each epoch.

        Parameters
        ----------
        batches
            Given the generator: the batches of an epoch, each with a length.
        loss
            Loss of a batch, a scalar tensor.
        epochs
            Most passes.
        score
            Accuracy on validation samples.
        keep_best
            End with the weights of the epoch of best accuracy, the first of equals.
        patience
            Stop after so many epochs without a better accuracy.
        checkpoint
            Resume from this file where it exists, and keep the state in it.
        progress
            Told after each epoch.

        Raises
        ------
        ValueError
            When the loss is not finite, or the checkpoint is damaged or of another training.
        """
        if checkpoint is not None:
            self._resume(checkpoint)
        written = time.monotonic()
        while not self.done:
            self.history.append(self._epoch(batches, loss, score))
            if keep_best and self._improved():
                self.best_epoch = len(self.history) - 1
                self.best = copy.deepcopy(self.model.state_dict())
            waited = len(self.history) - 1 - self.best_epoch
            self.done = len(self.history) >= epochs or (patience is not None and waited >= patience)
            due = time.monotonic() - written >= CHECKPOINT_INTERVAL_S
            if checkpoint is not None and (self.done or due):
                self._save(checkpoint)
                written = time.monotonic()
            if progress is not None:
                progress(len(self.history), epochs)
        if self.best is not None:
            self.model.load_state_dict(self.best)
        return tuple(self.history)

    def _epoch(self, batches: Any, loss: Any, score: Any) -> Epoch:
        total, samples = 0.0, 0
        for batch in batches(self.generator):
            value = loss(batch)
            nats = value.item()
            if not math.isfinite(nats):
                raise ValueError(
                    f"loss = {nats} in epoch {len(self.history) + 1}: training diverged; "
                    f"lower learning_rate, raise temperature where there is one, or standardise "
                    f"the features"
                )
            self.optimiser.zero_grad()
            value.backward()
            self.optimiser.step()
            total += nats * len(batch)
            samples += len(batch)
        return Epoch(total / samples, None if score is None else score())

    def _improved(self) -> bool:
        best = self.history[self.best_epoch].accuracy if self.best_epoch >= 0 else None
        now = self.history[-1].accuracy
        return now is not None and (best is None or now > best)

    def _save(self, checkpoint: Checkpoint) -> None:
        import torch

        state = {
            "format": _FORMAT,
            "identity": checkpoint.identity,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "history": [(epoch.loss, epoch.accuracy) for epoch in self.history],
            "best": self.best,
            "best_epoch": self.best_epoch,
            "done": self.done,
        }
        partial = checkpoint.path.with_name(checkpoint.path.name + ".partial")
        try:
            torch.save(state, partial)
            os.replace(partial, checkpoint.path)
        finally:
            partial.unlink(missing_ok=True)

    def _resume(self, checkpoint: Checkpoint) -> None:
        import torch

        path = checkpoint.path
        if not path.exists():
            return
        try:
            state = torch.load(path, weights_only=True)
            identity, version = state["identity"], state["format"]
        except Exception as error:  # torch raises whatever the damage leads to
            raise ValueError(
                f"{path}: not a readable checkpoint: {error}; delete it to start anew"
            ) from None
        if (identity, version) != (checkpoint.identity, _FORMAT):
            raise ValueError(
                f"{path}: checkpoint of a training with other settings, seed or samples; give "
                f"another path, or delete it to start anew"
            )
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.history = [Epoch(*epoch) for epoch in state["history"]]
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.done = state["done"]


def require_torch(who: str) -> Any:
    """Return torch, or say what to install for whom."""
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{who} needs torch: pip install 'neuromem-snn[torch]'"
        ) from error
    return torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread, then on as many as before: sums do not depend on their number."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def linear(inputs: int, outputs: int, generator: Any) -> Any:
    """Return a linear layer, uniform in +-1/sqrt(inputs) (torch's default), from a generator."""
    import torch

    layer = torch.nn.utils.skip_init(torch.nn.Linear, inputs, outputs)
    bound = inputs**-0.5
    for parameter in layer.parameters():  # weights, then offsets
        torch.nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer


def patience_checked(patience: int | None) -> int | None:
    """Return the patience, or raise ValueError."""
    if patience is not None and patience < 1:
        raise ValueError(f"patience = {patience}: must be at least 1 epoch, or None")
    return patience


def check_validation(patience: int | None, validation: Sequence[Any] | None, call: str) -> None:
    """Raise ValueError where patience has nothing to go by."""
    if patience is not None and validation is None:
        raise ValueError(
            f"patience = {patience} without validation samples: give {call}, or patience=None"
        )
