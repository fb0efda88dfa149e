"""Making ears: labels from times, names of a dictionary, a run of seconds that learns, and one that goes on."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, Interval, NotAble, Tier
from otoscope.listener.ears import training
from otoscope.listener.ears.ears import Ears
from otoscope.listener.ears.labels import PHONES, arpabet_phones, as_in_dictionary, frame_labels
from otoscope.listener.ears.lessons import Lesson, heard_lesson
from otoscope.listener.ears.network import Network
from otoscope.listener.ears.rows import read_features
from otoscope.listener.ears.training import N_COLUMNS, Options, best_temperature, state_statistics, train
from otoscope.listener.ears.voices import JUDGED, VALIDATION, timbre, training_timbres

SILENT = N_COLUMNS - 1


def intervals(*labels, width=0.1):
    return [Interval(k * width, (k + 1) * width, label) for k, label in enumerate(labels)]


def test_frames_are_in_thirds_of_phones():
    labels = frame_labels(intervals("B", "AA", width=0.06), 16, delay_s=0.02)
    b, aa = 3 * PHONES.index("B"), 3 * PHONES.index("AA")
    assert (
        labels.tolist()
        == [SILENT] * 2
        + [b, b, b + 1, b + 1, b + 2, b + 2]
        + [aa, aa, aa + 1, aa + 1]
        + [
            aa + 2,
            aa + 2,
        ]
        + [SILENT] * 2
    )


def test_phones_of_several_symbols_share_their_time():
    found = arpabet_phones(intervals("'A@", "t[", "n"))
    assert [i.label for i in found] == ["AA", "R", "T", "N"]
    assert found[1].start_s == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("said", "way", "expected"),
    [
        ("B AH T", "B IH T", "B IH T"),
        ("B AH T", "S OW L OW", "B AH T"),
        ("B AE T AH", "B AE T", "B AE T"),
        ("B AE T", "B AE T S", "B AE T S"),
    ],
)
def test_the_nearest_pronunciation_gives_names(said, way, expected):
    given = intervals(*said.split())
    found = as_in_dictionary(given, [("Z", "UH", "V", "OY"), tuple(way.split())])
    assert [i.label for i in found] == expected.split()
    assert found[0].start_s == 0.0
    assert found[-1].end_s == pytest.approx(given[-1].end_s)


def test_no_timbre_is_both_trained_on_and_judged():
    pytest.importorskip("espeakng_loader")
    judged, validating = ({timbre(voice) for voice in voices} for voices in (JUDGED, VALIDATION))
    assert len(set(JUDGED)) == len(judged) == 20
    assert len(validating) == 4
    assert not judged & validating
    kept = judged | validating
    assert not kept & set(training_timbres())
    from otoscope.signal.synthesis import voice_identifier

    assert [voice_identifier(voice) for voice in (*JUDGED, *VALIDATION)] == [*JUDGED, *VALIDATION]


def test_speed_and_pauses_move_labels_along():
    burst = np.zeros(16000, np.float32)
    burst[4800:11200] = 0.1 * np.random.default_rng(9).normal(size=6400)
    lesson = Lesson(burst, (Interval(0.3, 0.7, "AA"),), alone=True)
    from otoscope.corpora.augmentation import SoundAugmentation

    quiet = SoundAugmentation(speeds=(1.0,), hiss_share=0.0, telephone_share=0.0, gain_db=(0, 0))
    for seed in range(8):
        features, labels = heard_lesson(lesson, np.random.default_rng(seed), changes=quiet)
        loud = np.flatnonzero(features[:, :40].mean(axis=1) > 0.7)
        spoken = np.flatnonzero(labels != SILENT)
        assert abs(loud[0] - spoken[0]) <= 2
        assert abs(loud[-1] - spoken[-1]) <= 2


def test_statistics_of_states():
    priors, frames = state_statistics([np.array([SILENT] * 10 + [0, 0, 0, 1, 1] + [SILENT] * 10)])
    assert np.exp(priors).sum() == pytest.approx(1)
    assert frames[SILENT] == pytest.approx(21 / 3)
    assert frames[0] == pytest.approx(2.0)


@pytest.fixture(scope="module")
def options():
    return {"n_spoken": 24, "n_spoken_valid": 8, "n_copies": 1, "epochs": 8, "n_units": 32, "learning_rate": 5e-3}


@pytest.fixture(scope="module")
def run(tmp_path_factory, options):
    pytest.importorskip("espeakng_loader")
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("ears")
    return folder, train((), (), folder, seed=3, **options)


def frame_cost(ears, rows):
    costs = []
    for features, labels in zip(rows.features, rows.labels, strict=True):
        logs = ears.network.stream().feed(features.astype(np.float32), last=True, temperature=ears.card.temperature)
        costs.append(-logs[np.arange(len(labels)), labels])
    return np.concatenate(costs).mean()


def test_seconds_of_training_teach_something(run):
    folder, ears = run
    valid = read_features(sorted((folder / "features" / "valid" / "spoken").glob("*.npz")))
    priors = np.array(ears.card.log_priors)
    by_priors_alone = -np.concatenate([priors[own] for own in valid.labels]).mean()
    assert frame_cost(ears, valid) < by_priors_alone - 0.3
    assert ears.card.training["n_spoken"] == 24


def test_a_finished_run_is_opened_and_another_refused(run, options):
    folder, ears = run
    again = train((), (), folder, seed=3, **options)
    assert again.sha256 == ears.sha256 == Ears.load(folder).sha256
    with pytest.raises(BadInput, match="other options"):
        train((), (), folder, seed=4, **options)


def test_another_run_goes_on_from_finished_ears(run, options, tmp_path):
    folder, ears = run
    further = [[-3, 0, 3], [-6, 0]]
    with pytest.raises(BadInput, match="further layers"):
        Options(further=further)
    grown = training._network(Options(start=str(folder), further=further))
    assert grown.shape.look_ahead == ears.network.look_ahead + 3
    weights = {name: value.detach().numpy() for name, value in grown.state_dict().items()}
    rows = (
        read_features(sorted((folder / "features" / "valid" / "spoken").glob("*.npz"))).features[0].astype(np.float32)
    )
    own = Network(weights, grown.shape.reach, grown.shape.offsets).stream().feed(rows, last=True)
    np.testing.assert_allclose(own, ears.network.stream().feed(rows, last=True), atol=1e-4)
    more = {**options, "epochs": 1, "n_spoken": 8, "start": str(folder), "further": further}
    after = train((), (), tmp_path, seed=3, **more)
    assert after.network.offsets == grown.shape.offsets
    assert abs(after.network.weights["layers.5.add.weight"]).max() > 0
    assert after.card.training["start"] == str(folder)


def test_temperature_mends_what_is_too_sure(run):
    folder, ears = run
    valid = read_features(sorted((folder / "features" / "valid" / "spoken").glob("*.npz")))
    sure = {**ears.network.weights, "head.weight": 2 * ears.network.weights["head.weight"]}
    sure["head.bias"] = 2 * ears.network.weights["head.bias"]
    other = best_temperature(Network(sure, ears.network.reach, ears.network.offsets), valid)
    plain = best_temperature(ears.network, valid)
    assert other == pytest.approx(min(2.0, 2 * plain), abs=0.11)


class Placing:
    """Places one phone, whatever is said; refuses the word `no`."""

    def align(self, recording, transcript):
        from otoscope.core import Alignment

        if transcript == "no":
            raise NotAble("no")
        phones = Tier("phones", (Interval(0.0, 0.1, "AA"), Interval(0.1, 0.2, "SIL")))
        return Alignment(Tier("words", (Interval(0.0, 0.2, transcript),)), phones)


def test_people_are_placed_by_a_recogniser(tmp_path):
    from otoscope.core import Recording
    from otoscope.corpora.utterance import Utterance
    from otoscope.io.audio import write_recording
    from otoscope.listener.ears.lessons import told_lessons

    write_recording(Recording(np.full(4000, 0.1, np.float32), 16000), tmp_path / "a.wav")
    corpus = [Utterance(str(k), tmp_path / "a.wav", t, "x", "train", 0.25) for k, t in enumerate(("ah", "no", "{x}"))]
    found = list(told_lessons(corpus, Placing()))
    assert [[i.label for i in lesson.phones] for lesson in found] == [["AA"]]
    with pytest.raises(BadInput, match="aligner"):
        train(corpus, (), tmp_path / "run")


class Spelling:
    """Places words of 0.5 s each, AA and T in turn in each."""

    def align(self, recording, transcript):
        from otoscope.core import Alignment

        words = [Interval(0.5 * k, 0.5 * (k + 1), word) for k, word in enumerate(transcript.split())]
        halves = [(w.start_s + own, label) for w in words for own, label in ((0.0, "AA"), (0.25, "T"))]
        phones = [Interval(start_s, start_s + 0.25, label) for start_s, label in halves]
        return Alignment(Tier("words", tuple(words)), Tier("phones", tuple(phones)))


def test_words_of_sentences_are_heard_alone_too(tmp_path):
    from otoscope.core import Recording
    from otoscope.corpora.utterance import Utterance
    from otoscope.io.audio import write_recording
    from otoscope.listener.ears.lessons import told_lessons

    ramp = np.linspace(-0.5, 0.5, 80000, dtype=np.float32)
    write_recording(Recording(ramp, 16000), tmp_path / "a.wav")
    sentence = Utterance("1", tmp_path / "a.wav", "a b c d e f g h i j", "x", "train", 5.0)
    whole, *cut = told_lessons([sentence], Spelling())
    assert (len(whole.phones), whole.alone, len(cut)) == (20, False, 2)
    for lesson in cut:
        assert lesson.alone
        assert [(i.label, round(i.start_s, 6), round(i.end_s, 6)) for i in lesson.phones] == [
            ("AA", 0.0, 0.25),
            ("T", 0.25, 0.5),
        ]
        place = int(np.argmin(np.abs(ramp - lesson.samples[0])))
        assert abs(place / 8000 - round(place / 8000)) < 0.01
        assert lesson.samples.size == 8000


def test_options_are_checked(tmp_path):
    with pytest.raises(BadInput, match="n_copies"):
        Options(n_copies=0)
    with pytest.raises(BadInput, match="unknown option speed"):
        train((), (), tmp_path, speed=2)
    with pytest.raises(BadInput, match="nothing to learn"):
        train((), (), tmp_path, n_spoken=0, n_spoken_valid=0, n_copies=1)
