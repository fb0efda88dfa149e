"""Scores of words at their places: equal to sums over all paths, at most 0, smooth, and blind to what is elsewhere."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from otoscope.core import BadInput, FrameGrid, Interval, NotAble, Target
from otoscope.decoding.tree import HmmState
from otoscope.recognizers.hybrid.free_loop import FreeLoop, free_loop_log
from otoscope.recognizers.hybrid.phones import SILENCE, Biphones, PhoneTable
from otoscope.recognizers.hybrid.scoring import LOWEST, Passage, passage_of

EVERYONE = ("AA", "B", SILENCE)
LEXICON = {"ab": [("AA", "B")], "a": [("AA",)], "b": [("B",)]}
GRID = FrameGrid(1000, 0, 10, 10, 12)


class OneState:
    """A state a phone, whatever its neighbours."""

    phones, silence, context = ("AA", "B"), SILENCE, (False, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        stay = 0.5 + 0.1 * EVERYONE.index(phone)
        return (HmmState(EVERYONE.index(phone), math.log(stay), math.log(1 - stay)),)


TABLE = PhoneTable.of(OneState(), {("AA", "B"): 4.0, (SILENCE, "AA"): 2.0})
LOOP = FreeLoop.of(TABLE)
BIPHONES = PhoneTable.of(
    Biphones(
        ("AA", "B"),
        {(left, p): 3 * i + j for i, left in enumerate(("<edge>", *EVERYONE)) for j, p in enumerate(EVERYONE)},
    )
)


def scores_of(n_frames: int, table: PhoneTable = TABLE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_frames, table.n_columns)).astype(np.float32)


def sum_over_rows(row: list[str], scores: np.ndarray, *, word: tuple[int, int] | None) -> float:
    """Sum of all ways through a row of phones, silences optional: whole, or around a word in `word[0]:word[1]`."""
    columns = [EVERYONE.index(phone) for phone in row]
    stay = np.array([0.5 + 0.1 * c for c in columns])
    bigram = np.exp(TABLE.log_bigram)
    n, total = len(row), 0.0

    def goes(a: int, b: int) -> bool:
        return b == a + 1 or (b == a + 2 and row[a + 1] == SILENCE)

    for path in itertools.combinations_with_replacement(range(n), len(scores)):
        used = set(path)
        weight = math.prod(math.exp(scores[t, columns[i]]) for t, i in enumerate(path))
        for a, b in itertools.pairwise(path):
            weight *= stay[a] if a == b else (1 - stay[a]) * bigram[columns[a], columns[b]] if goes(a, b) else 0.0
        first, last = path[0], path[-1]
        if word is None:
            begins = first == 0 or (first == 1 and row[0] == SILENCE)
            ends = last == n - 1 or (last == n - 2 and row[-1] == SILENCE)
            weight *= (begins and ends) * (1 - stay[last])
        else:
            weight *= set(range(*word)) <= used
            if last == word[1] - 1:
                weight *= (1 - stay[last]) * max(bigram[columns[last], columns[j]] for j in range(n) if goes(last, j))
        total += weight
    return total


@pytest.mark.parametrize("n_frames", [2, 4])
def test_an_utterance_scores_as_all_its_paths_among_all_paths(n_frames: int) -> None:
    scores = scores_of(n_frames)
    target = Target("utterance", "ab")
    passage = passage_of(target, FrameGrid(1000, 0, 10, 10, n_frames), LEXICON, TABLE, margin_s=0.0)
    own = sum_over_rows([SILENCE, "AA", "B", SILENCE], scores, word=None)
    assert passage.score(scores, LOOP) == pytest.approx(math.log(own) - free_loop_log(scores, LOOP), abs=1e-5)


def word_target(label: str = "b", rival: str | None = None, context: tuple[str, ...] = ("a", "b", "a")) -> Target:
    return Target("word", label, Interval(0.04, 0.07, label), position=1, context=context, rival=rival)


def test_a_word_scores_as_all_paths_that_pass_through_it_among_all_paths() -> None:
    scores = scores_of(12)
    passage = passage_of(word_target(), GRID, LEXICON, TABLE, margin_s=0.01)
    assert (passage.first, passage.stop) == (3, 8)
    window = scores[3:8]
    own = sum_over_rows([SILENCE, "AA", SILENCE, "B", SILENCE, "AA", SILENCE], window, word=(3, 4))
    assert passage.score(scores, LOOP) == pytest.approx(math.log(own) - free_loop_log(window, LOOP), abs=1e-5)


@pytest.mark.parametrize("table", [TABLE, BIPHONES], ids=["one-state", "biphones"])
def test_scores_are_at_most_0_and_slopes_are_their_differences(table: PhoneTable) -> None:
    loop, step = FreeLoop.of(table), 2.0**-7
    grid = GRID
    targets = [
        word_target(),
        word_target("ab", context=("b", "ab", "b")),
        Target("utterance", "a b"),
        word_target("b", rival="a"),
    ]
    for seed, target in enumerate(targets):
        scores = np.round(4 * scores_of(12, table, seed) * 64).astype(np.float32) / 64
        passage = passage_of(target, grid, LEXICON, table, margin_s=0.02)
        assert LOWEST < passage.score(scores, loop) <= (0.0 if target.rival is None else -LOWEST)
        slope = passage.slope(scores, loop)
        for t, column in itertools.product(range(12), range(table.n_columns)):
            up, down = scores.copy(), scores.copy()
            up[t, column] += step
            down[t, column] -= step
            found = (passage.score(up, loop) - passage.score(down, loop)) / (2 * step)
            assert found == pytest.approx(slope[t, column], abs=1e-4)


def test_what_lies_outside_the_window_does_not_matter() -> None:
    scores = scores_of(12)
    passage = passage_of(word_target(), GRID, LEXICON, TABLE, margin_s=0.01)
    other = scores.copy()
    other[:3], other[8:] = 50.0, -50.0
    assert passage.score(other, LOOP) == passage.score(scores, LOOP)
    assert not passage.slope(scores, LOOP)[[0, 1, 2, 8, 9, 10, 11]].any()


def test_a_constant_added_to_a_frame_does_not_matter() -> None:
    scores = scores_of(12)
    passage = passage_of(word_target(), GRID, LEXICON, TABLE, margin_s=0.01)
    moved = scores + np.arange(12, dtype=np.float32)[:, None]
    assert passage.score(moved, LOOP) == pytest.approx(passage.score(scores, LOOP), abs=1e-4)


def test_a_rival_turns_the_sign() -> None:
    scores = scores_of(12)
    one, other = (
        passage_of(word_target(label, rival=rival), GRID, LEXICON, TABLE, margin_s=0.01).score(scores, LOOP)
        for label, rival in (("b", "a"), ("a", "b"))
    )
    assert one == -other != 0.0
    own, its = (
        passage_of(word_target(label), GRID, LEXICON, TABLE, margin_s=0.01).score(scores, LOOP) for label in ("b", "a")
    )
    assert one == pytest.approx(own - its, abs=1e-5)
    assert passage_of(word_target("b", rival="b"), GRID, LEXICON, TABLE, margin_s=0.01).score(scores, LOOP) == 0.0


def test_a_word_that_the_frames_cannot_hold_scores_lowest_without_slope() -> None:
    target = Target("word", "ab", Interval(0.0, 0.01, "ab"))
    passage = passage_of(target, FrameGrid(1000, 0, 10, 10, 1), LEXICON, TABLE, margin_s=0.0)
    scores = scores_of(1)
    assert passage.score(scores, LOOP) == LOWEST
    assert not passage.slope(scores, LOOP).any()


def test_a_score_at_the_limit_has_no_slope() -> None:
    scores = np.zeros((12, 3), np.float32)
    scores[:, 1] = -500.0
    passage: Passage = passage_of(word_target(), GRID, LEXICON, TABLE, margin_s=0.0)
    assert passage.score(scores, LOOP) == LOWEST
    assert not passage.slope(scores, LOOP).any()


def test_targets_that_cannot_be_scored_are_refused() -> None:
    with pytest.raises(NotAble, match="not tokens"):
        passage_of(Target("token", "b", Interval(0.0, 0.1, "b"), position=0), GRID, LEXICON, TABLE, margin_s=0.0)
    with pytest.raises(BadInput, match="behind the end"):
        passage_of(Target("word", "b", Interval(3.0, 4.0, "b")), GRID, LEXICON, TABLE, margin_s=0.0)
    with pytest.raises(BadInput, match="no pronunciation of zzz"):
        passage_of(Target("word", "zzz", Interval(0.0, 0.1, "zzz")), GRID, LEXICON, TABLE, margin_s=0.0)
    with pytest.raises(BadInput, match="one word"):
        passage_of(Target("utterance", " "), GRID, LEXICON, TABLE, margin_s=0.0)
