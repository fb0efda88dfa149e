"""Lattice-free maximum mutual information: transcript and denominator graphs over phones, and their occupancies.

Povey et al. (2016), "Purely sequence-trained neural networks for ASR based on lattice-free MMI"; from a flat start as
in Hadian et al. (2018), "End-to-end speech recognition using lattice-free MMI".
"""

from otoscope.decoding.mmi.graph import PhoneGraph, denominator_graph, numerator_graph
from otoscope.decoding.mmi.occupancy import batch_occupancies, occupancies
from otoscope.decoding.mmi.transcripts import PhoneTrigrams, TranscriptLattice, transcript_lattice

__all__ = [
    "PhoneGraph",
    "PhoneTrigrams",
    "TranscriptLattice",
    "batch_occupancies",
    "denominator_graph",
    "numerator_graph",
    "occupancies",
    "transcript_lattice",
]
