"""Time of each part of running speech, and memory of long recordings."""

from __future__ import annotations

import argparse
import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.core import Recording
from otoscope.corpora import read_corpus
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.listener.listening import WordListener
from otoscope.listener.running import RunningListening
from otoscope.listener.running_speech import hear_running
from otoscope.listener.running_stream import RunningStream
from otoscope.listener.slots import slots_of
from otoscope.listener.word_graph import best_in_context

CHUNK = 1600
"""Samples of 0.1 s at 16 kHz."""


def times(arguments: argparse.Namespace, listener: WordListener, context: NGramModel | None) -> list[dict[str, Any]]:
    """Return the time of each part in relation to the sound, the fastest of three."""
    sound = joined(arguments, 20)
    evidence, settings = listener.evidence(sound), listener.settings
    tree = listener.tree(evidence.models)

    def hear() -> RunningListening:
        listening = RunningListening(
            tree, frequency_weight=settings.running_weight, acoustic_scale=settings.running_scale
        )
        listening.feed(evidence.scores)
        return listening

    heard = hear()
    graph, silent, sequence = heard.graph(), heard.silent(), heard.sequence()
    parts: dict[str, Any] = {
        "all words compete": hear,
        "graph of words": heard.graph,
        "rivals for each place": lambda: slots_of(heard, sequence),
        "whole percept": lambda: hear_running(listener, evidence),
    }
    if context is not None:
        weight = settings.context_weight
        parts["best way in context"] = lambda: best_in_context(graph, silent, listener.lexicon, context, weight=weight)
    return [
        {"part": name, "x_real_time": round(min(_seconds(part) for _ in range(3)) / sound.duration_s, 4)}
        for name, part in parts.items()
    ]


def memory(arguments: argparse.Namespace, listener: WordListener, context: NGramModel | None) -> list[dict[str, Any]]:
    """Return time and memory of long recordings, each heard in a process of its own; by frequency alone."""
    rows = []
    for seconds in arguments.seconds:
        for how in ("in chunks", "in pieces", "as one recording"):
            here, there = multiprocessing.Pipe(duplex=False)
            process = multiprocessing.get_context("spawn").Process(target=weigh, args=(arguments, how, seconds, there))
            process.start()
            there.close()
            rows.append(here.recv())
            process.join()
    return rows


def weigh(arguments: argparse.Namespace, how: str, seconds: float, sent: Connection) -> None:
    """Send megabytes and time of hearing a long recording, in this process."""
    sound, listener = joined(arguments, seconds), WordListener()
    listener.tree(listener.ears.card)
    RunningStream(listener).feed(sound.samples[:CHUNK])
    hear_running(listener, listener.evidence(sound.cut(0, 2)))  # compiled code is loaded
    opened, before = _peak_mb(), time.process_time()
    n, told = WAYS[how](sound, listener)
    took = time.process_time() - before
    sent.send({"how": how, "seconds": seconds, "n_words": n, "x_real_time": round(took / seconds, 4),
               "opened_mb": round(opened), "more_mb": round(_peak_mb() - opened), **told})  # fmt: skip


def _in_chunks(sound: Recording, listener: WordListener) -> tuple[int, dict[str, float]]:
    stream, waits, n = RunningStream(listener), [], 0
    for k in range(0, sound.n_samples, CHUNK):
        new = stream.feed(sound.samples[k : k + CHUNK])
        waits += [stream.heard_s - word.end_s for word in new]
        n += len(new)
    told = {"certain_after_s": float(np.median(waits)), "certain_after_s_95": float(np.quantile(waits, 0.95))}
    return n + len(stream.finish()), {name: round(value, 3) for name, value in told.items()}


def _in_pieces(sound: Recording, listener: WordListener) -> tuple[int, dict[str, float]]:
    from otoscope.listener.running_pieces import pieces_of

    return sum(len(piece.speech.slots) for piece in pieces_of(listener, sound)), {}


def _whole(sound: Recording, listener: WordListener) -> tuple[int, dict[str, float]]:
    return len(hear_running(listener, listener.evidence(sound)).slots), {}


WAYS = {"in chunks": _in_chunks, "in pieces": _in_pieces, "as one recording": _whole}


def joined(arguments: argparse.Namespace, seconds: float) -> Recording:
    """Return utterances one after the other, again from the first if they are too few, cut to a length."""
    sounds = [utterance.recording() for utterance in read_corpus(arguments.corpus, split=arguments.split)]
    rate_hz = sounds[0].rate_hz
    samples = np.concatenate([sound.samples for sound in sounds if sound.rate_hz == rate_hz])
    return Recording(np.resize(samples, round(seconds * rate_hz)), rate_hz)


def _seconds(part: Any) -> float:
    before = time.process_time()
    part()
    return time.process_time() - before


def _peak_mb() -> float:
    """Return this process's peak resident memory (Linux only; getrusage's would be that of the parent at least)."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
