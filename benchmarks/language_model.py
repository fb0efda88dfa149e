"""Ours and kenlm's on the same ARPA file: the same perplexity, and the time of reading and of scoring.

Usage: python benchmarks/language_model.py MODEL.arpa TEXT
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import kenlm
import numpy as np

from otoscope.lexicon.ngram import read_arpa


def timed(job: Callable[[], object]) -> tuple[object, float]:
    began = time.perf_counter()
    result = job()
    return result, time.perf_counter() - began


def kenlm_perplexity(model: kenlm.Model, lines: list[str]) -> float:
    n_tokens = sum(len(line.split()) + 1 for line in lines)
    return float(10 ** (-sum(model.score(line) for line in lines) / n_tokens))


def main() -> None:
    arpa, text = sys.argv[1], Path(sys.argv[2])
    lines = [line for line in text.read_text(encoding="utf-8").splitlines() if line.strip()]
    ours, our_read = timed(lambda: read_arpa(arpa))
    peer, peer_read = timed(lambda: kenlm.Model(arpa))
    ours.perplexity(lines[:1])  # compiles
    our_times, peer_times = [], []
    for _ in range(5):
        mine, seconds = timed(lambda: ours.perplexity(lines))
        our_times.append(seconds)
        theirs, seconds = timed(lambda: kenlm_perplexity(peer, lines))
        peer_times.append(seconds)
    mine_s, theirs_s = float(np.median(our_times)), float(np.median(peer_times))
    print(f"perplexity: ours {mine:.4f}, kenlm {theirs:.4f}, relative difference {abs(mine / theirs - 1):.1e}")
    print(f"reading: ours {our_read:.2f} s, kenlm {peer_read:.2f} s, ratio {our_read / peer_read:.1f}")
    print(f"scoring {len(lines)} lines: ours {mine_s:.4f} s, kenlm {theirs_s:.4f} s, ratio {mine_s / theirs_s:.2f}")


if __name__ == "__main__":
    main()
