"""To be written."""

from neuromem.backends.brian2.capabilities import capabilities

__all__ = ["capabilities"]
