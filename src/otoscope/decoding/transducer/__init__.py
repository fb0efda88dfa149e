"""The transducer of Graves (2012): likelihood and its gradient, best path of a known text, and beam search.

A transducer gives at frame `t`, after `u` labels, the natural-log probability of every label and of the blank, which
passes on to the next frame. Everything here takes and returns arrays; the networks live in `otoscope.nets.transducer`.

======================= ==================================================================
`log_likelihood`        log P(labels), summed over all alignments
`occupancies`           the same, with its gradient: how likely each step of the lattice is
`forced_frames`         the best alignment of known labels
`Search`, `Predictor`   time-synchronous beam search that can be fed frame by frame
======================= ==================================================================
"""

from otoscope.decoding.transducer.lattice import (
    Occupancies,
    TransducerPath,
    forced_frames,
    log_likelihood,
    occupancies,
)
from otoscope.decoding.transducer.search import Predictor, Search, TransducerHypothesis

__all__ = [
    "Occupancies",
    "Predictor",
    "Search",
    "TransducerHypothesis",
    "TransducerPath",
    "forced_frames",
    "log_likelihood",
    "occupancies",
]
