"""To be written."""

from neuromem.backends.snntorch.capabilities import capabilities

__all__ = ["capabilities"]
