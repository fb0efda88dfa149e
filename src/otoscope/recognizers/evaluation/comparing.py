"""Compare recognisers: each evaluated on the same utterances, then every pair tested."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from otoscope.core import BadInput, Recognizer
from otoscope.core.protocols import Progress
from otoscope.metrics.significance import bootstrap_difference, holm, matched_pairs
from otoscope.recognizers.evaluation.breakdown import known_speakers
from otoscope.recognizers.evaluation.comparison import Comparison
from otoscope.recognizers.evaluation.entrant import Entrant, entrant_of
from otoscope.recognizers.evaluation.evaluating import Corpus, evaluate
from otoscope.recognizers.evaluation.pairs import Pair
from otoscope.recognizers.evaluation.result import Evaluation


def compare(
    recognizers: Sequence[Recognizer | Entrant | str | os.PathLike[str]],
    corpus: Corpus,
    *,
    split: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    processes: int | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Return how several recognisers do on the same utterances, and whether their differences are more than chance.

    Parameters
    ----------
    recognizers
        Two or more; see `evaluate`, as for the other parameters.
    out
        Folder in which every answer is kept as it comes, one folder a recogniser.

    Raises
    ------
    BadInput
        Fewer than two recognisers, or as `evaluate`.
    """
    if isinstance(recognizers, str | os.PathLike) or len(recognizers) < 2:
        raise BadInput("a comparison needs two recognisers or more")
    _check_names([_label(recognizer) for recognizer in recognizers])
    evaluations = []
    for number, recognizer in enumerate(recognizers):
        evaluation = evaluate(
            recognizer,
            corpus,
            split=split,
            limit=limit,
            seed=seed,
            processes=None if isinstance(recognizer, Recognizer) else processes,
            out=None if out is None else Path(out) / folder_name(number, recognizer),
            progress=None if progress is None else _shifted(progress, number, len(recognizers)),
        )
        evaluations.append(evaluation)
    return comparison_of(evaluations)


def comparison_of(evaluations: Sequence[Evaluation]) -> Comparison:
    """Return the comparison of evaluations that were made on the same utterances.

    Raises
    ------
    BadInput
        They were made on different utterances, or two have one name and nothing tells them apart.
    """
    ids = [[one.utterance.id for one in evaluation.judged] for evaluation in evaluations]
    if any(each != ids[0] for each in ids):
        raise BadInput("a comparison needs evaluations of the same utterances")
    _check_names([evaluation.name for evaluation in evaluations])
    pairs = list(combinations(evaluations, 2))
    tests = [matched_pairs(*([one.rate.alignments[0] for one in e.judged] for e in pair)) for pair in pairs]
    corrected = holm([test.p_value for test in tests])
    groups = known_speakers(evaluations[0].judged)
    found = []
    for (a, b), test, p_corrected in zip(pairs, tests, corrected, strict=True):
        rates = ([one.rate for one in evaluation.judged] for evaluation in (a, b))
        difference = bootstrap_difference(*rates, groups=groups, seed=a.seed)
        found.append(Pair(a.name, b.name, test, p_corrected, difference))
    return Comparison(tuple(evaluations), tuple(found))


def folder_name(number: int, recognizer: Recognizer | Entrant | str | os.PathLike[str]) -> str:
    """Return a name for the folder in which the answers of one recogniser are kept."""
    return f"{number + 1}-{re.sub(r'[^A-Za-z0-9._-]+', '-', _label(recognizer))[:60].strip('-')}"


def _label(recognizer: Recognizer | Entrant | str | os.PathLike[str]) -> str:
    entrant = entrant_of(recognizer)
    return entrant.label if isinstance(entrant, Entrant) else entrant.name


def _check_names(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(
            f"two of the recognisers are called {twice!r}: give an Entrant, or save them in folders of their own"
        )


def _shifted(progress: Progress, number: int, n_all: int) -> Progress:
    """Count the utterances of all recognisers as one."""
    return lambda done, total: progress(number * total + done, n_all * total)
