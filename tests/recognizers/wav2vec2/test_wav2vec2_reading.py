"""Scores, times and searches against everything there is, spelled out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from otoscope.core import BadInput, DoesNotFit, FrameGrid, Interval, Target
from otoscope.decoding.ctc import greedy
from otoscope.lexicon.ngram import estimate
from otoscope.recognizers.endtoend.fusion import Fusion
from otoscope.recognizers.wav2vec2.decoding import Decoding, texts
from otoscope.recognizers.wav2vec2.reading import Heard, Reader
from otoscope.recognizers.wav2vec2.stretches import chunks, stretches
from otoscope.recognizers.wav2vec2.symbols import Symbols

SYMBOLS = Symbols(("A", "B", "<pad>", "|"), blank=2, gap=3, special=frozenset({2}))
GRID = FrameGrid(16000, 0, 320, 400, 5)


def random_rows(seed=0, n_frames=5, n_symbols=4):
    rows = np.random.default_rng(seed).standard_normal((n_frames, n_symbols)) * 2
    return rows - np.logaddexp.reduce(rows, axis=1, keepdims=True)


def spelled(path, blank):
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


def all_texts(rows, blank):
    """Return P(labels) of every label sequence, each frame-wise labelling counted by itself."""
    found = {}
    for path in itertools.product(range(rows.shape[1]), repeat=rows.shape[0]):
        labels = spelled(path, blank)
        found[labels] = found.get(labels, 0.0) + float(np.exp(sum(rows[t, k] for t, k in enumerate(path))))
    return found


@pytest.mark.parametrize("text", ["a", "ab", "b a", "aa", ""])
def test_the_score_of_an_utterance_is_the_sum_of_all_its_paths(text):
    rows = random_rows()
    labels = SYMBOLS.encode(text.split())
    score = Reader(SYMBOLS, Decoding()).scores(torch.from_numpy(rows)[None], GRID, [Target.utterance(text)])
    assert np.isclose(float(score[0, 0]), np.log(all_texts(rows, 2)[labels]))


@pytest.mark.parametrize(("label", "position", "rival"), [("a", 1, None), ("ba", 0, None), ("b", 2, "a")])
def test_the_score_of_a_word_is_the_sum_of_all_paths_that_read_it_between_its_neighbours(label, position, rival):
    rows, context = random_rows(1), ["b", "b", "b"]
    context[position] = label
    reader = Reader(SYMBOLS, Decoding(margin_s=0.0))
    interval = Interval(0.03, 0.1, label)
    target = Target("word", label, interval, position, tuple(context), rival)
    inside = GRID.frames_of(interval)
    window = all_texts(rows[inside], 2)

    def log_prob(word):
        left = (*SYMBOLS.encode(context[position - 1 : position]), 3) if position else ()
        right = (3, *SYMBOLS.encode(context[position + 1 : position + 2])) if position < 2 else ()
        tails = {left[i:] for i in range(len(left) + 1)}
        heads = {right[:i] for i in range(len(right) + 1)}
        core = SYMBOLS.encode_word(word)
        return np.log(sum(window.get(text, 0.0) for text in {(*a, *core, *b) for a in tails for b in heads}))

    expected = log_prob(label) - (log_prob(rival) if rival else 0.0)
    assert np.isclose(float(reader.scores(torch.from_numpy(rows)[None], GRID, [target])[0, 0]), expected)


def test_targets_that_cannot_be_scored_are_refused():
    reader, rows = Reader(SYMBOLS, Decoding()), torch.from_numpy(random_rows())[None]
    with pytest.raises(DoesNotFit, match="needs at least 7 frames"):
        reader.scores(rows, GRID, [Target.utterance("ab ab a")])
    with pytest.raises(BadInput, match="not the token"):
        reader.scores(rows, GRID, [Target("token", "A", Interval(0, 0.1, "A"))])
    with pytest.raises(BadInput, match="one word"):
        reader.scores(rows, GRID, [Target("word", "a b", Interval(0, 0.1, "a b"))])
    assert reader.scores(rows, GRID, []).shape == (1, 0)


def test_greedy_is_the_best_path_and_its_score_that_of_the_text():
    rows = random_rows(4)
    (text,) = texts(rows, SYMBOLS, Decoding())
    assert text.labels == tuple(greedy(rows, blank=2).labels)
    assert np.isclose(text.log_score, np.log(all_texts(rows, 2)[text.labels]))


@pytest.mark.parametrize("seed", range(4))
def test_the_beam_finds_the_best_texts(seed):
    rows = random_rows(seed)
    by_labels = all_texts(rows, 2)
    best = sorted(by_labels, key=lambda labels: -by_labels[labels])
    found = texts(rows, SYMBOLS, Decoding("beam", 400, 400))
    assert found[0].labels == best[0]
    for text in found:
        assert np.isclose(text.log_score, np.log(by_labels[text.labels]))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("weight", "bonus"), [(0.7, 0.0), (2.0, 1.5)])
def test_the_beam_with_an_ngram_model_finds_the_best_sum_of_both(seed, weight, bonus):
    model = estimate([["a", "b"], ["a", "ab"], ["b"], ["ab", "a"]], order=2, smoothing="witten-bell")
    rows = random_rows(seed)
    fusion = Fusion(model.automaton(), SYMBOLS.tokens, weight=weight, bonus=bonus)
    found = texts(rows, SYMBOLS, Decoding("greedy", 500, 5), fusion)
    sums = {}
    for labels, chance in all_texts(rows, 2).items():
        words = tuple(word.lower() for word in SYMBOLS.words(labels))
        known = [word for word in words if word not in ("a", "b", "ab")]
        if not known:
            sums[labels] = np.log(chance) + weight * model.log_prob(words) + bonus * len(words)
    best = max(sums, key=lambda labels: sums[labels])
    assert np.isclose(found[0].log_score, sums[best])
    assert found[0].labels == best
    assert len({SYMBOLS.words(text.labels) for text in found}) == len(found) <= 5


def test_times_are_those_of_the_best_path_and_confidence_that_of_all():
    rows = np.full((6, 4), -9.0)
    for frame, symbol in enumerate((0, 2, 1, 3, 1, 1)):
        rows[frame, symbol] = 0.0
    rows -= np.logaddexp.reduce(rows, axis=1, keepdims=True)
    grid = FrameGrid(16000, 0, 320, 400, 6)
    reader = Reader(SYMBOLS, Decoding())
    sound = Heard(rows, grid, 0.13)
    (text,) = reader.texts(sound)
    found = reader.alignment(sound, reader.heard_words(text))
    edges = np.clip(grid.edges_s(), 0, 0.13)
    assert [(w.label, w.start_s, w.end_s) for w in found.words] == [
        ("AB", edges[0], edges[3]),
        ("B", edges[4], edges[6]),
    ]
    assert found.states.labels == ("A", "B", "B")
    assert found.path.tolist() == [0, 2, 1, 3, 1, 1]
    assert min(found.text_confidence) > 0.99
    assert min(found.time_confidence) > 0.99
    known = reader.alignment(sound, reader.known_words(("ab", "b")))
    assert known.words.labels == ("ab", "b")
    assert [w.start_s for w in known.words] == [w.start_s for w in found.words]
    silent = reader.alignment(sound, reader.known_words(()))
    assert (len(silent.words), silent.text_confidence, silent.path.tolist()) == (0, (), [2] * 6)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(BadInput, match="'greedy' or 'beam'"):
        Decoding("viterbi")
    with pytest.raises(BadInput, match="1 <= n_best <= beam"):
        Decoding(beam=2, n_best=3)
    with pytest.raises(BadInput, match="no such setting"):
        Decoding().changed(width=3)


def test_chunks_leave_nothing_out_and_nothing_twice():
    for n_samples in range(1, 60):
        kept = []
        for start, stop, left, right in chunks(n_samples, size=12, context=3):
            kept += range(start + left, stop - right)
        assert kept == list(range(n_samples))
    with pytest.raises(BadInput, match="longer than twice"):
        list(chunks(10, size=6, context=3))


def test_stretches_are_cut_between_words_and_read_as_the_whole():
    rng = np.random.default_rng(0)
    for seed in range(20):
        best = rng.choice([0, 1, 2, 2, 2, 3], 300)
        rows = np.log(np.full((300, 4), 0.1) + 0.6 * np.eye(4)[best])
        whole = texts(rows, SYMBOLS, Decoding())[0]
        blocks = np.split(rows, np.sort(rng.integers(0, 300, 5)))
        cut = list(stretches(iter(blocks), SYMBOLS, n_frames=40))
        assert np.array_equal(np.concatenate(cut), rows), seed
        words = [word for each in cut for word in SYMBOLS.words(texts(each, SYMBOLS, Decoding())[0].labels)]
        assert tuple(words) == SYMBOLS.words(whole.labels)
        assert len(cut) > 5
        assert np.median([len(each) for each in cut]) <= 40


def test_a_word_without_end_is_cut_all_the_same():
    rows = np.log(np.full((500, 4), 0.1) + 0.6 * np.eye(4)[[0] * 500])
    cut = list(stretches([rows], SYMBOLS, n_frames=20))
    assert np.array_equal(np.concatenate(cut), rows)
    assert max(len(each) for each in cut) < 500
