"""A known text put in time, or refused: Whisper writes it under guidance, and attention tells where it looks.

Attention looks somewhere for any text at all. So the text is set beside what is heard without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from otoscope.core import Alignment, DoesNotFit, Recording
from otoscope.decoding.edit_distance import edit_distance
from otoscope.lexicon.normalization import normalize_words
from otoscope.recognizers.whisper.following import follow
from otoscope.recognizers.whisper.heads import HeadChoice
from otoscope.recognizers.whisper.network import Heard
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.parts import Parts
from otoscope.recognizers.whisper.placing import Written, placed
from otoscope.recognizers.whisper.scoring import along, prefixes_of
from otoscope.recognizers.whisper.spelling import spelled
from otoscope.recognizers.whisper.windows import hear_windows, log_mels


@dataclass(frozen=True)
class Doubts:
    """How much likelier than a text is what is heard in one window.

    Parameters
    ----------
    heard, prefixes
        The encoded window, and what the decoder is given before a text.
    found
        What is heard, without case and punctuation; both texts are compared so.
    """

    parts: Parts
    heard: Heard
    prefixes: torch.Tensor
    found: tuple[str, ...]

    @classmethod
    def about(cls, parts: Parts, options: Options, recording: Recording) -> Doubts:
        """Hear a recording of up to 30 s."""
        heard = parts.network.encode(log_mels(parts, [recording]))
        (result,) = hear_windows(parts, heard, options)
        found = () if result.skipped else _bare(parts.tokens.text(result.tokens))
        return cls(parts, heard, prefixes_of(parts, heard, options), found)

    @property
    def room(self) -> int:
        """Most tokens of a text."""
        return self.parts.network.n_context - self.prefixes.shape[1]

    def nats(self, words: Sequence[str]) -> float:
        """Return by how many nats, for each word that differs, what is heard is likelier; 0 where none differs."""
        own = _bare(" ".join(words))
        if not (n_edits := edit_distance(own, self.found)):
            return 0.0
        likelier, known = (self._log_prob(text) for text in (self.found, own))
        return (likelier - known) / n_edits

    def _log_prob(self, words: Sequence[str]) -> float:
        tokens = spelled(self.parts.tokens, words).tokens[: self.room]
        return float(along(self.parts, self.heard, self.prefixes, tokens).sum())


def aligned(parts: Parts, options: Options, heads: HeadChoice, recording: Recording, transcript: str) -> Alignment:
    """Return where the words of a text lie; see `WhisperRecognizer.align`."""
    if not (words := transcript.split()):
        raise DoesNotFit(f"the text {transcript!r} holds no words to align")
    text = spelled(parts.tokens, words)
    with torch.no_grad():
        doubts = Doubts.about(parts, options, recording)
        if len(text.tokens) > doubts.room:
            raise DoesNotFit(
                f"the text has {len(text.tokens)} tokens, where a window of 30 s has room for {doubts.room}"
            )
        _check_said(doubts, words, options.most_nats)
        log_probs = along(parts, doubts.heard, doubts.prefixes, text.tokens)[0]
        given = (*doubts.prefixes[0].tolist(), *text.tokens)
        followed = follow(parts, doubts.heard, given, layers=sorted({layer for layer, _ in heads.heads}))
    written = Written(text.words, tuple(log_probs.tolist()), doubts.prefixes.shape[1])
    alignment = placed(recording, written, followed, heads, by=options.times, strict=True)
    return dataclasses.replace(alignment, log_score=float(log_probs.sum()))


def _check_said(doubts: Doubts, words: Sequence[str], most: float) -> None:
    """Raise `DoesNotFit` unless the words can be what the sound says."""
    if (nats := doubts.nats(words)) > most:
        said = repr(" ".join(doubts.found)) if doubts.found else "nothing"
        raise DoesNotFit(
            f"the text does not fit the sound: {doubts.parts.name} hears {said}, likelier by {nats:.1f} nats for each "
            f"word that differs, where {most:.1f} are allowed; check that text and recording belong together"
        )


def _bare(text: str) -> tuple[str, ...]:
    return tuple(normalize_words(text)) or tuple(text.lower().split())
