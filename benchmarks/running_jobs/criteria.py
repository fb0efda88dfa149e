"""When has a word of running speech won? Leads and holds side by side, and the pair that the rule takes.

In each place whatever fulfils a criterion first is the decided word, as it is for a listener who does not know yet what
comes. The rule, written down before any pair was looked at: the pair of lead and hold whose first winners have the
highest F1 against the spoken words, mean of the conditions; of the pairs within `NEAR` of it, the one that decides
soonest after the ends of words (median, mean of the conditions).

The first grid held up to 10 frames, and its best pair (8 nats, 10 frames) lay at that edge; so 15, 20 and 30 frames
were added, and the rule left as it was. `heard_so_in_the_end` is the share of winners that were not given up.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from otoscope.lexicon.ngram.model import NGramModel
from otoscope.listener.deciding import Criterion, crossing
from otoscope.listener.listening import WordListener
from otoscope.listener.running_speech import own_forms, race_of_slot
from running_jobs.hearing import Said, heard, right

LEADS = (2.0, 3.5, 5.0, 8.0, 12.0, 20.0)
HOLDS = (1, 3, 5, 10, 15, 20, 30)
NEAR = 0.005


@dataclass
class Tally:
    """What a criterion came to over all utterances."""

    spoken: int = 0
    decided: int = 0
    right: int = 0
    stays: int = 0
    speech_s: float = 0.0
    delays_s: list[float] = field(default_factory=list)

    def row(self) -> dict[str, float]:
        """Return its rates."""
        return {
            "decided_right": round(self.right / max(self.decided, 1), 4),
            "spoken_decided": round(self.right / self.spoken, 4),
            "f1": round(2 * self.right / (self.decided + self.spoken), 4),
            "winners_per_s": round(self.decided / self.speech_s, 3),
            "heard_so_in_the_end": round(self.stays / max(self.decided, 1), 4),
            "delay_s": round(float(np.median(self.delays_s)), 3),
            "delay_s_90": round(float(np.quantile(self.delays_s, 0.9)), 3),
        }


def criteria(arguments: argparse.Namespace, listener: WordListener, context: NGramModel | None) -> list[dict[str, Any]]:
    """Return a row for each condition and pair, the chosen pair marked."""
    tallies: dict[tuple[str, float, int], Tally] = defaultdict(Tally)
    for said in heard(arguments, listener, context):
        for lead in LEADS:
            for hold in HOLDS:
                _count(said, listener, Criterion(lead=lead, hold_frames=hold), tallies[said.condition, lead, hold])
    rows = [
        {"condition": condition, "lead": lead, "hold_frames": hold, **tally.row()}
        for (condition, lead, hold), tally in sorted(tallies.items())
    ]
    best = chosen(rows)
    return [{**row, "chosen": (row["lead"], row["hold_frames"]) == best} for row in rows]


def chosen(rows: list[dict[str, Any]]) -> tuple[float, int]:
    """Return the pair that the rule takes."""
    found: dict[tuple[float, int], list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        found[row["lead"], row["hold_frames"]].append((row["f1"], row["delay_s"]))
    means = {pair: np.mean(values, axis=0) for pair, values in found.items()}
    top = max(float(f1) for f1, _ in means.values())
    return min((pair for pair, (f1, _) in means.items() if f1 >= top - NEAR), key=lambda pair: float(means[pair][1]))


def _count(said: Said, listener: WordListener, criterion: Criterion, tally: Tally) -> None:
    words, grid = listener.tree(said.evidence.models).words, said.evidence.grid
    winners: list[list[str]] = []
    for slot, word in zip(said.speech.slots, said.speech.percept.heard, strict=True):
        race = race_of_slot(slot, grid, words)
        at = crossing(race, criterion)
        if at is None:
            continue
        winner = int(race.leaders[at[1]])
        winners.append([listener.lexicon.words[k] for k in listener.forms.words[winner]])
        tally.stays += winner in slot.forms[own_forms(slot, words)]
        tally.delays_s.append(float(race.times_s[at[1]]) - word.end_s)
    places = said.speech.percept.heard
    tally.spoken += len(said.reference)
    tally.decided += len(winners)
    tally.right += int(right(said.reference, winners).sum())
    tally.speech_s += max(w.end_s for w in places) - min(w.start_s for w in places) if places else 0.0
