"""Networks in the formats of others: NIR, the Neuromorphic Intermediate Representation."""

from neuromem.exchange.nir_reader import from_nir, load_nir
from neuromem.exchange.nir_writer import losses, save_nir, to_nir

__all__ = ["from_nir", "load_nir", "losses", "save_nir", "to_nir"]
