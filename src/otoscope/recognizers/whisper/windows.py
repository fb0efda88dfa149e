"""One window of 30 s, or many side by side: language, prompt, search, and another try where the text looks wrong.

`hear_windows` is what everything longer is made of.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import BadInput, Recording
from otoscope.recognizers.whisper.decoding import Beam, Drawn, Likeliest, Reading, Strategy, search
from otoscope.recognizers.whisper.network import Heard, Session
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.parts import Ears, Parts


@dataclass(frozen=True)
class WindowResult:
    """What was heard in one window.

    Parameters
    ----------
    n_best
        The readings, best first; of the temperature that was taken.
    prefix
        What the decoder was given: prompt, start, language, task.
    language, languages
        Code of the language (`None` for English-only models), and the probability of each where it was not given.
    no_speech_prob
        The model's probability that nobody speaks.
    temperature
        At which the text was found.
    compression_ratio
        Bytes of the text divided by those of the same compressed: high for text that repeats itself.
    skipped
        Whether the window counts as silence (`Options.most_no_speech`); its readings are kept all the same.
    heard
        The encoded window, for alignment.
    """

    n_best: tuple[Reading, ...]
    prefix: tuple[int, ...]
    language: str | None
    no_speech_prob: float
    temperature: float
    compression_ratio: float
    skipped: bool
    heard: Heard = field(repr=False, compare=False)
    languages: dict[str, float] = field(default_factory=dict)

    @property
    def tokens(self) -> tuple[int, ...]:
        """What was written, times included, without the end; kept even where the window counts as silence."""
        return self.n_best[0].tokens

    @property
    def log_probs(self) -> tuple[float, ...]:
        """Of each token, and of the end where it was reached, nats."""
        return self.n_best[0].log_probs

    @property
    def avg_logprob(self) -> float:
        """Mean log probability of a token, nats."""
        return self.n_best[0].avg_logprob


class Result(Protocol):
    """What any engine tells of a window; see `WindowResult`."""

    @property
    def tokens(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def avg_logprob(self) -> float: ...  # noqa: D102
    @property
    def language(self) -> str | None: ...  # noqa: D102
    @property
    def temperature(self) -> float: ...  # noqa: D102
    @property
    def compression_ratio(self) -> float: ...  # noqa: D102
    @property
    def skipped(self) -> bool: ...  # noqa: D102


Sound = Recording | Tensor | NDArray[np.float32]
"""A recording of up to 30 s, or its log-mel frames `(n_frames, n_mels)`, as `FrontEnd.log_mel` gives them."""


def log_mels(parts: Ears, sounds: Sequence[Sound]) -> Tensor:
    """Return log-mel frames `(n, n_frames, n_mels)` of whole windows; shorter frames are filled up with zeros.

    Raises
    ------
    BadAudio
        A recording is longer than a window.
    BadInput
        Frames are of another shape.
    """
    made = []
    for sound in sounds:
        if isinstance(sound, Recording):
            made.append(parts.front_end.log_mel(parts.front_end.wave(sound)[None])[0])
            continue
        frames = torch.as_tensor(sound, dtype=torch.float32)
        n, most = frames.shape[0], parts.front_end.n_frames
        if frames.ndim != 2 or frames.shape[1] != parts.front_end.n_mels or n > most:
            raise BadInput(
                f"log-mel frames must be (up to {most}, {parts.front_end.n_mels}), got {tuple(frames.shape)}"
            )
        made.append(torch.nn.functional.pad(frames, (0, 0, 0, most - n)))
    return torch.stack(made)


def hear_windows(
    parts: Parts,
    sounds: Sequence[Sound] | Heard,
    options: Options,
    previous_tokens: Sequence[Sequence[int] | None] | None = None,
) -> list[WindowResult]:
    """Return what is heard in each window; batching changes nothing beyond rounding.

    Parameters
    ----------
    parts
        The checkpoint.
    sounds
        Recordings of up to 30 s, their log-mel frames, or windows that are encoded already.
    options
        How to hear.
    previous_tokens
        For each window what was said before, which then stands in place of `options.prompt`; the last 223 tokens of it
        are taken. `None` for none.
    """
    with torch.no_grad():
        heard = sounds if isinstance(sounds, Heard) else parts.network.encode(log_mels(parts, sounds))
        previous = previous_tokens or [None] * heard.n
        befores = [prompt_of(parts, options, tokens) for tokens in previous]
        found: dict[int, WindowResult] = {}
        for length in sorted({len(before) for before in befores}):
            own = [i for i, before in enumerate(befores) if len(before) == length]
            results = _alike(parts, heard.rows(own), options, [befores[i] for i in own])
            found |= dict(zip(own, results, strict=True))
    return [found[i] for i in range(heard.n)]


def prompt_of(parts: Ears, options: Options, previous: Sequence[int] | None) -> tuple[int, ...]:
    """Return what stands before the start: its opening token and the tokens of what was said, or nothing.

    Raises
    ------
    BadInput
        The prompt is too long.
    """
    most = parts.n_context // 2 - 1
    if previous is None and options.prompt:
        previous = parts.tokens.prompt(options.prompt)
        if len(previous) > most:
            raise BadInput(f"the prompt has {len(previous)} tokens; the model takes up to {most}: shorten it")
    return (parts.tokens.previous, *tuple(previous)[-most:]) if previous else ()


def _alike(parts: Parts, heard: Heard, options: Options, befores: Sequence[tuple[int, ...]]) -> list[WindowResult]:
    """Hear windows whose prompts are equally long."""
    silent, languages, codes = first_look(parts, heard, options, befores)
    prefixes = [
        (*before, *parts.tokens.prefix(code, options.task, timestamps=options.timestamps))
        for before, code in zip(befores, codes, strict=True)
    ]
    done: dict[int, WindowResult] = {}
    for temperature in options.temperatures:
        left = [i for i in range(heard.n) if i not in done or doubtful(done[i], options)]
        if not left:
            break
        readings = _read(parts, heard.rows(left), [prefixes[i] for i in left], options, temperature)
        for i, n_best in zip(left, readings, strict=True):
            ratio = compression_ratio(parts.tokens.text(n_best[0].tokens))
            skipped = is_silence(silent[i], n_best[0].avg_logprob, options)
            done[i] = WindowResult(
                n_best, prefixes[i], codes[i], silent[i], temperature, ratio, skipped, heard.rows([i]), languages[i]
            )
    return [done[i] for i in range(heard.n)]


def first_look(
    parts: Parts, heard: Heard, options: Options, befores: Sequence[tuple[int, ...]]
) -> tuple[list[float], list[dict[str, float]], list[str | None]]:
    """Return for each window the probability of no speech, that of each language where it is not given, and its code.

    Both come from the first token that the decoder would write; languages are told apart without the prompt.
    """
    tokens, n = parts.tokens, heard.n
    bare = _first_scores(parts, heard, [(tokens.start,)] * n)
    whole = _first_scores(parts, heard, [(*before, tokens.start) for before in befores]) if befores[0] else bare
    silent: list[float] = torch.softmax(whole, 1)[:, tokens.no_speech].tolist()
    if not tokens.multilingual or options.language is not None:
        given = tokens.language_code(options.language) if options.language is not None else None
        return silent, [{} for _ in range(n)], [given] * n
    shares = torch.softmax(bare[:, list(tokens.languages.values())], 1).tolist()
    languages = [dict(zip(tokens.languages, row, strict=True)) for row in shares]
    return silent, languages, [max(row, key=lambda code: row[code]) for row in languages]


def _first_scores(parts: Parts, heard: Heard, prefixes: Sequence[tuple[int, ...]]) -> Tensor:
    hidden = Session(parts.network, heard, room=None).feed(torch.tensor([list(prefix) for prefix in prefixes]))
    return parts.network.logits(hidden[:, -1]).float()


def _read(
    parts: Parts, heard: Heard, prefixes: Sequence[tuple[int, ...]], options: Options, temperature: float
) -> list[tuple[Reading, ...]]:
    end, room = parts.tokens.end, parts.network.n_context - len(prefixes[0])
    strategy: Strategy
    if temperature > 0:
        strategy = Drawn(heard.n, end, n_rows=options.best_of, temperature=temperature, seed=options.seed)
    elif options.beam_size > 1:
        strategy = Beam(heard.n, end, beam_size=options.beam_size, length_penalty=options.length_penalty)
    else:
        strategy = Likeliest(heard.n, end)
    rules = parts.rules(timestamps=options.timestamps)
    n_most = min(options.most_tokens or room, room)
    return [n_best[: options.n_best] for n_best in search(parts.network, heard, prefixes, strategy, rules, n_most)]


def compression_ratio(text: str) -> float:
    """Return how many times smaller a text becomes by compression (zlib); 0 where it is empty.

    Examples
    --------
    >>> compression_ratio("so so so so so so so so so so so so so so so so so so so so so so") > 2.4
    True
    """
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def doubtful(result: Result, options: Options) -> bool:
    """Whether a window is to be heard again at the next temperature (openai/whisper, `decode_with_fallback`)."""
    repetitive = options.most_compression is not None and result.compression_ratio > options.most_compression
    unlikely = options.least_log_prob is not None and result.avg_logprob < options.least_log_prob
    return (repetitive or unlikely) and not result.skipped


def is_silence(no_speech_prob: float, avg_logprob: float, options: Options) -> bool:
    """Whether a window is left empty; see `Options.most_no_speech`."""
    if options.most_no_speech is None or no_speech_prob <= options.most_no_speech:
        return False
    return options.least_log_prob is None or avg_logprob < options.least_log_prob
