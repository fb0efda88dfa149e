"""Every cut covers the recording once; times and bands are where they should be."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.core import BadInput, Interval, Recording, Segment
from otoscope.explainers.segments import PARTITIONS, PAUSE, cells, covering, cut, frames, inside, mel_edges, sizes
from otoscope.explainers.superpixels import partition, superpixels


def area(segments, duration_s, top_hz):
    """Seconds x hertz covered, and whether all lies inside the recording."""
    for s in segments:
        assert 0 <= s.start_s < s.end_s <= duration_s + 1e-9
    return sum(
        s.duration_s * ((s.high_hz - s.low_hz) if s.low_hz is not None and s.high_hz is not None else top_hz)
        for s in segments
    )


@given(
    st.lists(st.floats(0.0, 2.0), min_size=2, max_size=12, unique=True),
    st.floats(1.0, 2.2),
)
@settings(max_examples=200, deadline=None)
def test_covering_tiles_the_recording_whatever_the_words(edges, duration_s):
    recording = Recording(np.zeros(round(duration_s * 1000)), 1000)
    edges = sorted(edges)
    words = [Interval(a, b, "w") for a, b in zip(edges[::2], edges[1::2], strict=False) if b < recording.duration_s]
    segments = covering(recording, words)
    assert segments[0].start_s == 0.0
    assert segments[-1].end_s == recording.duration_s
    assert all(left.end_s == right.start_s for left, right in pairwise(segments))
    assert all(s.duration_s > 0 for s in segments)
    assert sum(s.label != PAUSE for s in segments) <= len(words)
    assert all(s.duration_s > 0.0299 for s in segments if s.label == PAUSE and len(segments) > 1)


def test_tiny_gaps_are_shared_and_long_ones_become_pauses():
    recording = Recording(np.zeros(16000), 16000)
    words = [Interval(0.1, 0.3, "a"), Interval(0.32, 0.5, "b"), Interval(0.6, 0.99, "c")]
    found = [(s.label, round(s.start_s, 3), round(s.end_s, 3)) for s in covering(recording, words)]
    assert found == [
        (PAUSE, 0.0, 0.1),
        ("a", 0.1, 0.31),
        ("b", 0.31, 0.5),
        (PAUSE, 0.5, 0.6),
        ("c", 0.6, 1.0),
    ]


@pytest.mark.parametrize("kind", [kind for kind in PARTITIONS if kind != "phones"])
def test_every_kind_covers_the_recording_once(kind, toy, noise):
    segments = cut(toy.trace(noise), kind)
    assert area(segments, noise.duration_s, 8000) == pytest.approx(noise.duration_s * 8000)


def test_auto_takes_words_of_an_utterance_and_frames_of_a_word(toy, noise, words):
    assert [s.label for s in cut(toy.trace(noise), "auto")] == list("abcdefghij")
    from otoscope.testing import AdditiveRecognizer

    single = AdditiveRecognizer((Segment(0, 2),), {"toy": (1.0,)})
    assert len(cut(single.trace(noise), "auto")) == 32


def test_too_many_segments_are_refused():
    from otoscope.explainers.segments import check_segments

    with pytest.raises(BadInput, match="401 segments"):
        check_segments([Segment(i, i + 1) for i in range(401)])
    with pytest.raises(BadInput, match="0 segments"):
        check_segments([])


def test_frames_lie_on_whole_samples():
    recording = Recording(np.zeros(16001), 16000)
    starts = np.array([s.start_s * 16000 for s in frames(recording, n_frames=7)])
    np.testing.assert_allclose(starts, np.round(starts), atol=1e-9)


def test_mel_edges_equal_the_filterbanks_spacing():
    edges = mel_edges(4, top_hz=8000)
    mel = 1127 * np.log(1 + edges / 700)
    np.testing.assert_allclose(np.diff(mel), np.diff(mel)[0])
    np.testing.assert_allclose(edges[[0, -1]], [0, 8000])


def test_inside_is_a_share_of_time_and_of_mel():
    whole = cells([Segment(0, 1), Segment(1, 2)], n_bands=4, top_hz=8000)
    edges = mel_edges(4, top_hz=8000)
    share = inside(whole, Segment(0.5, 1.5, edges[1], edges[3]))
    np.testing.assert_allclose(share, [0, 0.5, 0.5, 0] * 2)
    assert (sizes(whole) @ share) / sizes(whole).sum() == pytest.approx(0.25)
    assert inside(whole, Interval(0.5, 1.5, "so")) == pytest.approx(0.5)


def test_superpixels_find_a_tone_burst():
    samples = np.random.default_rng(0).normal(scale=1e-3, size=16000)
    samples[6400:9600] += np.sin(2 * np.pi * 2000 * np.arange(3200) / 16000)
    patches = superpixels(Recording(samples, 16000), n_segments=12)
    burst = inside(patches, Segment(0.4, 0.6, 1700, 2300))
    best = patches[int(burst.argmax())]
    assert burst.max() > 0.6
    assert best.start_s == pytest.approx(0.4, abs=0.03)
    assert best.end_s == pytest.approx(0.6, abs=0.03)
    assert len(superpixels(Recording(np.zeros(400), 16000))) == 1


def test_partition_never_does_worse_with_more_boxes():
    image = np.random.default_rng(0).normal(size=(20, 16)).cumsum(axis=0)

    def deviation(boxes):
        return sum(((image[a:b, c:d] - image[a:b, c:d].mean()) ** 2).sum() for a, b, c, d in boxes)

    costs = [deviation(partition(image, n_boxes=n, shortest=2)) for n in (1, 2, 4, 8, 16)]
    assert costs == sorted(costs, reverse=True)
    boxes = partition(image, n_boxes=16, shortest=2)
    covered = np.zeros(image.shape, dtype=int)
    for a, b, c, d in boxes:
        covered[a:b, c:d] += 1
        assert b - a >= 2
        assert d - c >= 2
    assert (covered == 1).all()
