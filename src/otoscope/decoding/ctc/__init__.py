"""Connectionist temporal classification: likelihood, posteriors, best path and search.

Everything takes `(n_frames, n_symbols)` natural-log symbol scores, time on axis 0, and label sequences as
integers, and computes in float64. Kernels are compiled at their first call and kept on disk.

=========================== ==========================================================================
`log_likelihood`            log P(labels) summed over all paths
`log_likelihoods`           the same for many label sequences on one matrix
`forward_backward`          `Occupancy`: posterior of each label and blank at each frame, loss gradient
`place_log_posteriors`      log P(these labels at their place | the labels around them)
`forced_path`               the best path that spells given labels
`path_margin`               by how much that path beats every other
`greedy`                    the best path of all
`prefix_beam`               the best label sequences, with or without a language model
`PrefixScorer`              how likely a text begins so, for joint CTC/attention decoding
`utterance_segments`        start, end and confidence of utterances in a long recording
=========================== ==========================================================================
"""

from otoscope.decoding.ctc.beam import PrefixHypothesis, prefix_beam
from otoscope.decoding.ctc.forward import Occupancy, forward_backward, log_likelihood, log_likelihoods
from otoscope.decoding.ctc.language import SymbolAutomaton
from otoscope.decoding.ctc.path import CtcPath, forced_path, greedy, path_margin
from otoscope.decoding.ctc.place import place_log_posteriors
from otoscope.decoding.ctc.prefix_scores import PrefixScorer, PrefixState
from otoscope.decoding.ctc.segments import join_utterances, utterance_segments

__all__ = [
    "CtcPath",
    "Occupancy",
    "PrefixHypothesis",
    "PrefixScorer",
    "PrefixState",
    "SymbolAutomaton",
    "forced_path",
    "forward_backward",
    "greedy",
    "join_utterances",
    "log_likelihood",
    "log_likelihoods",
    "path_margin",
    "place_log_posteriors",
    "prefix_beam",
    "utterance_segments",
]
