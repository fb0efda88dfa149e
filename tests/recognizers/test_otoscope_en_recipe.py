"""The recipe of the embedded recogniser: stopped in the middle of any step it ends alike, and it can go further."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from otoscope.core import BadInput, CorruptWeights, DoesNotFit
from otoscope.corpora.manifest import Utterance
from otoscope.corpora.rooms import random_rooms
from otoscope.recognizers import load
from otoscope.recognizers.hybrid import HybridRecognizer, kept_steps, materials, otoscope_en
from otoscope.recognizers.hybrid.mmi_task import MmiTask
from otoscope.recognizers.hybrid.otoscope_en import train_otoscope_en
from otoscope.recognizers.hybrid.phones import Biphones, PhoneTable, tied_biphones
from otoscope.recognizers.run_files import KeptFiles, fingerprint
from otoscope.signal.synthesis import synthesize

TEXTS = ("one two", "two three", "three one", "one", "two", "three two", "one three")
WORDS = "one two three and the a of in to is it was on at he she we you all by no or so up go me my do as an"
OPTIONS = {"epochs": 2, "n_units": 16, "n_bottleneck": 4, "n_words": 40, "n_grams": 100}
Sets = tuple[Sequence[Utterance], Sequence[Utterance]]


class Stop(Exception):
    """What stops a run."""


@pytest.fixture(scope="module")
def few_rooms() -> Any:
    """Two rooms in place of sixty: the sound is changed in the same way, sooner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(materials, "random_rooms", lambda _, *, seed: random_rooms(2, seed=seed))
        yield


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Sets:
    folder = tmp_path_factory.mktemp("corpus")
    found = []
    for i, text in enumerate(TEXTS):
        sound = synthesize(text, rate_wpm=140 + 10 * i).recording
        soundfile.write(folder / f"{i}.wav", sound.samples, sound.rate_hz)
        split = "valid" if i > 4 else "train"
        found.append(Utterance(f"u{i}", folder / f"{i}.wav", text, split, split, sound.duration_s))
    prompt = replace(found[0], id="prompt", text="orderDrink {}")
    return [*found[:5], prompt], found[5:]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A text whose words are about as unlike in frequency as those of a language."""
    words = WORDS.split()
    rng, share = np.random.default_rng(4), 1 / np.arange(1, len(words) + 1) ** 1.6
    lines = [" ".join(rng.choice(words, int(rng.integers(1, 6)), p=share / share.sum())) for _ in range(80)]
    path = tmp_path_factory.mktemp("text") / "book.txt"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def whole(sets: Sets, text: str, few_rooms: None, tmp_path_factory: pytest.TempPathFactory) -> HybridRecognizer:
    return train_otoscope_en(*sets, tmp_path_factory.mktemp("whole"), text=text, **OPTIONS)


def stops_at(number: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that raises at its call of that number."""
    calls = iter(range(1, number + 1))

    def stopped(*args: Any, **kwargs: Any) -> Any:
        if next(calls, number + 1) == number:
            raise Stop
        return function(*args, **kwargs)

    return stopped


def test_stopped_within_each_step_it_ends_in_the_same_weights(
    whole: HybridRecognizer, sets: Sets, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> HybridRecognizer:
        return train_otoscope_en(*sets, tmp_path, text=text, **OPTIONS)

    there = set()
    for owner, name, number, expected in (
        (kept_steps, "_estimated", 1, set()),
        (kept_steps, "key_of", 8, {"background.otoscope", "lessons.json"}),
        (MmiTask, "loss", 1, {"places.json"}),
        (MmiTask, "loss", 2, {"placed.pt"}),
        (otoscope_en, "least_fits", 1, {"free.pt"}),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, stops_at(number, getattr(owner, name)))
            with pytest.raises(Stop):
                run()
        there |= expected
        found = {p.name for p in [*tmp_path.glob("stages/*"), *tmp_path.glob("*.pt")] if p.suffix != ".made"}
        assert found == there
        assert not (tmp_path / "recognizer.json").exists()
    again = run()
    assert again.provenance.weights_sha256 == whole.provenance.weights_sha256
    assert again.card == whole.card
    opened = load(tmp_path)
    assert set(opened.trace(sets[1][0].recording()).hypothesis.words) <= set(opened.lexicon)
    assert (opened.card.training["n_utterances"], opened.card.training["n_left_out"]) == (5, 1)


def test_a_folder_of_other_speech_or_texts_is_refused(
    whole: HybridRecognizer, sets: Sets, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(MmiTask, "loss", stops_at(1, MmiTask.loss))
        with pytest.raises(Stop):
            train_otoscope_en(*sets, tmp_path, text=text, **OPTIONS)
    with pytest.raises(BadInput, match=r"background.otoscope is of a run on other data .* name another folder"):
        train_otoscope_en(sets[0][1:], sets[1], tmp_path, text=text, **OPTIONS)
    with pytest.raises(BadInput, match=r"background.otoscope is of a run on other data"):
        train_otoscope_en(*sets, tmp_path, text=text, **{**OPTIONS, "n_grams": 90})
    (tmp_path / "other.txt").write_text("two three\n")
    with pytest.raises(BadInput, match=r"background.otoscope is of a run on other data"):
        train_otoscope_en(*sets, tmp_path, text=str(tmp_path / "other.txt"), **OPTIONS)
    lm = str(tmp_path / "stages" / "background.otoscope")
    with pytest.raises(BadInput, match=r"lessons.json is of a run on other data"):
        train_otoscope_en(sets[0], sets[1][1:], tmp_path, lm=lm, **OPTIONS)
    with pytest.raises(BadInput, match=r"lessons.json is of a run on other data"):
        train_otoscope_en(*sets, tmp_path, text=text, **OPTIONS, seed=1)
    for other in ({"batch_s": 30.0}, {"distort": False}):
        with pytest.raises(BadInput, match=r"lessons.json is of a run on other data"):
            train_otoscope_en(*sets, tmp_path, text=text, **OPTIONS, **other)
    places = tmp_path / "stages" / "places.json"
    places.write_bytes(places.read_bytes()[:-2])
    with pytest.raises(CorruptWeights, match=r"places.json is damaged: .* and it is made again"):
        train_otoscope_en(*sets, tmp_path, text=text, **OPTIONS)


def test_it_can_be_trained_further(whole: HybridRecognizer, sets: Sets, tmp_path: Path) -> None:
    whole.save(tmp_path / "start")
    further = train_otoscope_en(*sets, tmp_path / "further", start=str(tmp_path / "start"), epochs=1)
    assert further.provenance.weights_sha256 != whole.provenance.weights_sha256
    assert further.acoustic.table == whole.acoustic.table
    assert further.lexicon == whole.lexicon
    before, after = whole.parts.lm, further.parts.lm
    assert after.words == before.words
    np.testing.assert_allclose(after.log_probs, before.log_probs, atol=1e-6)
    made = further.card.training
    assert made["start"]["weights_sha256"] == whole.provenance.weights_sha256
    assert made["start"]["options"] == whole.card.training["options"]
    assert made["options"]["start"] == "start"
    assert made["options"]["epochs"] == 1
    assert not made["options"].keys() & {"lm", "placed_epochs", "n_units", "n_bottleneck", "n_words", "n_grams"}
    assert not (tmp_path / "further" / "placed.pt").exists()
    with pytest.raises(BadInput, match=r"lessons.json is of a run on other data"):
        train_otoscope_en(sets[0][1:], sets[1], tmp_path / "further", start=str(tmp_path / "start"), epochs=1)


@pytest.mark.parametrize("other", [{"criterion": "cross-entropy"}, {"network": "tdnn"}])
def test_a_start_that_it_cannot_go_on_from_is_refused(
    sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, str]
) -> None:
    card = SimpleNamespace(**{"criterion": "mmi", "network": "factorized-tdnn", **other})
    monkeypatch.setattr(HybridRecognizer, "load", lambda _: SimpleNamespace(card=card))
    message = f"start needs a factorized-tdnn trained for mmi, .* a {card.network} trained for {card.criterion}"
    with pytest.raises(BadInput, match=message):
        train_otoscope_en(*sets, tmp_path, start="there")
    with pytest.raises(BadInput, match="start keeps its language model; leave out lm="):
        train_otoscope_en(*sets, tmp_path, start="there", lm="words.otoscope")
    assert not any(tmp_path.iterdir())


def test_places_of_nothing_are_refused(sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def path(*_: Any) -> None:
        raise DoesNotFit("too short")

    monkeypatch.setattr(kept_steps, "train_monophones", lambda *_, **__: SimpleNamespace(path=path))
    told = [(u, ("one",)) for u in sets[0][:5]]
    with pytest.raises(BadInput, match="none of the 5 transcripts fits its sound"):
        kept_steps.kept_places(told, {}, KeptFiles(tmp_path), seed=0, progress=None)
    assert not (tmp_path / "stages").exists()


def test_the_biphones_of_a_table_are_those_it_was_made_from() -> None:
    phones = ("S", "T", "IY", "UW")
    counts = {("S", "IY"): 300.0, ("SIL", "S"): 200.0, ("T", "UW"): 40.0}
    made = tied_biphones(counts, phones)
    found = Biphones.of(PhoneTable.of(made, counts))
    assert (found.phones, found.silence) == (made.phones, made.silence)
    for left in (None, *phones, "SIL"):
        for phone in (*phones, "SIL"):
            assert found.columns(left, phone) == made.columns(left, phone)
    assert len({found.columns(left, "IY") for left in phones}) > 1


def test_kept_files_are_made_once_and_only_for_what_they_were_made_from(tmp_path: Path) -> None:
    kept, made = KeptFiles(tmp_path), iter([b"first", b"second"])
    for _ in range(2):
        assert kept.kept("a.bin", {"x": 1, "y": [2]}, lambda: next(made)) == b"first"
    assert kept.kept("a.bin", {"y": [2], "x": 1}, lambda: b"never") == b"first"
    with pytest.raises(BadInput, match=f"a.bin is of a run on other data or with other settings; .* remove {tmp_path}"):
        kept.kept("a.bin", {"x": 2, "y": [2]}, lambda: b"never")
    (tmp_path / "stages" / "a.bin").write_bytes(b"fist")
    with pytest.raises(CorruptWeights, match=r"a.bin is damaged: it is not what was written"):
        kept.kept("a.bin", {"x": 1, "y": [2]}, lambda: b"never")
    (tmp_path / "stages" / "a.bin.made").unlink()  # cut short: made again
    assert kept.kept("a.bin", {"x": 1, "y": [2]}, lambda: next(made)) == b"second"
    (tmp_path / "stages" / "a.bin.made").write_text("[]")
    with pytest.raises(CorruptWeights, match=r"a.bin is damaged: .* remove .*a.bin.made"):
        kept.kept("a.bin", {"x": 1, "y": [2]}, lambda: b"never")


def test_fingerprints_tell_values_apart_and_not_their_order() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert len({fingerprint(v) for v in ({"a": 1}, {"a": "1"}, {"a": [1]}, {"b": 1}, {})}) == 5
