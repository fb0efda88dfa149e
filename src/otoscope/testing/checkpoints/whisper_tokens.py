"""Whisper's tokenizer in small: real byte pairs learnt here, and every special token in the published order.

After the byte pairs come end of text, start of transcript, the languages, the tasks, and 1,501 times from 0.00 to
30.00 s (Radford et al. 2023, section 2.3 and figure 1).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.core import BadInput
from otoscope.testing.checkpoints.texts import TEXTS

if TYPE_CHECKING:
    from transformers import WhisperTokenizer

N_TIMES = 1501
N_PUBLISHED = {True: 50257, False: 50256}
"""Tokens before end of text in the published multilingual and English-only vocabularies."""

EMPTY = 50256
BLANK = 220
"""Token of the blank alone, in the order of GPT-2's bytes."""

_PAIRS = "<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪"
SYMBOLS = (*'"#()*+/:;<=>@[\\]^_`{|}~「」『』', *_PAIRS.split())
"""What a transcript of speech seldom holds; after `Tokenizer.non_speech_tokens` of openai/whisper."""

MUSIC = ("♩", "♪", "♫", "♬", "♭", "♮", "♯")


@dataclass(frozen=True)
class WhisperVocabulary:
    """Byte pairs, and where the special tokens lie after them.

    Parameters
    ----------
    multilingual
        The English-only models have the tokens of the languages too, but never use them.
    n_languages
        99, or 100 with Cantonese (large-v3).
    n_merges
        Byte pairs to learn, fewer where the texts hold fewer.
    published_size
        Fill up to as many tokens as published, with words that no merge makes.
    """

    multilingual: bool = True
    n_languages: int = 99
    n_merges: int = 400
    published_size: bool = False

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Codes in the published order."""
        from transformers.models.whisper.tokenization_whisper import LANGUAGES

        if self.n_languages not in (99, 100):
            raise BadInput(f"Whisper knows 99 languages, or 100 with Cantonese, not {self.n_languages}")
        return tuple(LANGUAGES)[: self.n_languages]

    @cached_property
    def base(self) -> tuple[dict[str, int], tuple[tuple[str, str], ...]]:
        """Byte-level byte pairs: token → id, and the merges."""
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        learner = Tokenizer(models.BPE())
        learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=256 + self.n_merges, initial_alphabet=alphabet, show_progress=False, min_frequency=1
        )
        learner.train_from_iterator(TEXTS, trainer)
        learnt = json.loads(learner.to_str())["model"]
        vocabulary: dict[str, int] = learnt["vocab"]
        if [token for token, _ in sorted(vocabulary.items(), key=lambda pair: pair[1])][:256] != alphabet:
            raise AssertionError("bytes do not come first, in GPT-2's order")
        if self.published_size:
            for number in range(len(vocabulary), N_PUBLISHED[self.multilingual]):
                vocabulary[f"Ġw{number}"] = number
            if self.multilingual:  # the published one has an empty token there, which CTranslate2 tells it by
                vocabulary = {token: number for token, number in vocabulary.items() if number != EMPTY} | {"": EMPTY}
        return vocabulary, tuple((first, second) for first, second in learnt["merges"])

    @cached_property
    def specials(self) -> tuple[str, ...]:
        """Special tokens after the byte pairs, without the times."""
        unsaid = "<|nospeech|>" if self.n_languages == 100 else "<|nocaptions|>"
        return (
            "<|endoftext|>",
            "<|startoftranscript|>",
            *(f"<|{code}|>" for code in self.languages),
            *("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", unsaid, "<|notimestamps|>"),
        )

    @property
    def n_tokens(self) -> int:
        """All, with the times."""
        return len(self.base[0]) + len(self.specials) + N_TIMES

    def id(self, special: str) -> int:
        """Return the id of a special token, e.g. `<|en|>`."""
        return len(self.base[0]) + self.specials.index(special)

    def tokenizer(self) -> WhisperTokenizer:
        """Return transformers' tokenizer of it."""
        from transformers import WhisperTokenizer
        from transformers.tokenization_utils_base import AddedToken

        vocabulary, merges = self.base
        end = "<|endoftext|>"
        whole = {**vocabulary, end: len(vocabulary)}
        made = WhisperTokenizer(vocab=whole, merges=list(merges), pad_token=end, model_max_length=1024)
        made.add_special_tokens({"additional_special_tokens": list(self.specials)})
        times = [f"<|{0.02 * step:.2f}|>" for step in range(N_TIMES)]
        made.add_tokens([AddedToken(time, normalized=False, special=False) for time in times])
        made.set_prefix_tokens(
            language="english" if self.multilingual else None, task="transcribe" if self.multilingual else None
        )
        self._check(made)
        return made

    def _check(self, made: WhisperTokenizer) -> None:
        for text in TEXTS:
            if made.decode(made.encode(text, add_special_tokens=False)) != text:
                raise AssertionError(f"the tokenizer does not give back {text!r}")
        wanted = list(range(len(self.base[0]), len(self.base[0]) + len(self.specials)))
        found = made.convert_tokens_to_ids(list(self.specials))
        if found != wanted or len(made) != self.n_tokens:
            raise AssertionError("special tokens are not where they are published")
        if made.convert_tokens_to_ids(["<|0.00|>", "<|30.00|>"]) != [wanted[-1] + 1, wanted[-1] + N_TIMES]:
            raise AssertionError("times do not follow the special tokens")

    def unspoken(self, tokenizer: Any) -> list[int]:
        """Return the tokens that decoding suppresses: symbols and special ones, as published lists hold them."""
        found = {tokenizer.encode(text, add_special_tokens=False)[0] for text in (" -", " '")}
        for symbol in (*SYMBOLS, *MUSIC):
            for text in (symbol, f" {symbol}"):
                tokens = tokenizer.encode(text, add_special_tokens=False)
                if len(tokens) == 1 or symbol in MUSIC:
                    found.add(tokens[0])
        names = ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", self.specials[-2]]
        found.discard(BLANK)  # published vocabularies have tokens of their own for a blank before these symbols
        return sorted({*found, self.id("<|startoftranscript|>"), *(self.id(name) for name in names)})

    def write_older_files(self, folder: Path) -> None:
        """Write what published folders hold beside `tokenizer.json`."""
        vocabulary, merges = self.base
        added = {name: len(vocabulary) + place for place, name in enumerate(self.specials) if place}
        _write(folder / "vocab.json", {**vocabulary, "<|endoftext|>": len(vocabulary)})
        _write(folder / "added_tokens.json", added)
        _write(folder / "normalizer.json", {"colour": "color", "recogniser": "recognizer"})
        lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
        (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
