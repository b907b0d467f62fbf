"""What of a liquid's activity is read out."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from neuromem.network import Spec

Kind = Literal["count", "membrane", "trace", "latency"]


class Features(Spec, frozen=True, kw_only=True):
    r"""The feature vector of a recording, of each neuron in each of K time bins.

    Parameters
    ----------
    kinds
        Any of ``"count"``: number of spikes; ``"membrane"``: mean of the membrane u before its
        reset; ``"trace"``: the filtered spike train :math:`r_t = d_r r_{t-1} + s_t` at the end of
        the bin; ``"latency"``: steps from the start of the bin to the first spike, the length of
        the bin where there is none.
    bins
        Number K of equal time bins; 1 with ``"count"`` is the published feature c (there divided
        by T, which a standardising readout does not see).
    trace_decay
        Factor :math:`d_r`, 0..1, of a time step.
    square_root
        Take the square root of counts, which evens out their spread.

    Raises
    ------
    ValueError
        When a kind is named twice, or none is.
    """

    kinds: tuple[Kind, ...] = ("count",)
    bins: Annotated[int, Meta(ge=1)] = 1
    trace_decay: Annotated[float, Meta(ge=0, le=1)] = 0.95
    square_root: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.kinds or len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"Features.kinds = {self.kinds}: name each kind once, at least one")

    def matrix(self, outputs: dict[str, np.ndarray]) -> np.ndarray:
        """Return the features, float32 [samples, kinds * bins * neurons], of a batch's outputs."""
        columns = []
        for kind in self.kinds:
            values = outputs[kind].astype(np.float32)
            if kind == "count" and self.square_root:
                np.sqrt(values, out=values)
            columns.append(values.reshape(len(values), values.shape[1] * values.shape[2]))
        return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)
