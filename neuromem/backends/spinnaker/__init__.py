"""To be written."""

from neuromem.backends.spinnaker.capabilities import capabilities

__all__ = ["capabilities"]
