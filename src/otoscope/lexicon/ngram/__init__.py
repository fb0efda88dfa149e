"""N-gram language models: estimated from text, read from ARPA files, pruned, mixed, stored, walked by decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.lexicon.ngram.arpa import read_arpa, write_arpa
    from otoscope.lexicon.ngram.automaton import BackoffAutomaton
    from otoscope.lexicon.ngram.compact import load, save
    from otoscope.lexicon.ngram.estimation import estimate
    from otoscope.lexicon.ngram.mixing import interpolate, tune_weights
    from otoscope.lexicon.ngram.model import NGramModel, TextScore
    from otoscope.lexicon.ngram.pruning import prune, prune_to

_HOMES = {
    "BackoffAutomaton": "automaton",
    "NGramModel": "model",
    "TextScore": "model",
    "estimate": "estimation",
    "interpolate": "mixing",
    "load": "compact",
    "prune": "pruning",
    "prune_to": "pruning",
    "read_arpa": "arpa",
    "save": "compact",
    "tune_weights": "mixing",
    "write_arpa": "arpa",
}
__all__ = [
    "BackoffAutomaton",
    "NGramModel",
    "TextScore",
    "estimate",
    "interpolate",
    "load",
    "prune",
    "prune_to",
    "read_arpa",
    "save",
    "tune_weights",
    "write_arpa",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return resolve(f"otoscope.lexicon.ngram.{_HOMES[name]}:{name}")
    raise AttributeError(f"module 'otoscope.lexicon.ngram' has no attribute {name!r}")
