"""The nouns: what they refuse, when they are equal, and that nobody can change them."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest

from otoscope.core import (
    Activation,
    Alignment,
    Attention,
    Attribution,
    BadAudio,
    BadInput,
    Emissions,
    Explanation,
    Features,
    FrameGrid,
    HeardWord,
    Hypothesis,
    Interval,
    NotRecorded,
    OtoscopeError,
    Panel,
    Percept,
    PerturbationCurve,
    Provenance,
    Recording,
    Segment,
    Site,
    StepScores,
    Target,
    Tier,
    Trace,
)
from otoscope.core import errors as error_module

GRID = FrameGrid(16000, 0, 160, 400, 3)
WORDS = Tier("words", (Interval(0, 0.3, "so"), Interval(0.4, 0.9, "it"), Interval(0.9, 1.0, "so")))


def _recording() -> Recording:
    return Recording(np.linspace(-1, 1, 16000), 16000, "a.wav")


def _trace(**parts) -> Trace:
    hypotheses = (Hypothesis(WORDS.labels, log_score=-1.0), Hypothesis(()))
    return Trace(_recording(), hypotheses, Provenance("toy", "1"), {"alignment": Alignment(WORDS), **parts})


def _attribution() -> Attribution:
    return Attribution(
        Target.utterance("so it"), (Segment(0, 1), Segment(1, 2)), [1.0, 2.0], "shapley", "silence", 3.5, 0.25, 8
    )


def _nouns() -> dict[str, object]:
    curve = PerturbationCurve("deletion", "silence", [0, 1], [1, 0], [[1, 0], [1, 0]])
    return {
        "recording": _recording(),
        "features": Features(np.ones((3, 2)), GRID, "log_mel", "ln power", [1.0, 2.0]),
        "emissions": Emissions(np.zeros((3, 2)), GRID, ("a", "b"), "log_posterior", 0),
        "steps": StepScores(np.zeros((1, 2)), ("a", "b"), ("a",)),
        "activation": Activation(Site("x"), np.zeros((3, 2)), GRID),
        "attention": Attention(Site("x"), np.zeros((1, 3, 3)), GRID, GRID),
        "alignment": Alignment(WORDS, path=[0, 1, 1], grid=GRID, text_confidence=[0.1, 0.2, 0.3]),
        "percept": Percept(("a", "b"), np.zeros((3, 2)), GRID, np.full((3, 2), 0.5), (HeardWord("a", 0.0, 0.1),)),
        "curve": curve,
        "attribution": _attribution(),
        "explanation": Explanation(_trace(), (_attribution(),)),
        "trace": _trace(),
        "panel": Panel("curves", "t", {"x": np.arange(3)}),
    }


def _arrays_of(value, seen=None):
    seen = set() if seen is None else seen
    if isinstance(value, np.ndarray):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _arrays_of(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _arrays_of(item)
    elif hasattr(value, "values") and callable(value.values):
        yield from _arrays_of(tuple(value.values()))


@pytest.mark.parametrize("name", [name for name in _nouns() if name != "panel"])
def test_arrays_are_read_only_and_fields_frozen(name):
    noun = _nouns()[name]
    arrays = list(_arrays_of(noun))
    assert arrays
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(noun, dataclasses.fields(noun)[0].name, None)


@pytest.mark.parametrize("name", list(_nouns()))
def test_equal_by_value(name):
    one, other = _nouns()[name], _nouns()[name]
    assert one == other
    assert one is not other
    assert one != name
    assert copy.copy(one) == one


@pytest.mark.parametrize("name", list(_nouns()))
def test_nouns_travel_to_other_processes(name):
    noun = _nouns()[name]
    for found in (pickle.loads(pickle.dumps(noun)), copy.deepcopy(noun)):
        assert found == noun
        assert not any(array.flags.writeable for array in _arrays_of(found) if name != "panel")


def test_a_change_anywhere_makes_unequal():
    recording = _recording()
    changed = recording.samples.copy()
    changed[7] += 1e-6
    assert recording.with_samples(changed) != recording
    assert dataclasses.replace(recording, rate_hz=8000) != recording
    assert dataclasses.replace(recording, source="elsewhere") == recording, "where it came from is provenance only"
    emissions = _nouns()["emissions"]
    assert dataclasses.replace(emissions, scores=emissions.scores.astype(np.float32)) != emissions, "another dtype"
    assert dataclasses.replace(emissions, scores=emissions.scores - 1) != emissions
    nan = dataclasses.replace(emissions, scores=np.full((3, 2), np.nan))
    assert nan == copy.deepcopy(nan), "not a number is equal to itself here"
    assert _trace() != _trace(emissions=emissions)


def test_the_callers_array_is_not_taken_away_nor_shared():
    mine = np.zeros(4, np.float32)
    recording = Recording(mine, 8000)
    mine[0] = 0.5
    assert recording.samples[0] == 0
    assert mine.flags.writeable


def test_a_read_only_view_of_a_changing_array_is_copied():
    base = np.zeros(4, np.float32)
    view = base[:]
    view.flags.writeable = False
    recording = Recording(view, 8000)
    base[0] = 0.5
    assert recording.samples[0] == 0


# recordings


@pytest.mark.parametrize(
    ("samples", "rate_hz", "error", "match"),
    [
        ([], 16000, BadAudio, "holds no samples"),
        ([0, np.nan, np.inf], 16000, BadAudio, "2 samples that are NaN or infinite"),
        ([[0.0, 1.0]], 16000, BadInput, r"samples needs 1 axes, got shape \(1, 2\)"),
        ([0.0], 0, BadInput, "rate_hz must be a whole number above 0"),
        ([0.0], 8000.5, BadInput, "rate_hz must be a whole number above 0"),
    ],
)
def test_recordings_that_are_none(samples, rate_hz, error, match):
    with pytest.raises(error, match=match):
        Recording(samples, rate_hz)


def test_recording_cut_and_digest():
    recording = _recording()
    assert recording.samples.dtype == np.float32
    piece = recording.cut(0.25, 0.5)
    assert np.array_equal(piece.samples, recording.samples[4000:8000])
    assert recording.cut(-1, 9) == recording
    with pytest.raises(BadAudio, match="holds no samples"):
        recording.cut(2, 3)
    assert recording.digest == dataclasses.replace(recording, source=None).digest
    assert len({recording.digest, piece.digest, dataclasses.replace(recording, rate_hz=8000).digest}) == 3


# times


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Interval(1, 0.5, "so"), r"'so' needs start_s <= end_s, got 1\.0 and 0\.5"),
        (lambda: Interval(0, float("nan"), "so"), "needs start_s <= end_s"),
        (lambda: Interval(0, float("inf"), "so"), "needs start_s <= end_s"),
        (lambda: Interval(0, 1, "so", origin="guessed"), "unknown origin 'guessed'; one of aligned, attention"),
        (
            lambda: Tier("w", (Interval(0, 1, "a"), Interval(0.5, 2, "b"))),
            r"tier 'w': 'b' starts at 0\.5 s, before 'a'",
        ),
        (lambda: Alignment(WORDS, path=[0, 1, 2]), "needs the FrameGrid"),
        (lambda: Alignment(WORDS, path=[0, 1], grid=GRID), "path has 2 frames, its grid 3"),
        (lambda: Alignment(WORDS, text_confidence=(1.0,)), "text_confidence has 1 values for 3 words"),
        (lambda: Alignment(WORDS, time_confidence=(1.0,) * 4), "time_confidence has 4 values for 3 words"),
    ],
)
def test_times_that_are_none(make, match):
    with pytest.raises(BadInput, match=match):
        make()


def test_tiers():
    assert (WORDS.at(0.9), WORDS.at(0.35), WORDS.at(1.0)) == (WORDS[2], None, None)
    assert WORDS.within(0.1, 0.65) == WORDS.intervals[:1], "a midpoint on the end lies outside"
    assert WORDS.within(0.15, 0.66) == WORDS.intervals[:2], "a midpoint on the start lies inside"
    assert list(WORDS) == list(WORDS.intervals)
    assert Interval(0, 1, "a").overlap_s(Interval(0.75, 2, "b")) == 0.25
    assert Interval(0, 1, "a").overlap_s(Interval(1, 2, "b")) == 0
    assert Tier("w", [Interval(0, 0, "x"), Interval(0, 0, "y")]).labels == ("x", "y")
    assert Alignment(WORDS, states=Tier("states")).tiers == (WORDS, Tier("states"))


# measurements


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Features(np.ones((2, 3)), GRID, "mfcc", "1"), "features has 2 rows for 3 frames; time is axis 0"),
        (lambda: Features(np.ones((3, 2)), GRID, "mfcc", "1", [1.0]), "1 coefficients named for 2 columns"),
        (lambda: Emissions(np.ones((3, 2)), GRID, ("a",), "log_posterior"), "2 columns for 1 symbols"),
        (lambda: Emissions(np.ones((3, 1)), GRID, ("a",), "logit"), "unknown kind of emission 'logit'"),
        (lambda: Emissions(np.ones((3, 1)), GRID, ("a",), "log_posterior", 1), r"blank is 1, outside 0\.\.0"),
        (lambda: StepScores(np.ones((3, 1)), ("a",), ("a",)), "3 rows for 1 frames"),
        (lambda: Activation(Site("mlp"), np.ones((2, 1)), GRID), "activation at mlp has 2 rows for 3 frames"),
        (lambda: Attention(Site("att"), np.ones((2, 2))), "attention at att needs 3 axes"),
        (lambda: Percept(("a",), np.ones((3, 2)), GRID), r"activations \(3, 2\) for 3 frames, 1 words"),
        (lambda: Percept(("a",), np.ones((3, 1)), GRID, np.full((3, 1), 1.5)), "between 0 and 1"),
        (lambda: PerturbationCurve("deletion", "mean", [0, 1], [1], [[1, 0]]), "a curve of 2 steps"),
        (lambda: dataclasses.replace(_attribution(), relevance=[1.0]), "1 relevances for 2 segments"),
        (lambda: Explanation(_trace(), (), (_attribution(),)), "1 time-frequency maps for 0 targets"),
    ],
)
def test_measurements_that_do_not_fit(make, match):
    with pytest.raises(BadInput, match=match):
        make()


def test_attribution_figures():
    attribution = _attribution()
    assert attribution.completeness_gap == abs(3.0 - (3.5 - 0.25))
    assert attribution.top == Segment(1, 2)
    curve = PerturbationCurve("deletion", "mean", [0, 0.5, 1], [2, 1, 0], [[2, 2, 0], [2, 0, 0]])
    assert (curve.auc, curve.random_auc) == (1.0, (1.5 + 0.5) / 2)


# targets and traces


def test_targets():
    trace = _trace()
    assert [t.label for t in trace.targets()] == ["so", "it", "so"]
    assert trace.target(-1).position == 2
    assert trace.target(2).interval == WORDS[2], "the second so, not the first"
    assert trace.target(WORDS[2]).position == 2
    assert trace.target("so").position == 0
    assert trace.target(trace.target(1)) == trace.target(1)
    assert trace.target(1).rather_than("at") == dataclasses.replace(trace.target(1), rival="at")
    assert Target.utterance("so it").context == ("so", "it")


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: _trace().target(3), "word 3 was asked for, 3 were heard"),
        (lambda: _trace().target("at"), "'at' is not among the words heard: 'so it so'"),
        (lambda: _trace().target(Interval(0, 1, "so")), "'so' is not among the words heard"),
        (lambda: Target("phrase", "x"), "unknown kind of target 'phrase'"),
        (lambda: Target("word", "x"), "target 'x' needs the interval"),
        (lambda: Target("word", "x", WORDS[0], 2, ("x", "y")), "position 2 lies outside its context of 2"),
        (lambda: _trace(spectrum=1), "unknown part 'spectrum' of a Trace; one of alignment"),
        (lambda: _trace(emissions=np.zeros(3)), "part 'emissions' of a Trace must be Emissions"),
        (lambda: Trace(_recording(), (), Provenance("toy", "1")), "at least one hypothesis"),
    ],
)
def test_targets_and_traces_that_are_none(make, match):
    with pytest.raises(BadInput, match=match):
        make()


def test_what_was_not_recorded_says_how_to_get_it():
    trace = dataclasses.replace(_trace(), missing={"steps": "this family decodes no tokens"})
    with pytest.raises(NotRecorded, match="toy did not record steps: this family decodes no tokens"):
        _ = trace.steps
    with pytest.raises(NotRecorded, match=r"record=\['emissions'\]"):
        _ = trace.emissions
    emissions = _nouns()["emissions"]
    assert trace.with_parts(emissions=emissions).emissions == emissions
    assert not trace.has("emissions"), "with_parts must not change the Trace it is called on"
    assert (trace.text, trace.words) == ("so it so", WORDS.intervals)


def test_mappings_cannot_be_changed_from_outside():
    parts, parameters = {"alignment": Alignment(WORDS)}, {"beam": 8}
    trace = Trace(_recording(), (Hypothesis(()),), Provenance("toy", "1", parameters=parameters), parts)
    parts.clear()
    parameters["beam"] = 9
    assert trace.has("alignment")
    assert trace.provenance.parameters["beam"] == 8
    with pytest.raises(TypeError, match="does not support item assignment"):
        trace.parts["alignment"] = None  # type: ignore[index]


def test_every_error_is_an_otoscope_error_of_one_line():
    kinds = [e for e in vars(error_module).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert all(issubclass(kind, OtoscopeError) for kind in kinds)
    assert "did you mean textgrid?" in str(error_module.UnknownName("format", "textgird", ["textgrid", "ctm"]))
    assert "known: a, b" in str(error_module.UnknownName("format", "zzz", ["b", "a"]))
    assert "pip install 'otoscope[praat]'" in str(error_module.MissingExtra("parselmouth", "praat", "pitch"))


def test_a_word_is_found_by_any_integer():
    trace = _trace()
    assert trace.target(np.int64(0)) == trace.target(0)
    for wrong in (True, 0.0):
        with pytest.raises(BadInput, match="interval, index or label"):
            trace.target(wrong)
