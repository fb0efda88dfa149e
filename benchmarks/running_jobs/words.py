"""Word errors and winners of running speech, by frequency alone and in context."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from otoscope.decoding.edit_distance import align_words
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.listener.listening import WordListener
from otoscope.listener.rates import rates_of
from running_jobs.hearing import Said, heard, right, spelled


def words(arguments: argparse.Namespace, listener: WordListener, context: NGramModel | None) -> list[dict[str, Any]]:
    """Return a row for each condition."""
    sums: dict[str, Counter[str]] = {}
    for said in heard(arguments, listener, context):
        sums.setdefault(said.condition, Counter()).update(_counts(said))
    return [{"condition": name, **_rates(total)} for name, total in sums.items()]


def _counts(said: Said) -> dict[str, float]:
    percept, reference = said.speech.percept, list(said.reference)
    names = [word.label.split("/") for word in percept.heard]
    rates, was_right = rates_of(percept), right(reference, names)
    decided = [word.decision_time_s is not None for word in percept.heard]
    pooled, first = spelled(reference, names), [each[0] for each in names]
    return {
        "utterances": 1,
        "reference": len(reference),
        "heard": rates.n_words,
        "decided": rates.n_decided,
        "decided_right": int((was_right & decided).sum()) if decided else 0,
        "early": rates.n_early,
        "speech_s": rates.speech_s,
        "turned": sum(before is not None for before in said.speech.before),
        "pooled": sum(step.kind != "match" for step in align_words(reference, pooled).operations),
        "spelled": sum(step.kind != "match" for step in align_words(reference, first).operations),
    }


def _rates(total: Counter[str]) -> dict[str, float]:
    return {
        "n_utterances": total["utterances"],
        "n_words": total["reference"],
        "wer": round(total["pooled"] / total["reference"], 4),
        "wer_as_spelled": round(total["spelled"] / total["reference"], 4),
        "said_per_s": round(total["reference"] / total["speech_s"], 3),
        "heard_per_s": round(total["heard"] / total["speech_s"], 3),
        "winners_per_s": round(total["decided"] / total["speech_s"], 3),
        "decided": round(total["decided"] / total["heard"], 4),
        "decided_right": round(total["decided_right"] / total["decided"], 4),
        "before_they_end": round(total["early"] / total["heard"], 4),
        "another_won_first": round(total["turned"] / total["heard"], 4),
    }
