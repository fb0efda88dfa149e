"""Doubts about words nobody said: each kind of evidence on made cases, the rule, and whole recordings."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, Recording
from otoscope.recognizers.whisper import doubt_evidence
from otoscope.recognizers.whisper.doubt_evidence import Evidence, repeated
from otoscope.recognizers.whisper.doubt_fitting import fit_rule
from otoscope.recognizers.whisper.doubts import (
    MEASURES,
    RULE,
    TESTS,
    Doubt,
    Rule,
    doubts_panel,
    measures,
    verdicts,
)

SAID = Evidence(
    word=Interval(0.5, 0.9, "seven", origin="interpolated"),
    voice=0.97,
    drop=4.0,
    drop_all=5.0,
    log_prob=-0.05,
    on_sound=0.9,
    spread_s=0.1,
    same_place=0.2,
    repeats=1,
    duration_s=0.4,
    letters_per_s=12.5,
    no_speech=0.01,
    compression=0.8,
)
MADE_UP = dataclasses.replace(
    SAID, voice=0.02, drop=0.01, drop_all=0.0, on_sound=0.1, spread_s=4.0, same_place=0.99, log_prob=-2.0, no_speech=0.9
)


def test_a_word_that_was_said_raises_no_doubt():
    (verdict,) = verdicts([SAID])
    assert verdict.doubts == ()
    assert not verdict.made_up
    assert verdict.word == "seven"


def test_a_word_that_was_made_up_is_flagged_with_reasons():
    (verdict,) = verdicts([MADE_UP], first=3)
    assert verdict.made_up
    assert verdict.word_index == 3
    assert {d.kind for d in verdict.doubts} == {
        "no voice",
        "said without its sound",
        "said without any sound",
        "not on sound",
        "attention spread",
        "same place",
        "unlikely",
        "no speech",
    }
    assert all(d.word_index == 3 for d in verdict.doubts)


@pytest.mark.parametrize("kind", list(TESTS))
def test_every_kind_of_doubt_has_its_threshold_and_reason(kind):
    limit = TESTS[kind]
    beyond = limit.threshold + (1 if limit.above else -1)
    value = int(beyond) if limit.field == "repeats" else beyond
    (verdict,) = verdicts([dataclasses.replace(SAID, **{limit.field: value})])
    assert [d.kind for d in verdict.doubts] == [kind]
    (doubt,) = verdict.doubts
    assert (doubt.evidence, doubt.threshold) == (value, limit.threshold)
    assert "{" not in doubt.reason
    at = int(limit.threshold) if limit.field == "repeats" else limit.threshold
    assert verdicts([dataclasses.replace(SAID, **{limit.field: at})])[0].doubts == ()


def test_more_evidence_never_speaks_for_a_word():
    assert all(weight >= 0 for weight in RULE.weights.values())
    assert RULE.probability(MADE_UP) > 0.9
    assert RULE.probability(SAID) < 0.1
    worse = {"voice": 0.0, "drop": 0.0, "drop_all": 0.0, "on_sound": 0.0, "spread_s": 3.0, "no_speech": 1.0}
    for name, value in worse.items():
        assert RULE.probability(dataclasses.replace(SAID, **{name: value})) >= RULE.probability(SAID)


def test_measures_are_bounded():
    worst = dataclasses.replace(MADE_UP, spread_s=1e9, log_prob=-1e9, repeats=10**9, drop=-1e9, drop_all=-1e9)
    assert measures(worst).max() <= 4.0
    assert measures(SAID).shape == (len(MEASURES),)


def test_verdicts_are_json_and_a_table():
    found = verdicts([SAID, MADE_UP])
    told = json.loads(json.dumps([v.as_json() for v in found]))
    assert told[1]["made_up"] is True
    assert told[1]["doubts"][0]["reason"].startswith("probability of speech there is 0.02")
    panel = doubts_panel(found)
    assert panel.kind == "table"
    assert [row[0] for row in panel.data["rows"]] == [1]


def test_what_is_no_doubt_or_rule_is_refused():
    with pytest.raises(BadInput, match="unknown kind of doubt"):
        Doubt(0, "odd", 1.0, 0.5)
    with pytest.raises(BadInput, match="unknown measure"):
        Rule({"loud": 1.0}, 0.0)
    with pytest.raises(BadInput, match="both kinds"):
        fit_rule([SAID], [MADE_UP, MADE_UP])


def test_a_rule_is_learnt_from_what_tells_words_apart():
    rng = np.random.default_rng(0)

    def drawn(voice, drop, n=200):
        return [
            dataclasses.replace(
                SAID,
                voice=float(np.clip(voice + 0.2 * rng.standard_normal(), 0, 1)),
                drop=float(drop + rng.standard_normal()),
            )
            for _ in range(n)
        ]

    rule = fit_rule(drawn(0.9, 3.0), drawn(0.1, 0.0))
    assert set(rule.weights) == {"silent", "unmoved"}  # nothing else tells them apart
    said, made_up = drawn(0.9, 3.0), drawn(0.1, 0.0)
    assert np.mean([v.made_up for v in verdicts(made_up, rule=rule)]) > 0.9
    assert np.mean([v.made_up for v in verdicts(said, rule=rule)]) < 0.06
    assert 0.3 <= rule.threshold < 1


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("one two three", (1, 1, 1)),
        ("one one one one", (4, 4, 4, 4)),
        ("a b a b a b c", (3, 3, 3, 3, 3, 3, 1)),
        ("a b c a b c", (2, 2, 2, 2, 2, 2)),
        ("x a a y a a", (1, 2, 2, 1, 2, 2)),
        ("", ()),
    ],
)
def test_repeats_are_counted(text, times):
    assert repeated(text.split()) == times


@pytest.fixture(scope="module")
def parts(tiny_checkpoint):
    from otoscope.recognizers.checkpoints.folder import read_checkpoint
    from otoscope.recognizers.whisper.parts import read_parts

    return read_parts(read_checkpoint(tiny_checkpoint("whisper")), "eager")


@pytest.fixture(scope="module")
def heads(parts):
    from otoscope.recognizers.whisper.heads import named_heads

    return named_heads(parts.generation)


def evidence(parts, heads, recording, text=" one two three four five"):
    prefix = parts.tokens.prefix("en", "transcribe", timestamps=False)
    tokens = parts.tokens.encode(text)
    return doubt_evidence.evidence_of(parts, recording, prefix, tokens, no_speech=0.25, heads=heads, language="en")


def test_silencing_silence_changes_nothing(parts, heads):
    found = evidence(parts, heads, Recording(np.zeros(32000, np.float32), 16000))
    assert [e.word.label for e in found] == ["one", "two", "three", "four", "five"]
    for own in found:
        assert own.drop == pytest.approx(0.0, abs=1e-4)
        assert own.drop_all == pytest.approx(0.0, abs=1e-4)
        assert own.voice == 0.0
        assert own.no_speech == 0.25


def test_a_word_loses_what_its_own_sound_gave_it(parts, heads, babble):
    """The drop of each word is that of a listening in which its sound, and that of every fourth word, is silenced."""
    from otoscope.core import Segment
    from otoscope.recognizers.whisper.again import hear_again
    from otoscope.signal.masking import Masker

    recording = babble(1)
    found = evidence(parts, heads, recording)
    assert any(abs(e.drop) > 1e-3 for e in found)
    prefix = parts.tokens.prefix("en", "transcribe", timestamps=False)
    tokens = parts.tokens.encode(" one two three four five")
    places = [(found[i].word.start_s, found[i].word.end_s) for i in (1,)]
    segments = [Segment(max(0, a - 0.1), min(recording.duration_s, b + 0.1)) for a, b in places]
    changed = Masker(recording, segments)([False])
    plain, silenced = (hear_again(parts, [each], prefix, tokens)[0].log_probs for each in (recording, changed))
    rows = parts.tokens.words(tokens, "en")[1].spoken
    assert found[1].drop == pytest.approx(float((plain[rows] - silenced[rows]).mean()), abs=1e-4)
    assert found[1].log_prob == pytest.approx(float(plain[rows].mean()), abs=1e-4)


def test_attention_on_sound_spread_and_overlap():
    weights = np.zeros((1, 3, 100), np.float32)
    weights[0, 0, 10:20], weights[0, 1, 60:70], weights[0, 2, 60:70] = 0.1, 0.1, 0.1
    odds = np.full(200, -5.0)
    odds[20:40] = 5.0  # 0.2 to 0.4 s: frames 10 to 19
    words = [type("W", (), {"spoken": slice(i, i + 1)})() for i in range(3)]
    on_sound, spread_s, overlap = doubt_evidence._looks(weights, words, odds)
    np.testing.assert_allclose(on_sound, [0.95, 0.0067, 0.0067], atol=0.05)
    np.testing.assert_allclose(spread_s, 0.02 * np.std(np.arange(10)), rtol=1e-3)
    np.testing.assert_allclose(overlap, [0.0, 1.0, 1.0], atol=1e-6)


def test_more_tokens_than_time_are_a_loop_not_an_error(parts, heads):
    found = evidence(parts, heads, Recording(np.full(800, 0.01, np.float32), 16000), " one two three" * 20)
    assert len(found) == 60
    assert any(e.duration_s == 0 for e in found)
    assert all(e.repeats == 20 for e in found)
    assert any(d.kind == "no time" for v in verdicts(found) for d in v.doubts)


def test_whole_recordings_are_judged_word_by_word(parts, heads, babble):
    from otoscope.recognizers.whisper.judging import DOUBTS, doubts_tier, judged
    from otoscope.recognizers.whisper.options import Options
    from otoscope.recognizers.whisper.recognizer import WhisperRecognizer

    options = Options(most_tokens=12, most_no_speech=None, language="en")
    recognizer = WhisperRecognizer(parts, options, heads)
    for recording in (babble(2), babble(2).with_samples(np.tile(babble(2).samples, 16)[: 16000 * 33])):
        trace = recognizer.trace(recording)
        found = judged(parts, options, heads, trace)
        assert tuple(v.word for v in found) == trace.hypothesis.words
        assert [(v.at.start_s, v.at.end_s) for v in found] == [
            pytest.approx((w.start_s, w.end_s), abs=0.5) for w in trace.words
        ]
        tier = doubts_tier(tuple(dataclasses.replace(v, made_up=True) for v in found))
        assert tier.name == DOUBTS
        assert len(tier) == len(found)
        assert doubts_tier(tuple(dataclasses.replace(v, made_up=False) for v in found)).intervals == ()
    other = dataclasses.replace(trace, hypotheses=(dataclasses.replace(trace.hypothesis, words=("other",)),))
    with pytest.raises(BadInput, match="options that made it"):
        judged(parts, options, heads, other)
