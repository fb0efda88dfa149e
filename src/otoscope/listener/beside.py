"""Human beside machine: what the recogniser wrote against what the listener would have heard, and why they differ.

For each place where they differ, both words are heard by the listener in the same stretch of sound: what the sound
says for each, what frequency adds. So the reason is a number: the sound, the frequency, or that a word is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from otoscope.core import BadInput, Finding, HeardWord, Interval, Percept, Trace
from otoscope.decoding.edit_distance import align_words
from otoscope.lexicon.normalization import normalize_words
from otoscope.listener.evidence import Evidence
from otoscope.listener.listening import WordListener
from otoscope.listener.paths import form_path

SAME_PLACE = 0.6
"""Two words stand in the same place if they share so much of the time that either takes."""
SAME_NATS = 0.5
"""A difference of so many nats tells nothing."""


def beside(
    listener: WordListener, evidence: Evidence, percept: Percept, said: Sequence[Interval]
) -> tuple[dict[str, Any], ...]:
    """Return a row for each word of either: `recogniser`, `listener`, times, `sound_nats`, `prior_nats`, `why`.

    `sound_nats` is what the sound of the stretch says for the listener's word rather than the recogniser's, in the
    listener's ears; `prior_nats` what frequency (times λ) says for it.
    """
    theirs = [(word, " ".join(normalize_words(word.label))) for word in said]
    mine = [(word, word.label.split("/")) for word in percept.heard]
    written = [text for _, text in theirs]
    # Homophones are one and the same to the ear: a word of mine is spelled as theirs if it can be.
    spelled = [next((name for name in names if name in written), names[0]) for _, names in mine]
    rows = []
    for step in align_words(written, spelled).operations:
        one = None if step.reference_index is None else theirs[step.reference_index][0]
        other = None if step.hypothesis_index is None else mine[step.hypothesis_index][0]
        rows.append(_row(listener, evidence, one, other, same=step.kind == "match"))
    return tuple(rows)


def _row(
    listener: WordListener, evidence: Evidence, said: Interval | None, heard: HeardWord | None, *, same: bool
) -> dict[str, Any]:
    spans = [(word.start_s, word.end_s) for word in (said, heard) if word is not None]
    start_s, end_s = min(s for s, _ in spans), max(e for _, e in spans)
    row: dict[str, Any] = {
        "recogniser": None if said is None else said.label,
        "listener": None if heard is None else heard.label,
        "start_s": round(start_s, 3),
        "end_s": round(end_s, 3),
        "decided_s": None if heard is None or heard.decision_time_s is None else round(heard.decision_time_s, 3),
        "sound_nats": None,
        "prior_nats": None,
        "why": "same",
    }
    if same:
        return row
    if said is None or heard is None:
        return row | {"why": "cut into words elsewhere"}
    word = " ".join(normalize_words(said.label))
    if word not in listener.lexicon:
        return row | {"why": f"the listener does not know {word!r}"}
    if min(e for _, e in spans) - max(b for b, _ in spans) < SAME_PLACE * (end_s - start_s):
        return row | {"why": "cut into words elsewhere"}
    stretch = _cut(evidence, start_s, end_s)
    mine, theirs = (_best(listener, stretch, name) for name in (heard.label.split("/")[0], word))
    if mine is None or theirs is None:
        return row | {"why": "the stretch is too short for one of the words"}
    sound, prior = mine[0] - theirs[0], mine[1] - theirs[1]
    return row | {"sound_nats": round(sound, 2), "prior_nats": round(prior, 2), "why": _why(sound, prior)}


def _why(sound: float, prior: float) -> str:
    if sound > SAME_NATS:
        return "its ears hear the sound so"
    if prior > SAME_NATS:
        return "the more frequent word, against the sound" if sound < -SAME_NATS else "the more frequent word"
    return "the words around it"


def _cut(evidence: Evidence, start_s: float, end_s: float) -> Evidence:
    frames = evidence.grid.frames_of(Interval(start_s, end_s, ""))
    grid = evidence.grid
    cut = replace(grid, start=grid.start + frames.start * grid.hop, n_frames=frames.stop - frames.start)
    return Evidence(evidence.scores[frames], cut, evidence.models, evidence.origin, evidence.kind)


def _best(listener: WordListener, stretch: Evidence, word: str) -> tuple[float, float] | None:
    """Return the best form's acoustic score in a stretch, and its weighted prior; `None` where none fits."""
    forms, weight = listener.forms, listener.settings.frequency_weight
    found = []
    for form in listener.lexicon.forms_of(word):
        if stretch.n_frames < 2 * len(forms.phones[form]):
            continue
        try:
            path = form_path(stretch, forms.phones[form])
        except BadInput:  # more states than frames
            continue
        found.append((path.score, weight * float(forms.log_prior[form])))
    return max(found, key=sum, default=None)


def summary_of(rows: Sequence[dict[str, Any]], percept: Percept, trace: Trace | None) -> str:
    """Return what a listener would have heard, against what was written, in a sentence or two."""
    text = percept.text or "nothing"
    decided = [word for word in percept.heard if word.decision_time_s is not None]
    early = sum(1 for word in decided if word.decision_time_s is not None and word.decision_time_s < word.end_s)
    told = f"A listener would have heard: {text}."
    if percept.heard:
        told += f" {len(decided)} of {len(percept.heard)} words were decided, {early} before they had ended."
    if trace is None:
        return told
    same = sum(row["why"] == "same" for row in rows)
    return told + f" The recogniser wrote: {trace.text or 'nothing'}; they agree on {same} of {len(rows)} words."


def listening_finding(listener: WordListener, evidence: Evidence, percept: Percept, trace: Trace | None) -> Finding:
    """Return the comparison as a Finding without pictures; views add them."""
    said = () if trace is None or not trace.has("alignment") else trace.words
    rows = beside(listener, evidence, percept, said)
    origin = percept.provenance
    provenance = {} if origin is None else {"listener": origin.version, **origin.parameters}
    return Finding("listener", summary_of(rows, percept, trace), rows, (), provenance)
