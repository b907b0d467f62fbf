"""What a network did: one result type for every backend."""

from neuromem.results.hdf5 import Tree, read_tree, write_tree
from neuromem.results.provenance import Provenance, provenance
from neuromem.results.result import Result, Samples

__all__ = ["Provenance", "Result", "Samples", "Tree", "provenance", "read_tree", "write_tree"]
