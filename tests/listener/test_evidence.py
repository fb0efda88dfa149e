"""Evidence from any family's emissions: what columns mean, when frames lie, and that a second weighs the same."""

from __future__ import annotations

import dataclasses
import math
from itertools import product

import numpy as np
import pytest

from otoscope.core import BadInput, FrameGrid, NotAble, NotRecorded, Provenance
from otoscope.core.errors import UnknownName
from otoscope.core.measurements import Emissions
from otoscope.decoding.tree import forced
from otoscope.listener.evidence import Evidence, evidence_from
from otoscope.listener.paths import form_path

RNG = np.random.default_rng(0)


def emissions(symbols, *, kind="log_likelihood", hop=160, n_frames=12, blank=None, rate_hz=16000, start=0, window=400):
    scores = RNG.normal(size=(n_frames, len(symbols))).astype(np.float32)
    if kind == "log_posterior":
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return Emissions(scores, FrameGrid(rate_hz, start, hop, window, n_frames), tuple(symbols), kind, blank)


MONOPHONES = ("SIL.1", "SIL.2", *(f"{p}.{k}" for p in ("AA", "B") for k in (1, 2, 3)))
BIPHONES = ("AA.1|B", "AA.2|B", "AA.1|AA SIL", "AA.2|AA SIL", "B.1", "B.2", "SIL.1", "SIL.2")


def columns(found, *context):
    return [state.column for state in found.models.states(*context)]


def test_states_of_phones_are_read_from_their_names():
    given = emissions(MONOPHONES)
    found = evidence_from(given)
    assert found.phones == ("AA", "B")
    assert found.models.silence == "SIL"
    assert found.models.context == (False, False)
    assert columns(found, None, "B", "AA") == [5, 6, 7]
    assert columns(found, None, "SIL", None) == [0, 1]
    np.testing.assert_array_equal(found.scores, given.scores)
    assert found.grid == given.grid
    assert found.kind == "phone states"


def test_left_neighbours_are_read_from_names():
    found = evidence_from(emissions(BIPHONES, kind="scaled_log_likelihood", hop=480))
    assert found.models.context == (True, False)
    assert found.kind == "hybrid"
    assert columns(found, "B", "AA", None) == [0, 1]
    assert columns(found, "AA", "AA", None) == columns(found, None, "AA", None) == [2, 3]
    assert columns(found, "AA", "B", None) == columns(found, None, "B", None) == [4, 5]
    with pytest.raises(UnknownName):
        found.models.states(None, "ZZ", None)


def test_columns_whose_neighbours_are_not_told_give_the_best_of_them():
    given = emissions(("SIL.1", "AA.1/1", "AA.1/2", "B.1"))
    found = evidence_from(given)
    np.testing.assert_array_equal(found.scores[:, 1], given.scores[:, 1:3].max(axis=1))
    assert found.scores.shape == (12, 3)


def test_noises_are_no_phones():
    found = evidence_from(emissions(("+SPN+.1", "SIL.1", "AA.1", "+NSN+.1")))
    assert found.phones == ("AA",)
    assert found.models.silence == "SIL"


@pytest.mark.parametrize(("rate_hz", "hop"), [(16000, 480), (16000, 320), (8000, 160), (16000, 640), (11025, 331)])
def test_slow_frames_are_read_by_time_and_weigh_the_same(rate_hz, hop):
    given = emissions(MONOPHONES, hop=hop, rate_hz=rate_hz, start=-40, n_frames=40)
    found = evidence_from(given)
    assert found.grid.hop * 100 == found.grid.rate_hz
    np.testing.assert_allclose(found.grid.edges_s()[0], given.grid.edges_s()[0], atol=1e-4)
    np.testing.assert_allclose(found.grid.edges_s()[-1], given.grid.edges_s()[-1], atol=6e-3)
    ratio = hop / rate_hz / 0.01
    middle = given.grid.times_s()
    nearest = np.abs(found.grid.times_s()[:, None] - middle).argmin(axis=1)
    agree = (found.scores == (given.scores[nearest] / np.float32(ratio))).all(axis=1)
    assert agree.mean() > 0.97
    np.testing.assert_allclose(found.scores.sum(axis=0), given.scores.sum(axis=0), rtol=0.05, atol=0.8)


def test_priors_divide_posteriors():
    given = emissions(("<blank>", " ", *"etaoin"), kind="log_posterior", blank=0)
    priors = np.log(np.arange(1, 9) / 36)
    plain, half = evidence_from(given), evidence_from(given, log_priors=priors, prior_weight=0.5)
    e = columns(plain, None, "e", None)[0]
    np.testing.assert_allclose(half.scores[:, e], plain.scores[:, e] - 0.5 * priors[2], rtol=1e-5)
    with pytest.raises(BadInput, match="8 finite log priors"):
        evidence_from(given, log_priors=priors[1:])
    with pytest.raises(BadInput, match="posteriors only"):
        evidence_from(emissions(MONOPHONES), log_priors=np.zeros(8))


def labelling(path, blank=0):
    """Return what a CTC path says: repeats are one, blanks nothing (Graves et al. 2006, eq. 2)."""
    return [c for k, c in enumerate(path) if c != blank and (k == 0 or c != path[k - 1])]


@pytest.mark.parametrize("word", ["t", "to", "too", "tt"])
def test_letters_with_their_blanks_are_ctc(word):
    given = emissions(("<blank>", "T", "O"), kind="log_posterior", blank=0, n_frames=6)
    found = evidence_from(given)
    assert found.phones == ("t", "o")
    wanted = [{"t": 1, "o": 2}[letter] for letter in word]
    # Make one path the only one that can be, in turn each of those that say the word: it is found; no other is.
    for path in product(range(3), repeat=6):
        sure = np.full((6, 4), -1e4, np.float32)
        sure[np.arange(6), np.array([2, 0, 1])[list(path)]] = 0  # letters first, then the blank, then silence
        sure[:, 3] = sure[:, 2]
        best = forced(sure, ("w",), {"w": (tuple(word),)}, found.models)
        assert (best.frame_scores.sum() > -1) == (labelling(path) == wanted)


@pytest.mark.parametrize("word", ["t", "to", "too", "otto"])
def test_a_path_of_ctc_is_worth_its_posteriors_alone(word):
    rows = np.random.default_rng(7).normal(0, 2, (6, 3))
    rows -= np.logaddexp.reduce(rows, axis=1, keepdims=True)
    given = dataclasses.replace(
        emissions(("<blank>", "T", "O"), kind="log_posterior", blank=0, n_frames=6), scores=rows.astype(np.float32)
    )
    wanted = [{"t": 1, "o": 2}[letter] for letter in word]
    best = max(rows[range(6), path].sum() for path in product(range(3), repeat=6) if labelling(path) == wanted)
    found = form_path(evidence_from(given), tuple(word))
    assert found.score == pytest.approx(best - rows.max(axis=1).sum(), abs=1e-5)


def test_between_two_of_the_same_letter_stands_a_blank():
    found = evidence_from(emissions(("<pad>", "|", *"etaoin"), kind="log_posterior", blank=0))
    alike, other = found.models.states("t", "t", None), found.models.states("o", "t", None)
    assert [s.column for s in alike][1:] == [s.column for s in other]
    assert len(alike) == 3
    assert alike[0].log_skip == -math.inf
    assert other[-1].log_skip == 0.0
    assert found.kind == "ctc letters"
    assert columns(found, None, "SIL", None)[0] == found.scores.shape[1] - 1


def test_silence_of_letters_is_blank_or_space():
    given = emissions(("<pad>", "|", *"etaoin"), kind="log_posterior", blank=0)
    np.testing.assert_array_equal(evidence_from(given).scores[:, -1], given.scores[:, :2].max(axis=1))


@pytest.mark.parametrize(
    ("symbols", "kind", "blank", "why"),
    [
        (("zero", "one"), "neg_distance", None, "distances"),
        (("<blank>", "▁the", "▁of", "▁and", "s"), "log_posterior", 0, "pieces"),
        (("AA.1", "B.1"), "log_likelihood", None, "no silence"),
        (("a", "b", "c"), "log_posterior", None, "nobody speaks"),
        (("<blank>", "a"), "log_posterior", 0, "too few"),
    ],
)
def test_what_tells_nothing_of_phones_is_refused(symbols, kind, blank, why):
    with pytest.raises(NotAble, match=why):
        evidence_from(emissions(symbols, kind=kind, blank=blank))


def test_evidence_is_checked():
    good = evidence_from(emissions(MONOPHONES))
    made = Provenance("x", "1")
    with pytest.raises(BadInput, match="every 10 ms"):
        Evidence(good.scores, FrameGrid(16000, 0, 320, 320, 12), good.models, made, "phone states")
    with pytest.raises(BadInput, match="12 rows"):
        Evidence(good.scores, FrameGrid(16000, 0, 160, 160, 11), good.models, made, "phone states")
    with pytest.raises(BadInput, match="finite"):
        Evidence(good.scores * np.nan, good.grid, good.models, made, "phone states")


@pytest.fixture(scope="module")
def spoken():
    pytest.importorskip("espeakng_loader")
    from otoscope.studies.boundary_speech import synthetic_speech

    return synthetic_speech("digits", 1, seed=1)[0]


@pytest.mark.parametrize("name", ["otoscope-en", "ctc-digits", "pocketsphinx"])
def test_recognisers_of_the_package_place_what_was_said(name, spoken):
    from otoscope.lexicon.pronunciations import cmudict
    from otoscope.recognizers import load

    recognizer = load(name)
    trace = recognizer.trace(spoken.recording, record=["emissions"])
    found = evidence_from(trace)
    assert found.origin.recognizer == trace.provenance.recognizer
    words = tuple(spoken.text.split())
    said = {w: (tuple(w),) if found.kind == "ctc letters" else cmudict()[w] for w in words}
    path = forced(found.scores, words, said, found.models)
    times = found.grid.edges_s()
    for (first, last), truth in zip(path.word_frames(), spoken.words, strict=True):
        middle = (times[first] + times[last]) / 2
        assert truth.start_s - 0.1 < middle < truth.end_s + 0.1
    with pytest.raises(NotRecorded):
        evidence_from(recognizer.trace(spoken.recording))


def test_states_of_otoscope_en_are_its_own(spoken):
    from otoscope.recognizers import load

    recognizer = load("otoscope-en")
    found, table = evidence_from(recognizer.trace(spoken.recording, record=["emissions"])), recognizer.acoustic.table
    assert found.phones == table.phones or set(found.phones) == set(table.phones)
    for left, phone in product(table.phones_and_silence, repeat=2):
        assert columns(found, left, phone, None) == [s.column for s in table.states(left, phone, None)]
