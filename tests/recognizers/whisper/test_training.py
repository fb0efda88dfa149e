"""Fine-tuning Whisper: what is learnt, that transformers agrees on the loss, and that nothing else changes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from otoscope.core import BadInput, CorruptWeights, MissingExtra, NotAble, OtoscopeError, UnknownName
from otoscope.corpora import Utterance

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from safetensors.torch import load_file  # noqa: E402

from otoscope.core import Interval, Tier  # noqa: E402
from otoscope.recognizers import load  # noqa: E402
from otoscope.recognizers.checkpoints.folder import read_checkpoint  # noqa: E402
from otoscope.recognizers.whisper.learning import Learner, WhisperTask, token_loss  # noqa: E402
from otoscope.recognizers.whisper.lessons import IGNORED, Dictation, Lesson, UtteranceLessons, batch_of  # noqa: E402
from otoscope.recognizers.whisper.parts import read_parts  # noqa: E402
from otoscope.recognizers.whisper.training import train_whisper  # noqa: E402

SMALL = {"width": 8, "n_layers": 1}
TEXTS = ("one two", "Three, four!", "five", "sechs sieben")


@pytest.fixture(scope="module")
def start(tiny_checkpoint):
    return tiny_checkpoint("whisper", **SMALL)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, babble):
    folder, made = tmp_path_factory.mktemp("corpus"), []
    for number, text in enumerate(TEXTS):
        recording = babble(number)
        soundfile.write(folder / f"{number}.wav", recording.samples, 16000)
        words = Tier("words", (Interval(0.214, 0.5, "x"), Interval(0.5, 0.871, "y")))
        known = (words,) if number == 0 else None
        made.append(
            Utterance(
                str(number), folder / f"{number}.wav", text, "me", "train", recording.duration_s, annotation=known
            )
        )
    return tuple(made)


@pytest.fixture
def parts(start):
    return read_parts(read_checkpoint(start), "eager")


def weights_of(folder):
    return load_file(folder / "model.safetensors")


def changed(folder, start):
    before, after = weights_of(start), weights_of(folder)
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_a_lesson_is_the_published_row_of_tokens(parts, corpus):
    tokens = parts.tokens
    lessons = UtteranceLessons(corpus, Dictation(tokens, "de", "translate", 1.0), window_s=30.0, n_context=448)
    written = [tokens[i].text for i in lessons.lesson(0, np.random.default_rng(0)).tokens]
    assert written[:4] == ["<|startoftranscript|>", "<|de|>", "<|translate|>", "<|0.22|>"]
    assert written[-2:] == ["<|0.88|>", "<|endoftext|>"]
    assert "".join(written[4:-2]) == " one two"
    without = lessons.lesson(1, np.random.default_rng(0)).tokens
    assert tokens[without[3]].text == "<|0.00|>"  # no tiers: all of the recording
    assert tokens[without[-2]].time_s == pytest.approx(corpus[1].duration_s, abs=0.0101)
    plain = UtteranceLessons(corpus, Dictation(tokens, "en", "transcribe"), window_s=30.0, n_context=448)
    assert tokens[plain.lesson(1, np.random.default_rng(0)).tokens[3]].text == "<|notimestamps|>"


def test_what_is_given_is_not_learnt_and_padding_neither():
    lessons = [
        Lesson(np.zeros(10, np.float32), (90, 5, 6, 91, 1, 2, 3), n_given=4, said=((4, 0.5, 0.7),)),
        Lesson(np.ones(7, np.float32), (91, 1), n_given=1),
    ]
    batch = batch_of(lessons, 12, end=99)
    assert batch.given.tolist() == [[90, 5, 6, 91, 1, 2], [91, 1, 99, 99, 99, 99]]
    assert batch.wanted.tolist() == [[IGNORED] * 3 + [1, 2, 3], [1] + [IGNORED] * 5]
    assert batch.n_learnt == 4
    assert batch.waves.shape == (2, 12)
    assert batch.waves.sum() == 7
    np.testing.assert_allclose(batch.said.numpy(), [[0, 3, 0.5, 0.7]])  # written where the token before is read


def test_the_loss_is_that_of_transformers(parts, start, corpus):
    lessons = UtteranceLessons(corpus, Dictation(parts.tokens, "en", "transcribe"), window_s=30.0, n_context=448)
    drawn = [lessons.lesson(k, np.random.default_rng(0)) for k in range(3)]
    learner = Learner(parts.network.model, 80).eval()
    batch = batch_of(drawn, 480_000, parts.tokens.end)
    ours = token_loss(learner.decode(learner.encode(batch.waves), batch.given)[0], batch.wanted)
    extract = transformers.WhisperFeatureExtractor.from_pretrained(start)
    heard = extract([lesson.samples for lesson in drawn], sampling_rate=16000, return_tensors="pt").input_features
    labels = torch.full((3, max(len(lesson.tokens) for lesson in drawn) - 1), -100)
    for row, lesson in zip(labels, drawn, strict=True):
        row[: len(lesson.tokens) - 1] = torch.tensor(lesson.tokens[1:])
    theirs = transformers.WhisperForConditionalGeneration.from_pretrained(start)(input_features=heard, labels=labels)
    assert float(ours) == pytest.approx(float(theirs.loss), abs=1e-4)


def test_a_short_window_at_a_later_position_sees_the_later_positions(parts):
    learner = Learner(parts.network.model, 80).eval()
    wave = torch.zeros(1, 16000)
    first, later = learner.encode(wave), learner.encode(wave, first=700)
    assert first.shape == later.shape == (1, 50, 8)
    assert not torch.allclose(first, later)


def test_validation_draws_the_same_times_every_epoch(parts, corpus):
    lessons = UtteranceLessons(corpus, Dictation(parts.tokens, "en", "transcribe", 0.5), window_s=30.0, n_context=448)
    task = WhisperTask(lessons, lessons, parts.tokens.end, batch_size=3)
    learner = Learner(parts.network.model, 80).eval()
    with torch.no_grad():
        assert task.validate(learner) == task.validate(learner)


def test_training_lowers_the_loss_and_leaves_a_checkpoint_that_opens_everywhere(start, corpus, tmp_path, babble):
    recognizer = train_whisper(
        corpus, corpus[:1], tmp_path, start=start, language="english", epochs=3, learning_rate=1e-2, batch_size=2
    )
    card = json.loads((tmp_path / "recognizer.json").read_text())
    losses = card["training"]["train_losses"]
    assert len(losses) == 3
    assert losses[-1] < 0.9 * losses[0]
    assert card["start"]["sha256"] == read_checkpoint(start).sha256
    assert card["weights_sha256"] == read_checkpoint(tmp_path).sha256 == recognizer.provenance.weights_sha256
    assert card["training"]["n_utterances"] == 4
    unchanged = set(weights_of(start)) - changed(tmp_path, start)
    assert unchanged == {"model.encoder.embed_positions.weight"}
    for name in ("tokenizer.json", "preprocessor_config.json", "vocab.json"):
        assert (tmp_path / name).read_bytes() == (start / name).read_bytes()
    told, wanted = (json.loads((each / "generation_config.json").read_text()) for each in (tmp_path, start))
    assert told == wanted
    heard, before = (load(each).trace(babble(0), record="text").text for each in (tmp_path, start))
    assert heard != before
    pipeline = transformers.pipeline("automatic-speech-recognition", model=str(tmp_path), device="cpu")
    assert pipeline({"raw": babble(0).samples.copy(), "sampling_rate": 16000})["text"]


def test_an_interrupted_training_goes_on_to_the_same_weights(start, corpus, tmp_path):
    how = {"start": start, "language": "en", "epochs": 2, "learning_rate": 1e-3, "timestamps": 0.5, "batch_size": 3}

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_whisper(corpus, (), tmp_path / "stopped", progress=stop, **how)
    assert not (tmp_path / "stopped" / "recognizer.json").exists()
    train_whisper(corpus, (), tmp_path / "stopped", **how)
    train_whisper(corpus, (), tmp_path / "whole", **how)
    stopped, whole = (weights_of(tmp_path / name) for name in ("stopped", "whole"))
    assert all(torch.equal(stopped[name], whole[name]) for name in whole)


def test_a_frozen_encoder_stays_as_it_is(start, corpus, tmp_path):
    train_whisper(
        corpus[:2], (), tmp_path, start=start, language="en", epochs=1, learning_rate=1e-2, freeze_encoder=True
    )
    assert all(name.startswith("model.decoder.") for name in changed(tmp_path, start))


def test_additions_of_low_rank_change_the_attentions_only_and_are_small(start, corpus, tmp_path):
    pytest.importorskip("peft")
    train_whisper(corpus[:2], (), tmp_path, start=start, language="en", epochs=2, lora=True, lora_rank=2)
    found = changed(tmp_path, start)
    assert found
    assert all(name.rpartition(".")[0].endswith(("q_proj", "k_proj", "v_proj", "out_proj")) for name in found)
    assert any(".encoder." in name for name in found)
    before, after = weights_of(start), weights_of(tmp_path)
    assert all(torch.linalg.matrix_rank(after[n] - before[n], rtol=1e-3) <= 2 for n in found if n.endswith("weight"))
    n_learnt = json.loads((tmp_path / "recognizer.json").read_text())["training"]["n_learnt_weights"]
    assert n_learnt == 3 * 4 * 2 * (8 + 8)  # attentions, projections, rank, in and out


def test_english_only_models_learn_without_language_tokens(tiny_checkpoint, corpus, tmp_path):
    english = tiny_checkpoint("whisper", multilingual=False, **SMALL)
    parts = read_parts(read_checkpoint(english), "eager")
    train_whisper(corpus[:1], (), tmp_path, start=english, epochs=1)
    row = Dictation(parts.tokens, None, "transcribe").lesson(np.zeros(1, np.float32), "a", (0, 1), timed=False).tokens
    assert [parts.tokens[i].text for i in row[:2]] == ["<|startoftranscript|>", "<|notimestamps|>"]
    with pytest.raises(NotAble, match="English only"):
        train_whisper(corpus, (), tmp_path / "other", start=english, language="de")


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ({"start": None}, BadInput, "--from"),
        ({"start": "nowhere/at-all"}, OtoscopeError, "models get"),
        ({"language": None}, BadInput, "which language"),
        ({"language": "klingon"}, UnknownName, "language"),
        ({"task": "sing"}, BadInput, "transcribe, translate|translate, transcribe"),
        ({"timestamps": 2.0}, BadInput, "timestamps"),
        ({"speed": 2}, UnknownName, "speed"),
    ],
)
def test_what_cannot_be_trained_is_refused(how, error, says, start, corpus, tmp_path):
    asked = {"start": start, "language": "en", "epochs": 1, **how}
    with pytest.raises(error, match=says):
        train_whisper(corpus, (), tmp_path, **asked)


def test_other_models_and_recordings_that_do_not_fit_are_refused(start, tiny_checkpoint, corpus, tmp_path):
    from dataclasses import replace

    with pytest.raises(BadInput, match="this preset trains whisper"):
        train_whisper(corpus, (), tmp_path, start=tiny_checkpoint("wav2vec2", n_layers=1, width=16), language="en")
    with pytest.raises(CorruptWeights, match=r"config\.json"):
        train_whisper(corpus, (), tmp_path, start=tmp_path, language="en")
    with pytest.raises(BadInput, match=r"31\.0 s"):
        train_whisper([replace(corpus[0], duration_s=31.0)], (), tmp_path, start=start, language="en")
    with pytest.raises(BadInput, match="the decoder takes 448"):
        train_whisper([replace(corpus[0], text="q z " * 300)], (), tmp_path, start=start, language="en")
    with pytest.raises(BadInput, match="no utterance with words"):
        train_whisper([replace(corpus[0], text=" ")], (), tmp_path, start=start, language="en")


def test_without_peft_the_extra_is_named(start, corpus, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(MissingExtra, match="finetune"):
        train_whisper(corpus, (), tmp_path, start=start, language="en", lora=True)
