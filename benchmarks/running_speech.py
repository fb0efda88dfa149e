"""The listener on running speech: word errors, decisions, how often probabilities are right, time and memory.

    python benchmarks/running_speech.py --corpus FOLDER [--split valid] [--n N] [--context-model FILE]
        [--jobs words criteria calibration bins times memory] [--seconds 60 600] [--json FILE]

A table is printed as JSON, or written to FILE; with several jobs each row says which it is of.

words: each utterance by frequency alone, and with `--context-model` in the context that an n-gram model makes; word
errors with homophones counted as one, since nobody can hear them apart, and as they are spelled most often.
criteria: when a word has won, by lead and hold, and the pair that the rule takes (`running_jobs/criteria.py`).
calibration, bins: decided words, right as often as they say? Fitted on some speakers, judged on others.
times: processor time of one thread in relation to the sound, each part by itself.
memory: utterances one after the other until `--seconds`, by the chunk of 0.1 s as they would come from a microphone, in
the pieces that `otoscope listen` makes of a long recording, and as one recording with all rivals; each in a process of
its own, peak resident memory beside that of the listener before it hears anything.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import json
import platform
from pathlib import Path
from typing import Any

from otoscope.lexicon.ngram.files import read_model
from otoscope.listener.listening import WordListener
from running_jobs.calibration import bins, calibration
from running_jobs.costs import memory, times
from running_jobs.criteria import criteria
from running_jobs.words import words

JOBS = {
    "words": words,
    "criteria": criteria,
    "calibration": calibration,
    "bins": bins,
    "times": times,
    "memory": memory,
}


def result(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what is printed: who ran, on what, and the table."""
    context = None if arguments.context_model is None else read_model(arguments.context_model)
    listener = WordListener()
    table = []
    for job in arguments.jobs:
        named = {} if len(arguments.jobs) == 1 else {"job": job}
        table += [{**named, **row} for row in JOBS[job](arguments, listener, context)]
    return {
        "name": "running speech",
        "machine": {"python": platform.python_version(), "machine": platform.machine(), "threads": 1},
        "provenance": {"split": arguments.split, "context_model": arguments.context_model is not None},
        "table": table,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--split", default="valid")
    parser.add_argument("--n", type=int, default=None, help="utterances; all by default")
    parser.add_argument("--context-model", type=Path)
    parser.add_argument("--seconds", type=float, nargs="*", default=[60.0, 600.0])
    parser.add_argument("--jobs", nargs="*", choices=JOBS, default=list(JOBS))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    text = json.dumps(result(arguments), indent=1) + "\n"
    if arguments.json is None:
        print(text, end="")
    else:
        arguments.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
