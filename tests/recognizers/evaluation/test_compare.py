"""Comparing: pairs, columns with their places, and the page in a real browser."""

from __future__ import annotations

import json

import pytest
from parrots import HEARD, TEXTS

from otoscope.core import BadInput
from otoscope.io.jsonable import dumps
from otoscope.recognizers.evaluation import compare
from otoscope.recognizers.evaluation.differences import columns_of


@pytest.fixture
def comparison(parrot, corpus):
    better = {**HEARD, "u1": "so my fellow listeners", "u2": "ask not what your ear can do"}
    return compare([parrot("a"), parrot("b", better), parrot("c", dict.fromkeys(HEARD, "uh"))], corpus)


def test_every_pair_is_tested_and_corrected(comparison):
    assert [(pair.a, pair.b) for pair in comparison.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    p = [pair.test.p_value for pair in comparison.pairs]
    corrected = [pair.p_corrected for pair in comparison.pairs]
    assert all(c >= x for c, x in zip(corrected, p, strict=True))
    assert corrected[p.index(min(p))] == min(1.0, 3 * min(p))
    a, b, _ = comparison.evaluations
    assert comparison.pairs[0].difference.difference == pytest.approx(a.wer - b.wer)
    assert comparison.summary.startswith("b made the fewest word errors")
    assert json.loads(dumps(comparison.as_json()))["pairs"][2]["a"] == "b"


def test_columns_hold_all_words_in_order(comparison):
    for row in zip(*(evaluation.judged for evaluation in comparison.evaluations), strict=True):
        columns = columns_of(row)
        assert tuple(column.said for column in columns if column.said) == row[0].said
        for index, one in enumerate(row):
            assert tuple(column.heard[index] for column in columns if column.heard[index]) == one.heard.words
        starts = [column.start_s for column in columns]
        assert all(start is not None for start in starts) or not any(one.heard.words for one in row)


def test_a_column_lies_where_the_recogniser_that_has_it_right_heard_it(comparison):
    first = comparison.differences[0]
    assert first.utterance.id == "u1"
    yellow = next(column for column in first.columns if column.said == "fellow")
    assert yellow.heard[:2] == ("yellow", "fellow")
    assert yellow.differs
    assert (yellow.start_s, yellow.end_s) == pytest.approx((0.25, 0.375))
    second = comparison.differences[1]
    your = next(column for column in second.columns if column.said == "your")
    assert your.heard[0] == ""
    assert your.measured


def test_a_place_where_nobody_heard_a_word_lies_between_its_neighbours(parrot, corpus):
    lost = compare(
        [parrot("a", {**HEARD, "u1": "so listeners"}), parrot("b", {**HEARD, "u1": "sew listeners"})], corpus
    )
    columns = lost.differences[0].columns
    my, fellow = columns[1], columns[2]
    assert not my.measured
    assert my.start_s == fellow.start_s == my.end_s == pytest.approx(0.25)


def test_two_of_one_name_and_one_alone_are_refused(parrot, corpus):
    with pytest.raises(BadInput, match="called 'a'"):
        compare([parrot("a"), parrot("a", dict.fromkeys(HEARD, "so"))], corpus)
    with pytest.raises(BadInput, match="two recognisers or more"):
        compare([parrot("a")], corpus)
    with pytest.raises(BadInput, match="two recognisers or more"):
        compare("pocketsphinx", corpus)


def test_panels_and_notebook_show_every_recogniser(comparison):
    from otoscope.views.figures import figure
    from otoscope.views.panels import panels_of

    bars = panels_of(comparison)[1]
    assert bars.kind == "bars"
    assert bars.data["labels"] == ["a", "b", "c"]
    assert figure(comparison.panels[0]).axes
    html = comparison._repr_html_()
    assert "not told apart" in html or "fewer" in html
    assert html.count("<svg") == 1
    assert comparison.evaluations[0]._repr_html_().count("<svg") == 1


def test_all_alike_is_said(parrot, corpus):
    same = compare([parrot("a"), parrot("b", parameters={"beam": 2})], corpus)
    assert same.differences == ()
    assert same.pairs[0].p_corrected == 1.0
    assert "not told apart from b" in same.summary
    from otoscope.views.comparison import comparison_html

    assert "the same words everywhere" in comparison_html(same)


def test_texts_have_all_speakers():
    assert len({speaker for speaker, _ in TEXTS.values()}) == 3
