"""Word lattices: many hypotheses of one recording in one graph; best path, n-best, posteriors, rescoring."""

from otoscope.decoding.lattice.lattice import DecodedWord, Decoding, Lattice
from otoscope.decoding.lattice.pruning import pruned

__all__ = ["DecodedWord", "Decoding", "Lattice", "pruned"]
