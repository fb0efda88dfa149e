"""The recipe of the tiny Whisper that works: its windows, what it is taught besides the text, how its weights begin."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from otoscope.core import Interval, Tier
from otoscope.corpora import Utterance

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from otoscope.recognizers.checkpoints.folder import read_checkpoint  # noqa: E402
from otoscope.recognizers.whisper.parts import read_parts  # noqa: E402
from otoscope.testing.checkpoints.digit_lessons import CLASSES, DigitLessons, Mix, Passages  # noqa: E402
from otoscope.testing.checkpoints.digits import DIGITS, digit_corpora, digit_texts  # noqa: E402
from otoscope.testing.checkpoints.trained import STAGES, DigitTask, guidance, train_digit_whisper  # noqa: E402
from otoscope.testing.checkpoints.weights import look_nearby, order_times  # noqa: E402

SAID = {"en": "seven zero", "de": "fünf acht", "fr": "zéro huit"}


@pytest.fixture(scope="module")
def passages(tmp_path_factory):
    """Two digits of half a second in each language, the first 0.2 s after the start."""
    folder = tmp_path_factory.mktemp("digits")
    corpora = {}
    for language, text in SAID.items():
        samples = 0.1 * np.random.default_rng(0).standard_normal(20800)
        soundfile.write(folder / f"{language}.wav", samples, 16000)
        first, second = text.split()
        words = Tier("words", (Interval(0.2, 0.7, first), Interval(0.7, 1.2, second)))
        corpora[language] = [
            Utterance(language, folder / f"{language}.wav", text, language, "train", 1.3, annotation=(words,))
        ]
    soundfile.write(folder / "3.wav", samples[:4000], 8000)
    return Passages(corpora, [Utterance("3", folder / "3.wav", "3", "one", "train", 0.5)])


@pytest.fixture(scope="module")
def tokens(tiny_checkpoint):
    return read_parts(read_checkpoint(tiny_checkpoint("whisper", width=8, n_layers=1)), "eager").tokens


def drawn(passages, tokens, n=60, *, first=0, **how):
    asked = {"silent": 0.0, "prompted": 0.0, "timed": 0.0, "translated": 0.0, **how}
    lessons = DigitLessons(passages, tokens, Mix(6.0, 2, **asked), n)
    return [lessons.lesson(k, np.random.default_rng(k), first=first) for k in range(n)]


def written(tokens, lesson):
    return [tokens[i].text for i in lesson.lesson.tokens]


def test_windows_say_their_language_and_the_digits_in_it(passages, tokens):
    for lesson in drawn(passages, tokens):
        row = written(tokens, lesson)
        language = row[1].strip("<|>")
        assert row[0] == "<|startoftranscript|>"
        assert row[2:4] == ["<|transcribe|>", "<|notimestamps|>"]
        assert set("".join(row[4:-1]).split()) <= {*SAID[language].split(), "three"}
        assert lesson.lesson.n_given == 1
        classes = [CLASSES[language, DIGITS[language].index(word)] for word in "".join(row[4:-1]).split()]
        assert [label for label, _, _ in lesson.frames] == classes
        assert lesson.lesson.samples.size == 96000


def test_translations_are_english(passages, tokens):
    rows = [written(tokens, lesson) for lesson in drawn(passages, tokens, translated=1.0)]
    translated = [row for row in rows if row[2] == "<|translate|>"]
    assert translated
    for row in translated:
        wanted = {"<|de|>": {"five", "eight"}, "<|fr|>": {"zero", "eight"}}[row[1]]
        assert set("".join(row[4:-1]).split()) <= wanted


def test_numerals_in_the_prompt_make_numerals_and_are_not_learnt(passages, tokens):
    kinds = set()
    for lesson in drawn(passages, tokens, prompted=1.0):
        row = written(tokens, lesson)
        at = row.index("<|startoftranscript|>")
        assert row[0] == "<|startofprev|>"
        assert lesson.lesson.n_given == at + 1
        before, after = "".join(row[1:at]), "".join(row[at + 4 : -1])
        assert before.replace(" ", "").isdecimal() == after.replace(" ", "").isdecimal()
        kinds.add(after.replace(" ", "").isdecimal())
    assert kinds == {True, False}


def test_times_count_from_the_model_s_first_position_and_cut_passages_end_with_their_start(passages, tokens):
    for lesson in drawn(passages, tokens, timed=1.0, first=500):
        times = [token.time_s for token in map(tokens.__getitem__, lesson.lesson.tokens) if token.kind == "time"]
        starts, ends = times[::2], times[1::2]
        assert len(starts) == len(ends)
        assert all(start >= 10.0 for start in starts)
        assert all(0.4 < end - start < 4.0 for start, end in zip(starts, ends, strict=True))
    lessons = DigitLessons(passages, tokens, Mix(3.2, 3, timed=1.0, cut=1.0, silent=0.0), 20)
    cut = [lessons.lesson(k, np.random.default_rng(k)) for k in range(20)]
    assert any(tokens[lesson.lesson.tokens[-2]].kind == "time" for lesson in cut)
    odd = [sum(tokens[i].kind == "time" for i in lesson.lesson.tokens) % 2 for lesson in cut]
    assert sum(odd) > 5
    assert all(end_s <= 3.2 for lesson in cut for _, _, end_s in lesson.frames)


def test_tokens_are_said_where_their_word_is(passages, tokens):
    for lesson in drawn(passages, tokens, timed=0.5):
        row, spans = lesson.lesson.tokens, {place: (a, b) for place, a, b in lesson.lesson.said}
        words = [place for place in spans if tokens[row[place]].kind == "text"]
        joined = "".join(tokens[row[place]].text for place in words).split()
        assert len(joined) == len(lesson.frames)
        assert spans[words[0]][0] == pytest.approx(lesson.frames[0][1])
        assert spans[words[-1]][1] == pytest.approx(lesson.frames[-1][2])
        assert all(spans[a][1] <= spans[b][0] + 1e-9 for a, b in pairwise(words))


def test_windows_without_speech_teach_only_that(passages, tokens):
    for lesson in drawn(passages, tokens, n=10, silent=1.0):
        assert written(tokens, lesson) == ["<|startoftranscript|>", tokens[tokens.no_speech].text]
        assert not lesson.frames


def test_guidance_is_least_where_attention_is_even_over_the_word():
    said = torch.tensor([[0, 1, 0.10, 0.20]])  # positions 5 to 10
    even = torch.full((1, 2, 50), 1e-9)
    even[0, 1, 5:11] = 1 / 6
    assert float(guidance([even], said)) == pytest.approx(np.log(6), abs=1e-3)
    late = torch.roll(even, 3, -1)
    sharp = torch.zeros(1, 2, 50)
    sharp[0, 1, 7] = 1.0
    assert float(guidance([late], said)) > float(guidance([even], said)) + 1
    assert float(guidance([sharp], said)) > float(guidance([even], said)) + 1
    assert float(guidance([even], torch.zeros(0, 4))) == 0


def test_batches_know_the_digit_of_every_position(passages, tokens):
    lessons = DigitLessons(passages, tokens, Mix(6.0, 2, silent=0.0), 8)
    task = DigitTask(lessons, lessons, tokens, 4)
    batches = task.batches(np.random.default_rng(0))
    assert len(batches) == 2
    batch, again = batches[0], batches[0]
    assert torch.equal(batch.lessons.waves, again.lessons.waves)
    assert batch.classes.shape == (4, 300)
    assert batch.lessons.waves.shape == (4, 96000)
    spoken = (batch.classes > 0).float().mean()
    assert 0.05 < spoken < 0.7
    assert set(batch.classes.unique().tolist()) <= {0, *CLASSES.values()}


def test_heads_begin_by_looking_nearby_and_times_as_positions(tiny_checkpoint):
    parts = read_parts(read_checkpoint(tiny_checkpoint("whisper", width=64, n_layers=1)), "eager")
    encoder = parts.network.model.model.encoder
    encoder.conv2.weight.data *= 0.0  # positions alone: the random sound is loud
    encoder.conv2.bias.data.fill_(-10.0)
    look_nearby(encoder, offsets=[(-9, -2, 3, 12)])
    with torch.no_grad():
        seen = encoder(torch.full((1, 80, 3000), -0.5), output_attentions=True).attentions[0][0]
    ahead = (seen.argmax(-1) - torch.arange(1500))[:, 50:-50]
    assert ahead.float().median(1).values.tolist() == [-9, -2, 3, 12]
    rows = torch.zeros(1501, 64)
    order_times(rows, encoder.embed_positions.weight)
    assert (rows @ rows.T).argmax(1)[:1500].tolist() == list(range(1500))


def test_texts_are_digits_of_the_language():
    for language, words in DIGITS.items():
        texts = digit_texts(language, n=50, most=4)
        assert {word for text in texts for word in text.split()} == set(words)
        assert {len(text.split()) for text in texts} == {1, 2, 3, 4}


@pytest.mark.slow
def test_the_recipe_trains_a_checkpoint_that_opens(tmp_path):
    pytest.importorskip("espeakng_loader")
    from otoscope.recognizers import load

    corpora = digit_corpora(tmp_path / "corpora", n_voices={"en": 3, "de": 3, "fr": 3}, n_texts=2)
    assert {each.split for each in corpora["fr"]} == {"train", "valid", "test"}
    stages = [
        dataclasses.replace(stage, n_lessons=4, batch_size=2, plan=dataclasses.replace(stage.plan, epochs=1))
        for stage in STAGES
    ]
    folder = train_digit_whisper(tmp_path / "model", corpora, stages=stages)
    recognizer = load(folder)
    trace = recognizer.trace(corpora["en"][0].recording(), record="text")
    assert trace.provenance.weights_sha256 == read_checkpoint(folder).sha256
