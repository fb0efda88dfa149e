"""Traces of pocketsphinx against pocketsphinx itself, its senone dump, and what a Trace promises."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope.core import BadInput, NotRecorded, Recording, Trace, UnknownName
from otoscope.recognizers.pocketsphinx import PocketSphinx
from otoscope.recognizers.pocketsphinx.acoustic import FrontEnd, SenoneScorer, dynamic_features
from otoscope.recognizers.pocketsphinx.decoder import n_frames
from otoscope.recognizers.pocketsphinx.lattice import Segment, read_lattice, text_confidence, time_confidence
from otoscope.recognizers.pocketsphinx.model import SENONE_UNIT, Triphones, acoustic_model


def sixteen_bit(recording: Recording) -> np.ndarray:
    return np.rint(recording.samples * 32768).clip(-32768, 32767).astype(np.int16)


def decode(decoder: Any, samples: np.ndarray) -> None:
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()


def test_words_are_those_of_a_plain_decoder(speech: Recording, heard: Trace) -> None:
    from pocketsphinx import Decoder

    plain = Decoder(loglevel="FATAL")
    decode(plain, sixteen_bit(speech))
    assert heard.text == plain.hyp().hypstr
    assert "the quick brown" in heard.text


def test_words_lie_inside_in_order_with_their_phones(heard: Trace, speech: Recording) -> None:
    assert heard.hypothesis.words == heard.alignment.words.labels
    assert len(heard.words) >= 7
    for word in heard.words:
        assert 0 <= word.start_s < word.end_s <= speech.duration_s
        inside = heard.alignment.phones.within(word.start_s, word.end_s)
        assert inside[0].start_s == word.start_s
        assert inside[-1].end_s == word.end_s
    brown = heard.words[heard.hypothesis.words.index("brown")]
    phones = heard.alignment.phones.within(brown.start_s, brown.end_s)
    assert [p.label for p in phones] == ["B", "R", "AW", "N"]


def test_confidences_are_probabilities(heard: Trace) -> None:
    for values in (heard.alignment.text_confidence, heard.alignment.time_confidence):
        assert values is not None
        assert all(0 <= value <= 1 for value in values)
    assert max(heard.alignment.text_confidence or (0.0,)) > 0.1


def test_hypotheses_differ(heard: Trace) -> None:
    texts = [h.text for h in heard.hypotheses]
    assert 2 <= len(texts) == len(set(texts)) <= 5
    assert not any("<" in text or "(" in text for text in texts)


def test_provenance_names_the_weights(heard: Trace) -> None:
    assert heard.provenance.recognizer == "pocketsphinx"
    assert len(heard.provenance.weights_sha256 or "") == 64
    assert heard.provenance.parameters["score_by"] == "evidence"


def test_what_was_heard_before_makes_no_difference(speech: Recording, heard: Trace) -> None:
    other = PocketSphinx(processes=1)
    loud = np.random.default_rng(1).uniform(-0.8, 0.8, 24_000)
    other.trace(Recording(loud, 16000))
    assert other.trace(speech, record=["emissions", "features"]) == heard


def test_times_do_not_depend_on_the_rate(speech: Recording, heard: Trace, pocketsphinx: PocketSphinx) -> None:
    from otoscope.signal.resampling import resampled

    again = pocketsphinx.trace(resampled(speech, 44100))
    first, there = heard.words[0], again.words[0]
    assert there.start_s == pytest.approx(first.start_s, abs=0.05)


@pytest.mark.parametrize("n_samples", [1, 100, 160, 409, 410, 411, 570, 1600])
@pytest.mark.parametrize("kind", ["silence", "noise"])
def test_next_to_nothing_holds_no_words(pocketsphinx: PocketSphinx, n_samples: int, kind: str) -> None:
    samples = np.zeros(n_samples)
    if kind == "noise":
        samples = np.random.default_rng(0).uniform(-0.1, 0.1, n_samples)
    trace = pocketsphinx.trace(Recording(samples, 16000), record=["emissions"])
    assert trace.words == ()
    assert trace.hypotheses[0].words == ()
    assert np.isfinite(trace.emissions.scores).all()


def test_a_second_of_digital_silence_holds_no_words(pocketsphinx: PocketSphinx) -> None:
    assert pocketsphinx.trace(Recording(np.zeros(8000), 8000)).words == ()
    assert pocketsphinx.trace(Recording(np.zeros(1), 48000)).words == ()


def test_too_long_a_recording_is_refused_with_the_way_out(pocketsphinx: PocketSphinx) -> None:
    with pytest.raises(BadInput, match=r"at most 300 s at once, got 301 s; .*transcribe_stream"):
        pocketsphinx.trace(Recording(np.zeros(301), 1))


def test_missing_parts_say_why(heard: Trace, pocketsphinx: PocketSphinx, speech: Recording) -> None:
    with pytest.raises(NotRecorded, match="no neural network"):
        _ = heard.activations
    with pytest.raises(UnknownName, match="did you mean emissions"):
        pocketsphinx.trace(speech, record=["emision"])


def test_emissions_are_the_senone_scores_of_pocketsphinx(speech: Recording, heard: Trace, tmp_path: Path) -> None:
    from pocketsphinx import Decoder

    decoder = Decoder(loglevel="FATAL", lm=None, bestpath=False, compallsen=True, senlogdir=str(tmp_path))
    decoder.add_fsg("a", decoder.create_fsg("a", 0, 1, [(0, 1, 1.0, "a")]))
    decoder.activate_search("a")
    decode(decoder, sixteen_bit(speech))
    (dump,) = tmp_path.iterdir()
    data = dump.read_bytes()
    model = acoustic_model()
    n_senones = model.triphones.n_senones
    stored = np.frombuffer(data, "<i2", offset=data.index(b"endhdr\n") + 11).reshape(-1, 1 + n_senones)
    assert (stored[:, 0] == n_senones).all()
    theirs = -SENONE_UNIT * stored[:, 1:]

    cepstra = FrontEnd(model.folder)(sixteen_bit(speech))
    ours = SenoneScorer(model.gaussians())(dynamic_features(cepstra), np.arange(n_senones))
    difference = (ours - ours.max(axis=1, keepdims=True)) - theirs
    assert np.median(np.abs(difference)) < 0.2  # theirs are rounded to 0.1 nats, several times
    assert np.corrcoef((difference + theirs).ravel(), theirs.ravel())[0, 1] > 0.998

    emissions = heard.emissions
    assert emissions.kind == "log_likelihood"
    assert emissions.symbols[2 * 3 : 2 * 3 + 3] == ("AA.1", "AA.2", "AA.3")
    assert np.allclose(emissions.scores, ours[:, : len(emissions.symbols)], atol=1e-4)


@pytest.mark.parametrize("n", [1, 160, 409, 410, 411, 569, 570, 571, 730, 1600, 12345, 16000, 16001])
def test_frames_are_counted_as_pocketsphinx_does(n: int) -> None:
    front_end = test_frames_are_counted_as_pocketsphinx_does.__dict__.setdefault(
        "front_end", FrontEnd(acoustic_model().folder)
    )
    assert len(front_end(np.random.default_rng(0).integers(-99, 99, n).astype(np.int16))) == n_frames(n)


def test_phones_without_context_come_first_and_triphones_differ() -> None:
    triphones = acoustic_model().triphones
    alone = np.concatenate([triphones.alone(phone) for phone in triphones.phones])
    assert alone.tolist() == list(range(triphones.n_ci_senones))
    assert triphones.senones("AH", "K", "T").tolist() != triphones.senones("AH", "B", "L").tolist()
    assert (triphones.codebook_of_senone()[triphones.senones("AH", "K", "T")] == triphones.phones.index("AH")).all()


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    from otoscope.core import CorruptWeights

    (tmp_path / "mdef").write_bytes(b"not a model")
    with pytest.raises(CorruptWeights, match="not a binary model definition"):
        Triphones(tmp_path / "mdef")


LATTICE = """\
VERSION=1.0
N=5\tL=6
I=0\tt=0.00\tW=!SENT_START\tv=1
I=1\tt=0.10\tW=pick\tv=1
I=2\tt=0.10\tW=kick\tv=1
I=3\tt=0.50\tW=it\tv=2
I=4\tt=0.62\tW=it\tv=1
J=0\tS=0\tE=1\ta=-1.0\tp=0.75
J=1\tS=0\tE=2\ta=-1.0\tp=0.25
J=2\tS=1\tE=3\ta=-10.0\tp=0.5
J=3\tS=1\tE=4\ta=-10.0\tp=0.25
J=4\tS=2\tE=3\ta=-11.0\tp=0.2
J=5\tS=2\tE=4\ta=-11.0\tp=nan
"""


def test_confidences_from_a_lattice(tmp_path: Path) -> None:
    path = tmp_path / "lattice.htk"
    path.write_text(LATTICE)
    links = read_lattice(path)
    place = Segment("pick", 10, 50, posterior=0.5)
    assert links[0].word is None
    assert text_confidence(links, "pick", place) == pytest.approx(0.75)
    assert time_confidence(links, "pick", place) == pytest.approx(2 / 3)
    assert text_confidence(links, "kick", place.__class__("kick", 10, 50, 0.0)) == pytest.approx(0.2)
    assert text_confidence(links, "it", place.__class__("it", 10, 50, 0.0)) == 0.0


@pytest.mark.slow
def test_every_word_of_read_speech_lies_inside(shared_data: Path, pocketsphinx: PocketSphinx) -> None:
    folder = shared_data / "librispeech-mini"
    with (folder / "manifest.tsv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["split"] == "valid"]
    assert rows
    for row in rows:
        recording = Recording.read(folder / row["path"])
        trace = pocketsphinx.trace(recording)
        assert trace.words, row["id"]
        assert all(0 <= w.start_s < w.end_s <= recording.duration_s for w in trace.words), row["id"]
        assert len(trace.alignment.phones) >= len(trace.words), row["id"]
