"""Hidden Markov models: the best state path and the posterior of each state at each frame.

A model is its transitions; the emissions come from outside as `(n_frames, n_states)` natural-log likelihoods. `viterbi`
and `forward_backward` take any transition matrix; `viterbi_banded` and `forward_backward_banded` take a left-to-right
model whose states lead only to themselves and the next few, in time linear in the number of states.
"""

from otoscope.decoding.hmm.banded import forward_backward_banded, viterbi_banded
from otoscope.decoding.hmm.general import forward_backward, viterbi
from otoscope.decoding.hmm.results import StatePath, StatePosteriors

__all__ = [
    "StatePath",
    "StatePosteriors",
    "forward_backward",
    "forward_backward_banded",
    "viterbi",
    "viterbi_banded",
]
