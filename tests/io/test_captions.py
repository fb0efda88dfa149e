"""Words into captions: nothing lost, nothing overlapping, every rule kept."""

from __future__ import annotations

import textwrap
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope.core import Interval, Tier
from otoscope.io.annotation import Annotation
from otoscope.io.captions import group_phrases, group_words, speaker_tiers

_WORD = st.text("abcdefgh", min_size=1, max_size=14) | st.sampled_from(
    ["end.", "why?", "no!", "", "a" * 50, "two words"]
)


@st.composite
def _words(draw):
    steps = draw(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 30), _WORD), max_size=60))
    at, rows = 0, []
    for gap, lasting, label in steps:
        rows.append(Interval((at + gap) / 20, (at + gap + lasting) / 20, label))
        at += gap + lasting
    return Tier("words", tuple(rows))


@settings(max_examples=150, derandomize=True, deadline=None)
@given(_words(), st.sampled_from([(42, 2), (20, 1), (30, 3)]))
def test_rules(words, room):
    max_chars, max_lines = room
    cues = group_words(words, max_chars=max_chars, max_lines=max_lines)
    spoken = [word for word in words if word.label]
    assert " ".join(cue.label for cue in cues).split() == " ".join(word.label for word in spoken).split()
    at = 0
    for n, cue in enumerate(cues):
        lines = cue.label.split("\n")
        count = sum(len(word.label.split()) for word in spoken[at:])  # words are consumed in order
        n_words, text = 0, ""
        while " ".join(text.split()) != " ".join(cue.label.split()):
            text += " " + spoken[at + n_words].label
            n_words += 1
        assert n_words <= count
        inside = spoken[at : at + n_words]
        at += n_words
        assert len(lines) <= max_lines or n_words == 1
        assert all(len(line) <= max_chars or " " not in line for line in lines)
        assert lines == textwrap.wrap(cue.label.replace("\n", " "), max_chars, break_long_words=False)
        assert cue.start_s == inside[0].start_s
        assert cue.end_s >= inside[-1].end_s
        assert cue.end_s - cue.start_s <= 7 or n_words == 1
        assert not any(word.label.endswith((".", "?", "!")) for word in inside[:-1])
        assert all(b.start_s - a.end_s < 0.7 for a, b in pairwise(inside))
        assert cue.end_s <= (cues[n + 1].start_s if n + 1 < len(cues) else words[-1].end_s)
        assert (cue.origin == "interpolated") == (cue.end_s > inside[-1].end_s)
        if cue.origin == "interpolated":
            assert cue.end_s - cue.start_s <= 5 / 6 + 1e-9


@settings(max_examples=100, derandomize=True, deadline=None)
@given(_words())
def test_captions_are_not_cut_needlessly(words):
    """Each break has a reason: joining two neighbours would break a rule."""
    cues = group_words(words)
    spoken = [word for word in words if word.label]
    for left, right in pairwise(cues):
        first = next(word for word in spoken if word.start_s == right.start_s)
        before = spoken[spoken.index(first) - 1]
        grown = textwrap.wrap(f"{left.label} {first.label}".replace("\n", " "), 42, break_long_words=False)
        assert (
            before.label.endswith((".", "?", "!"))
            or first.start_s - before.end_s >= 0.7
            or first.end_s - left.start_s > 7
            or len(grown) > 2
        )


def test_phrases_are_parted_by_pauses_only():
    words = Tier("words", (Interval(0, 1, "so."), Interval(1.25, 2, "it"), Interval(2.5, 3, "is", origin="attention")))
    phrases = group_phrases(words)
    assert [(i.start_s, i.end_s, i.label) for i in phrases] == [(0, 2, "so. it"), (2.5, 3, "is")]
    assert [i.origin for i in phrases] == ["aligned", "attention"]


def test_speakers_are_tiers_unless_there_are_words():
    words = Tier("words", (Interval(0, 1, "so"),))
    both = Annotation("a", 1, (Tier("phones"), words))
    assert [tier.name for tier in speaker_tiers(both, group_words)] == ["unknown"]
    assert speaker_tiers(Annotation("a", 1, (Tier("Anna"), Tier("Bo"))), group_words) == (Tier("Anna"), Tier("Bo"))
