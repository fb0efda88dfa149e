"""Hypothesis strategies over Annotations, as wide as a format can hold."""

from __future__ import annotations

from hypothesis import strategies as st

from otoscope.core import Interval, Tier
from otoscope.io.annotation import Annotation, last_end_s

MS = 1000
US = 1_000_000

XML_TEXT = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff", include_characters="\n\t")
TEXT = st.text(XML_TEXT, min_size=1, max_size=12) | st.sampled_from(
    [
        'say "hi"',
        "a --> b",
        "<i>x</i>",
        "AT&T &lt; &amp;lt;",
        "two\nlines",
        ";; no",
        "été 東京",
        "42",
        "NOTE x",
        "00:00:01,000",
    ]
)
FIELD = TEXT.map(lambda text: "_".join(text.split())).filter(lambda text: text and text[0] not in ";<")
ONE_LINE = TEXT.map(lambda text: " ".join(text.split())).filter(bool)
LINES = TEXT.map(lambda t: "\n".join(x.strip() for x in t.split("\n") if x.strip())).filter(bool)
SCORES = st.none() | st.integers(0, US).map(lambda n: n / US)
ORIGINS = st.sampled_from(["aligned", "attention", "interpolated", "annotated", "synthetic"])


NO_ID = st.just("")
NOBODY = st.none()


@st.composite
def tiers(draw, *, names=TEXT, labels=TEXT, per_second=None, scores=NOBODY, origins=None):
    """A tier of up to four intervals; times are multiples of `1 / per_second`, or any floats where it is `None`."""
    if per_second is None:
        gap, length = st.floats(0, 2000), st.floats(1e-3, 2000)
    else:
        gap, length = st.integers(0, 2000 * per_second), st.integers(1, 2000 * per_second)
    origins = st.just("annotated") if origins is None else origins
    intervals = []
    at = 0
    for before, lasting, label, score, origin in draw(
        st.lists(st.tuples(gap | st.just(0), length, labels, scores, origins), max_size=4)
    ):
        start, at = at + before, at + before + lasting
        unit = per_second or 1
        intervals.append(Interval(start / unit, at / unit, label, score, origin))
    return Tier(draw(names), tuple(intervals))


@st.composite
def annotations(draw, *, max_tiers=2, min_tiers=0, spare=True, ids=NO_ID, speakers=NOBODY, names=TEXT, **of_tier):
    """An Annotation of unlike tier names; `spare` leaves silence after the last interval."""
    chosen = draw(st.lists(names, min_size=min_tiers, max_size=max_tiers, unique=True))
    rows = tuple(draw(tiers(names=st.just(name), **of_tier)) for name in chosen)
    duration_s = last_end_s(rows) + (draw(st.sampled_from([0.0, 0.5, 2.0])) if spare else 0.0)
    return Annotation(draw(ids), duration_s, rows, speaker=draw(speakers))
