"""Whole recognisers on read speech: otoscope-en and pocketsphinx, from samples to words."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import otoscope as oto
from decoder_jobs.timing import Row
from otoscope.core import Recording
from otoscope.corpora import read_corpus
from otoscope.corpora.sample import SAMPLE_TEXT, sample_recording
from otoscope.decoding.edit_distance import edit_distance
from otoscope.lexicon import normalize_words

N_UTTERANCES = 10


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
