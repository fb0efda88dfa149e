"""When has a word of running speech won? Leads, holds and urgencies side by side, and those that the rule takes.

In each place whatever fulfils a criterion first is the decided word, as it is for a listener who does not know yet what
comes. The rule, written down before any pair was looked at: the pair of lead and hold whose first winners have the
highest F1 against the spoken words, mean of the conditions; of the pairs within `NEAR` of it, the one that decides
soonest after the ends of words (median, mean of the conditions).

The first grid held up to 10 frames and had no urgency; its best pair (8 nats, 10 frames) lay at that edge. So longer
holds were added, then an urgency as single words have it: after the end of a word the lead that is asked for falls to
nothing in so many seconds, and with it leads up to 30 nats. The rule was left as it was, but the choice moved with each
(and with the weight of frequency): what is best is a plateau, on which the rule takes what decides soonest.
`heard_so_in_the_end` is the share of winners that were not given up.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.lexicon.ngram.model import NGramModel
from otoscope.listener.deciding import Criterion, DecisionRule
from otoscope.listener.listening import WordListener
from otoscope.listener.races import Race
from otoscope.listener.running_speech import first_winner, own_forms, race_of_slot
from running_jobs.hearing import Said, heard, right

LEADS = (5.0, 8.0, 12.0, 20.0, 30.0)
HOLDS = (1, 3, 5, 10, 15)
URGENCIES_S = (None, 0.15, 0.3)
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
    """Return a row for each condition and rule, the chosen rule marked."""
    tallies: dict[tuple[str, DecisionRule], Tally] = defaultdict(Tally)
    rules = [
        DecisionRule(Criterion(lead=lead, hold_frames=hold), urgency_s=urgency_s)
        for urgency_s in URGENCIES_S for lead in LEADS for hold in HOLDS
    ]  # fmt: skip
    for said in heard(arguments, listener, context):
        words = listener.tree(said.evidence.models).words
        races = [race_of_slot(slot, said.evidence.grid, words) for slot in said.speech.slots]
        owns = [slot.forms[own_forms(slot, words)] for slot in said.speech.slots]
        for rule in rules:
            _count(said, listener, rule, (races, owns), tallies[said.condition, rule])
    best = chosen(tallies)
    return [
        {"condition": condition, "lead": rule.criterion.lead, "hold_frames": rule.criterion.hold_frames,
         "urgency_s": rule.urgency_s, **tally.row(), "chosen": rule == best}
        for (condition, rule), tally in sorted(tallies.items(), key=lambda item: item[0][0])
    ]  # fmt: skip


def chosen(tallies: dict[tuple[str, DecisionRule], Tally]) -> DecisionRule:
    """Return the rule of decision that the rule of choice takes."""
    found: dict[DecisionRule, list[tuple[float, float]]] = defaultdict(list)
    for (_, rule), tally in tallies.items():
        found[rule].append((tally.row()["f1"], tally.row()["delay_s"]))
    means = {rule: np.mean(values, axis=0) for rule, values in found.items()}
    top = max(float(f1) for f1, _ in means.values())
    return min((rule for rule, (f1, _) in means.items() if f1 >= top - NEAR), key=lambda rule: float(means[rule][1]))


def _count(
    said: Said,
    listener: WordListener,
    rule: DecisionRule,
    places: tuple[Sequence[Race], Sequence[NDArray[np.int32]]],
    tally: Tally,
) -> None:
    grid, heard_words = said.evidence.grid, said.speech.percept.heard
    winners: list[list[str]] = []
    for slot, word, race, own in zip(said.speech.slots, heard_words, *places, strict=True):
        found = first_winner(slot, race, grid, rule)
        if found is None:
            continue
        winner, time_s = found
        winners.append([listener.lexicon.words[k] for k in listener.forms.words[winner]])
        tally.stays += winner in own
        tally.delays_s.append(time_s - word.end_s)
    tally.spoken += len(said.reference)
    tally.decided += len(winners)
    tally.right += int(right(said.reference, winners).sum())
    tally.speech_s += max(w.end_s for w in heard_words) - min(w.start_s for w in heard_words) if heard_words else 0.0
