"""The Trace of a recording: one window with all that was asked for, or a long recording window by window."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from otoscope.core import BadInput, Hypothesis, NotRecorded, Provenance, Recording, StepScores, Trace
from otoscope.recognizers.checkpoints.attention import HIDDEN
from otoscope.recognizers.checkpoints.places import recorded
from otoscope.recognizers.whisper.decoding import Reading
from otoscope.recognizers.whisper.following import Followed, follow
from otoscope.recognizers.whisper.heads import HeadChoice
from otoscope.recognizers.whisper.long import Stretch, hear_long
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.parts import Parts
from otoscope.recognizers.whisper.placing import Written, joined, placed
from otoscope.recognizers.whisper.sites import activation, attention, is_decoder_site
from otoscope.recognizers.whisper.tokens import Tokens, Word
from otoscope.recognizers.whisper.windows import WindowResult, hear_windows, log_mels

PARTS = ("features", "steps", "activations", "attentions")
NO_EMISSIONS = "Whisper scores tokens, not frames; see the steps"
TOO_LONG = "recordings longer than a window of 30 s are heard window by window; trace a stretch: recording.cut(0, 30)"


@dataclasses.dataclass(frozen=True)
class Asked:
    """Who hears, how, and what is to be kept."""

    parts: Parts
    options: Options
    heads: HeadChoice
    provenance: Provenance
    record: tuple[str, ...]

    @property
    def layers(self) -> tuple[int, ...]:
        """Decoder layers whose attention places words."""
        return tuple(sorted({layer for layer, _ in self.heads.heads}))


def wanted_sites(parts: Parts, record: Sequence[str]) -> list[str]:
    """Return the sites that `record` asks for, by name or all.

    Raises
    ------
    NotRecorded
        Attention weights of one site are asked for by name where there are none.
    BadInput
        Something is asked for that there is not.
    """
    places = parts.places
    known = (*PARTS, "text", *places.by_name)
    unknown = [name for name in record if name not in known]
    if parts.attention != "eager" and (hidden := [n for n in unknown if n.split(".")[-1].endswith("attention")]):
        raise NotRecorded(f"{parts.name} cannot record {', '.join(hidden)}: {HIDDEN}")
    if unknown:
        raise BadInput(f"{parts.name} cannot record {', '.join(unknown)}; it records {', '.join(known)}")
    found = [name for name in places.activations if (name != "logits" and "activations" in record) or name in record]
    return found + [name for name in places.attentions if "attentions" in record or name in record]


def trace_of(asked: Asked, recording: Recording) -> Trace:
    """Return the Trace of a recording of any length."""
    sites = wanted_sites(asked.parts, asked.record)
    if recording.duration_s > asked.parts.front_end.window_s:
        return _long(asked, recording)
    return _short(asked, recording, sites)


def _short(asked: Asked, recording: Recording, sites: Sequence[str]) -> Trace:
    parts, record = asked.parts, asked.record
    first = [name for name in sites if not is_decoder_site(name)]
    later = [name for name in sites if is_decoder_site(name)]
    with torch.no_grad(), recorded(parts.places, first) as seen:
        log_mel = log_mels(parts, [recording])
        heard = parts.network.encode(log_mel)
    (result,) = hear_windows(parts, heard, asked.options)
    followed = follow(parts, heard, (*result.prefix, *result.tokens), layers=asked.layers, sites=later)
    found: dict[str, Any] = {"alignment": _aligned(asked, recording, result, followed)}
    if "features" in record:
        found["features"] = parts.front_end.features(log_mel[0])
    if "steps" in record:
        found["steps"] = _steps(parts, result, followed)
    found |= _inside(parts, {**seen, **followed.seen})
    missing = {"emissions": NO_EMISSIONS}
    if parts.attention != "eager":
        missing["attentions"] = HIDDEN
    hypotheses = tuple(_hypothesis(asked, result, reading) for reading in result.n_best)
    return Trace(recording, hypotheses, _told(asked, [facts(asked.parts.tokens, 0.0, result)]), found, missing)


def _inside(parts: Parts, seen: dict[str, torch.Tensor]) -> dict[str, Any]:
    grids, places = parts.front_end.grids(), parts.places
    found: dict[str, Any] = {}
    if rows := {n: activation(places.site(n), v, grids) for n, v in seen.items() if n in places.activations}:
        found["activations"] = rows
    if tables := {n: attention(places.site(n), v, grids) for n, v in seen.items() if n in places.attentions}:
        found["attentions"] = tables
    return found


def _aligned(asked: Asked, recording: Recording, result: WindowResult, followed: Followed) -> Any:
    words = () if result.skipped else words_of(asked, result, result.tokens)
    written = Written(words, result.log_probs, len(result.prefix))
    return placed(recording, written, followed, asked.heads, by=asked.options.times)


def words_of(asked: Asked, result: WindowResult, tokens: Sequence[int]) -> tuple[Word, ...]:
    """Return the words of tokens, in the language that is written."""
    return asked.parts.tokens.words(tokens, "en" if asked.options.task == "translate" else result.language)


def _hypothesis(asked: Asked, result: WindowResult, reading: Reading) -> Hypothesis:
    words = () if result.skipped else tuple(word.text for word in words_of(asked, result, reading.tokens))
    ids = (*result.prefix, *reading.tokens, *((asked.parts.tokens.end,) if reading.ended else ()))
    text = "" if result.skipped else asked.parts.tokens.text(reading.tokens)
    return _said(words, text, tuple(asked.parts.tokens[i].text for i in ids), reading.score)


def _said(words: Sequence[str], text: str, tokens: Sequence[str], score: float) -> Hypothesis:
    plain = text.strip()
    return Hypothesis(tuple(words), tuple(tokens), score, None if plain == " ".join(words) else plain)


def _steps(parts: Parts, result: WindowResult, followed: Followed) -> StepScores:
    """Return the log probability of every token at every place of the text, before any rule."""
    chosen = (*result.tokens, *((parts.tokens.end,) if result.n_best[0].ended else ()))
    first = len(result.prefix) - 1
    with torch.no_grad():
        scores = parts.network.logits(followed.hidden[None, first : first + len(chosen)])[0].float()
    rows = torch.log_softmax(scores, -1).numpy()
    return StepScores(rows, parts.tokens.symbols, tuple(parts.tokens[i].text for i in chosen))


def _told(asked: Asked, heard: Sequence[dict[str, Any]]) -> Provenance:
    """Return the recogniser's provenance with what it found out about each window."""
    return dataclasses.replace(asked.provenance, parameters={**asked.provenance.parameters, "heard": list(heard)})


def facts(tokens: Tokens, start_s: float, result: Any) -> dict[str, Any]:
    """Return what was found out about a window, by any engine, as JSON values."""
    return {
        "start_s": start_s,
        "text": tokens.text(result.tokens),
        "language": result.language,
        "languages": {code: share for code, share in result.languages.items() if share >= 0.01},
        "no_speech_prob": result.no_speech_prob,
        "avg_logprob": result.avg_logprob,
        "compression_ratio": result.compression_ratio,
        "temperature": result.temperature,
        "skipped": result.skipped,
    }


def _long(asked: Asked, recording: Recording) -> Trace:
    """Hear window by window; only words, times and tokens are kept."""
    pieces, told, tokens, words, texts = [], [], [], [], []
    score = 0.0
    options = asked.options
    for stretch in hear_long(asked.parts, recording, options, by=options.long, condition=options.condition):
        own = _stretch_words(asked, stretch)
        result, until_s = stretch.result, stretch.start_s + stretch.duration_s
        followed = follow(asked.parts, result.heard, (*result.prefix, *result.tokens), layers=asked.layers)
        written = Written(own, result.log_probs, len(result.prefix))
        cut = recording.cut(stretch.start_s, until_s)
        pieces.append((stretch.start_s, placed(cut, written, followed, asked.heads, by=options.times)))
        told.append(facts(asked.parts.tokens, stretch.start_s, result))
        words += [word.text for word in own]
        tokens += [asked.parts.tokens[i].text for i in stretch.tokens]
        texts.append(asked.parts.tokens.text(stretch.tokens))
        score += float(
            np.sum([result.log_probs[i] for s in stretch.segments for i in range(s.rows.start, s.rows.stop)])
        )
    missing = {"emissions": NO_EMISSIONS, **dict.fromkeys(PARTS, TOO_LONG)}
    hypothesis = _said(words, "".join(texts), tokens, score)
    return Trace(recording, (hypothesis,), _told(asked, told), {"alignment": joined(pieces)}, missing)


def _stretch_words(asked: Asked, stretch: Stretch) -> tuple[Word, ...]:
    """Return the words of a window that count; their rows are those of the window's tokens."""
    if not stretch.segments:
        return ()
    stop = max(segment.rows.stop for segment in stretch.segments)
    return words_of(asked, stretch.result, stretch.result.tokens[:stop])
