"""Lines of ARPA files read many at once give what they give one at a time, whatever they look like."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest

from otoscope.lexicon.ngram import arpa, arpa_lines, read_arpa
from otoscope.lexicon.ngram.arpa_lines import Lines, Vocabulary, _number

WORDS = ["a", "b", "été", "längste", "x" * 40, "<unk>", "</s>", "1.5"]


def model_lines(seed: int) -> list[str]:
    """Return bigrams of all sorts of plain and odd writing."""
    rng = random.Random(seed)
    pairs = [(v, w) for v in WORDS for w in WORDS if rng.random() < 0.6]
    ends = ["", "\t-0.25", " -1e-2", "\t0", "  ", "\t-.5", "\t-1_0", "\t-3.000000000000000000001"]
    grams = [f"{-9 * rng.random():.{rng.randrange(1, 18)}g}\t{v} {w}{rng.choice(ends)}" for v, w in pairs]
    blank = [line for gram in grams for line in ([gram, ""] if rng.random() < 0.2 else [gram])]
    heads = ["\\data\\", f"ngram 1={len(WORDS)}", f"ngram 2={len(pairs)}", "ngram 3=1", "\\1-grams:"]
    first = " ".join(pairs[0])
    return [*heads, *(f"-1.5\t{word}\t-0.3" for word in WORDS), "", "\\2-grams:", *blank, "\\3-grams:",
            f"-0.5 {first} a", "\\end\\"]  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("block", [40, 300, 1 << 24])
def test_many_at_once_are_what_one_at_a_time_are(tmp_path: Path, monkeypatch, block: int, end: str) -> None:
    path = tmp_path / "lm.arpa"
    for seed in range(4):
        path.write_bytes(end.join([*model_lines(seed), ""]).encode())
        monkeypatch.setattr(arpa_lines, "BLOCK", block)
        found = read_arpa(path)
        with monkeypatch.context() as alone:
            alone.setattr(Lines, "n_grams", lambda *_, **__: 0)
            expected = read_arpa(path)
        assert found == expected
        assert found.counts[1] == int(model_lines(seed)[2].split("=")[1])


def test_most_lines_are_read_at_once(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "lm.arpa"
    path.write_text("\n".join(model_lines(0)) + "\n", encoding="utf-8")
    odd = []
    monkeypatch.setattr(arpa, "_fields", lambda *given: (odd.append(given[0].number), fields(*given))[1])
    n = sum(read_arpa(path).counts[1:])
    assert len(odd) - len(WORDS) < n / 2


fields = arpa._fields


@pytest.mark.parametrize("text", ["-2.526816", "0", "-99", "1e-05", "-1E+2", "123456789012345e-22", "+.5", "7.", "-0"])
def test_numbers_are_those_of_python(text: str) -> None:
    data = np.frombuffer(f" {text} ".encode(), np.uint8)
    found = _number(data, 1, len(text) + 1)
    assert found == float(text)
    assert math.copysign(1, found) == math.copysign(1, float(text))


@pytest.mark.parametrize("text", ["", "-", ".", "1e", "1e-", "nan", "inf", "1_0", "1.2.3", "1e99", "1" * 16, "--1"])
def test_numbers_out_of_the_ordinary_are_left_to_python(text: str) -> None:
    data = np.frombuffer(f" {text} ".encode(), np.uint8)
    assert math.isnan(_number(data, 1, len(text) + 1))


def test_random_numbers_are_those_of_python() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        text = f"{rng.uniform(-1, 1) * 10 ** rng.randrange(-8, 3):.{rng.randrange(1, 15)}{rng.choice('efg')}}"
        found = _number(np.frombuffer(text.encode(), np.uint8), 0, len(text))
        assert math.isnan(found) or found == float(text), text


def test_a_vocabulary_finds_its_words_and_no_others() -> None:
    words = [f"w{k}" for k in range(500)] + WORDS
    vocabulary = Vocabulary.of(words)
    for expected, word in [*enumerate(words), (-1, "w500"), (-1, "w"), (-1, "ét")]:
        data = np.frombuffer(word.encode(), np.uint8)
        assert arpa_lines._find(data, 0, data.size, *vocabulary) == expected
