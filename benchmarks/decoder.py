"""Time the search of the large-vocabulary decoder by itself, and beside its peers on the same job.

    python benchmarks/decoder.py [--text FILE] [--sentences N] [--data FOLDER] [--only-speech] [--json FILE]

A trigram model of 60,000 words is estimated from FILE (a sentence a line, the last ones are kept to be spoken), or
from random text. Emissions are those of an imagined recogniser: the states of a sentence in time, drowned in noise.
Times are of one thread and count the processor's time, not the clock's, so that other work on the machine does least
harm.

- **phones**: three-state monophones at 100 frames a second, biphones of one to two states at 33 (as lattice-free MMI
  has).
- **letters**: blank, space and letters at 50 frames a second; pyctcdecode with kenlm decodes the same emissions with
  the same words and the same model.
- **read speech**: otoscope-en and pocketsphinx, each with its own models and words, in turn on the same recordings: ten
  utterances of librispeech-mini's `valid` in FOLDER, or the sample recording. Time is all that they do from samples
  to words: features, acoustic scores and search.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import json
import logging
import lzma
import math
import platform
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import otoscope as oto
from otoscope.core import Recording
from otoscope.corpora import read_corpus
from otoscope.corpora.sample import SAMPLE_TEXT, sample_recording
from otoscope.decoding.edit_distance import edit_distance
from otoscope.decoding.tree import HmmState, PhoneModels, TreeDecoder, build_graph
from otoscope.lexicon import cmudict, normalize_words
from otoscope.lexicon.ngram import NGramModel, estimate, write_arpa

N_WORDS, N_TOKENS, N_UTTERANCES = 60_000, 6_000_000, 10
LETTERS = "abcdefghijklmnopqrstuvwxyz'"
HALF = math.log(0.5)


@dataclass(frozen=True)
class Row:
    job: str
    who: str
    beam: str
    word_error_rate: float
    real_time_factor: float
    times_ours: float


@dataclass(frozen=True)
class Monophones:
    phones: tuple[str, ...]
    silence: str = "SIL"
    context: tuple[bool, bool] = (False, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        base = 3 * self.phones.index(phone) + 3 if phone != self.silence else 0
        return tuple(HmmState(base + j, math.log(0.6), math.log(0.4)) for j in range(3))


@dataclass(frozen=True)
class Biphones:
    """One state of one frame, one that may loop or be passed by (Povey et al. 2016); left neighbours in 13 classes."""

    phones: tuple[str, ...]
    silence: str = "SIL"
    context: tuple[bool, bool] = (True, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        index = {p: i for i, p in enumerate(self.phones)}
        base = (
            0 if phone == self.silence else 2 + 26 * index[phone] + 2 * (7 * index[left] % 12 if left in index else 12)
        )
        first = HmmState(base, -math.inf if base else HALF, HALF)
        return first, HmmState(base + 1, HALF, HALF, HALF)


@dataclass(frozen=True)
class Spelling:
    """CTC over letters: a blank may come before each, must between two that are equal; the space is the silence."""

    phones: tuple[str, ...] = tuple(LETTERS)
    silence: str = " "
    context: tuple[bool, bool] = (True, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        column = 1 if phone == self.silence else 2 + LETTERS.index(phone)
        return HmmState(0, 0.0, 0.0, -math.inf if left == phone else 0.0), HmmState(column, 0.0, 0.0)


def sentences_of(path: Path | None) -> list[list[str]]:
    """Sentences of a file, or random ones in which some words follow one another more often than others."""
    if path is None:
        rng, known = np.random.default_rng(0), [w for w in cmudict() if w.isalpha()]
        ranks = np.minimum(rng.zipf(1.2, size=1_000_000), len(known)) - 1
        ranks[1::2] = (ranks[::2] * 31 + np.minimum(rng.zipf(1.5, size=500_000), 50)) % len(known)
        return [[known[i] for i in row] for row in ranks.reshape(-1, 20)]
    unpack: Callable[..., object] = lzma.open if path.suffix == ".xz" else open
    found, n_tokens = [], 0
    with unpack(path, "rt", encoding="utf-8", errors="replace") as lines:  # type: ignore[attr-defined]
        for line in lines:
            words = re.findall(r"[a-z']+", line.lower())
            if len(words) > 2:
                found.append(words)
                n_tokens += len(words)
            if n_tokens > N_TOKENS:
                break
    return found


def language(text: list[list[str]]) -> tuple[list[str], NGramModel]:
    """The most frequent words that have a pronunciation, filled up from the dictionary, and their trigram model."""
    known = cmudict()
    counts = Counter(word for sentence in text for word in sentence if word in known)
    words = [word for word, _ in counts.most_common(N_WORDS)]
    rest = [word for word in known if word not in counts and not set(word) - set(LETTERS)]
    words += np.random.default_rng(0).permutation(rest)[: N_WORDS - len(words)].tolist()
    model = estimate([" ".join(s) for s in text], order=3, vocabulary=words, min_counts=(1, 1, 2))
    return words, model


def spoken(
    rng: np.random.Generator,
    units: Sequence[str],
    models: PhoneModels,
    durations: Callable[[HmmState], int],
    loud: float,
) -> np.ndarray:
    """Log posteriors of a sentence: each frame's state stands out by `loud` from noise of deviation 1.5."""
    names: list[str | None] = [None, *units, None]
    columns: list[int] = []
    for left, unit, right in zip(names, units, names[2:], strict=False):
        for state in models.states(left, unit, right):
            columns += [state.column] * durations(state)
    n_columns = 2 + len(LETTERS) if isinstance(models, Spelling) else 3 + 40 * 26
    scores = rng.normal(0, 1.5, size=(len(columns), n_columns))
    scores[np.arange(len(columns)), columns] += loud
    return (scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)).astype(np.float32)


def timed(
    decode: Callable[[np.ndarray], str], emissions: list[np.ndarray], said: list[list[str]]
) -> tuple[float, float]:
    """Return (seconds of one thread, word error rate) after a first run to warm up."""
    decode(emissions[0])
    seconds, errors = 0.0, 0
    for scores, words in zip(emissions, said, strict=True):
        began = time.thread_time()
        heard = decode(scores)
        seconds += time.thread_time() - began
        errors += edit_distance(words, heard.split())
    return seconds, errors / sum(map(len, said))


def phone_rows(words: list[str], lm: NGramModel, said: list[list[str]]) -> list[Row]:
    known, automaton, rows = cmudict(), lm.automaton(), []
    lexicon = {word: known[word] for word in words}
    phones = tuple(sorted({p for variants in lexicon.values() for v in variants for p in v}))
    jobs: list[tuple[str, PhoneModels, int, float, float]] = [
        ("phones, 3-state monophones, 100 frames/s", Monophones(phones), 100, 2.2, 13.0),
        ("phones, biphones, 33 frames/s", Biphones(phones), 33, 3.2, 13.0),
    ]
    for name, models, rate, loud, beam in jobs:
        rng = np.random.default_rng(1)

        def lasts(state: HmmState, rng: np.random.Generator = rng, rate: int = rate) -> int:
            if rate == 100:
                return 1 + int(rng.poisson(1.7))
            return int(rng.integers(0, 4)) if state.log_skip > -math.inf else 1

        emissions = []
        for sentence in said:
            units = ["SIL"]
            for word in sentence:
                units += [*lexicon[word][0], *(["SIL"] if rng.uniform() < 0.15 else [])]
            emissions.append(spoken(rng, units, models, lasts, loud))
        began = time.thread_time()
        graph = build_graph(lexicon, models)
        print(f"{name}: graph of {graph.n_nodes:,} nodes in {time.thread_time() - began:.1f} s")
        n_seconds = sum(map(len, emissions)) / rate
        for max_active in (7000, 2500):
            decoder = TreeDecoder(graph, automaton, beam=beam, max_active=max_active)
            seconds, errors = timed(lambda s, d=decoder: d.decode(s).text, emissions, said)  # type: ignore[misc]
            rows.append(Row(name, "otoscope", f"{beam:g}, {max_active}", errors, seconds / n_seconds, 1.0))
    return rows


def letter_rows(words: list[str], lm: NGramModel, said: list[list[str]]) -> list[Row]:
    rng, models, rate = np.random.default_rng(2), Spelling(), 50
    name = "letters, CTC, 50 frames/s"

    def lasts(state: HmmState) -> int:
        return (
            int(rng.integers(0, 5)) + (state.log_skip == -math.inf)
            if state.column == 0
            else 1 + int(rng.integers(0, 2))
        )

    emissions = [spoken(rng, list(f" {' '.join(s)} "), models, lasts, 5.0) for s in said]
    n_seconds = sum(map(len, emissions)) / rate
    graph = build_graph({word: (tuple(word),) for word in words}, models, silence_log_prob=math.log(0.99))
    decoder = TreeDecoder(graph, lm.automaton(), beam=13.0, max_active=2500, lm_scale=0.7)
    seconds, errors = timed(lambda s: decoder.decode(s).text, emissions, said)
    rows = [Row(name, "otoscope", "13, 2500", errors, seconds / n_seconds, 1.0)]
    if not all(importlib.util.find_spec(peer) for peer in ("pyctcdecode", "kenlm")):
        print("left out - pyctcdecode and kenlm: not installed")
        return rows
    logging.disable(logging.WARNING)
    from pyctcdecode import build_ctcdecoder

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "lm.arpa")
        write_arpa(lm, path)
        peer = build_ctcdecoder(["", " ", *LETTERS], path, unigrams=words, alpha=0.7, beta=0.0)
        for width in (25, 100):
            theirs, missed = timed(
                lambda s, w=width: peer.decode(s, beam_width=w),  # type: ignore[misc]
                emissions,
                said,
            )
            rows.append(Row(name, "pyctcdecode + kenlm", str(width), missed, theirs / n_seconds, theirs / seconds))
    return rows


def read_speech(data: Path | None) -> tuple[str, list[tuple[Recording, tuple[str, ...]]]]:
    """Recordings with the words said in them, and what to call them."""
    if data is None:
        return "sample recording", [(sample_recording(), normalize_words(SAMPLE_TEXT))]
    said = read_corpus(data / "librispeech-mini", split="valid")[:N_UTTERANCES]
    name = f"read speech, {len(said)} utterances of librispeech-mini valid"
    return name, [(u.recording(), normalize_words(u.text)) for u in said]


def speech_rows(data: Path | None) -> list[Row]:
    """Each recogniser hears each recording, in turn, after one recording to warm up."""
    import torch

    torch.set_num_threads(1)
    name, recordings = read_speech(data)
    ours = oto.load("otoscope-en")
    hears: dict[str, Callable[[Recording], str]] = {
        "otoscope-en": lambda recording: ours.trace(recording).hypotheses[0].text,
        "pocketsphinx": pocketsphinx(),
    }
    seconds, errors = dict.fromkeys(hears, 0.0), dict.fromkeys(hears, 0)
    for hear in hears.values():
        hear(recordings[0][0])
    for recording, words in recordings:
        for who, hear in hears.items():
            began = time.process_time()
            heard = hear(recording)
            seconds[who] += time.process_time() - began
            errors[who] += edit_distance(words, normalize_words(heard))
    n_words = sum(len(words) for _, words in recordings)
    sound = sum(recording.duration_s for recording, _ in recordings)
    return [
        Row(name, who, "its own", errors[who] / n_words, seconds[who] / sound, seconds[who] / seconds["otoscope-en"])
        for who in hears
    ]


def pocketsphinx() -> Callable[[Recording], str]:
    """What the bare decoder hears, without the Trace that our recogniser of that name records."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=16000, loglevel="FATAL")

    def hear(recording: Recording) -> str:
        decoder.start_utt()
        decoder.process_raw((recording.samples * 32767).astype(np.int16).tobytes(), full_utt=True)
        decoder.end_utt()
        return decoder.hyp().hypstr if decoder.hyp() else ""

    return hear


def table(rows: list[Row]) -> str:
    lines = ["| job | who | beam | WER | real-time factor | times ours |", "|---|---|---|---:|---:|---:|"]
    for r in rows:
        times = "" if math.isnan(r.times_ours) else f"{r.times_ours:.1f}"
        error = f"{100 * r.word_error_rate:.1f} %"
        lines.append(f"| {r.job} | {r.who} | {r.beam} | {error} | {r.real_time_factor:.4f} | {times} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, help="sentences for the language model, one a line; may be .xz")
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--data", type=Path, help="folder that holds librispeech-mini")
    parser.add_argument("--only-speech", action="store_true", help="leave out what needs a language model estimated")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    rows, summary = [], ""
    if not options.only_speech:
        text = sentences_of(options.text)
        words, lm = language(text[:-1000])
        known = set(words)
        said = [s for s in text[-1000:] if 8 <= len(s) <= 30 and known.issuperset(s)][: options.sentences]
        summary = f"{len(words):,} words, {sum(lm.counts):,} n-grams, {len(said)} sentences"
        print(summary)
        rows = [*phone_rows(words, lm, said), *letter_rows(words, lm, said)]
    rows += speech_rows(options.data)
    print(table(rows))
    if options.json:
        machine = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
        kept = [{k: None if v != v else v for k, v in asdict(row).items()} for row in rows]
        report = {"name": "decoder", "machine": machine, "table": kept, "summary": summary}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
