"""Word lattices: many hypotheses of one recording in one graph; best path, n-best, posteriors, rescoring, oracle."""

from otoscope.decoding.lattice.lattice import Lattice
from otoscope.decoding.lattice.words import DecodedWord, Decoding

__all__ = ["DecodedWord", "Decoding", "Lattice"]
