"""The tree decoder on phones, and on letters beside pyctcdecode with kenlm."""

from __future__ import annotations

import importlib.util
import logging
import math
import tempfile
import time
from pathlib import Path

import numpy as np

from decoder_jobs.imagined import LETTERS, Biphones, Monophones, Spelling, spoken
from decoder_jobs.timing import Row, timed
from otoscope.decoding.tree import HmmState, PhoneModels, TreeDecoder, build_graph
from otoscope.lexicon import cmudict
from otoscope.lexicon.ngram import NGramModel, write_arpa


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
