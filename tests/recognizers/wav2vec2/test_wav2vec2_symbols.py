"""What the columns of the logits write: read as transformers' tokenizers read them."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from otoscope.core import BadInput
from otoscope.recognizers.wav2vec2.symbols import Symbols, symbols_of

LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"etaonihs", "'", ".", "?", "m", "v", "r"]


def tokenizer_of(folder, letters, **said):
    from transformers import AutoTokenizer

    (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(letters)}))
    standard = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    standard |= {"tokenizer_class": "Wav2Vec2CTCTokenizer", "word_delimiter_token": "|"}
    (folder / "tokenizer_config.json").write_text(json.dumps(standard | said))
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"clean_up_tokenization_spaces": True},
        {"do_lower_case": True},
        {"tokenizer_class": "Wav2Vec2PhonemeCTCTokenizer", "word_delimiter_token": None},
        {"tokenizer_class": "Wav2Vec2PhonemeCTCTokenizer", "word_delimiter_token": "|"},
    ],
)
def test_labels_are_read_as_the_tokenizer_reads_them(tmp_path, said):
    letters = [letter.upper() for letter in LETTERS] if said.get("do_lower_case") else LETTERS
    letters = [*LETTERS[:5], *letters[5:]]
    tokenizer = tokenizer_of(tmp_path, letters, **said)
    symbols = symbols_of(tokenizer, len(letters))
    assert symbols.phones == ("tokenizer_class" in said)
    rng = np.random.default_rng(0)
    weights = np.where(np.isin(letters, ("|", "'", ".")), 4.0, 1.0)
    for _ in range(400):
        ids = rng.choice(len(letters), rng.integers(1, 25), p=weights / weights.sum()).tolist()
        labels = [label for label, _ in itertools.groupby(ids) if label != symbols.blank]
        words, spans = symbols.read(labels)
        assert list(words) == tokenizer.decode(ids).split()
        if not said.get("clean_up_tokenization_spaces"):
            assert [symbols.words(labels[a:b])[0] for a, b in spans] == list(words)
        assert all(a < b for a, b in spans)
        assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))


def test_words_are_spelled_in_the_case_of_the_checkpoint():
    upper = Symbols(("<pad>", "|", "A", "B", "'"), gap=1, special=frozenset({0}))
    assert upper.encode(("ab", "Ba'")) == (2, 3, 1, 3, 2, 4)
    assert upper.spans(("ab", "Ba'")) == ((0, 2), (3, 6))
    both = Symbols(("<pad>", "a", "A"))
    assert (both.encode_word("a"), both.encode_word("A"), both.encode_word("aA")) == ((1,), (2,), (1, 2))
    with pytest.raises(BadInput, match="cannot write the word 'c'; it writes ' A B"):
        upper.encode_word("c")


def test_longer_units_come_before_letters():
    symbols = Symbols(("<pad>", "s", "h", "sh"))
    assert symbols.encode_word("shhs") == (3, 2, 1)
    phones = Symbols(("<pad>", "s", "h", "sh"), phones=True)
    assert phones.encode(("sh", "s")) == (3, 1)
    assert phones.words((3, 1)) == ("sh", "s")
    with pytest.raises(BadInput, match="cannot write the phone 'shs'"):
        phones.encode_word("shs")


def test_language_models_see_lower_case_and_a_space():
    upper = Symbols(("A", "<s>", "|", "<pad>", "B"), blank=3, gap=2, special=frozenset({1, 3}))
    assert upper.tokens.units == ("a", "<s>", " ", "b")
    assert [upper.names[i] for i in upper.order] == ["<pad>", "A", "<s>", "|", "B"]
    assert Symbols(("<pad>", "a", "A")).tokens.units == ("a", "A")
    assert Symbols(("<pad>", "x", "x")).tokens.units == ("x", "x#1")


def test_a_tokenizer_without_a_blank_is_refused(tmp_path):
    tokenizer = tokenizer_of(tmp_path, LETTERS)
    tokenizer.pad_token = None
    with pytest.raises(BadInput, match="no padding token"):
        symbols_of(tokenizer, len(LETTERS))
    assert Symbols(("a", "b")).special == {0}
    with pytest.raises(BadInput, match="column 2 of 2"):
        Symbols(("a", "b"), blank=2)
