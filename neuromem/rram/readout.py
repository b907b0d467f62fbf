"""What lies between the cells and the number that is read: wires and converters."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta

from neuromem.network import Spec
from neuromem.network.neurons import Positive


class ColumnADC(Spec, frozen=True, kw_only=True):
    r"""Converter at the foot of a column, symmetric about 0, with 0 as a code.

    .. math::
        y = \Delta\, \mathrm{round}(x / \Delta), \qquad
        \Delta = \frac{full\ scale}{2^{bits - 1} - 1}

    Inputs beyond full scale saturate; within it the error is at most :math:`\Delta / 2`.

    Parameters
    ----------
    bits
        Resolution with sign, 2..24.
    full_scale
        Largest read-out, in the unit of the read-out.
    """

    bits: Annotated[int, Meta(ge=2, le=24)]
    full_scale: Positive

    @property
    def spacing(self) -> float:
        """Distance of two codes, in the unit of the read-out."""
        return self.full_scale / (2 ** (self.bits - 1) - 1)

    def read(self, columns: np.ndarray) -> np.ndarray:
        """Return the read-outs as converted."""
        inside = np.clip(columns, -self.full_scale, self.full_scale)
        return np.rint(inside / self.spacing) * self.spacing


def ir_drop(
    g_us: np.ndarray, wire_ohm_per_cell: float, active: np.ndarray | None = None
) -> np.ndarray:
    r"""Return the conductances that cells seem to have behind resistive wires.

    .. math::
        G'_{ij} = \frac{G_{ij}}{1 + R\, D_{ij}}, \qquad
        D_{ij} = \sum_{k \le j} \sum_{l \ge k} G_{il} + \sum_{k \ge i} \sum_{l \le k} a_l G_{lj}

    to first order in R. Row i is driven at column 0, column j is sensed (at ground) after the
    last row, and each cell adds one wire segment R to both. D sums the currents through the
    segments between driver, cell and sense amplifier, as if no wire had a drop. Without
    ``active`` each cell is alone in series with its own wires, the least drop that wires can make:
    :math:`D_{ij} = (j + 1 + n - i)\, G_{ij}` for n rows.

    Parameters
    ----------
    g_us
        Conductances [row, column] (µS).
    wire_ohm_per_cell
        Resistance R of a wire from one cell to the next (ohm).
    active
        Which rows are driven at the same time, 0 or 1 per row; the transistors of the others are
        open. A number between weights a row by how often it is driven.

    Raises
    ------
    ValueError
        When shapes do not fit or a number is negative.

    Notes
    -----
    Neglected: the drop that a drop causes. Compared with a solution of the whole circuit in
    ``tests/rram/test_readout.py``.
    """
    g_us = np.asarray(g_us, dtype=np.float64)
    if g_us.ndim != 2 or (g_us.size and g_us.min() < 0):
        raise ValueError(f"conductances of shape {g_us.shape}: give a matrix, nothing below 0 µS")
    if not (np.isfinite(wire_ohm_per_cell) and wire_ohm_per_cell >= 0):
        raise ValueError(f"wire_ohm_per_cell = {wire_ohm_per_cell}: must be at least 0")
    rows, columns = g_us.shape
    if active is None:
        segments = np.arange(1, columns + 1)[None, :] + np.arange(rows, 0, -1)[:, None]
        load = segments * g_us
    else:
        active = np.asarray(active, dtype=np.float64)
        if active.shape != (rows,) or np.any((active < 0) | (active > 1)):
            raise ValueError(f"active of shape {active.shape}: give {rows} numbers in 0..1")
        along_row = np.cumsum(g_us[:, ::-1], axis=1)[:, ::-1]
        down_column = np.cumsum(active[:, None] * g_us, axis=0)
        load = np.cumsum(along_row, axis=1) + np.cumsum(down_column[::-1], axis=0)[::-1]
    return g_us / (1 + 1e-6 * wire_ohm_per_cell * load)
