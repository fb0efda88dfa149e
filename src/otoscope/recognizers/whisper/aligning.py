"""A known text put in time, or refused: Whisper writes it under guidance, and attention tells where it looks.

Attention looks somewhere for any text at all. So the text is set beside what is heard without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

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
from otoscope.recognizers.whisper.spelling import Spelled, spelled
from otoscope.recognizers.whisper.windows import hear_windows, log_mels


def aligned(parts: Parts, options: Options, heads: HeadChoice, recording: Recording, transcript: str) -> Alignment:
    """Return where the words of a text lie; see `WhisperRecognizer.align`."""
    if not (words := transcript.split()):
        raise DoesNotFit(f"the text {transcript!r} holds no words to align")
    text = spelled(parts.tokens, words)
    with torch.no_grad():
        heard = parts.network.encode(log_mels(parts, [recording]))
        prefixes = prefixes_of(parts, heard, options)
        room = parts.network.n_context - prefixes.shape[1]
        if len(text.tokens) > room:
            raise DoesNotFit(f"the text has {len(text.tokens)} tokens, where a window of 30 s has room for {room}")
        _check_said(parts, options, heard, prefixes, words)
        log_probs = along(parts, heard, prefixes, text.tokens)[0]
    return _followed(parts, options, heads, (recording, heard), (text, prefixes, log_probs))


def _followed(
    parts: Parts,
    options: Options,
    heads: HeadChoice,
    sound: tuple[Recording, Heard],
    told: tuple[Spelled, torch.Tensor, torch.Tensor],
) -> Alignment:
    (recording, heard), (text, prefixes, log_probs) = sound, told
    given = (*prefixes[0].tolist(), *text.tokens)
    followed = follow(parts, heard, given, layers=sorted({layer for layer, _ in heads.heads}))
    written = Written(text.words, tuple(log_probs.tolist()), prefixes.shape[1])
    alignment = placed(recording, written, followed, heads, by=options.times, strict=True)
    return dataclasses.replace(alignment, log_score=float(log_probs.sum()))


def _check_said(parts: Parts, options: Options, heard: Heard, prefixes: torch.Tensor, words: Sequence[str]) -> None:
    """Raise `DoesNotFit` unless the words can be what the sound says.

    Both texts are compared without case and punctuation: how much likelier what is heard is, for each word that
    differs. The limit is a convention, not learnt: e to the power of `most_nats` times likelier.
    """
    (result,) = hear_windows(parts, heard, options)
    found = () if result.skipped else _bare(parts.tokens.text(result.tokens))
    own = _bare(" ".join(words))
    if not (n_edits := edit_distance(own, found)):
        return
    room = parts.network.n_context - prefixes.shape[1]
    both = [spelled(parts.tokens, text).tokens[:room] for text in (found, own)]
    likelier, known = (float(along(parts, heard, prefixes, tokens).sum()) for tokens in both)
    if (nats := (likelier - known) / n_edits) > options.most_nats:
        said = repr(" ".join(found)) if found else "nothing"
        raise DoesNotFit(
            f"the text does not fit the sound: {parts.name} hears {said}, likelier by {nats:.1f} nats for each word "
            f"that differs, where {options.most_nats:.1f} are allowed; check that text and recording belong together"
        )


def _bare(text: str) -> tuple[str, ...]:
    return tuple(normalize_words(text)) or tuple(text.lower().split())
