"""Sentences, and the words and trigram model that come of them."""

from __future__ import annotations

import lzma
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from decoder_jobs.imagined import LETTERS
from otoscope.lexicon import cmudict
from otoscope.lexicon.ngram import NGramModel, estimate

N_WORDS, N_TOKENS = 60_000, 6_000_000


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
