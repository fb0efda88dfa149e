"""Word times from cross-attention: transformers' own as oracle, and made attention whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, DoesNotFit, Recording, UnknownName
from otoscope.recognizers.whisper.attention_path import attention_matrix, first_frames, median_filtered
from otoscope.recognizers.whisper.sound import levels_db, sound_odds
from otoscope.recognizers.whisper.times import StatesPlan, place_words, word_times

TRUE = ((0.30, 0.60), (0.62, 1.00), (1.50, 1.90))
WORDS = tuple((name, slice(i, i + 1)) for i, name in enumerate(("one", "two", "six")))


def looks(spans=TRUE, *, n_frames=1500, n_heads=2, width_s=0.08, end_s=2.3):
    """Attention that looks at the middle of each span, and at `end_s` for the end."""
    centres = np.arange(n_frames) * 0.02
    middles = [*((a + b) / 2 for a, b in spans), end_s]
    rows = np.array([np.exp(-0.5 * ((centres - m) / width_s) ** 2) + 1e-3 for m in middles])
    rows /= rows.sum(axis=1, keepdims=True)
    return np.stack([rows] * n_heads)


def odds(spans=TRUE, duration_s=2.5):
    steps = (np.arange(round(duration_s * 100)) + 0.5) * 0.01
    inside = np.any([(steps > a) & (steps < b) for a, b in spans], axis=0)
    return np.where(inside, 5.0, -5.0)


def drawn(rng, *, sharpness):
    n_heads, n_tokens, n_frames = rng.integers(1, 7), rng.integers(3, 30), rng.integers(31, 150)
    return rng.dirichlet(np.full(n_frames, sharpness), size=(n_heads, n_tokens)).astype(np.float32)


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 5.0])
def test_matrix_and_first_frames_are_those_of_transformers(sharpness):
    torch = pytest.importorskip("torch")
    whisper = pytest.importorskip("transformers.models.whisper.generation_whisper")
    rng = np.random.default_rng(0)
    for _ in range(20):
        weights = drawn(rng, sharpness=sharpness)
        tensor = torch.tensor(weights)
        spread = torch.std(tensor, dim=-2, keepdim=True, unbiased=False)
        theirs = whisper._median_filter(((tensor - tensor.mean(dim=-2, keepdim=True)) / spread)[None], 7)[0].mean(dim=0)
        np.testing.assert_allclose(attention_matrix(weights), theirs.numpy(), atol=1e-5)
        rows, columns = whisper._dynamic_time_warping(-theirs.double().numpy())
        jumps = np.pad(np.diff(rows), (1, 0), constant_values=1).astype(bool)
        np.testing.assert_array_equal(first_frames(attention_matrix(weights)), columns[jumps])


def test_ties_are_broken_as_transformers_breaks_them():
    whisper = pytest.importorskip("transformers.models.whisper.generation_whisper")
    rng = np.random.default_rng(1)
    for _ in range(200):
        matrix = rng.integers(0, 3, size=(rng.integers(1, 6), rng.integers(1, 9))).astype(float)
        rows, columns = whisper._dynamic_time_warping(-matrix)
        jumps = np.pad(np.diff(rows), (1, 0), constant_values=1).astype(bool)
        np.testing.assert_array_equal(first_frames(matrix), columns[jumps])


def paths(cell, end):
    """All monotonic paths from a cell to the end, by one token, one frame, or both."""
    if cell == end:
        yield [cell]
    for step in ((1, 0), (0, 1), (1, 1)):
        following = (cell[0] + step[0], cell[1] + step[1])
        if following[0] <= end[0] and following[1] <= end[1]:
            yield from ([cell, *rest] for rest in paths(following, end))


def test_path_is_the_best_of_all_monotonic_paths():
    rng = np.random.default_rng(2)
    for _ in range(20):
        matrix = rng.standard_normal((3, 5))
        best = max(paths((0, 0), (2, 4)), key=lambda path: sum(matrix[cell] for cell in path))
        assert first_frames(matrix).tolist() == [min(j for i, j in best if i == token) for token in range(3)]


def test_a_median_filter_of_few_frames_changes_nothing():
    values = np.arange(6.0).reshape(2, 3)
    assert median_filtered(values, 7) is values


def test_dtw_has_no_pauses_and_states_find_them_by_sound():
    dtw = word_times(looks(), WORDS, duration_s=2.5, by="dtw")
    states = word_times(looks(), WORDS, duration_s=2.5, sound=odds())
    assert dtw.words[1].end_s == dtw.words[2].start_s
    assert [w.origin for w in dtw.words] == ["attention"] * 3
    assert [w.origin for w in states.words] == ["interpolated"] * 3
    for word, (start_s, end_s) in zip(states.words, TRUE, strict=True):
        assert word.start_s == pytest.approx(start_s, abs=0.011)
        assert word.end_s == pytest.approx(end_s, abs=0.011)
    assert min(states.confidence) > 0.9


def test_attention_decides_where_there_is_no_pause():
    spans = ((0.30, 0.80), (0.80, 1.00))
    placed = word_times(looks(spans), WORDS[:2], duration_s=2.5, sound=odds(((0.3, 1.0),)))
    assert placed.words[0].start_s == pytest.approx(0.3, abs=0.011)
    assert placed.words[1].end_s == pytest.approx(1.0, abs=0.011)
    assert placed.words[0].end_s == placed.words[1].start_s  # a pause can be left out
    assert placed.words[0].end_s == pytest.approx((0.55 + 0.9) / 2, abs=0.05)  # half-way between the two looks


def test_rows_of_punctuation_can_be_left_out():
    spans = ((0.3, 0.6), (0.6, 1.4), (1.5, 1.9))  # the comma looks at the pause
    told = (("one", slice(0, 1)), ("six", slice(2, 3)))
    placed = word_times(looks(spans), told, duration_s=2.5, sound=odds(((0.3, 0.6), (1.5, 1.9))))
    assert placed.words[0].end_s == pytest.approx(0.6, abs=0.011)
    assert placed.words[1].start_s == pytest.approx(1.5, abs=0.011)


def test_a_lead_of_the_attention_is_taken_back():
    early = looks(tuple((a - 0.1, b - 0.1) for a, b in TRUE), end_s=2.2)
    plain, led = (
        word_times(early, WORDS, duration_s=2.5, plan=StatesPlan(lead_s=lead_s)).words for lead_s in (0.0, 0.1)
    )
    assert led[1].end_s - plain[1].end_s == pytest.approx(0.1, abs=0.021)


def test_confidence_falls_where_attention_says_nothing():
    sharp = word_times(looks(), WORDS, duration_s=2.5, sound=odds())
    flat = word_times(np.full((2, 4, 1500), 1 / 1500), WORDS, duration_s=2.5)
    assert max(flat.confidence) < min(sharp.confidence)
    assert all(0 <= c <= 1 for c in flat.confidence)


def test_every_word_gets_time_and_none_overlap():
    rng = np.random.default_rng(3)
    for by in ("dtw", "states"):
        for _ in range(10):
            weights = rng.dirichlet(np.full(1500, 0.2), size=(3, 9))
            words = [(str(i), slice(i, i + 1)) for i in range(8)]
            placed = word_times(weights, words, duration_s=1.2345, by=by)
            assert placed.words.labels == tuple("01234567")
            assert all(0 <= w.start_s <= w.end_s <= 1.2345 for w in placed.words)
            assert by == "dtw" or min(w.duration_s for w in placed.words) > 0.004


def test_no_words_have_no_times():
    assert len(word_times(looks(), (), duration_s=2.5).words) == 0


def test_what_cannot_be_placed_is_refused():
    with pytest.raises(UnknownName, match="way to place"):
        word_times(looks(), WORDS, duration_s=2.5, by="guess")
    with pytest.raises(BadInput, match="follow in order"):
        word_times(looks(), WORDS[::-1], duration_s=2.5)
    with pytest.raises(BadInput, match="rows 4 to 5 of 4"):
        word_times(looks(), (("late", slice(4, 5)),), duration_s=2.5)
    with pytest.raises(BadInput, match="negative"):
        word_times(-looks(), WORDS, duration_s=2.5)
    with pytest.raises(BadInput, match="n_heads"):
        attention_matrix(looks()[0])
    with pytest.raises(BadInput, match="odd"):
        attention_matrix(looks(), median_width=4)
    with pytest.raises(BadInput, match="log odds"):
        word_times(looks(), WORDS, duration_s=2.5, sound=np.zeros(100))
    many = [(str(i), slice(i, i + 1)) for i in range(30)]
    with pytest.raises(DoesNotFit, match="30 tokens"):
        place_words(np.zeros((30, 10)), many, duration_s=0.2)


def test_sound_odds_follow_the_level():
    rng = np.random.default_rng(4)
    samples = 1e-4 * rng.standard_normal(16000)
    samples[4000:8000] += 0.1 * np.sin(np.arange(4000))
    found = sound_odds(Recording(samples.astype(np.float32), 16000))
    assert found.shape == (100,)
    assert (found[27:48] > 2).all()
    assert (found[:23] < 0).all()
    assert (found[53:] < 0).all()
    assert not sound_odds(Recording(rng.standard_normal(16000).astype(np.float32) * 0.1, 16000)).any()


def test_levels_are_in_db_re_full_scale():
    square = Recording(np.tile([0.1, -0.1], 4000).astype(np.float32), 16000)
    np.testing.assert_allclose(levels_db(square), -20.0, atol=1e-3)
    assert levels_db(Recording(np.zeros(1600, np.float32), 16000)).max() == -80.0
