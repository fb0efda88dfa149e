"""The embedded recogniser: it hears real English, fits in the wheel, and its recipe runs, stops and goes on."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.core import BadInput, FrameGrid, Recording
from otoscope.corpora import read_corpus
from otoscope.corpora.sample import sample_path
from otoscope.corpora.transcripts import said_in
from otoscope.decoding.edit_distance import edit_distance
from otoscope.lexicon import ngram
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers import load
from otoscope.recognizers.hybrid.embedded import FOLDER
from otoscope.recognizers.hybrid.mmi_task import columns_of
from otoscope.recognizers.hybrid.otoscope_en import train_otoscope_en
from otoscope.recognizers.hybrid.phones import Biphones
from otoscope.signal.synthesis import synthesize


@pytest.fixture(scope="module")
def embedded():
    return load("otoscope-en")


def test_it_takes_less_than_40_mb_of_the_wheel():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 40e6


def test_it_hears_the_sample(embedded):
    said = normalize_words("What did you hear, and why did you hear it? The boy was there when the sun rose.")
    trace = embedded.trace(Recording.read(sample_path()))
    assert edit_distance(said, trace.hypothesis.words) <= 1
    assert [word.label for word in trace.words] == list(trace.hypothesis.words)
    assert all(0 <= word.start_s < word.end_s <= trace.recording.duration_s for word in trace.words)


def test_it_hears_real_speech_it_was_not_taught(embedded, shared_data):
    utterances = read_corpus(shared_data / "librispeech-mini", split="valid")[:8]
    texts = [normalize_words(utterance.text) for utterance in utterances]
    heard = [embedded.trace(utterance.recording()).hypothesis.words for utterance in utterances]
    errors = sum(edit_distance(text, words) for text, words in zip(texts, heard, strict=True))
    assert errors < 0.3 * sum(map(len, texts))


def test_silence_is_heard_as_nothing(embedded):
    assert embedded.trace(Recording(np.zeros(16000, np.float32), 16000)).text == ""


def test_texts_that_leave_open_what_was_said_are_left_out(tmp_path):
    from otoscope.corpora.manifest import Utterance

    def words(text):
        return said_in(Utterance("u", tmp_path, text, "s", "train", 1.0))

    assert words("spelled: A B / C") == ("a", "b", "c")
    assert words("digits: 5 5 9") == ()
    assert words("orderDrink {}") == ()
    assert words("Mr. Smith came in 1912") == ("mister", "smith", "came", "in", "nineteen", "twelve")


def test_columns_follow_the_phones_in_changed_time():
    table = Biphones(("A", "B"), {("SIL", "A"): 0, ("A", "B"): 1})
    grid = FrameGrid(100, 0, 3, 3, 6)
    phones = [("A", 0.0, 0.1), ("B", 0.1, 0.4)]
    assert columns_of(phones, grid, speed=1.0, biphones=table).tolist() == [0, 1, 1, 2, 3, 3]
    assert columns_of(phones, grid, speed=2.0, biphones=table).tolist() == [0, 1, 2, 3, 3, 3]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Eight synthetic sentences with a manifest, and a language model of their words."""
    import soundfile

    folder = tmp_path_factory.mktemp("corpus")
    texts = ["one two", "two three", "three one", "one", "two", "three two", "one three", "two one"]
    lines = ["id\tpath\tspeaker\ttext\tduration_s\tsplit"]
    for i, text in enumerate(texts):
        sound = synthesize(text, rate_wpm=140 + 10 * i).recording
        soundfile.write(folder / f"{i}.wav", sound.samples, sound.rate_hz)
        split = "valid" if i > 5 else "train"
        lines.append(f"u{i}\t{i}.wav\t{split}\t{text}\t{sound.duration_s:.3f}\t{split}")
    (folder / "manifest.tsv").write_text("\n".join(lines) + "\n")
    model = ngram.estimate([tuple(text.split()) for text in texts], order=2, smoothing="witten-bell")
    ngram.save(model, folder / "lm.otoscope")
    return folder


def test_the_recipe_says_what_it_needs(corpus, tmp_path):
    train_set = read_corpus(corpus, split="train")
    with pytest.raises(BadInput, match="text=FILE"):
        train_otoscope_en(train_set, (), tmp_path)
    with pytest.raises(BadInput, match="no such option"):
        train_otoscope_en(train_set, (), tmp_path, colour="red")
    with pytest.raises(BadInput, match="for certain"):
        train_otoscope_en((), (), tmp_path, lm="x")


def test_texts_to_speak_are_drawn_from_a_file(tmp_path):
    from otoscope.recognizers.hybrid.synthetic_lessons import DIGITS, texts_to_speak

    file = tmp_path / "book.txt"
    file.write_text("It was a cold and windy night.\nXqzt is no word of the dictionary here.\nToo short.\n" * 3)
    texts = texts_to_speak(str(file), 2, seed=1)
    assert texts.count("it was a cold and windy night") == 2
    assert not any("xqzt" in text or "short" in text.split()[1:] for text in texts)
    assert sum(set(text.split()) <= set(DIGITS) for text in texts) >= 60
    assert texts == texts_to_speak(str(file), 2, seed=1) != texts_to_speak(str(file), 2, seed=2)
    file.write_text("no.\n")
    with pytest.raises(BadInput, match="nothing can be spoken"):
        texts_to_speak(str(file), 2, seed=1)


def test_synthetic_voices_join_the_lessons(corpus, tmp_path, monkeypatch):
    from otoscope.recognizers.hybrid import otoscope_en, synthetic_lessons

    monkeypatch.setattr(synthetic_lessons, "TEXTS_PER_VOICE", 3)
    seen = []

    def stop(sets, *args, **kwargs):
        seen.append(sets)
        raise KeyboardInterrupt

    monkeypatch.setattr(otoscope_en, "_trained", stop)
    (tmp_path / "book.txt").write_text("It was a cold and windy night.\n")
    options = {"lm": str(corpus / "lm.otoscope"), "text": str(tmp_path / "book.txt"), "synthetic_voices": 2}
    with pytest.raises(KeyboardInterrupt):
        train_otoscope_en(read_corpus(corpus, split="train"), (), tmp_path / "run", **options)
    assert len(seen[0][0]) == 6 + 2 * 3
    with pytest.raises(BadInput, match="text=FILE"):
        train_otoscope_en(read_corpus(corpus, split="train"), (), tmp_path / "run", **{**options, "text": None})
