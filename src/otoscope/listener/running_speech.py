"""What a listener makes of running speech: a sequence of winners, when each had won, and against whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otoscope.core import FrameGrid, HeardWord, Percept
from otoscope.core.arrays import ByValue
from otoscope.decoding.tree.units import PhoneModels
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.listener import ranking
from otoscope.listener.deciding import DecisionRule, crossing
from otoscope.listener.evidence import Evidence
from otoscope.listener.hearers import Hearer, RunningSettings
from otoscope.listener.races import Race
from otoscope.listener.running import RunningListening, SpokenForm
from otoscope.listener.slots import NEAR_FRAMES, Slot, slots_of
from otoscope.listener.word_graph import best_in_context, node_after, words_of

N_RIVALS = 3
"""Rivals of a winner that are shown."""
N_SHOWN = 30
"""Rivals that a Percept keeps beside all winners: the likeliest."""
LEAST_PEAK = 0.08
"""Rivals that never come to this probability are not shown."""

Shown = list[tuple[str, NDArray[np.bool_]]]


@dataclass(frozen=True, eq=False)
class RunningSpeech(ByValue):
    """What was made of running speech.

    Parameters
    ----------
    percept
        The words that won. The confidence of each is the highest probability that it came to in its place: of those
        that were decided, as many are right as it says (`otoscope.listener.calibration.calibrate_running`).
    slots
        For each of them the competition for its place.
    shown
        For each of them its own name and its nearest rivals', with their posteriors in the place, `(n_frames,)` each.
    before
        For each of them the word that had won in its place first and was then given up; `None`: none had.
    """

    percept: Percept
    slots: tuple[Slot, ...]
    shown: tuple[tuple[tuple[str, NDArray[np.float64]], ...], ...]
    before: tuple[str | None, ...] = ()


def hear_running(listener: Hearer, evidence: Evidence, *, context: NGramModel | None = None) -> RunningSpeech:
    """Return what a listener makes of running speech.

    Parameters
    ----------
    listener
        Its lexicon and its settings.
    evidence
        What it hears.
    context
        An n-gram model, whose P(word | words before) then decides which words of those that the sound left were said
        (`otoscope.listener.word_graph`), and what each of them gains on its rivals.

    Returns
    -------
    RunningSpeech
        The Percept's posteriors are those of words in the place of a winner (`otoscope.listener.slots`); NaN elsewhere.
    """
    listening = open_listening(listener, evidence.models)
    listening.feed(evidence.scores)
    spoken = sequence_of(listener, listening, context)
    return speech_of(listener, listening, evidence, spoken, context)


def open_listening(listener: Hearer, models: PhoneModels) -> RunningListening:
    """Return what running speech is fed to, with the listener's settings."""
    settings = listener.settings
    return RunningListening(
        listener.tree(models), frequency_weight=settings.running_weight, acoustic_scale=settings.running_scale,
        word_penalty=settings.word_penalty,
    )  # fmt: skip


def sequence_of(
    listener: Hearer, listening: RunningListening, context: NGramModel | None, *, before: Sequence[str] = ()
) -> tuple[tuple[SpokenForm, str], ...]:
    """Return the best sequence of words and their names, in context if there is one; `before`: words said before."""
    if context is None:
        return tuple((spoken, listener.name(spoken.form)) for spoken in listening.sequence())
    best = best_in_context(
        listening.graph(), listening.silent(), listener.lexicon, context, weight=listener.settings.context_weight,
        word_penalty=listener.settings.word_penalty, before=before,
    )  # fmt: skip
    return tuple(
        (SpokenForm(edge.form, edge.first, edge.behind, edge.sound), listener.lexicon.words[word])
        for edge, word in best
    )


def speech_of(
    listener: Hearer,
    listening: RunningListening,
    evidence: Evidence,
    sequence: Sequence[tuple[SpokenForm, str]],
    context: NGramModel | None,
    *,
    before: Sequence[str] = (),
) -> RunningSpeech:
    """Return winners, rivals and decisions for a sequence, or its beginning; parameters as for `sequence_of`.

    `evidence`: what was heard, at least as far as the places of the words go.
    """
    settings, labels = listener.settings, [label for _, label in sequence]
    bonus = None if context is None else _gains(listener, context, labels, before)
    slots = slots_of(listening, [spoken for spoken, _ in sequence], bonus=bonus, doubt=settings.running_doubt)
    words = listening.tree.words
    races = [race_of_slot(slot, evidence.grid, words) for slot in slots]
    owns = [own_forms(slot, words) for slot in slots]
    heard = tuple(
        _heard(slot, label, evidence.grid, (race, own), settings)
        for slot, label, race, own in zip(slots, labels, races, owns, strict=True)
    )
    given_up = tuple(
        _given_up(listener, slot, evidence.grid, (race, own))
        for slot, race, own in zip(slots, races, owns, strict=True)
    )
    shown = [_shown(listener, slot, label, words) for slot, label in zip(slots, labels, strict=True)]
    percept = _percept(listener, evidence, (slots, shown), heard, context)
    lines = tuple(
        tuple((label, slot.posteriors[:, own].sum(axis=1)) for label, own in each)
        for slot, each in zip(slots, shown, strict=True)
    )
    return RunningSpeech(percept, slots, lines, given_up)


def _gains(
    listener: Hearer, context: NGramModel, heard: Sequence[str], before: Sequence[str]
) -> Callable[[int, NDArray[np.int32]], NDArray[np.float64]]:
    """Return what forms gain from the words that were heard before a place, over what their frequency gives them."""
    nodes = [node_after(context, before)]
    for word in context.ids(heard):
        nodes.append(context.advance(nodes[-1], np.array([word], np.int32))[1])
    settings, prior = listener.settings, listener.forms.log_prior

    def gains(k: int, forms: NDArray[np.int32]) -> NDArray[np.float64]:
        starts, _, ids, shares = words_of(forms.tolist(), listener.lexicon, context)
        log_p, _ = context.advance(np.repeat(nodes[k], ids.size), ids)
        expected = np.maximum.reduceat(log_p + shares, starts[:-1])
        return np.asarray(settings.context_weight * expected - settings.running_weight * prior[forms])

    return gains


def race_of_slot(slot: Slot, grid: FrameGrid, words: tuple[NDArray[np.int32], NDArray[np.int32]]) -> Race:
    """Return who leads in a place, and by how much over the best form that shares no word with the leader.

    While the leader is on its way, the lead is that over the words that were not looked at, if this is smaller. Nobody
    leads before all words of the place may have begun.

    Parameters
    ----------
    slot
        The place.
    grid
        Of the whole recording.
    words
        Which words forms can be, as in `otoscope.listener.word_tree.WordTree`.
    """
    order = np.argsort(-slot.activations, axis=1, kind="stable")
    values = np.take_along_axis(slot.activations, order, axis=1)
    leads = np.empty(len(values))
    ranking.leads_of(slot.forms[order], values, *words, leads)
    top = np.where(np.isfinite(values[:, 0]), values[:, 0], 0.0)
    leads = np.minimum(leads, np.maximum(top - slot.unseen, 0.0))
    leads[:NEAR_FRAMES] = 0.0
    first = slot.spoken.first
    times = grid.times_s()[first : first + len(values)]
    sure = slot.posteriors[np.arange(len(values)), order[:, 0]]
    return Race(times, slot.forms[order[:, 0]].astype(np.int64), values[:, 0], leads, confidence=sure)


def own_forms(slot: Slot, words: tuple[NDArray[np.int32], NDArray[np.int32]]) -> NDArray[np.bool_]:
    """Return which forms of a place share a word with the one that has it, `(n_forms,)`."""
    starts, named = words
    mine = set(named[starts[slot.spoken.form] : starts[slot.spoken.form + 1]].tolist())
    return np.array([bool(mine & set(named[starts[f] : starts[f + 1]].tolist())) for f in slot.forms])


def _heard(
    slot: Slot, label: str, grid: FrameGrid, race_and_own: tuple[Race, NDArray[np.bool_]], settings: RunningSettings
) -> HeardWord:
    """Return a word of a sequence, decided when it first led in its place as the rule asks."""
    (race, own), rule = race_and_own, settings.running
    mine = np.isin(race.leaders, slot.forms[own])
    edges = grid.edges_s()
    span = float(edges[slot.spoken.first]), float(edges[slot.spoken.behind])
    at = crossing(race, rule.criterion, bound=np.where(mine, rule.bound(race.times_s, span[1]), np.inf))
    peak = min(1.0, float(slot.posteriors[:, own].sum(axis=1).max()))
    if at is None:
        return HeardWord(label, *span, confidence=peak)
    decided_s = float(race.times_s[at[1]])
    return HeardWord(label, *span, decided_s, decided_s + settings.execution.mean_s, peak)


def first_winner(slot: Slot, race: Race, grid: FrameGrid, rule: DecisionRule) -> tuple[int, float] | None:
    """Return the form that is decided on first in a place, whether or not it has it in the end, and when."""
    bound = rule.bound(race.times_s, float(grid.edges_s()[slot.spoken.behind]))
    at = crossing(race, rule.criterion, bound=bound)
    return None if at is None else (int(race.leaders[at[1]]), float(race.times_s[at[1]]))


def _given_up(
    listener: Hearer, slot: Slot, grid: FrameGrid, race_and_own: tuple[Race, NDArray[np.bool_]]
) -> str | None:
    """Return the word that won in a place before the one that has it in the end; `None` where there was none."""
    race, own = race_and_own
    found = first_winner(slot, race, grid, listener.settings.running)
    return None if found is None or found[0] in slot.forms[own] else listener.name(found[0])


def _percept(
    listener: Hearer,
    evidence: Evidence,
    places: tuple[Sequence[Slot], Sequence[Shown]],
    heard: Sequence[HeardWord],
    context: NGramModel | None,
) -> Percept:
    columns = {word: k for k, word in enumerate(dict.fromkeys([w.label for w in heard] + _rivals(*places)))}
    parts = []
    for slot, shown in zip(*places, strict=True):
        for label, own in shown:
            if label not in columns:
                continue
            column = columns[label]
            parts.append((slot.spoken.first, column, slot.activations[:, own].max(axis=1),
                          slot.posteriors[:, own].sum(axis=1)))  # fmt: skip
    shape = evidence.n_frames, len(columns)
    activations, posteriors = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    for first, column, values, shares in parts:
        here = slice(first, first + len(values)), column
        activations[here] = np.fmax(activations[here], np.where(np.isfinite(values), values, np.nan))
        posteriors[here] = np.fmax(posteriors[here], np.clip(shares, 0, 1))
    made = listener.provenance(evidence.origin)
    if context is not None:
        told = {"order": context.order, "n_grams": list(context.counts)}
        made = replace(made, parameters={**made.parameters, "context_model": told})
    return Percept(tuple(columns), activations, evidence.grid, posteriors, tuple(heard), provenance=made)


def _rivals(slots: Sequence[Slot], shown: Sequence[Shown]) -> list[str]:
    """Return the `N_SHOWN` rivals that were likeliest at any time, in whatever place, likeliest first."""
    peaks: dict[str, float] = {}
    for slot, each in zip(slots, shown, strict=True):
        for label, own in each[1:]:
            peaks[label] = max(peaks.get(label, 0.0), float(slot.posteriors[:, own].sum(axis=1).max()))
    return sorted(peaks, key=lambda label: -peaks[label])[:N_SHOWN]


def _shown(listener: Hearer, slot: Slot, label: str, words: tuple[NDArray[np.int32], NDArray[np.int32]]) -> Shown:
    """Return the winner of a place and its nearest rivals, with the forms that are theirs."""
    shown = [(label, own_forms(slot, words))]
    taken = shown[0][1].copy()
    for k in np.argsort(-slot.posteriors.max(axis=0), kind="stable"):
        if len(shown) > N_RIVALS or slot.posteriors[:, k].max() < LEAST_PEAK:
            break
        if taken[k]:
            continue
        own = own_forms(replace(slot, spoken=replace(slot.spoken, form=int(slot.forms[k]))), words) & ~taken
        taken |= own
        shown.append((listener.name(int(slot.forms[k])), own))
    return shown
