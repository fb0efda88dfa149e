"""ARPA files: what kenlm reads as we do, what breaks the format, and the automaton made of it."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from otoscope.core import BadFormat, BadInput
from otoscope.lexicon.ngram import BackoffAutomaton, NGramModel, read_arpa, write_arpa

LINES = r"""
\data\
ngram 1=6
ngram 2=6
ngram 3=3

\1-grams:
-1.2	<unk>
-99	<s>	-0.5
-0.9	</s>
-0.6	one	-0.3
-0.7	two	-0.2
-1.1	three	-0.1

\2-grams:
-0.2	<s> one	-0.4
-0.8	<s> two
-0.3	one two	-0.25
-0.5	two three	-0.15
-0.4	three </s>
-0.7	two two	-0.05

\3-grams:
-0.1	<s> one two
-0.15	one two three
-0.35	two two two

\end\
""".lstrip().splitlines()
"""`one two three` has no suffix problem; `two two two` can be walked for ever."""

SENTENCES = ["one two three", "two", "three three three", "two two two two", "", "one two two three one", "one four"]


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    return written(tmp_path, LINES)


def written(folder: Path, lines: list[str]) -> Path:
    path = folder / "lm.arpa"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def walk(automaton: BackoffAutomaton, words: list[str], state: int) -> float:
    """What a decoder does, in plain Python."""
    total = 0.0
    for word in [*words, "</s>"]:
        wanted = automaton.words.index(word) if word in automaton.words else automaton.unknown_word
        while True:
            arcs = slice(automaton.arc_start[state], automaton.arc_start[state + 1])
            place = np.searchsorted(automaton.arc_word[arcs], wanted)
            if place < arcs.stop - arcs.start and automaton.arc_word[arcs][place] == wanted:
                total += automaton.arc_log_prob[arcs][place]
                state = automaton.arc_next[arcs][place]
                break
            total += automaton.backoff_log[state]
            state = automaton.backoff_state[state]
            assert state >= 0
    return total


def test_log_probability_by_hand(arpa: Path) -> None:
    model = read_arpa(arpa)
    assert model.order == 3
    assert model.counts == (6, 6, 3)
    # <s> one two | one two three | two three </s>: backs off to three </s>
    assert model.log_prob(["one", "two", "three"]) == pytest.approx(
        (-0.2 - 0.1 - 0.15 - 0.15 - 0.4) * math.log(10), rel=1e-6
    )
    # without marks: one, one two
    assert model.log_prob(["one", "two"], bos=False, eos=False) == pytest.approx(-0.9 * math.log(10), rel=1e-6)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_same_as_kenlm(arpa: Path, sentence: str) -> None:
    kenlm = pytest.importorskip("kenlm")
    peer = kenlm.Model(str(arpa))
    ours = read_arpa(arpa)
    assert ours.log_prob(sentence.split()) == pytest.approx(peer.score(sentence) * math.log(10), rel=1e-5)
    assert ours.log_prob(sentence.split(), bos=False, eos=False) == pytest.approx(
        peer.score(sentence, bos=False, eos=False) * math.log(10), rel=1e-5
    )
    assert ours.perplexity([sentence]) == pytest.approx(peer.perplexity(sentence), rel=1e-4)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_automaton_scores_as_the_model(arpa: Path, sentence: str) -> None:
    model = read_arpa(arpa)
    automaton = model.automaton()
    assert walk(automaton, sentence.split(), automaton.start) == pytest.approx(model.log_prob(sentence.split()))
    assert walk(automaton, sentence.split(), 0) == pytest.approx(model.log_prob(sentence.split(), bos=False))


def test_the_automaton_keeps_its_promises(arpa: Path) -> None:
    automaton = read_arpa(arpa).automaton()
    assert "<s>" not in automaton.words
    assert automaton.words[automaton.end_word] == "</s>"
    assert automaton.words[automaton.unknown_word] == "<unk>"
    assert automaton.backoff_state[0] == -1
    assert (automaton.backoff_state[1:] < np.arange(1, automaton.backoff_state.size)).all()
    for start, end in zip(automaton.arc_start, automaton.arc_start[1:], strict=False):
        assert (np.diff(automaton.arc_word[start:end]) > 0).all()
    assert automaton.arc_start[1] == len(automaton.words)
    assert automaton.arc_start[-1] == automaton.arc_word.size == automaton.arc_next.size
    kinds = {"arc_start": "int64", "arc_word": "int32", "arc_log_prob": "float32", "arc_next": "int32"}
    kinds |= {"backoff_state": "int32", "backoff_log": "float32"}
    assert {name: str(getattr(automaton, name).dtype) for name in kinds} == kinds


def test_a_history_whose_suffix_is_not_listed(tmp_path: Path) -> None:
    """A pruned model may list `a b c` without `b c`: the history after it is then `c`."""
    lines = [r"\data\ ".strip(), "ngram 1=5", "ngram 2=2", "ngram 3=1", r"\1-grams:", "-9 <s> -0.1", "-0.5 </s>"]
    lines += ["-0.6 a -0.2", "-0.7 b -0.3", "-0.8 c -0.4", r"\2-grams:", "-0.1 a b -0.5", "-0.2 c a -0.6"]
    lines += [r"\3-grams:", "-0.05 a b c", r"\end" + "\\"]
    model = read_arpa(written(tmp_path, lines))
    expected, ln10 = -0.6 - 0.1 - 0.05 - 0.2, math.log(10)
    words = ["a", "b", "c", "a"]
    assert model.log_prob(words, bos=False, eos=False) == pytest.approx(expected * ln10, rel=1e-6)
    automaton = model.automaton()
    assert walk(automaton, words, 0) == pytest.approx((expected - 0.6 - 0.2 - 0.5) * ln10, rel=1e-6)


def test_unknown_words_without_unk_cost_what_kenlm_says(tmp_path: Path) -> None:
    kept = [line for line in LINES if "<unk>" not in line]
    path = written(tmp_path, ["ngram 1=5" if line == "ngram 1=6" else line for line in kept])
    model = read_arpa(path)
    assert model.automaton().unknown_word == -1
    kenlm = pytest.importorskip("kenlm")
    expected = kenlm.Model(str(path)).score("one four two") * math.log(10)
    assert model.log_prob(["one", "four", "two"]) == pytest.approx(expected, rel=1e-6)


def test_what_stands_before_the_data_is_passed_over(tmp_path: Path, arpa: Path) -> None:
    model = read_arpa(arpa)
    assert read_arpa(written(tmp_path, ["a heading", "", *LINES])) == model


@pytest.mark.parametrize("name", ["lm.arpa", "lm.arpa.gz", "lm.arpa.xz"])
def test_round_trip(arpa: Path, tmp_path: Path, name: str) -> None:
    model = read_arpa(arpa)
    write_arpa(model, tmp_path / name)
    again = read_arpa(tmp_path / name)
    assert again.words == model.words
    assert np.array_equal(again.parent, model.parent)
    assert np.array_equal(again.word, model.word)
    assert np.allclose(again.log_probs, model.log_probs, rtol=1e-6)
    assert np.allclose(again.backoffs, model.backoffs, rtol=1e-6)


def changed(old: str, new: str | None) -> list[str]:
    assert old in LINES
    return [line for line in (new if line == old else line for line in LINES) if line is not None]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (changed("ngram 2=6", "ngram 2=7"), r"lm.arpa:22: \\3-grams: comes too early: there are fewer 2-grams"),
        (changed("ngram 2=6", "ngram 2=5"), r"lm.arpa:20: expected \\3-grams:, got"),
        (changed("ngram 2=6", "ngram 3=6"), "lm.arpa:3: expected 'ngram 2='"),
        (changed("-0.6	one	-0.3", "x	one	-0.3"), "lm.arpa:10: expected numbers"),
        (changed("-0.6	one	-0.3", "nan	one	-0.3"), "lm.arpa:10: a log10 probability"),
        (changed("-0.6	one	-0.3", "0.6	one	-0.3"), "lm.arpa:10: a log10 probability"),
        (changed("-0.6	one	-0.3", "-0.6	two	-0.3"), "lm.arpa:11: the unigram 'two' stands twice"),
        (changed("-0.6	one	-0.3", "-0.6"), "lm.arpa:10: expected"),
        (
            changed("-0.3	one two	-0.25", "-0.3	one four	-0.25"),
            "lm.arpa:17: 'four' is not among the unigrams",
        ),
        (changed("-0.15	one two three", "-0.15	three two one"), "lm.arpa:24: the 3-gram 'three two one' needs"),
        (
            changed("-0.15	one two three", "-0.15	<s> one two"),
            "lm.arpa:24: the 3-gram '<s> one two' stands twice",
        ),
        (changed("-0.15	one two three", "-0.15	one two three	-0.5"), "lm.arpa:24: expected a log-probability"),
        (changed("-0.9	</s>", "-0.9	four"), "does not list </s>"),
        (LINES[:12], "lm.arpa:12: the file ends before"),
        (["not", "an arpa file"], "the file ends before"),
        ([], "the file ends before"),
    ],
)
def test_broken_files_are_named_with_their_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(BadFormat, match=message):
        read_arpa(written(tmp_path, lines))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read"):
        read_arpa(tmp_path / "none.arpa")
    packed = tmp_path / "lm.arpa.gz"
    packed.write_bytes(gzip.compress("\n".join(LINES).encode())[:-20])
    with pytest.raises(BadFormat, match="unreadable after line"):
        read_arpa(packed)
    plain = tmp_path / "lm.arpa"
    plain.write_bytes(b"\\data\\\n\xff\xfe\n")
    with pytest.raises(BadFormat, match="unreadable"):
        read_arpa(plain)


def test_a_model_checks_its_parts() -> None:
    parts = [np.array([0, 1, 3]), np.array([-1, 0, 0]), np.array([-1, 0, 1]), np.zeros(3), np.zeros(3)]
    assert NGramModel(("</s>", "<s>"), *parts).order == 1
    with pytest.raises(BadInput, match="<s> as the last"):
        NGramModel(("<s>", "</s>"), *parts)
    with pytest.raises(BadInput, match="unigrams"):
        NGramModel(("a", "</s>", "<s>"), *parts)
