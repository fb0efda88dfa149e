"""Are decided words of running speech right as often as they say? Fitted on some speakers, judged on others.

What a word says is the highest probability that it came to in its place. κ and the doubt are fitted to the decided
words of some speakers, of both conditions together, and judged on those of others, by the expected calibration error
(ten bins) and the log-loss; `before` are those of words said alone, with no doubt. So few words err by chance already:
`by_chance` is the mean error that right and wrong drawn by the stated probabilities would have.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.lexicon.ngram.model import NGramModel
from otoscope.listener.calibration import Belief, DecidedWord, calibrate_running, log_loss
from otoscope.listener.listening import WordListener
from otoscope.listener.running_speech import own_forms
from otoscope.metrics.calibration import Reliability, reliability
from running_jobs.hearing import heard, right

BEFORE = Belief(0.18, 0.0)
N_DRAWS = 200
BOTH = "both"


@dataclass(frozen=True)
class Known:
    """A decided word, who said it, and how it was heard."""

    word: DecidedWord
    speaker: str
    condition: str


@dataclass(frozen=True)
class Judged:
    """Words that were not fitted to: what they said before and after, and which were right; `(n_words,)` each."""

    before: NDArray[np.float64]
    after: NDArray[np.float64]
    right: NDArray[np.bool_]

    def row(self) -> dict[str, Any]:
        """Return the errors."""
        return {
            "n_words": self.right.size,
            "right": round(float(self.right.mean()), 4),
            "ece_before": round(reliability(self.before, self.right).error, 4),
            "ece_after": round(reliability(self.after, self.right).error, 4),
            "by_chance": round(_by_chance(self.after), 4),
            "log_loss_before": round(log_loss(self.before, self.right), 4),
            "log_loss_after": round(log_loss(self.after, self.right), 4),
        }


def calibration(
    arguments: argparse.Namespace, listener: WordListener, context: NGramModel | None
) -> list[dict[str, Any]]:
    """Return a row for each way to part the speakers, each speaker by the others, and the fit to all."""
    known = list(_known(arguments, listener, context))
    speakers = sorted({one.speaker for one in known})
    rows = []
    for speaker in speakers:
        others = [name for name in speakers if name != speaker]
        for fitted, judged in (([speaker], others), (others, [speaker])):
            belief = calibrate_running(_words(known, fitted))
            words = _judged(_words(known, judged), belief)
            rows.append({"fitted_on": " ".join(fitted), "judged_on": " ".join(judged), "condition": BOTH,
                         "scale": round(belief.scale, 4), "doubt": round(belief.doubt, 4), **words.row()})  # fmt: skip
    by_others = _by_others(known)
    for condition in dict.fromkeys([BOTH, *(one.condition for one in known)]):
        here = np.array([condition in (BOTH, one.condition) for one in by_others[0]])
        words = Judged(*(values[here] for values in by_others[1:]))
        rows.append({"fitted_on": "the others", "judged_on": "each", "condition": condition, "scale": None,
                     "doubt": None, **words.row()})  # fmt: skip
    belief = calibrate_running([one.word for one in known])
    words = _judged([one.word for one in known], belief)
    rows.append({"fitted_on": "all", "judged_on": "the same", "condition": BOTH, "scale": round(belief.scale, 4),
                 "doubt": round(belief.doubt, 4), **words.row()})  # fmt: skip
    return rows


def bins(arguments: argparse.Namespace, listener: WordListener, context: NGramModel | None) -> list[dict[str, Any]]:
    """Return a row for each bin: what words said before and after, each speaker's fitted on the others."""
    _, before, after, was_right = _by_others(list(_known(arguments, listener, context)))
    tables = [reliability(said, was_right) for said in (before, after)]
    lows = tables[0].low.tolist()
    return [
        {
            "from": round(low, 1),
            "to": round(low + 0.1, 1),
            **_bin(tables[0], k, "before"),
            **_bin(tables[1], k, "after"),
        }
        for k, low in enumerate(lows)
    ]


def _bin(found: Reliability, k: int, when: str) -> dict[str, Any]:
    n = int(found.n[k])
    said, was_right = (round(float(values[k]), 3) if n else None for values in (found.confidence, found.correct))
    return {f"n_{when}": n, f"said_{when}": said, f"right_{when}": was_right}


def _known(arguments: argparse.Namespace, listener: WordListener, context: NGramModel | None) -> list[Known]:
    found = []
    for said in heard(arguments, listener, context):
        words = listener.tree(said.evidence.models).words
        was_right = right(said.reference, [word.label.split("/") for word in said.speech.percept.heard])
        for slot, word, true in zip(said.speech.slots, said.speech.percept.heard, was_right, strict=True):
            if word.decision_time_s is not None:
                decided = DecidedWord(slot, own_forms(slot, words), bool(true))
                found.append(Known(decided, said.speaker, said.condition))
    return found


def _by_others(
    known: Sequence[Known],
) -> tuple[list[Known], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return all words, speaker by speaker, judged by what was fitted to the other speakers."""
    speakers = sorted({one.speaker for one in known})
    order, parts = [], []
    for speaker in speakers:
        belief = calibrate_running(_words(known, [name for name in speakers if name != speaker]))
        order += [one for one in known if one.speaker == speaker]
        parts.append(_judged(_words(known, [speaker]), belief))
    before, after, was_right = (np.concatenate([getattr(part, name) for part in parts])
                                for name in ("before", "after", "right"))  # fmt: skip
    return order, before, after, was_right


def _words(known: Sequence[Known], speakers: Sequence[str]) -> list[DecidedWord]:
    return [one.word for one in known if one.speaker in speakers]


def _judged(words: Sequence[DecidedWord], belief: Belief) -> Judged:
    return Judged(BEFORE.peaks(words), belief.peaks(words), np.array([word.right for word in words]))


def _by_chance(said: NDArray[np.float64]) -> float:
    rng = np.random.default_rng(0)
    return float(np.mean([reliability(said, rng.random(said.size) < said).error for _ in range(N_DRAWS)]))
