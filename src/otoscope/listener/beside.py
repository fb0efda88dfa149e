"""Human beside machine: what the recogniser wrote against what the listener would have heard, and why they differ.

For each place where they differ, both words are heard by the listener in the same stretch of sound: what the sound
says for each, what frequency adds, or a context where there is one. So the reason is a number: the sound, the frequency
or context, or that a word is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from otoscope.core import BadInput, Finding, HeardWord, Interval, Percept, Trace
from otoscope.decoding.edit_distance import align_words
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.lexicon.normalization import normalize_words
from otoscope.listener.evidence import Evidence
from otoscope.listener.listening import WordListener
from otoscope.listener.paths import form_path
from otoscope.listener.rates import rates_of
from otoscope.listener.word_graph import node_after

SAME_PLACE = 0.6
"""Two words stand in the same place if they share so much of the time that either takes."""
HALF = 0.5
"""Share of a word that lies in another one if it is a part of it."""
SAME_NATS = 0.5
"""A difference of so many nats tells nothing."""
_FREQUENCY, _CONTEXT = "the more frequent word", "the likelier word among its neighbours"


@dataclass(frozen=True)
class Expecting:
    """What a listener expects of words in a context.

    Parameters
    ----------
    model
        An n-gram model.
    before
        Words that were said before the first that was heard.
    """

    model: NGramModel
    before: tuple[str, ...] = ()

    def nats(self, listener: WordListener, words: Sequence[str], k: int, word: str) -> float:
        """Return what the model says for a word in the k-th place of those heard, times its weight, in nats.

        It is log P of the word after those before it, and of the next ones as far as they are foretold with its help;
        what comes after is as likely without it.
        """
        model, lexicon = self.model, listener.lexicon
        node, total = node_after(model, [*self.before, *words[:k]]), 0.0
        for each in (word, *words[k + 1 : k + model.order]):
            log_p, node = model.advance(node, model.ids([each]))
            total += float(log_p[0])
        if word not in model.index:  # the unknown word is shared out by frequency
            total += float(lexicon.log_priors[lexicon.position(word)])
        return listener.settings.context_weight * total


def beside(
    listener: WordListener,
    evidence: Evidence,
    percept: Percept,
    said: Sequence[Interval] | None,
    *,
    frequency_weight: float | None = None,
    expecting: Expecting | None = None,
) -> tuple[dict[str, Any], ...]:
    """Return a row for each word of either: `recogniser`, `listener`, times, `sound_nats`, `prior_nats`, `why`.

    `sound_nats` is what the sound of the stretch says for the listener's word rather than the recogniser's, in the
    listener's ears; `prior_nats` what frequency (times λ) says for it, or the context (times its weight).

    Parameters
    ----------
    listener, evidence, percept
        Who heard what, and what was made of it.
    said
        The recogniser's words; `None`: there was none, and nothing is compared.
    frequency_weight
        λ that the listener heard with; that of a word said alone unless it is given.
    expecting
        The context that it heard in.
    """
    theirs = [(word, " ".join(normalize_words(word.label))) for word in said or ()]
    mine = [(word, word.label.split("/")) for word in percept.heard]
    written = [text for _, text in theirs]
    # Homophones are one and the same to the ear: a word of mine is spelled as theirs if it can be.
    spelled = [next((name for name in names if name in written), names[0]) for _, names in mine]
    weight = listener.settings.frequency_weight if frequency_weight is None else frequency_weight
    firsts = [names[0] for _, names in mine]
    rows = []
    for step in align_words(written, spelled).operations:
        one = None if step.reference_index is None else theirs[step.reference_index][0]
        other = None if step.hypothesis_index is None else mine[step.hypothesis_index][0]
        row = _row(one, other)
        if said is None:
            row["why"] = None
        elif step.kind != "match" and one is not None and other is not None:
            prior = _prior(listener, weight, expecting, firsts, step.hypothesis_index or 0)
            row |= _compared(listener, evidence, (one, other), prior, _CONTEXT if expecting else _FREQUENCY)
        if step.kind != "match" and said is not None and row["why"] == "same":
            row["why"] = _cut_otherwise(one, other, said, percept.heard)
        rows.append(row)
    return tuple(rows)


def _row(said: Interval | None, heard: HeardWord | None) -> dict[str, Any]:
    spans = [(word.start_s, word.end_s) for word in (said, heard) if word is not None]
    return {
        "recogniser": None if said is None else said.label,
        "listener": None if heard is None else heard.label,
        "start_s": round(min(s for s, _ in spans), 3),
        "end_s": round(max(e for _, e in spans), 3),
        "decided_s": None if heard is None or heard.decision_time_s is None else round(heard.decision_time_s, 3),
        "sound_nats": None,
        "prior_nats": None,
        "why": "same",
    }


def _cut_otherwise(
    said: Interval | None, heard: HeardWord | None, all_said: Sequence[Interval], all_heard: Sequence[HeardWord]
) -> str:
    """Return what stands on the other side where a word of one side has no partner in its place."""
    if said is not None:
        there = _there((said.start_s, said.end_s), [(w.start_s, w.end_s, w.label) for w in all_heard])
        return f"cut otherwise: the listener heard {there!r} there" if there else "the listener heard no word there"
    assert heard is not None
    there = _there((heard.start_s, heard.end_s), [(w.start_s, w.end_s, w.label) for w in all_said])
    return f"cut otherwise: the recogniser wrote {there!r} there" if there else "the recogniser wrote no word there"


def _there(span: tuple[float, float], words: Sequence[tuple[float, float, str]]) -> str:
    """Return the words that lie in a span or that the span lies in, by at least half."""
    found = []
    for start_s, end_s, label in words:
        shared = min(span[1], end_s) - max(span[0], start_s)
        if shared > 0 and shared >= HALF * min(end_s - start_s, span[1] - span[0]):
            found.append(label)
    return " ".join(found)


def _prior(
    listener: WordListener, weight: float, expecting: Expecting | None, words: Sequence[str], k: int
) -> Callable[[str, int], float]:
    """Return what gives the prior of a word and form of it in the k-th place, in nats."""
    if expecting is None:
        return lambda _, form: weight * float(listener.forms.log_prior[form])
    return lambda word, _: expecting.nats(listener, words, k, word)


def _compared(
    listener: WordListener,
    evidence: Evidence,
    pair: tuple[Interval, HeardWord],
    prior_of: Callable[[str, int], float],
    likelier: str,
) -> dict[str, Any]:
    """Return why the listener heard another word than the recogniser wrote; nothing where these stand elsewhere."""
    said, heard = pair
    start_s, end_s = min(said.start_s, heard.start_s), max(said.end_s, heard.end_s)
    word = " ".join(normalize_words(said.label))
    if word not in listener.lexicon:
        return {"why": f"the listener does not know {word!r}"}
    if min(said.end_s, heard.end_s) - max(said.start_s, heard.start_s) < SAME_PLACE * (end_s - start_s):
        return {}
    stretch = _cut(evidence, start_s, end_s)
    mine, theirs = (_best(listener, stretch, name, prior_of) for name in (heard.label.split("/")[0], word))
    if mine is None or theirs is None:
        return {"why": "the stretch is too short for one of the words"}
    sound, prior = mine[0] - theirs[0], mine[1] - theirs[1]
    return {"sound_nats": round(sound, 2), "prior_nats": round(prior, 2), "why": _why(sound, prior, likelier)}


def _why(sound: float, prior: float, likelier: str) -> str:
    if sound > SAME_NATS:
        return "its ears hear the sound so"
    if prior > SAME_NATS:
        return f"{likelier}, against the sound" if sound < -SAME_NATS else likelier
    return "the words around it"


def _cut(evidence: Evidence, start_s: float, end_s: float) -> Evidence:
    frames = evidence.grid.frames_of(Interval(start_s, end_s, ""))
    grid = evidence.grid
    cut = replace(grid, start=grid.start + frames.start * grid.hop, n_frames=frames.stop - frames.start)
    return Evidence(evidence.scores[frames], cut, evidence.models, evidence.origin, evidence.kind)


def _best(
    listener: WordListener, stretch: Evidence, word: str, prior_of: Callable[[str, int], float]
) -> tuple[float, float] | None:
    """Return the best form's acoustic score in a stretch, and its weighted prior; `None` where none fits."""
    forms, found = listener.forms, []
    for form in listener.lexicon.forms_of(word):
        if stretch.n_frames < 2 * len(forms.phones[form]):
            continue
        try:
            path = form_path(stretch, forms.phones[form])
        except BadInput:  # more states than frames
            continue
        found.append((path.score, prior_of(word, form)))
    return max(found, key=sum, default=None)


def summary_of(rows: Sequence[dict[str, Any]], percept: Percept, trace: Trace | None) -> str:
    """Return what a listener would have heard, against what was written, in a sentence or two."""
    rates = rates_of(percept)
    # Of words that sound alike the most frequent stands for all; the table names them.
    text = " ".join(word.label.split("/")[0] for word in percept.heard)
    told = f"A listener would have heard {f'“{text}”' if text else 'nothing'}."
    if rates.n_words:
        told += f" {rates.n_decided} of {rates.n_words} words were decided, {rates.n_early} before they had ended"
        several = rates.n_words > 1 and rates.winners_per_s is not None
        told += f": {rates.winners_per_s:.1f} winners a second." if several else "."
    if trace is None:
        return told
    told += f" The recogniser wrote {f'“{trace.text}”' if trace.text else 'nothing'}"
    if not trace.has("alignment"):
        return told + "; it does not say when, so words are not compared one by one."
    same = sum(row["why"] == "same" for row in rows)
    return told + f"; they agree on {same} of {len(rows)} words."


def words_said(trace: Trace | None, *, start_s: float = 0.0) -> tuple[Interval, ...] | None:
    """Return a recogniser's words at times of a recording in which its own begins at `start_s`; `None`: no times."""
    if trace is None or not trace.has("alignment"):
        return None
    moved = (replace(word, start_s=word.start_s + start_s, end_s=word.end_s + start_s) for word in trace.words)
    return tuple(moved)


def listening_finding(
    listener: WordListener,
    evidence: Evidence,
    percept: Percept,
    trace: Trace | None,
    *,
    frequency_weight: float | None = None,
    expecting: Expecting | None = None,
    start_s: float = 0.0,
) -> Finding:
    """Return the comparison as a Finding without pictures; views add them.

    Parameters are those of `beside`; `start_s` is where the Trace's recording begins in the one that was heard.
    """
    said = words_said(trace, start_s=start_s)
    rows = beside(listener, evidence, percept, said, frequency_weight=frequency_weight, expecting=expecting)
    origin = percept.provenance
    provenance = {} if origin is None else {"listener": origin.version, **origin.parameters}
    return Finding("listener", summary_of(rows, percept, trace), rows, (), provenance)
