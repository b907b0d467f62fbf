"""A liquid as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromem.events import Events, EventSet
from neuromem.liquid.calibration import calibrate
from neuromem.liquid.encoder import encode
from neuromem.liquid.liquid import Liquid
from neuromem.network import SpikeBatch

try:
    from sklearn.base import BaseEstimator, TransformerMixin
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "LiquidTransformer needs scikit-learn: pip install 'neuromem-snn[data]'"
    ) from None


class LiquidTransformer(TransformerMixin, BaseEstimator):
    """Recordings to features, for a ``Pipeline`` or a grid search.

    Fields of the liquid are parameters: ``liquid__neurons``, ``liquid__seed``, ...

    Parameters
    ----------
    liquid
        The reservoir.
    target_rate
        Spikes per neuron and step to which ``fit`` sets the input gain (see
        :func:`neuromem.liquid.calibrate`); the gain stays as it is where None.
    backend, precision, threads
        As in :func:`neuromem.liquid.encode`.

    Attributes
    ----------
    liquid_
        The calibrated liquid.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from neuromem.heads import RidgeReadout
    >>> from neuromem.liquid import LiquidTransformer, published_nmnist
    >>> model = make_pipeline(LiquidTransformer(published_nmnist()), RidgeReadout())
    >>> sorted(model.get_params())[:2]
    ['liquidtransformer', 'liquidtransformer__backend']
    """

    def __init__(
        self,
        liquid: Liquid,
        *,
        target_rate: float | None = None,
        backend: str = "native",
        precision: str = "float32",
        threads: int | None = None,
    ) -> None:
        self.liquid = liquid
        self.target_rate = target_rate
        self.backend = backend
        self.precision = precision
        self.threads = threads

    def fit(self, X: EventSet | SpikeBatch | list[Events], y: Any = None) -> LiquidTransformer:
        """Calibrate the gain where a target rate is given; labels are ignored."""
        recordings = _packed(X)
        self.liquid_ = self.liquid
        if self.target_rate is not None:
            self.liquid_ = calibrate(
                self.liquid, recordings, self.target_rate, backend=self.backend
            )
        return self

    def transform(self, X: EventSet | SpikeBatch | list[Events]) -> np.ndarray:
        """Return the features, float32 [recordings, features]."""
        if not hasattr(self, "liquid_"):
            raise ValueError("LiquidTransformer has not been fitted: call fit first")
        return encode(
            self.liquid_, _packed(X), self.backend, precision=self.precision, threads=self.threads
        )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, with the liquid's fields where ``deep``."""
        params = super().get_params(deep=False)
        if deep:
            fields = self.liquid.__struct_fields__
            params |= {f"liquid__{name}": getattr(self.liquid, name) for name in fields}
        return params

    def set_params(self, **params: Any) -> LiquidTransformer:
        """Set parameters; ``liquid__seed=3`` replaces a field of the liquid."""
        own = {name: value for name, value in params.items() if not name.startswith("liquid__")}
        super().set_params(**own)
        fields = {
            name.removeprefix("liquid__"): value
            for name, value in params.items()
            if name.startswith("liquid__")
        }
        unknown = set(fields) - set(self.liquid.__struct_fields__)
        if unknown:
            raise ValueError(
                f"a Liquid has no {', '.join(sorted(unknown))}: its fields are "
                f"{', '.join(self.liquid.__struct_fields__)}"
            )
        if fields:
            self.liquid = self.liquid.replace(**fields)
        return self


def _packed(recordings: EventSet | SpikeBatch | list[Events]) -> EventSet | SpikeBatch:
    if isinstance(recordings, EventSet | SpikeBatch):
        return recordings
    return EventSet.of(list(recordings), np.zeros(len(recordings), dtype=np.int64))
