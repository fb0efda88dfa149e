"""Masked once, explained for all: one set of masked recordings for ten words, against captum run word by word.

    python benchmarks/attribution.py [--corpus shared/data/fsdd] [--json FILE]

Both sides explain the ten digits of one utterance by sampled Shapley values: the same network (`ctc-digits`), the same
24 equal segments and fill, the same evaluations a word, the same number of recordings a batch, in one run, in turn.
captum's `ShapleyValueSampling` asks for one word at a time, so it scores its masked recordings anew for each; here the
scores of all words are read from the same masked recordings. Agreement is Spearman's correlation of the maps, mean over
words and over all pairs of runs with different seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from itertools import combinations, product
from pathlib import Path

import numpy as np

from otoscope.core import Interval, Recording, Target, Tier
from otoscope.explainers.masked_scores import MaskedScores
from otoscope.explainers.segments import frames
from otoscope.explainers.shapley import Shapley
from otoscope.metrics.agreement import spearman

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
GAP_S = 0.15
BATCH = 64
N_SEGMENTS = 24


def spoken_digits(corpus: Path | None, *, seed: int) -> tuple[Recording, Tier]:
    """Return ten digits in random order, from a corpus of single digits or from espeak-ng, and where each lies."""
    order = np.random.default_rng(seed).permutation(10)
    if corpus is None:
        from otoscope.signal.synthesis import synthesize

        made = synthesize(", ".join(DIGITS[i] for i in order))
        return made.recording, made.words
    from otoscope.corpora.manifest import read_manifest

    utterances = read_manifest(corpus, split="test")
    pieces, words, reached = [], [], 0
    for digit in order:
        one = next(u for u in utterances if u.text.strip().lower() in (str(digit), DIGITS[digit])).recording()
        gap = np.zeros(round(GAP_S * one.rate_hz), dtype=np.float32)
        begin = (reached + gap.size) / one.rate_hz
        words.append(Interval(begin, begin + one.duration_s, DIGITS[digit], origin="synthetic"))
        pieces += [gap, one.samples]
        reached += gap.size + one.n_samples
    return Recording(np.concatenate([*pieces, gap]), one.rate_hz, source=str(corpus)), Tier("words", tuple(words))


def shared(recognizer, recording, segments, targets, *, n_orders: int, seed: int):
    """Return our maps `(n_segments, n_targets)` and how many recordings were scored."""
    score = MaskedScores(recognizer, recording, segments, targets)
    method = Shapley()
    masks = method.plan(len(segments), n_masks=2 + n_orders * (len(segments) - 1), seed=seed)
    return method.estimate(masks, score(masks, fill="silence")).relevance, score.n_evaluations


def word_by_word(recognizer, recording, segments, targets, *, n_orders: int, seed: int):
    """Return captum's maps `(n_segments, n_targets)` and how many recordings were scored."""
    import torch
    from captum.attr import ShapleyValueSampling

    from otoscope.signal.masking import Masker

    masker = Masker(recording, segments, fill="silence")
    n_scored, columns = 0, []
    for target in targets:

        def forward(kept, target=target):
            nonlocal n_scored
            n_scored += len(kept)
            recordings = [masker(row > 0.5) for row in kept.numpy()]
            return torch.from_numpy(recognizer.score(recordings, [target])[:, 0])

        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 (captum draws its orders from the global generators)
        everything = torch.ones(1, len(segments), dtype=torch.float64)
        sampler = ShapleyValueSampling(forward)
        found = sampler.attribute(everything, n_samples=n_orders, perturbations_per_eval=BATCH)
        columns.append(found.numpy()[0])
    return np.column_stack(columns), n_scored


def agreement(a, b) -> float:
    """Return Spearman's correlation of two sets of maps, mean over the words."""
    return statistics.fmean(spearman(a[:, t], b[:, t]) for t in range(a.shape[1]))


def mean_agreement(pairs) -> float:
    """Return the mean of `agreement` over all pairs of runs."""
    return round(statistics.fmean(agreement(a, b) for a, b in pairs), 4)


def compare(recognizer, recording, tier: Tier, *, n_orders: int, repeats: int) -> dict[str, float | int | str]:
    """Run both sides in turn and return one row of figures."""
    words = tuple(word.label for word in tier)
    targets = [Target("word", word.label, word, index, words) for index, word in enumerate(tier)]
    segments = frames(recording, n_frames=N_SEGMENTS)
    recognizer.score([recording] * 4, targets)
    sides = {"ours": shared, "captum": word_by_word}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    maps: dict[str, list[np.ndarray]] = {name: [] for name in sides}
    scored = {}
    for seed in range(repeats):
        for name, run in sides.items():
            began = time.perf_counter()
            found, scored[name] = run(recognizer, recording, segments, targets, n_orders=n_orders, seed=seed)
            seconds[name].append(time.perf_counter() - began)
            maps[name].append(found)
    return {
        "words": len(targets),
        "segments": len(segments),
        "recording_s": round(recording.duration_s, 2),
        "orders": n_orders,
        "ours_s": round(statistics.median(seconds["ours"]), 3),
        "captum_s": round(statistics.median(seconds["captum"]), 3),
        "times_faster": round(statistics.median(seconds["captum"]) / statistics.median(seconds["ours"]), 2),
        "ours_recordings": scored["ours"],
        "captum_recordings": scored["captum"],
        "ours_with_captum": mean_agreement(product(maps["ours"], maps["captum"])),
        "captum_two_seeds": mean_agreement(combinations(maps["captum"], 2)),
        "ours_two_seeds": mean_agreement(combinations(maps["ours"], 2)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--corpus", type=Path, help="folder of single spoken digits (fsdd); espeak-ng speaks without it"
    )
    parser.add_argument("--recognizer", default="ctc-digits")
    parser.add_argument("--orders", type=int, nargs="+", default=[10, 20], help="orders sampled a word, even numbers")
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()

    from otoscope.recognizers import load

    recognizer = load(options.recognizer)
    recording, tier = spoken_digits(options.corpus, seed=0)
    rows = [compare(recognizer, recording, tier, n_orders=n, repeats=options.repeats) for n in options.orders]
    width = max(len(name) for name in rows[0])
    for name in rows[0]:
        print(f"{name:{width}s}", *(f"{row[name]!s:>12s}" for row in rows))
    if options.json is not None:
        result = {"name": "attribution", "recognizer": recognizer.name, "table": rows}
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
