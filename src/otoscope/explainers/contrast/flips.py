"""The smallest change of a sound that makes a recogniser say the rival, to be played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Finding, Interval, Panel, Recognizer, Recording, Segment, Target, Trace
from otoscope.core.arrays import ByValue
from otoscope.core.protocols import Progress
from otoscope.explainers.contrast.contrasting import in_place_of, made_of
from otoscope.explainers.contrast.ear import Ear, in_place
from otoscope.explainers.contrast.edits import DEEPEST_DB, Edit, SoundEdits, first_order_effects
from otoscope.explainers.contrast.maps import segments_panel, span_of
from otoscope.explainers.contrast.parts import parts_of
from otoscope.explainers.contrast.rivals import asked_target, likeliest_rival
from otoscope.explainers.contrast.sets import EXACT_UP_TO, FoundSet, smallest_set
from otoscope.signal.levels import rms_db

ANY = "any"
N_SHORTLISTED = 32
N_BISECTIONS = 7
N_RANDOM = 20
MOST_TRIES = 600


@dataclass(frozen=True, eq=False)
class Flip(ByValue):
    """A changed recording, as long as the original, and what is heard in it.

    Parameters
    ----------
    recording
        Changed; of as many samples as the original.
    target, rival
        The word, and what is to be heard in its place (`any`: anything else).
    segments, members
        The parts that could be changed, and the indices of those that were.
    share, depth_db
        How far they were changed, 1 for wholly; for an attenuation also in dB.
    heard, text
        What a trace of the changed recording has in the word's place, and in all.
    flipped
        Whether that is the rival.
    margin_before, margin_after
        Score of the word less that of the rival, nats.
    change_db
        Level of the difference of the two recordings re that of the original.
    chance
        Share of random sets of as many parts that flip the word as well, changed as far; `None` if not asked.
    found
        How it was searched: exact or not, how many recordings were listened to.
    shortlisted
        Which parts were tried: `all`, or the most promising by `gradient` or by `score`.
    """

    recording: Recording
    target: Target
    rival: str
    segments: tuple[Segment, ...]
    members: tuple[int, ...]
    share: float
    depth_db: float | None
    heard: str
    text: str
    flipped: bool
    margin_before: float
    margin_after: float
    change_db: float
    chance: float | None
    found: FoundSet
    shortlisted: str


def smallest_flip(
    recognizer: Recognizer,
    recording: Recording,
    word: Target | Interval | int | str | None = None,
    rival: str | None = None,
    *,
    edit: Edit = "attenuate",
    donor: Recording | str | None = None,
    segments: str | Sequence[Segment] = "word-cells",
    exact_up_to: int = EXACT_UP_TO,
    max_tries: int = MOST_TRIES,
    seed: int = 0,
    progress: Progress | None = None,
) -> Flip:
    """Return the smallest change found that flips a word; see `flip`."""
    trace, target = asked_target(recognizer, recording, word)
    goal_word = rival if rival is not None else likeliest_rival(recognizer, trace, target)[0]
    guide = target.rather_than(likeliest_rival(recognizer, trace, target)[0] if goal_word == ANY else goal_word)
    given = Recording.read(donor, rate_hz=recording.rate_hz) if isinstance(donor, str) else donor
    parts = parts_of(trace, target, segments)
    edits = SoundEdits(recording, parts, edit=edit, donor=given, seed=seed)
    tried, how = _shortlist(recognizer, edits, guide)
    ear = Ear(recognizer, target, lambda mask: edits(_spread(mask, tried, len(parts))), progress=progress,
              guides=[guide, in_place_of(target, str(guide.rival))])  # fmt: skip

    def goal(mask: NDArray[np.bool_]) -> bool:
        return _reached(ear.at_place(mask), target, goal_word)

    found = _along_guides(ear, len(tried), goal, exact_up_to=exact_up_to, max_tries=max_tries)
    reached = found.members is not None
    mask = found.mask(len(tried)) if reached else np.ones(len(tried), dtype=bool)
    share = (
        _least_share(recognizer, edits, _spread(mask, tried, len(parts)), target, goal_word) if reached else edits.share
    )
    return _described(
        recognizer, edits, guide, goal_word, _spread(mask, tried, len(parts)), share, found=found, how=how, seed=seed
    )


def flip(
    recognizer: Recognizer,
    recording: Recording,
    word: Target | Interval | int | str | None = None,
    rival: str | None = None,
    *,
    edit: Edit = "attenuate",
    donor: Recording | str | None = None,
    segments: str | Sequence[Segment] = "word-cells",
    exact_up_to: int = EXACT_UP_TO,
    max_tries: int = MOST_TRIES,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Find the smallest change of the sound that makes the recogniser say the rival, and play it.

    Parts are added along the score of the contrast until a trace hears the rival, pruned until none can be spared, then
    changed only as far as is needed. Of more than 32 parts the most promising are tried: by the gradient where the
    recogniser has one (one pass), else by the score of each alone.

    Parameters
    ----------
    recognizer, recording
        Who listens to what.
    word
        The word heard, as `explain` takes it; by default the one the recogniser is least sure of.
    rival
        What is to be heard instead; by default its nearest rival (`rivals_of`); `any` for anything else.
    edit
        `attenuate` (by as few dB as it takes), `silence`, `mean`, `noise` (filled), or `splice` (taken from `donor`).
    donor
        For `splice`: a recording of the rival, or its path; it is brought to the recording's course of time by dynamic
        time warping.
    segments
        Parts that may be changed, see `otoscope.explainers.contrast.parts.parts_of`.
    exact_up_to, max_tries
        Parts up to which all smaller sets are tried, as long as there are no more than so many.
    seed
        Of fills and random sets.
    progress
        Told how many recordings were listened to.

    Returns
    -------
    Finding
        `flip`: one row, the changed parts as a map, and three sounds: original, changed, and what was changed. All are
        exactly as long as the original.

    Raises
    ------
    BadInput
        No word was heard, no such edit, or a splice without donor.
    """
    found = smallest_flip(
        recognizer, recording, word, rival, edit=edit, donor=donor, segments=segments, exact_up_to=exact_up_to,
        max_tries=max_tries, seed=seed, progress=progress,
    )  # fmt: skip
    trace = recognizer.trace(recording)
    failures = _failures(found)
    facts = {"edit": edit, "seed": seed, "word": found.target.label, "rival": found.rival}
    panels = (_map(found, "; ".join(failures)), _sounds(trace, found))
    return Finding("flip", _summary(found, edit), (_row(found, edit),), panels, {**made_of(trace), **facts}, failures)


def _shortlist(recognizer: Recognizer, edits: SoundEdits, guide: Target) -> tuple[NDArray[np.intp], str]:
    """Return the indices of the parts worth trying, and how they were chosen."""
    n = len(edits.segments)
    if n <= N_SHORTLISTED:
        return np.arange(n), "all"
    effects, how = first_order_effects(recognizer, edits, guide), "gradient"
    if effects is None:
        effects, how = recognizer.score([edits(row) for row in np.eye(n, dtype=bool)], [guide])[:, 0], "score"
    return np.sort(np.argsort(effects, kind="stable")[:N_SHORTLISTED]), how


def _along_guides(ear: Ear, n: int, goal: Any, *, exact_up_to: int, max_tries: int) -> FoundSet:
    """Return the smallest set found along the contrast, or where that ends elsewhere, along the rival's score too.

    The contrast also grows where both words become unlikely; what is heard then is a third word, or none.
    """
    contrast = smallest_set(n, goal, lambda masks: -ear.scores(masks)[:, 0], exact_up_to=exact_up_to,
                            max_tries=max_tries)  # fmt: skip
    if contrast.members is not None:
        return contrast

    def both(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
        scores = ear.scores(masks)
        return scores[:, 1] - scores[:, 0]

    return smallest_set(n, goal, both, exact_up_to=exact_up_to, max_tries=max_tries)


def _spread(mask: NDArray[np.bool_], tried: NDArray[np.intp], n: int) -> NDArray[np.bool_]:
    whole = np.zeros(n, dtype=bool)
    whole[tried] = mask
    return whole


def _reached(heard: str, target: Target, rival: str) -> bool:
    return heard != target.label if rival == ANY else heard == rival


def _heard(recognizer: Recognizer, recording: Recording, target: Target) -> tuple[str, str]:
    words = recognizer.trace(recording).hypothesis.words
    return in_place(target, words), " ".join(words)


def _least_share(
    recognizer: Recognizer, edits: SoundEdits, mask: NDArray[np.bool_], target: Target, rival: str
) -> float:
    """Return how far the parts must be changed, by bisection; the end returned was heard to flip the word."""
    low, high = 0.0, edits.share
    if edits.edit not in ("attenuate", "splice"):
        return high
    for _ in range(N_BISECTIONS):
        middle = (low + high) / 2
        heard, _ = _heard(recognizer, edits(mask, share=middle), target)
        low, high = (low, middle) if _reached(heard, target, rival) else (middle, high)
    return high


def _described(
    recognizer: Recognizer,
    edits: SoundEdits,
    guide: Target,
    rival: str,
    mask: NDArray[np.bool_],
    share: float,
    *,
    found: FoundSet,
    how: str,
    seed: int,
) -> Flip:
    target = replace(guide, rival=None)
    changed = edits(mask, share=share)
    heard, text = _heard(recognizer, changed, target)
    before, after = (float(value) for value in recognizer.score([edits.recording, changed], [guide])[:, 0])
    difference = edits.recording.with_samples(changed.samples - edits.recording.samples)
    flipped = _reached(heard, target, rival)
    return Flip(
        changed, target, rival, edits.segments, tuple(int(i) for i in np.flatnonzero(mask)), share,
        _depth_db(share) if edits.edit == "attenuate" else None, heard, text, flipped, before, after,
        rms_db(difference) - rms_db(edits.recording),
        _chance(recognizer, edits, mask, share, target, rival, seed) if flipped and mask.any() else None, found, how,
    )  # fmt: skip


def _depth_db(share: float) -> float:
    return DEEPEST_DB if share >= 1 else min(DEEPEST_DB, -20 * float(np.log10(1 - share)))


def _chance(
    recognizer: Recognizer,
    edits: SoundEdits,
    mask: NDArray[np.bool_],
    share: float,
    target: Target,
    rival: str,
    seed: int,
) -> float | None:
    size = int(mask.sum())
    if size == mask.size:
        return None
    rng = np.random.default_rng([seed, 0xF11])
    hits = []
    for _ in range(N_RANDOM):
        other = np.zeros(mask.size, dtype=bool)
        other[rng.permutation(mask.size)[:size]] = True
        hits.append(_reached(_heard(recognizer, edits(other, share=share), target)[0], target, rival))
    return float(np.mean(hits))


def _failures(found: Flip) -> tuple[str, ...]:
    if not found.flipped:
        return (
            f"no change of this kind makes it say {found.rival!r}: with {len(found.members)} parts changed "
            f"{found.heard!r} is heard",
        )
    if found.chance is not None and found.chance >= 0.5:
        return (f"{found.chance:.0%} of random changes of as many parts flip the word too",)
    return ()


def _row(found: Flip, edit: str) -> dict[str, Any]:
    chosen = [found.segments[i] for i in found.members]
    return {
        "word": found.target.label,
        "rival": found.rival,
        "flipped": found.flipped,
        "heard": found.heard,
        "text": found.text,
        "edit": edit,
        "share": found.share,
        "depth_db": found.depth_db,
        "n_parts": len(chosen),
        "of": len(found.segments),
        "where": [span_of(part) for part in chosen],
        "change_db": found.change_db,
        "margin_before": found.margin_before,
        "margin_after": found.margin_after,
        "exact": found.found.exact,
        "note": found.found.note,
        "random_as_good": found.chance,
        "shortlisted": found.shortlisted,
        "n_samples": found.recording.n_samples,
        "n_traces": found.found.n_tried,
    }


def _summary(found: Flip, edit: str) -> str:
    where = ", ".join(span_of(found.segments[i]) for i in found.members[:6])
    more = f" and {len(found.members) - 6} more" if len(found.members) > 6 else ""
    if not found.flipped:
        return (
            f"“{found.target.label}” did not become “{found.rival}”: “{found.heard}” is heard with all parts changed."
        )
    depth = (
        f" by {found.depth_db:.0f} dB" if found.depth_db is not None else f" to {found.share:.0%}" * (found.share < 1)
    )
    done = {"attenuate": "attenuated", "splice": "spliced in"}.get(edit, f"filled ({edit})")
    return (
        f"“{found.target.label}” becomes “{found.heard}” with {len(found.members)} of {len(found.segments)} parts "
        f"{done}{depth}: {where}{more} (a change {-found.change_db:.0f} dB below the sound)."
    )


def _map(found: Flip, warning: str) -> Panel:
    marked = np.zeros(len(found.segments))
    marked[list(found.members)] = found.share
    title = f"What was changed so that “{found.target.label}” becomes “{found.heard}”"
    return segments_panel(found.segments, marked, found.target, title=title, caption="How far each part was changed.",
                          warning=warning)  # fmt: skip


def _sounds(trace: Trace, found: Flip) -> Panel:
    original = trace.recording
    difference = original.with_samples(original.samples - found.recording.samples)
    sounds = [
        {"label": f"as it is: {trace.text}", "recording": original},
        {"label": f"changed: {found.text or '(nothing)'}", "recording": found.recording},
        {"label": "what was changed", "recording": difference},
    ]
    return Panel("sounds", f"“{found.target.label}” and “{found.heard}”", {"sounds": sounds})
