"""Whether the backends agree: scenarios, and the comparison of every backend in each."""

from neuromem.protocols.parity.comparison import REFERENCE, Parity, markdown, parity, table
from neuromem.protocols.parity.scenarios import Scenario, scenarios

__all__ = ["REFERENCE", "Parity", "Scenario", "markdown", "parity", "scenarios", "table"]
