"""A network whose connections are worked out once, and not by each of the many who ask."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import numpy as np

from neuromem.network import Network, Projection


def worked_out(network: Network) -> Network:
    """Return the network, with what it says of a projection's connections kept after it was said.

    For the time of a translation only: what is kept is as large as the connections.
    """
    return cast(Network, _WorkedOut(network))


class _WorkedOut:
    def __init__(self, network: Network) -> None:
        self._network = network
        by_label = network.projection
        self._pairs = cache(lambda label: network.pairs(by_label(label)))
        self._weights = cache(lambda label: network.weights(by_label(label)))
        self._delays = cache(lambda label: network.delays_ticks(by_label(label)))
        self.view = cache(network.view)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def pairs(self, projection: Projection) -> tuple[np.ndarray, np.ndarray]:
        return self._pairs(projection.label)

    def weights(self, projection: Projection) -> np.ndarray:
        return self._weights(projection.label)

    def delays_ticks(self, projection: Projection) -> np.ndarray:
        return self._delays(projection.label)
