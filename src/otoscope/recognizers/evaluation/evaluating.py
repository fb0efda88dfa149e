"""Evaluate one recogniser on a corpus: utterances through it, answers kept as they come, one result out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np

from otoscope.core import BadInput, Recognizer
from otoscope.core.protocols import Progress
from otoscope.corpora.reading import read_corpus
from otoscope.corpora.utterance import Utterance
from otoscope.metrics.latency import Latency
from otoscope.recognizers.evaluation.crew import Crew, crew_of
from otoscope.recognizers.evaluation.entrant import Entrant, entrant_of
from otoscope.recognizers.evaluation.hearing import Delays, Heard
from otoscope.recognizers.evaluation.judged import Judged
from otoscope.recognizers.evaluation.measurements import Cost
from otoscope.recognizers.evaluation.result import Evaluation
from otoscope.recognizers.evaluation.store import Store, key_of
from otoscope.recognizers.evaluation.texts import reference_words
from otoscope.signal.conditions import Condition

N_STREAMED = 20
"""How many utterances are streamed to measure latency."""

Corpus = str | os.PathLike[str] | Sequence[Utterance]


def evaluate(
    recognizer: Recognizer | Entrant | str | os.PathLike[str],
    corpus: Corpus,
    *,
    split: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    processes: int | None = None,
    condition: Condition | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Return how well a recogniser does on a corpus: errors, time, memory, delays.

    Parameters
    ----------
    recognizer
        A name or folder, `NAME{"parameter": value}`, an `Entrant`, or an open recogniser, which works in this
        process alone.
    corpus
        A corpus folder, or utterances.
    split
        Only this split of it; by default all.
    limit
        At most so many utterances, drawn at random from `seed`.
    seed
        Of that choice and of the bootstrap.
    processes
        How many hear at the same time, each with one thread; one by default. What is heard
        does not depend on it.
    condition
        What is done to the sound first; nothing by default.
    out
        Folder in which every answer is kept as it comes; the same call goes on from there.
    progress
        Called with (utterances done, all utterances).

    Raises
    ------
    BadInput
        No such corpus or split, a text that is no transcript, or nothing was said in any utterance.
    OtoscopeError
        The recogniser cannot be opened, or a process died.

    Notes
    -----
    Both sides are normalised alike (`otoscope.recognizers.evaluation.texts`). What the recogniser refuses counts as
    heard empty. Latency is measured afterwards, on the first 20 utterances, where the recogniser streams.
    """
    entrant, condition = entrant_of(recognizer), condition or Condition()
    utterances, n_available = chosen(corpus, split=split, limit=limit, seed=seed)
    said = [reference_words(utterance.text) for utterance in utterances]
    if not any(said):
        raise BadInput(f"none of the {len(utterances)} utterances has a word in its text")
    crew = crew_of(entrant, utterances[0], processes)
    try:
        with Store(None if out is None else Path(out)) as store:
            heard, cost = _heard(crew, utterances, condition, store, progress)
            latency = _latency(crew, utterances[:N_STREAMED], condition, store)
    finally:
        crew.close()
    judged = tuple(Judged(*row) for row in zip(utterances, said, heard, strict=True))
    return Evaluation(
        name=entrant.label if isinstance(entrant, Entrant) else crew.ready.name,
        provenance=crew.ready.provenance,
        corpus=name_of(corpus),
        split=split or "all",
        judged=judged,
        cost=replace(cost, n_threads=1 if isinstance(entrant, Entrant) else 0),
        latency=latency,
        condition=condition,
        seed=seed,
        n_available=n_available,
    )


def chosen(corpus: Corpus, *, split: str | None, limit: int | None, seed: int) -> tuple[tuple[Utterance, ...], int]:
    """Return the utterances to hear, in the order of the corpus, and how many there were to choose from.

    Raises
    ------
    BadInput
        No such corpus or split, no utterances, or a limit below 1.
    """
    if isinstance(corpus, str | os.PathLike):
        utterances = read_corpus(corpus, split=split)
    else:
        utterances = tuple(u for u in corpus if split is None or u.split == split)
    if not utterances:
        raise BadInput("the corpus has no utterances" + (f" of split {split!r}" if split else ""))
    if limit is None or limit >= len(utterances):
        return utterances, len(utterances)
    if limit < 1:
        raise BadInput(f"limit must be 1 or more, got {limit}")
    drawn = np.random.default_rng(seed).permutation(len(utterances))[:limit]
    return tuple(utterances[i] for i in sorted(drawn.tolist())), len(utterances)


def name_of(corpus: Corpus) -> str:
    """Return the name of a corpus: its folder's."""
    return PurePath(os.path.abspath(corpus)).name if isinstance(corpus, str | os.PathLike) else "utterances"


def _heard(
    crew: Crew, utterances: Sequence[Utterance], condition: Condition, store: Store, progress: Progress | None
) -> tuple[list[Heard], Cost]:
    """Return what was heard in every utterance, from the store where it is there, and what it cost in all."""
    keys = [key_of("hear", crew.ready.provenance, utterance, condition) for utterance in utterances]
    _fill(crew, "hear", list(zip(keys, utterances, strict=True)), condition, store, progress)
    heard = [Heard.of_json(store.get(key)) for key in keys]
    memory, audio_s = crew.memory(), sum(one.duration_s for one in heard)
    cpu_s = sum(one.cpu_s for one in heard)
    peaks_mb = memory.needed_mb, memory.sum_mb
    cost = Cost(crew.ready.load_s, store.wall_s(keys), cpu_s, audio_s, crew.n_processes, 1, *peaks_mb)
    return heard, cost


def _latency(crew: Crew, utterances: Sequence[Utterance], condition: Condition, store: Store) -> Latency | None:
    if not crew.ready.streams:
        return None
    keys = [key_of("delays", crew.ready.provenance, utterance, condition) for utterance in utterances]
    _fill(crew, "delays", list(zip(keys, utterances, strict=True)), condition, store, None)
    answers = [store.get(key) for key in keys]
    delays, signal_delays = (
        np.array([delay for answer in answers for delay in answer[name]]) for name in ("delays_s", "signal_delays_s")
    )
    return Latency(delays, signal_delays, len(utterances))


def _fill(
    crew: Crew,
    kind: str,
    wanted: Sequence[tuple[str, Utterance]],
    condition: Condition,
    store: Store,
    progress: Progress | None,
) -> None:
    """Have the crew answer what the store does not know yet."""
    missing = [(key, utterance) for key, utterance in wanted if key not in store]
    store.start_clock()
    n_done = len(wanted) - len(missing)
    for number, answer in crew.work([(kind, utterance, condition) for _, utterance in missing]):
        values = answer.as_json() if isinstance(answer, Heard) else _delays(answer)
        store.put(missing[number][0], values)
        n_done += 1
        if progress is not None:
            progress(n_done, len(wanted))


def _delays(answer: Delays) -> dict[str, list[float]]:
    return {"delays_s": list(answer.delays_s), "signal_delays_s": list(answer.signal_delays_s)}
