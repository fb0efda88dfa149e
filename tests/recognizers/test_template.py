"""Template recognisers on made-up words (sweeps of a buzz): what they hear, score, align, refuse, and save."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from otoscope.core import (
    Aligning,
    BadInput,
    CorruptWeights,
    DoesNotFit,
    Interval,
    NotAble,
    Recognizer,
    Recording,
    Target,
    Trainable,
    UnknownName,
)
from otoscope.recognizers.registry import load
from otoscope.recognizers.template import TemplateRecognizer
from otoscope.recognizers.template.calculator import Calculator
from otoscope.recognizers.template.calibration import Calibration, calibrated
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.clustering import modified_k_means, templates_of
from otoscope.recognizers.template.endpoints import Endpoints
from otoscope.recognizers.template.examples import examples_of
from otoscope.recognizers.template.formants import FormantTracks, OccupancyLearner
from otoscope.recognizers.template.front_end import CepstralFrontEnd
from otoscope.recognizers.template.training import learnt, train_audrey
from otoscope.recognizers.template.warping import WarpingLearner

RATE_HZ = 8000
RESONANCES_HZ = {"one": (300, 2200, 700, 1200), "two": (250, 1100, 350, 1600), "three": (520, 2000, 480, 1800)}
LEARNERS = {"warping": WarpingLearner(), "occupancy": OccupancyLearner()}


def said(word, seed=0, seconds=0.4):
    """A buzz whose two strongest parts move from one pair of frequencies to another."""
    rng = np.random.default_rng((seed, sum(map(ord, word))))
    seconds *= rng.uniform(0.85, 1.2)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    a1, a2, b1, b2 = np.array(RESONANCES_HZ[word]) * rng.uniform(0.97, 1.03)
    course = np.clip((t / t[-1]) ** rng.uniform(0.8, 1.25), 0, 1)
    sound = sum(
        level * np.sin(2 * np.pi * np.cumsum(low + (high - low) * course) / RATE_HZ)
        for low, high, level in ((a1, b1, 0.3), (a2, b2, 0.15))
    )
    sound = sound * np.hanning(t.size) ** 0.2 + 0.001 * rng.standard_normal(t.size)
    return Recording(sound.astype(np.float32), RATE_HZ)


def joined(words, gap_s, seed=100):
    rng = np.random.default_rng(seed)
    pieces = [0.001 * rng.standard_normal(int(0.2 * RATE_HZ))]
    for i, word in enumerate(words):
        pieces += [said(word, seed + i).samples, 0.001 * rng.standard_normal(int(gap_s * RATE_HZ))]
    return Recording(np.concatenate(pieces).astype(np.float32), RATE_HZ)


@dataclasses.dataclass
class Said:
    text: str
    seed: int
    id: str = "made-up"

    def recording(self, *, rate_hz=None):
        return said(self.text, self.seed)


CORPUS = [Said(word, seed) for word in RESONANCES_HZ for seed in range(5)]
CARD = TemplateCard("toy", tuple(RESONANCES_HZ), Calibration(1.0, 1.0))


@pytest.fixture(scope="module")
def warping():
    return learnt(LEARNERS["warping"], CORPUS, CARD)


@pytest.fixture(scope="module", params=LEARNERS)
def recognizer(request, warping):
    return warping if request.param == "warping" else learnt(LEARNERS[request.param], CORPUS, CARD)


def test_new_sayings_of_the_words_are_heard(recognizer):
    assert isinstance(recognizer, Recognizer)
    assert isinstance(recognizer, Aligning)
    assert isinstance(recognizer, Trainable)
    for word in RESONANCES_HZ:
        for seed in range(50, 54):
            trace = recognizer.trace(said(word, seed), record=["features", "emissions"])
            assert trace.text == word
            assert trace.words[0].end_s <= trace.recording.duration_s
            inside = trace.emissions.grid.frames_of(trace.words[0])
            assert trace.emissions.scores[inside].mean(0).argmax() == list(RESONANCES_HZ).index(word)
            scores = [h.log_score for h in trace.hypotheses]
            assert scores == sorted(scores, reverse=True)
            assert len({h.words for h in trace.hypotheses}) == len(scores)
            assert trace.hypothesis.log_score == pytest.approx(trace.alignment.log_score)


def test_words_with_pauses_are_heard_one_by_one_and_noise_is_rejected(warping):
    words = ["two", "one", "three", "one"]
    trace = warping.trace(joined(words, 0.5))
    assert list(trace.hypothesis.words) == words
    hiss = 0.2 * np.random.default_rng(0).standard_normal(4000)
    assert warping.trace(Recording(hiss.astype(np.float32), RATE_HZ)).hypothesis.words == ()
    assert warping.trace(Recording(np.zeros(4000), RATE_HZ)).hypothesis.words == ()


def test_connected_words_are_divided_where_they_were_joined(warping):
    words = ["two", "one", "three", "three", "two"]
    recording = joined(words, 0.0)
    connected = TemplateRecognizer(dataclasses.replace(warping.card, connected=True), warping.matcher)
    trace = connected.trace(recording)
    assert list(trace.hypothesis.words) == words
    edges = np.cumsum([0.2, *(said(w, 100 + i).duration_s for i, w in enumerate(words))])
    assert [w.start_s for w in trace.words] == pytest.approx(edges[:-1].tolist(), abs=0.06)
    aligned = connected.align(recording, " ".join(words))
    assert aligned.words.labels == tuple(words)
    with pytest.raises(DoesNotFit, match=r"'one' is not said at .* s; nearest is"):
        connected.align(recording, "one one three three two")


def test_dwell_times_cannot_divide_a_string(recognizer):
    if recognizer.matcher.kind != "occupancy":
        pytest.skip("only dwell times have no order")
    with pytest.raises(NotAble, match="have no order"):
        recognizer.align(joined(["one", "two"], 0.0), "one two")


def test_scores_are_log_probabilities_of_the_place_and_batching_changes_nothing(recognizer):
    recordings = [said("one", 60), said("two", 61), Recording(np.zeros(3200), RATE_HZ)]
    targets = [Target("word", word, Interval(0.02, 0.35, word)) for word in RESONANCES_HZ]
    contrast = targets[0].rather_than("two")
    whole = Target.utterance("one")
    table = recognizer.score(recordings, [*targets, contrast, whole])
    assert (np.exp(table[:, :3]).sum(1) < 1).all()
    assert table[:2, :3].argmax(1).tolist() == [0, 1]
    assert table[:, 3] == pytest.approx(table[:, 0] - table[:, 1])
    assert table[0, 4] > table[1, 4]
    for i, recording in enumerate(recordings):
        for k, target in enumerate([*targets, contrast, whole]):
            assert recognizer.score([recording], [target])[0, 0] == table[i, k]


def test_the_path_meets_every_frame_of_the_template_in_order(warping):
    trace = warping.trace(said("three", 70))
    path = trace.alignment.path
    inside = path[path > 0] - 1
    assert (np.diff(inside) >= 0).all()
    template = np.searchsorted(warping.matcher.stack.offsets, inside[0], side="right") - 1
    assert warping.matcher.words[template] == 2
    assert inside[-1] == warping.matcher.stack.offsets[template + 1] - 1


def test_bad_requests_are_named(warping):
    with pytest.raises(BadInput, match="cannot record steps; it records emissions, features"):
        warping.trace(said("one"), record=["steps"])
    with pytest.raises(BadInput, match="cannot score 'four'; its words: one, two, three"):
        warping.score([said("one")], [Target("word", "four", Interval(0, 0.3, "four"))])
    with pytest.raises(BadInput, match="lies behind the end"):
        warping.score([said("one")], [Target("word", "one", Interval(5, 6, "one"))])
    with pytest.raises(DoesNotFit, match="does not know 'four'"):
        warping.align(said("one"), "four")
    with pytest.raises(DoesNotFit, match="nobody speaks"):
        warping.align(Recording(np.zeros(4000), RATE_HZ), "one")
    with pytest.raises(DoesNotFit, match=r"'two' is not said at .* nearest is 'one'"):
        warping.align(said("one", 80), "two")


def test_saved_and_opened_it_gives_the_same_answers(recognizer, tmp_path):
    recognizer.save(tmp_path)
    opened = load(tmp_path)
    assert opened.provenance == recognizer.provenance
    trace, again = (
        recognizer.trace(said("two", 90), record=["emissions"]),
        opened.trace(said("two", 90), record=["emissions"]),
    )
    assert again == trace
    assert load(tmp_path, connected=True).card.connected
    (tmp_path / "templates.safetensors").write_bytes(b"x" + (tmp_path / "templates.safetensors").read_bytes()[1:])
    with pytest.raises(CorruptWeights, match="is not the file its card names"):
        load(tmp_path)
    card = json.loads((tmp_path / "recognizer.json").read_text())
    (tmp_path / "recognizer.json").write_text(json.dumps({**card, "schema": 99}))
    with pytest.raises(BadInput, match="schema 99"):
        load(tmp_path)


def test_fit_makes_the_templates_anew(warping):
    other = TemplateRecognizer(warping.card, warping.matcher)
    calibration = other.fit(CORPUS[:3] + CORPUS[5:8] + CORPUS[10:13])
    assert len(other.matcher.stack) == 9
    assert other.card.calibration == calibration != warping.card.calibration
    assert other.provenance.weights_sha256 != warping.provenance.weights_sha256


def test_training_refuses_what_makes_no_templates(tmp_path):
    with pytest.raises(BadInput, match=r"'made-up' says 'one two'; templates are made of single words"):
        examples_of([Said("one two", 0)], LEARNERS["warping"], CARD)
    with pytest.raises(BadInput, match="no utterance of two, three"):
        examples_of(CORPUS[:5], LEARNERS["warping"], CARD)
    with pytest.raises(BadInput, match="a single example"):
        learnt(LEARNERS["warping"], CORPUS[::5], CARD)
    with pytest.raises(BadInput, match="know no option slope"):
        train_audrey(CORPUS, (), tmp_path, slope=1)
    with pytest.raises(BadInput, match="pattern must be one of symmetric2"):
        WarpingLearner(pattern="symmetric1")


@pytest.mark.parametrize("method", ["medoids", "averages"])
def test_few_templates_of_clusters_do_as_well_on_easy_words(method):
    recognizer = learnt(WarpingLearner(method=method, n_templates=2, n_nearest=1), CORPUS, CARD)
    assert len(recognizer.matcher.stack) == 6
    assert all(recognizer.trace(said(word, seed)).text == word for word in RESONANCES_HZ for seed in (50, 51))


def test_clusters_are_found_whatever_the_order():
    rng = np.random.default_rng(4)
    points = np.concatenate([centre + rng.normal(size=8) for centre in (0.0, 30.0, 90.0)])
    groups = np.repeat([0, 1, 2], 8)
    order = rng.permutation(24)
    labels, centres = modified_k_means(np.abs(points[order, None] - points[order]), 3)
    assert len({(a, b) for a, b in zip(labels, groups[order], strict=True)}) == 3
    assert sorted(groups[order][centres]) == [0, 1, 2]
    assert (labels[centres] == [0, 1, 2]).all()
    with pytest.raises(BadInput, match="24 items cannot make 25 clusters"):
        modified_k_means(np.abs(points[:, None] - points), 25)


def test_all_examples_stay_where_clusters_are_not_fewer():
    examples = [np.full((3, 1), float(i)) for i in range(3)]
    assert templates_of(examples, "averages", 3, as_compared=np.asarray) == examples
    assert len(templates_of(examples, "averages", 2, as_compared=np.asarray)) == 2


def test_a_threshold_turns_away_what_is_farther_than_the_words_themselves():
    calibration = calibrated(LEARNERS["warping"], examples_of(CORPUS, LEARNERS["warping"], CARD))
    assert calibration.right == 1.0
    assert calibration.false_acceptance == 0.0
    beyond = calibration.log_posteriors(np.full(3, calibration.threshold * 1.5))
    assert beyond.argmax() == 3
    assert np.exp(calibration.log_posteriors(np.array([np.inf, 0.1, np.inf]))).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("gain", [1.0, 0.05])
def test_endpoints_find_words_at_any_level(gain):
    recording = joined(["one", "two"], 0.5)
    recording = recording.with_samples(recording.samples * np.float32(gain))
    found = Endpoints().stretches(recording)
    first = said("one", 100).duration_s
    truth = [(0.2, 0.2 + first), (0.7 + first, 0.7 + first + said("two", 101).duration_s)]
    assert np.array(found) == pytest.approx(np.array(truth), abs=0.04)


def test_a_weak_fricative_belongs_to_the_word():
    rng = np.random.default_rng(5)
    hiss, quiet = 0.006 * np.diff(rng.standard_normal(641)), 0.001 * rng.standard_normal(3200)
    quiet = np.convolve(quiet, np.ones(8) / 8, mode="same")
    recording = Recording(np.concatenate([quiet, hiss, said("one", 1).samples, quiet]).astype(np.float32), RATE_HZ)
    ((start_s, _),) = Endpoints().stretches(recording)
    assert start_s == pytest.approx(0.4, abs=0.025)
    ((without_s, _),) = Endpoints(reach_s=0.0).stretches(recording)
    assert without_s > start_s + 0.03


def test_a_margin_is_kept_around_words_but_not_beyond_the_sound_or_the_middle_of_a_pause():
    recording = joined(["one", "two"], 0.5)
    plain = Endpoints().stretches(recording)
    wider = Endpoints(margin_s=0.02).stretches(recording)
    assert np.array(wider) == pytest.approx(np.add(plain, [-0.02, 0.02]))
    middle, end = (plain[0][1] + plain[1][0]) / 2, recording.duration_s
    assert np.array(Endpoints(margin_s=9.0).stretches(recording)) == pytest.approx(
        np.array([[0, middle], [middle, end]])
    )
    assert Endpoints(margin_s=0.02).stretches(Recording(np.zeros(800, np.float32), RATE_HZ)) == ()


def test_less_of_its_own_mean_taken_out_tells_words_apart_that_differ_in_every_frame_alike():
    course = np.cumsum(np.random.default_rng(1).standard_normal((12, 32)), axis=0)
    examples = [[course, course], [course + 2.0, course + 2.0]]
    forgotten = WarpingLearner().matcher(examples).distances(course + 2.0)
    assert forgotten == pytest.approx(0.0, abs=1e-4)
    kept = WarpingLearner(own_mean=0.5).matcher(examples).distances(course + 2.0)
    assert kept[1] == pytest.approx(0.0, abs=1e-4)
    assert kept[0] > 0.1
    with pytest.raises(BadInput, match="own_mean must be 0 to 1"):
        WarpingLearner(own_mean=1.5)


def test_scaled_distances_are_a_laplacian_of_the_words_own_spread():
    rng = np.random.default_rng(2)
    centres = [np.cumsum(rng.standard_normal((15, 32)), axis=0) for _ in range(2)]
    examples = [
        [c + spread * rng.standard_normal(c.shape) for _ in range(4)]
        for c, spread in zip(centres, (0.1, 0.6), strict=True)
    ]
    plain, scaled = (WarpingLearner(n_nearest=3, scaled=on).matcher(examples) for on in (False, True))
    apart = [
        np.mean([plain.learner.matcher([[e for e in own if e is not out], own]).distances(out)[0] for out in own])
        for own in examples
    ]
    typical = np.sqrt(apart[0] * apart[1])
    given = rng.standard_normal((14, 32))
    expected = typical * (plain.distances(given) / apart + np.log(np.array(apart) / typical))
    assert scaled.distances(given) == pytest.approx(expected, rel=1e-4)
    alone = WarpingLearner(scaled=True).matcher([own[:1] for own in examples])
    assert alone.distances(given) == pytest.approx(WarpingLearner().matcher([o[:1] for o in examples]).distances(given))


def test_zero_crossings_follow_two_tones():
    t = np.arange(8000) / RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * 1700 * t)
    values = FormantTracks().features(Recording(tone.astype(np.float32), RATE_HZ)).values
    assert values[:, 0].mean() == pytest.approx(440, rel=0.02)
    assert values[:, 1].mean() == pytest.approx(1700, rel=0.02)
    assert (values[:, 2] == 1).all()


def test_frames_do_not_know_how_loud_or_long_the_silence_is():
    front_end = CepstralFrontEnd()
    recording = said("two", 3)
    plain = front_end.features(recording).values
    louder = front_end.features(recording.with_samples(recording.samples * np.float32(0.1))).values
    assert louder == pytest.approx(plain, abs=1e-3)
    silence = np.zeros(1600, np.float32)
    padded = front_end.features(recording.with_samples(np.concatenate([silence, recording.samples, silence]))).values
    assert padded[25 : len(plain) + 15] == pytest.approx(plain[5:-5], abs=1e-3)
    darker = front_end.word(plain + np.linspace(0, 1, plain.shape[1]))
    assert darker == pytest.approx(front_end.word(plain), abs=1e-3)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("five plus three total", (8,)),
        ("one two minus one five total", (-3,)),
        ("two plus two subtotal plus one total", (4, 5)),
        ("two plus nine false total", (2,)),
        ("two total three total", (2, 3)),
        ("two plus two off total", ()),
        ("total", (0,)),
    ],
)
def test_the_calculator_prints_what_the_words_say(words, printed):
    assert Calculator().after(words.split()).printed == printed


def test_the_calculator_knows_sixteen_words():
    with pytest.raises(UnknownName, match="unknown word of the Shoebox 'times'"):
        Calculator().after(["two", "times"])
