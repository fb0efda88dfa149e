"""The dynamic programs behind scores and alignments, against enumeration of every path."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.decoding.tree.forced import frames_at_once
from otoscope.recognizers.pocketsphinx.competitors import competitors, language_model
from otoscope.recognizers.pocketsphinx.forced import align_phones, align_words
from otoscope.recognizers.pocketsphinx.model import acoustic_model
from otoscope.recognizers.pocketsphinx.network import Alternative, Network, Slot
from otoscope.recognizers.pocketsphinx.passage import (
    INSERTION,
    PHONE_PRIOR,
    SILENCE_INSERTION,
    Passage,
    phone_loop,
)


def columns(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def tiny() -> Any:
    """Two slots: "a" or "b" (a also in one state), then "c"; silence and a loop of two phones, one state each."""
    first = Slot(
        "a",
        (
            Alternative("a", ("X",), columns(0, 1), -1.0, -2.0, -0.75),
            Alternative("a", ("Y",), columns(2), -1.0, -2.0, -0.75),
            Alternative("b", ("Z",), columns(1, 2), -3.0, -0.5, -4.0),
        ),
        -1.25,
    )
    second = Slot("c", (Alternative("c", ("W",), columns(2, 3), -0.75, -1.25, -0.6),), -0.9)
    return SimpleNamespace(
        slots=(first, second), silence=columns(4), loop=np.array([[0], [3]]), context=("a", "c"), senones=None
    )


def chain_score(scores: np.ndarray, states: np.ndarray, start: int, end: int) -> float:
    """Best way through all states in order over frames start..end, by trying every split."""
    n = len(states)
    if end - start < n:
        return -math.inf
    best = -math.inf
    for cuts in itertools.combinations(range(start + 1, end), n - 1):
        edges = (start, *cuts, end)
        best = max(best, sum(scores[edges[k] : edges[k + 1], states[k]].sum() for k in range(n)))
    return best


def every_path(network: Any, scores: np.ndarray, choices: list[list[str]]) -> dict[tuple[str, ...], list[Any]]:
    """Score every path; a choice is "word", another label, or "*" for anything. Yields (score, place of slot 1)."""
    t_end = len(scores)
    found: dict[tuple[str, ...], list[Any]] = {}

    def silent(t: int) -> list[tuple[int, float]]:
        spans = [(t, 0.0)]
        spans += [(u, SILENCE_INSERTION + scores[t:u, network.silence[0]].sum()) for u in range(t + 1, t_end + 1)]
        return spans

    def walk(slot: int, t: int, score: float, last: Any, labels: tuple[str, ...], place: Any) -> None:
        if slot == len(network.slots):
            finish = network.slots[-1].next_after_anything if last == "*" else last.before_next
            for u, cost in silent(t):
                if u == t_end:
                    found.setdefault(labels, []).append((score + cost + finish, place))
            return
        for begin, pause in silent(t):
            for label in choices[slot]:
                for end in range(begin + 1, t_end + 1):
                    where = (begin, end) if slot == 0 else place
                    if label == "*":
                        walk(slot + 1, end, score + pause + INSERTION, "*", (*labels, "*"), where)
                        continue
                    for a in network.slots[slot].of(label):
                        if slot == 0:
                            before = a.after_word
                        else:
                            before = a.after_anything if last == "*" else last.before_next
                        inside = chain_score(scores, a.columns, begin, end)
                        walk(slot + 1, end, score + pause + INSERTION + before + inside, a, (*labels, label), where)

    walk(0, 0, 0.0, None, (), None)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_best_paths_are_those_of_enumeration(seed: int) -> None:
    raw = np.random.default_rng(seed).normal(0, 3, (6, 5)).astype(np.float32)
    network = tiny()
    passage = Passage(network, raw)
    relative = raw - phone_loop(raw, network.loop, PHONE_PRIOR)[:, None]
    paths = every_path(network, relative, [["a", "b", "*"], ["c", "*"]])

    heard = [score for labels, found in paths.items() if "b" not in labels for score, _ in found]
    assert passage.best == pytest.approx(max(heard))
    assert passage.as_heard == pytest.approx(max(score for score, _ in paths["a", "c"]))
    for middle in range(6):
        best, anything = passage.at(0, middle)
        for label, value in (*best.items(), ("*", anything)):
            over = [
                score
                for labels, found in paths.items()
                if labels[0] == label
                for score, (begin, end) in found
                if begin <= middle < end
            ]
            assert value == pytest.approx(max(over, default=-math.inf)), (label, middle)


def test_phone_loop_is_the_best_of_all_phone_strings() -> None:
    scores = np.random.default_rng(0).normal(0, 3, (6, 4)).astype(np.float32)
    loop = np.array([[0, 1], [2, 3]])
    best = -math.inf
    for n_phones in (1, 2, 3):
        for string in itertools.product((0, 1), repeat=n_phones):
            states = np.concatenate([loop[p] for p in string])
            starts = chain_score(scores, states, 0, 6)
            # a phone may be left unfinished only at the end: paths may stop in its first state
            best = max(best, starts + n_phones * -1.5, chain_score(scores, states[:-1], 0, 6) + n_phones * -1.5)
    assert phone_loop(scores, loop, -1.5).sum() == pytest.approx(best, abs=1e-4)


def test_forced_alignment_finds_the_words_that_the_scores_were_made_for() -> None:
    network = Network(acoustic_model().triphones, ("kick", "it"), rivals={}, n_competitors=1)
    kick, it = network.slots[0].of("kick")[0], network.slots[1].of("it")[0]
    path = [
        *[network.silence[0]] * 4,
        *np.repeat(kick.columns, 2),
        *np.repeat(it.columns, 3),
        *[network.silence[2]] * 3,
    ]
    scores = np.full((len(path), network.senones.size), -9.0, dtype=np.float32)
    scores[np.arange(len(path)), path] = 0.0
    scores[:4, network.silence] = scores[-3:, network.silence] = 0.0
    words = align_words(network, scores)
    assert words is not None
    n_kick, n_it = 2 * kick.columns.size, 3 * it.columns.size
    assert [(w.label, w.start, w.end) for w in words] == [
        ("kick", 4, 4 + n_kick),
        ("it", 4 + n_kick, 4 + n_kick + n_it),
    ]
    assert [(p.label, p.start, p.end) for p in words[0].phones] == [("K", 4, 10), ("IH", 10, 16), ("K", 16, 22)]


def test_too_short_a_sound_has_no_alignment() -> None:
    network = Network(acoustic_model().triphones, ("kick", "it"), rivals={}, n_competitors=1)
    needed = sum(slot.of(slot.word)[0].columns.size for slot in network.slots)
    assert align_words(network, np.zeros((needed - 1, network.senones.size), np.float32)) is None
    assert align_words(network, np.zeros((needed, network.senones.size), np.float32)) is not None


def test_phones_are_spread_and_marked_where_frames_are_too_few() -> None:
    word = Alternative("it", ("IH", "T"), columns(0, 1, 2, 3, 4, 5), 0.0, 0.0, 0.0)
    phones = align_phones(word, np.zeros((9, 6), np.float32), 2, 6)
    assert [(p.label, p.start, p.end, p.measured) for p in phones] == [("IH", 2, 4, False), ("T", 4, 6, False)]
    assert all(p.measured for p in align_phones(word, np.zeros((9, 6), np.float32), 2, 8))


def test_competitors_sound_alike_and_never_hold_the_word() -> None:
    near = competitors("country", 30)
    assert len(near) == len(set(near)) == 30
    assert "country" not in near
    assert {"countries", "county"} <= set(near)
    assert competitors("country", 5) == near[:5]
    with pytest.raises(BadInput, match="'qqz' is not in the pronunciation dictionary"):
        competitors("qqz", 5)


def test_language_model_knows_what_follows_what() -> None:
    model = language_model()
    assert model.log_prob("states", "united") > model.log_prob("states") + 2
    assert model.log_prob("united", "states") < model.log_prob("states", "united") - 2
    assert model.log_prob("the") == pytest.approx(-3.2, abs=0.2)
    assert model.log_prob("qqqz") == -100.0


@pytest.mark.parametrize("most_kept", [1, 40, 200])
def test_a_long_recording_aligned_in_pieces_is_aligned_as_in_one(monkeypatch, most_kept):
    network: Any = tiny()
    scores = np.random.default_rng(7).normal(size=(60, 5)).astype(np.float32)
    whole = align_words(network, scores)
    kept = []

    def counted(n_frames, n_states, most):
        kept.append(frames_at_once(n_frames, n_states, most))
        return kept[-1]

    monkeypatch.setattr("otoscope.recognizers.pocketsphinx.forced.MOST_KEPT", most_kept)
    monkeypatch.setattr("otoscope.recognizers.pocketsphinx.forced.frames_at_once", counted)
    assert align_words(network, scores) == whole
    assert kept[0] < 60, "arcs of all frames at once are too many"
