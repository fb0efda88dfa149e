"""The experiments there are: what each asks, the columns of its items, who makes its trials, what is drawn of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from otoscope.core.errors import UnknownName
from otoscope.core.late import resolve
from otoscope.lexicon.mental_lexicon import MentalLexicon
from otoscope.listener.experiments.booth import Booth
from otoscope.listener.experiments.plans import Plan

Trial = dict[str, Any]
Trials = Callable[[Booth, Plan], Iterator[Trial]]
Items = Callable[[MentalLexicon, int, int], list[dict[str, str]]]


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Parameters
    ----------
    name, asks
        What it is called, and the question in one line.
    needs, takes
        Columns that an item table must have (`a|b`: one of them), and those it may have besides the common ones.
    trials, items
        Where its functions live, as `module:function` under this package.
    measures
        Columns that are averaged by condition; the first is drawn.
    axis
        Column over which means are drawn as lines; `None`: bars by condition.
    once
        Measures of an item as a whole, the same in all of its trials.
    """

    name: str
    asks: str
    needs: tuple[str, ...]
    takes: tuple[str, ...]
    trials: str
    items: str
    measures: tuple[str, ...]
    axis: str | None = None
    once: tuple[str, ...] = ()

    def made(self) -> Trials:
        """Return the function that makes trials of an item."""
        function: Trials = resolve(f"otoscope.listener.experiments.{self.trials}")
        return function

    def default_items(self) -> Items:
        """Return the function that draws items from a lexicon: (lexicon, how many, seed)."""
        function: Items = resolve(f"otoscope.listener.experiments.{self.items}")
        return function


COMMON = ("item", "sound", "condition", "voice", "onset_s|onset_ms", "offset_s|offset_ms", "rt_s|rt_ms")
"""Columns that any item table may have."""
WORD = ("recognised", "p_target", "rt_s")

_ALL = (
    Experiment("gating", "how much of a word must be heard? (Grosjean 1980)", ("word",), ("pronunciation",),
               "words:gating", "items:common_words", ("p_target", "leads"), "gate_s",
               ("isolation_s", "sure_s")),
    Experiment("visual-world", "where do people look while a word unfolds? (Allopenna et al. 1998)",
               ("word", "cohort", "rhyme", "unrelated"), (), "pictures:visual_world", "items:displays",
               ("recognised", "rt_s", "looks_target", "looks_cohort", "looks_rhyme", "looks_unrelated")),
    Experiment("lexical-decision", "is it a word, and how fast is that known?", ("word|pronunciation|sound",),
               ("kind", "word", "pronunciation"), "lexical:lexical_decision", "items:lexical_decisions",
               ("rt_s", "correct", "gap")),
    Experiment("frequency-density", "are frequent words, and words of few neighbours, sooner recognised?", ("word",),
               ("pronunciation",), "words:measured_word", "items:frequency_density",
               ("rt_s", "recognised", "p_target")),
    Experiment("uniqueness-point", "is a word decided on where no other begins like it?", ("word",),
               ("pronunciation",), "words:uniqueness_point", "items:plain_words",
               ("after_uniqueness_s", "rt_s", "recognised")),
    Experiment("ganong", "is an ambiguous phone heard as the one that makes a word? (Ganong 1980)",
               ("first", "second"), ("donor_first", "donor_second", "sound_first", "sound_second"),
               "sounds:ganong", "items:carriers", ("p_second",), "step"),
    Experiment("restoration", "is a phone under noise restored, and not in silence? (Warren 1970)", ("word",),
               ("pronunciation", "position"), "sounds:restoration", "items:long_words",
               ("log_odds", "p_target", *WORD[::2])),
    Experiment("embedded", "is the short word in a long one heard? (McClelland and Elman 1986)",
               ("word", "embedded"), ("sound_embedded",), "words:embedded", "items:embedded",
               ("lead_of_short", "p_short", "p_long"), "phones_after", ("recognised", "log_odds_of_short")),
    Experiment("mispronunciation", "what harm does a changed phone do? (Connine et al. 1993)",
               ("word", "pronunciation|sound"), ("pronunciation",), "words:mispronounced", "items:mispronounced",
               ("p_target", "recognised", "rt_s")),
    Experiment("splice", "what harm does a vowel do that announces another consonant? (Marslen-Wilson, Warren 1994)",
               ("word", "first"), ("pronunciation", "at", "sound_first"), "sounds:splice", "items:spliced",
               ("log_odds", "after_join_s", "p_mean", *WORD)),
    Experiment("noise", "how well are words heard in noise? (Luce and Pisoni 1998)", ("word",),
               ("pronunciation", "snr_db"), "words:noise", "items:frequency_density", WORD, "snr_db"),
)  # fmt: skip
EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({one.name: one for one in _ALL})


def experiment_named(name: str) -> Experiment:
    """Return an experiment; raises `UnknownName` with those there are."""
    if name not in EXPERIMENTS:
        raise UnknownName("experiment", name, EXPERIMENTS)
    return EXPERIMENTS[name]
