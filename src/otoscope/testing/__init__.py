"""Toy recognisers with closed-form answers and tiny corpora, for the tests of this package and of its users.

Nothing here needs a network or a download; `planted_cue` trains its small net when it is called.
"""

from otoscope.testing.functions import FunctionRecognizer, basic_model_2, basic_model_3
from otoscope.testing.hearing import energy
from otoscope.testing.toys import AdditiveRecognizer, InteractionRecognizer

__all__ = [
    "AdditiveRecognizer",
    "FunctionRecognizer",
    "InteractionRecognizer",
    "basic_model_2",
    "basic_model_3",
    "energy",
]
