"""Whisper for its text only, as fast as it goes: CTranslate2 hears, and nothing inside can be seen.

`load(folder, engine="ctranslate2")` opens it. Text, language and probability of no speech are those of the open
recogniser on the same weights (in float32 and without beams, token by token); words are placed by CTranslate2's warping
of the attention of the checkpoint's heads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, BadInput, Hypothesis, Interval, NotAble, Provenance, Recording, Target, Tier, Trace
from otoscope.core.protocols import Progress
from otoscope.recognizers.whisper.fast_model import FastModel, FastReading
from otoscope.recognizers.whisper.features import HOP, RATE_HZ
from otoscope.recognizers.whisper.hearing import facts
from otoscope.recognizers.whisper.long import Segment, Stretch, hear_long
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.placing import joined
from otoscope.recognizers.whisper.tokens import Word
from otoscope.recognizers.whisper.windows import (
    Sound,
    compression_ratio,
    doubtful,
    is_silence,
    log_mels,
    prompt_of,
)

if TYPE_CHECKING:
    from otoscope.recognizers.checkpoints.folder import Checkpoint

CLOSED = "the fast engine gives text and times only; open the checkpoint with engine='transformers'"
STEP_S = 0.02


@dataclass(frozen=True)
class FastResult:
    """What was heard in one window; see `windows.WindowResult`. `heard` is CTranslate2's own, one window or several."""

    n_best: tuple[FastReading, ...]
    prefix: tuple[int, ...]
    language: str | None
    no_speech_prob: float
    temperature: float
    compression_ratio: float
    skipped: bool
    heard: Any = field(repr=False, compare=False)
    languages: dict[str, float] = field(default_factory=dict)

    @property
    def tokens(self) -> tuple[int, ...]:
        """What was written, times included, without the end."""
        return self.n_best[0].tokens

    @property
    def avg_logprob(self) -> float:
        """Mean log probability of a token, nats."""
        return self.n_best[0].avg_logprob


def hear_fast(
    model: FastModel,
    sounds: Sequence[Sound],
    options: Options,
    previous_tokens: Sequence[Sequence[int] | None] | None = None,
) -> list[FastResult]:
    """Return what is heard in each window; takes what `windows.hear_windows` takes, except encoded windows."""
    previous = previous_tokens or [None] * len(sounds)
    return [_window(model, sound, options, tokens) for sound, tokens in zip(sounds, previous, strict=True)]


def _window(model: FastModel, sound: Sound, options: Options, previous: Sequence[int] | None) -> FastResult:
    heard = model.encoded(log_mels(model, [sound]))
    languages: dict[str, float] = {}
    code = options.language
    if code is None and model.tokens.multilingual:
        (languages,) = model.languages(heard, 1)
        code = max(languages, key=lambda each: languages[each])
    before = prompt_of(model, options, previous)
    prefix = (*before, *model.tokens.prefix(code, options.task, timestamps=options.timestamps))
    for temperature in options.temperatures:
        ((n_best, silent),) = model.read(heard, [prefix], options, temperature)
        ratio = compression_ratio(model.tokens.text(n_best[0].tokens))
        skipped = is_silence(silent, n_best[0].avg_logprob, options)
        result = FastResult(n_best, prefix, code, silent, temperature, ratio, skipped, heard, languages)
        if not doubtful(result, options):
            break
    return result


class FastWhisper:
    """`Recognizer` of text and times through CTranslate2; it cannot score, and nothing inside can be seen.

    Parameters
    ----------
    checkpoint
        What was converted.
    model
        The converted checkpoint.
    options
        How to hear.
    compute_type
        As CTranslate2 names them: `float32`, `int8`, ….
    """

    def __init__(self, checkpoint: Checkpoint, model: FastModel, options: Options, *, compute_type: str) -> None:
        self.checkpoint, self.model, self.options, self.compute_type = checkpoint, model, options, compute_type

    @property
    def name(self) -> str:
        """Name of the checkpoint."""
        return self.checkpoint.name

    @property
    def provenance(self) -> Provenance:
        """Versions, hash of the weights, and every option."""
        engine = {"engine": f"ctranslate2 {version('ctranslate2')}", "compute_type": self.compute_type}
        parameters = {"family": "whisper", **engine, **self.options.as_json()}
        return Provenance(self.name, version("otoscope"), self.checkpoint.sha256, parameters, self.options.seed)

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Recognise a recording of any length: text and times of words, or, with `record="text"`, the text only.

        Raises
        ------
        BadInput
            Anything inside is asked for.
        """
        kept = (record,) if isinstance(record, str) else tuple(record)
        if beyond := [name for name in kept if name != "text"]:
            raise BadInput(f"{self.name} cannot record {', '.join(beyond)}: {CLOSED}")
        if recording.duration_s <= self.model.front_end.window_s:
            (result,) = hear_fast(self.model, [recording], self.options)
            stretches = [_whole(recording, result)]
        else:
            o = self.options
            stretches = list(hear_long(self.model, recording, o, by=o.long, condition=o.condition, hear=hear_fast))
        heard = [(stretch, () if stretch.result.skipped else self._words(stretch)) for stretch in stretches]
        words = tuple(word.text for _, own in heard for word in own)
        tokens = tuple(self.model.tokens[i].text for stretch in stretches for i in stretch.tokens)
        missing = dict.fromkeys(("features", "emissions", "steps", "activations", "attentions"), CLOSED)
        if "text" in kept:
            missing["alignment"] = "record='text' keeps no times; leave it out"
            parts: dict[str, Any] = {}
        else:
            parts = {"alignment": joined([(stretch.start_s, self._placed(stretch, own)) for stretch, own in heard])}
        told = [facts(self.model.tokens, stretch.start_s, stretch.result) for stretch in stretches]
        provenance = replace(self.provenance, parameters={**self.provenance.parameters, "heard": told})
        return Trace(recording, (Hypothesis(words, tokens),), provenance, parts, missing)

    def _words(self, stretch: Stretch) -> tuple[Word, ...]:
        result = stretch.result
        stop = max((segment.rows.stop for segment in stretch.segments), default=0)
        written = "en" if self.options.task == "translate" else result.language
        return self.model.tokens.words(result.tokens[:stop], written)

    def _placed(self, stretch: Stretch, words: Sequence[Word]) -> Alignment:
        """Return where the words of a window lie, counted from its start."""
        if not words:
            return Alignment(Tier("words"), text_confidence=(), time_confidence=None)
        result, tokens = stretch.result, self.model.tokens
        rows = [i for i, token in enumerate(result.tokens) if token < tokens.end]
        place = {row: n for n, row in enumerate(rows)}
        start = tokens.prefix(result.language, self.options.task, timestamps=False)[:-1]
        n_frames = round(stretch.duration_s * RATE_HZ) // HOP
        (found,) = self.model.model.align(result.heard, list(start), [[result.tokens[r] for r in rows]], n_frames)
        first = _first_frames(found.alignments, len(rows) + 1)
        likely = np.asarray(found.text_token_probs)
        intervals, shares, last_s = [], [], 0.0
        for word in words:
            own = [place[row] for row in range(word.spoken.start, word.spoken.stop) if row in place]
            start_s = max(last_s, first[own[0]] * STEP_S)
            last_s = max(start_s, min(first[own[-1] + 1] * STEP_S, stretch.duration_s))
            intervals.append(Interval(min(start_s, last_s), last_s, word.text, origin="attention"))
            shares.append(float(math.exp(np.log(np.maximum(likely[own], 1e-30)).sum())))
        return Alignment(Tier("words", tuple(intervals)), text_confidence=tuple(shares))

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Raise `NotAble`: CTranslate2 gives no scores of texts of the caller's own."""
        raise NotAble(f"{self.name} cannot score: {CLOSED}")


def _whole(recording: Recording, result: FastResult) -> Stretch:
    return Stretch(
        0.0, recording.duration_s, result, (Segment(0.0, recording.duration_s, slice(0, len(result.tokens))),)
    )


def _first_frames(pairs: Sequence[tuple[int, int]], n_rows: int) -> list[int]:
    """Return the first frame of each token on the path, and of what comes after the last."""
    first: dict[int, int] = {}
    for token, frame in pairs:
        first.setdefault(token, frame)
    last = max((frame for _, frame in pairs), default=0)
    return [first.get(row, last) for row in range(n_rows)]
