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
import json
import math
import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np

from decoder_jobs.language import language, sentences_of
from decoder_jobs.read_speech import speech_rows
from decoder_jobs.searches import letter_rows, phone_rows
from decoder_jobs.timing import Row


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
