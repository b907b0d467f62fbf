"""To be written."""

from neuromem.backends.pynn.capabilities import capabilities

__all__ = ["capabilities"]
