"""Forming: which cells of an array a programming voltage breaks down."""

from __future__ import annotations

from statistics import NormalDist

from neuromem.network import Spec
from neuromem.network.neurons import Positive


class Forming(Spec, frozen=True, kw_only=True):
    r"""Dielectric breakdown of pristine cells, each at a voltage of its own.

    .. math::
        p(V) = \Phi\!\left(\frac{V - \mu}{\sigma}\right)

    where p is the fraction of cells that a programming voltage V forms, and :math:`\mu,\sigma`
    are mean and standard deviation of the breakdown voltage.

    Parameters
    ----------
    mean_v, sd_v
        Breakdown voltage (V).

    Notes
    -----
    Source: Wang et al., Nature Machine Intelligence 5:104-113 (2023),
    doi 10.1038/s42256-023-00609-5, Extended Data Fig. 1: a quasi-normal distribution, and a
    programming voltage that sets the sparsity.
    """

    mean_v: Positive
    sd_v: Positive

    def fraction(self, voltage_v: float) -> float:
        """Return the fraction of cells, 0..1, that this voltage (V) forms."""
        return NormalDist(self.mean_v, self.sd_v).cdf(voltage_v)

    def voltage(self, fraction: float) -> float:
        """Return the voltage (V) that forms this fraction of the cells, above 0 and below 1."""
        if not 0 < fraction < 1:
            raise ValueError(
                f"formed fraction {fraction}: a voltage forms more than 0 and less than 1 of the "
                "cells"
            )
        return NormalDist(self.mean_v, self.sd_v).inv_cdf(fraction)
