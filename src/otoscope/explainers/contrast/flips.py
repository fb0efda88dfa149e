"""The smallest change of a sound that makes a recogniser say the rival, to be played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Recognizer, Recording, Segment, Target
from otoscope.core.arrays import ByValue
from otoscope.core.protocols import Progress
from otoscope.explainers.contrast.contrasting import in_place_of
from otoscope.explainers.contrast.ear import NOTHING, Ear, in_place
from otoscope.explainers.contrast.edits import DEEPEST_DB, Edit, SoundEdits, first_order_effects
from otoscope.explainers.contrast.parts import parts_of
from otoscope.explainers.contrast.rivals import asked_target, different, rivals_of, sound_alike
from otoscope.explainers.contrast.sets import EXACT_UP_TO, FoundSet, smallest_set
from otoscope.signal.levels import rms_db

ANY = "any"
N_SHORTLISTED = 32
N_BISECTIONS = 7
N_RANDOM = 20
N_RIVALS = 3
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
    given = Recording.read(donor, rate_hz=recording.rate_hz) if isinstance(donor, str) else donor
    edits = SoundEdits(recording, parts_of(trace, target, segments), edit=edit, donor=given, seed=seed)
    search: dict[str, Any] = {"exact_up_to": exact_up_to, "max_tries": max_tries}
    if rival is not None and rival != ANY:
        return _flipped_to(recognizer, edits, target.rather_than(rival), rival, seed, progress, search)
    rivals = different(target, rivals_of(recognizer, trace, target))
    if not rivals:
        raise BadInput(f"every rival of {target.label!r} that was found sounds the same; give one")
    tried = []
    for guide in rivals[:1] if rival == ANY else rivals[:N_RIVALS]:
        found = _flipped_to(recognizer, edits, target.rather_than(guide), rival or guide, seed, progress, search)
        if found.flipped:
            return found
        tried.append(found)
    return tried[0]


def _flipped_to(
    recognizer: Recognizer,
    edits: SoundEdits,
    guide: Target,
    rival: str,
    seed: int,
    progress: Progress | None,
    search: dict[str, Any],
) -> Flip:
    """Return the smallest change found along a contrast after which `rival` is heard, or the attempt."""
    target, n = replace(guide, rival=None), len(edits.segments)
    tried, how = _shortlist(recognizer, edits, guide)
    guides = [guide, in_place_of(target, str(guide.rival))]
    ear = Ear(recognizer, target, lambda mask: edits(_spread(mask, tried, n)), guides=guides, progress=progress)

    def goal(mask: NDArray[np.bool_]) -> bool:
        return _reached(ear.at_place(mask), target, rival)

    found = _along_guides(ear, len(tried), goal, **search)
    chosen = np.ones(len(tried), dtype=bool) if found.members is None else found.mask(len(tried))
    mask = _spread(chosen, tried, n)
    share = edits.share if found.members is None else _least_share(recognizer, edits, mask, target, rival)
    found = replace(found, n_tried=ear.n_traces)
    return _described(recognizer, edits, guide, rival, mask, share, found=found, how=how, seed=seed)


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
    """Return whether the rival is heard, or what sounds the same; for `any`, whatever sounds different."""
    if target.kind != "word" or " " in heard or heard == NOTHING:
        return heard != target.label if rival == ANY else heard == rival
    if rival == ANY:
        return not sound_alike(heard, target.label)
    return heard == rival or sound_alike(heard, rival)


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
