"""The HMM recogniser end to end on made sounds: train, resume, recognise, score, align, save and load."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from otoscope.core import (
    Aligning,
    BadInput,
    CorruptWeights,
    DoesNotFit,
    NotAble,
    Recognizer,
    Recording,
    Target,
    UnknownName,
)
from otoscope.corpora.manifest import Utterance
from otoscope.decoding.gaussians import Mixtures
from otoscope.decoding.tree.forced import forced
from otoscope.recognizers import load
from otoscope.recognizers.hmm import HmmRecognizer, stages
from otoscope.recognizers.hmm.estimation import Schedule
from otoscope.recognizers.hmm.features import FrameTransform, FrontEnd
from otoscope.recognizers.hmm.fitting import replaced, threshold
from otoscope.recognizers.hmm.judging import SLACK_FRAMES, stretch_fits
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.stages import Plan
from otoscope.recognizers.hmm.topology import UntiedStates
from otoscope.recognizers.hmm.training import train_hmm, train_triphones
from otoscope.recognizers.hmm.tree_clustering import TreePlan
from otoscope.testing import MADE_WORDS, made_phone

RATE_HZ = 8000


def utterance(folder: Path, name: str, words: list[str], seed: int) -> tuple[Utterance, list[float]]:
    """Write one utterance; also return where each word begins, in seconds."""
    rng = np.random.default_rng(seed)
    parts, starts = [made_phone("SIL", rng, rate_hz=RATE_HZ)], []
    for word in words:
        starts.append(sum(p.size for p in parts) / RATE_HZ)
        parts += [made_phone(phone, rng, rate_hz=RATE_HZ) for phone in MADE_WORDS[word]]
        if rng.random() < 0.5:
            parts.append(made_phone("SIL", rng, rate_hz=RATE_HZ))
    parts.append(made_phone("SIL", rng, rate_hz=RATE_HZ))
    samples = np.concatenate(parts).astype(np.float32)
    soundfile.write(folder / f"{name}.wav", samples, RATE_HZ, subtype="FLOAT")
    found = Utterance(name, folder / f"{name}.wav", " ".join(words), f"s{seed % 3}", "train", samples.size / RATE_HZ)
    return found, starts


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    folder = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(0)
    texts = [[str(w) for w in rng.choice(sorted(MADE_WORDS), rng.integers(2, 5))] for _ in range(36)]
    return [utterance(folder, f"u{k}", text, k)[0] for k, text in enumerate(texts)]


PLAN = Plan(
    mono=Schedule(5, 20, 1),
    retold=Schedule(1, 20, 1),
    tri=Schedule(2, 40, 1),
    lda=Schedule(3, 40, 1),
    sat=Schedule(2, 40, 1),
    tree=TreePlan(n_leaves=24, least_gain=20, least_frames=20),
    n_dims=20,
)


@pytest.fixture(scope="module")
def triphones(corpus: list[Utterance], tmp_path_factory: pytest.TempPathFactory) -> tuple[HmmRecognizer, Path]:
    folder = tmp_path_factory.mktemp("tri")
    return train_triphones(corpus[:30], corpus[30:], folder, plan=PLAN), folder


@pytest.mark.parametrize("preset", ["hmm-word", "hmm-mono"])
def test_small_models_hear_what_is_said(corpus: list[Utterance], tmp_path: Path, preset: str) -> None:
    recognizer = train_hmm(preset, corpus[:30], corpus[30:], tmp_path, plan=PLAN)
    assert [recognizer.trace(u.recording()).text for u in corpus[30:]] == [u.text for u in corpus[30:]]


def test_a_plan_has_no_more_gaussians_than_frames_can_fill() -> None:
    plan = Plan().within(90_000)
    assert (plan.mono.n_gaussians, plan.tri.n_gaussians, plan.sat.n_gaussians) == (800, 900, 900)
    assert Plan().within(10_000_000) == Plan()
    assert plan.tree == Plan().tree


def test_an_open_vocabulary_gets_no_models_of_words(corpus: list[Utterance], tmp_path: Path) -> None:
    names = ("".join(letters) for letters in itertools.product("bdg", "aeiou", "kpt", "aeiou"))
    many = [replace(corpus[0], text=" ".join(names))]
    with pytest.raises(BadInput, match=r"of 200 at most, and the corpus has 225; for an open vocabulary take hmm-mono"):
        train_hmm("hmm-word", many, [], tmp_path)


def test_triphones_hear_and_show_their_inside(triphones: tuple[HmmRecognizer, Path], corpus: list[Utterance]) -> None:
    recognizer, folder = triphones
    assert isinstance(recognizer, Recognizer)
    assert isinstance(recognizer, Aligning)
    recording = corpus[31].recording()
    trace = recognizer.trace(recording, record=["features", "emissions"])
    assert trace.text == corpus[31].text
    assert trace.emissions.kind == "log_likelihood"
    assert trace.emissions.scores.shape == (trace.features.grid.n_frames, len(trace.emissions.symbols))
    assert trace.alignment.text_confidence is not None
    assert min(trace.alignment.text_confidence) > 0.9
    states = [trace.emissions.symbols[c] for c in trace.alignment.path]
    assert states[0] == "SIL.1"
    assert set(trace.alignment.phones.labels) <= {"S", "T", "IY", "UW"}
    with pytest.raises(BadInput, match="cannot record layers; it records features, emissions"):
        recognizer.trace(recording, record=["layers"])
    opened = load(folder)
    again = opened.trace(recording, record=["features", "emissions"])
    assert again.hypotheses == trace.hypotheses
    assert opened.provenance == recognizer.provenance
    np.testing.assert_array_equal(again.emissions.scores, trace.emissions.scores)


def test_words_lie_where_they_were_put(triphones: tuple[HmmRecognizer, Path], tmp_path: Path) -> None:
    spoken, starts = utterance(tmp_path, "x", ["two", "see", "eat"], 77)
    found = triphones[0].align(spoken.recording(), "two see eat")
    np.testing.assert_allclose([w.start_s for w in found.words], starts, atol=0.03)
    assert found.phones is not None
    assert found.phones.labels == ("T", "UW", "S", "IY", "IY", "T")


@pytest.mark.parametrize(
    "text", ["see see see", "two see two", "two two see", "tea two two", "two two", "two", "", "two two two two two"]
)
def test_a_wrong_text_is_refused(triphones: tuple[HmmRecognizer, Path], tmp_path: Path, text: str) -> None:
    """Other words, one other word, words left out and words too many."""
    recording = utterance(tmp_path, "x", ["two", "two", "two"], 78)[0].recording()
    recognizer = triphones[0]
    assert len(recognizer.align(recording, "two two two").words) == 3
    with pytest.raises(DoesNotFit, match="does not fit the sound"):
        recognizer.align(recording, text)


def test_what_does_not_fit_is_named(triphones: tuple[HmmRecognizer, Path], tmp_path: Path) -> None:
    spoken, starts = utterance(tmp_path, "x", ["two", "two", "two"], 78)
    recognizer = triphones[0]
    with pytest.raises(DoesNotFit, match=r"'see' at \d") as error:
        recognizer.align(spoken.recording(), "two see two")
    begin = float(str(error.value).split("'see' at ")[1].split()[0])
    assert starts[1] - 0.03 < begin < starts[2]
    fits = recognizer.fits(spoken.recording(), [["two"] * 3, ["two", "see", "two"], ["two"] * 90])
    assert fits[0] > recognizer.card.least_fit > fits[1] > fits[2] == -np.inf
    with pytest.raises(DoesNotFit, match=r"do not fit|too short"):
        recognizer.align(spoken.recording().cut(0, 0.1), "see see see see")


def test_a_stretch_is_judged_by_its_own_frames() -> None:
    tying = UntiedStates({"SIL": 1, "S": 1, "T": 1})
    mixtures = Mixtures(np.ones(3), np.zeros((3, 1)), np.ones((3, 1)), np.arange(4))
    model = HmmModel(FrontEnd(), FrameTransform(), tying, mixtures, np.full(3, np.log(0.5)))
    scores = np.full((7, 3), -50.0, np.float32)
    scores[[0, 1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 2, 0, 0]] = [-1, -2, -4, -3, -3, -1, -1]
    path = forced(scores, ["s", "t"], {"s": [("S",)], "t": [("T",)]}, model)
    firsts, fits = stretch_fits(path, np.arange(7.0))
    assert firsts.tolist() == [0, 1, 3, 5]
    np.testing.assert_allclose(fits, np.array([-1, -9, -13, -13]) / (np.array([1, 2, 2, 2]) + SLACK_FRAMES))


def test_scores_speak_for_what_was_said(triphones: tuple[HmmRecognizer, Path], tmp_path: Path) -> None:
    recording = utterance(tmp_path, "x", ["two", "see"], 79)[0].recording()
    recognizer = triphones[0]
    heard = recognizer.trace(recording)
    word = heard.target("see")
    before = np.arange(recording.n_samples) < word.interval.start_s * recording.rate_hz
    silent = recording.with_samples(np.where(before, recording.samples, 0.0))
    targets = [word, word.rather_than("sue"), Target.utterance("two see"), Target.utterance("sue tea")]
    scores = recognizer.score([recording, silent], targets)
    assert scores.shape == (2, 4)
    assert scores[0, 0] > scores[1, 0] + 1
    assert scores[0, 1] > 1
    assert scores[0, 2] > scores[0, 3] + 1
    np.testing.assert_array_equal(scores[:, :1], recognizer.score([recording, silent], targets[:1]))
    with pytest.raises(NotAble, match="not tokens"):
        recognizer.score([recording], [Target("token", "see", word.interval)])


def test_very_short_sound_is_heard_as_nothing(triphones: tuple[HmmRecognizer, Path]) -> None:
    for n_samples in (100, 450, 700):
        trace = triphones[0].trace(Recording(np.zeros(n_samples, np.float32), 16000))
        assert trace.text == ""


def test_a_killed_run_goes_on_to_the_same_weights(
    triphones: tuple[HmmRecognizer, Path], corpus: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = triphones[0].provenance.weights_sha256

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stages, "discriminant", killed)
        with pytest.raises(KeyboardInterrupt):
            train_triphones(corpus[:30], corpus[30:], tmp_path, plan=PLAN)
    assert (tmp_path / "stages" / "tri.safetensors").exists()
    rounds: list[tuple[int, int]] = []
    again = train_triphones(
        corpus[:30], corpus[30:], tmp_path, plan=PLAN, progress=lambda done, total: rounds.append((done, total))
    )
    assert again.provenance.weights_sha256 == undisturbed
    assert [done for done, _ in rounds] == [5, 6, 8, 9, 10, 11, 11, 12, 13, 13]
    assert rounds[-1] == (13, 13)
    with pytest.raises(BadInput, match="other data or with other settings"):
        train_triphones(corpus[:29], corpus[30:], tmp_path, plan=PLAN)


def test_stages_are_shared_as_far_as_they_depend_on_the_same(
    triphones: tuple[HmmRecognizer, Path], corpus: list[Utterance], tmp_path: Path
) -> None:
    shutil.copytree(triphones[1] / "stages", tmp_path / "stages")
    made: list[int] = []
    plan = replace(PLAN, sat=Schedule(1, 40, 1))
    names = ("mono", "retold", "tri", "lda")
    train_triphones(
        corpus[:30], corpus[30:], tmp_path, stages=names, plan=plan, progress=lambda done, _: made.append(done)
    )
    assert made == [5, 6, 8, 11]
    with pytest.raises(BadInput, match=r"sat.safetensors is of a run"):
        train_triphones(corpus[:30], corpus[30:], tmp_path, plan=plan)
    with pytest.raises(BadInput, match=r"tri.safetensors is of a run"):
        train_triphones(corpus[:30], corpus[30:], tmp_path, stages=("mono", "tri"), plan=plan)
    with pytest.raises(BadInput, match="training begins with the stage 'mono', got tri"):
        train_triphones(corpus[:30], corpus[30:], tmp_path, stages=("tri",))
    with pytest.raises(UnknownName, match="mllt"):
        train_triphones(corpus[:30], corpus[30:], tmp_path, stages=("mono", "mllt"))
    with pytest.raises(UnknownName, match="features"):
        train_triphones(corpus[:30], corpus[30:], tmp_path, features="mfcc")


@pytest.mark.parametrize("size", [0, -1, float("nan"), float("inf")])
def test_a_size_that_is_none_is_refused(size: float, corpus: list[Utterance], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"size makes the plan .* must be above 0"):
        train_triphones(corpus[:30], corpus[30:], tmp_path, size=size)


def test_a_size_that_leaves_nothing_of_the_plan_is_refused(corpus: list[Utterance], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"size=0\.0001 leaves less than one leaf .* take 0\.001 or more"):
        train_triphones(corpus[:30], corpus[30:], tmp_path, size=0.0001)
    assert not any(tmp_path.iterdir())
    assert Plan().times(0.001).tree.n_leaves == 1


def test_the_card_says_how_many_transcripts_were_left_out(corpus: list[Utterance], tmp_path: Path) -> None:
    prompt = replace(corpus[0], id="prompt", text="orderDrink {}")
    card = train_hmm("hmm-word", [*corpus[:30], prompt], corpus[30:], tmp_path, plan=PLAN).card
    assert (card.training["n_utterances"], card.training["n_left_out"]) == (30, 1)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_language_file_that_is_missing_is_named_before_any_stage(
    kind: type, corpus: list[Utterance], tmp_path: Path
) -> None:
    told: list[int] = []
    with pytest.raises(BadInput, match=r"there is no n-gram model at .*missing"):
        train_triphones(
            corpus[:30],
            corpus[30:],
            tmp_path,
            plan=PLAN,
            lm=kind(tmp_path / "missing"),
            progress=lambda done, _: told.append(done),
        )
    assert not told
    assert not (tmp_path / "stages").exists()


def test_a_damaged_folder_is_named(triphones: tuple[HmmRecognizer, Path], tmp_path: Path) -> None:
    triphones[0].save(tmp_path)
    data = bytearray((tmp_path / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "weights.safetensors").write_bytes(data)
    with pytest.raises(CorruptWeights, match=r"weights.safetensors is not the file its card names"):
        load(tmp_path)
    triphones[0].save(tmp_path)
    (tmp_path / "lexicon.txt").unlink()
    with pytest.raises(CorruptWeights, match=r"no readable lexicon.txt"):
        load(tmp_path)


def test_the_threshold_lies_between_true_and_wrong_texts() -> None:
    assert -3.9 < threshold(np.array([-0.1, -0.2, -0.3]), np.array([-4.0, -5.0])) < -0.4
    assert threshold(np.array([-1.0, -2.0]), np.array([-0.5])) == pytest.approx(-1.98)


def test_a_wrong_text_differs_in_its_middle_word() -> None:
    lexicon = {
        **{word: [phones] for word, phones in MADE_WORDS.items()},
        "to": [("T", "UW")],
        "stew": [("S", "T", "UW")],
    }
    assert replaced(("tea", "two", "eat"), lexicon) == ("tea", "see", "eat")
    assert replaced(("eat",), {"eat": [("IY", "T")]}) == ()


def test_noise_above_the_edge_of_the_corpus_changes_no_word(
    triphones: tuple[HmmRecognizer, Path], corpus: list[Utterance]
) -> None:
    """The corpus ends at 4 kHz: what is heard above, the models know nothing of, so it must not reach them."""
    recognizer, rng = triphones[0], np.random.default_rng(0)
    assert recognizer.model.front_end.high_hz == 3900.0
    for heard in corpus[30:]:
        clean = heard.recording()
        spectrum = np.fft.rfft(rng.normal(size=clean.n_samples))
        spectrum[np.fft.rfftfreq(clean.n_samples, 1 / clean.rate_hz) < 4300] = 0
        hiss = np.fft.irfft(spectrum, clean.n_samples)
        level = 0.1 * clean.samples.std() / hiss.std()
        noisy = clean.with_samples((clean.samples + level * hiss).astype(np.float32))
        assert recognizer.trace(noisy).text == heard.text


def test_an_edge_that_is_given_stays(corpus: list[Utterance], tmp_path: Path) -> None:
    given = FrontEnd(high_hz=3000.0)
    recognizer = train_hmm("hmm-mono", corpus[:12], [], tmp_path, plan=PLAN, front_end=given)
    assert recognizer.model.front_end == given
