"""Whisper as a recogniser whose inside is open: any checkpoint in the layout of the Hugging Face hub."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, BadInput, Finding, NotAble, Provenance, Recording, Site, Target, Tier, Trace
from otoscope.core.protocols import Edit, Progress
from otoscope.nets.substitution import Passes
from otoscope.recognizers.checkpoints.attention import HIDDEN
from otoscope.recognizers.substituting import ScoresAtSites
from otoscope.recognizers.whisper.aligning import aligned
from otoscope.recognizers.whisper.calibration import Spoken, calibrate_heads
from otoscope.recognizers.whisper.doubts import RULE, Rule, Verdict
from otoscope.recognizers.whisper.heads import HeadChoice
from otoscope.recognizers.whisper.hearing import Asked, trace_of
from otoscope.recognizers.whisper.judging import doubts_finding, doubts_tier, judged
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.parts import Ears, Parts
from otoscope.recognizers.whisper.scoring import gradient_at, passes_through, scored
from otoscope.recognizers.whisper.windows import Sound, WindowResult, hear_windows, prompt_of


class WhisperRecognizer(ScoresAtSites):
    """`Aligning`, `Differentiable`, `Intervenable` and `Substituting`: a Whisper (Radford et al. 2023).

    A word's score is ln P(its tokens | prompt, language, task, the words before it, sound), an utterance's that of all
    its tokens and its end; with a rival, the difference. Times of words come from cross-attention, which looks where it
    will: no alignment by sound alone.

    Parameters
    ----------
    parts
        An opened checkpoint.
    options
        How to hear.
    heads
        Of cross-attention that place words.
    """

    def __init__(self, parts: Parts, options: Options, heads: HeadChoice) -> None:
        self.parts, self.options, self.heads = parts, options, heads
        self.open_edits = parts.open_edits

    @property
    def name(self) -> str:
        """Name of the checkpoint."""
        return self.parts.name

    @property
    def provenance(self) -> Provenance:
        """Version, hash of the weights, every option, the heads that place words, and open edits by name."""
        parameters: dict[str, Any] = {"family": "whisper", **self.options.as_json()}
        parameters |= {"attention": self.parts.attention, "heads": self.heads.as_json()}
        parameters |= {"weights": self.parts.weights} if self.parts.weights else {}
        parameters |= self.open_edits.parameters()
        return Provenance(self.name, version("otoscope"), self.parts.weights_sha256, parameters, self.options.seed)

    def with_options(self, **changes: Any) -> WhisperRecognizer:
        """Return the same recogniser with other options; see `options.Options`.

        Raises
        ------
        UnknownName
            There is no such option or language.
        BadInput
            A value that cannot be used, or a language for an English-only model.
        """
        options = checked(self.parts, self.options.changed(**changes), self.name)
        return WhisperRecognizer(self.parts, options, self.heads)

    def with_random_weights(self, *, seed: int, share: float = 1.0) -> WhisperRecognizer:
        """Return a recogniser of the same kind whose weights are shuffled; see `otoscope.nets.weights.shuffled`."""
        self.open_edits.refuse_copy()
        return WhisperRecognizer(self.parts.shuffled(seed=seed, share=share), self.options, self.heads)

    @property
    def weighs_language(self) -> bool:
        """Whether it decides with a language model that `score` leaves out: the decoder is both."""
        return False

    def with_wider_search(self, factor: float) -> WhisperRecognizer:
        """Return the same recogniser with a beam `factor` times as wide, where it was greedy too."""
        return self.with_options(beam_size=math.ceil(factor * self.options.beam_size))

    def with_heads(self, heads: HeadChoice) -> WhisperRecognizer:
        """Return the same recogniser whose words are placed by other heads."""
        return WhisperRecognizer(self.parts, self.options, heads)

    def calibrated(self, speech: Sequence[Spoken] | None = None, **how: Any) -> WhisperRecognizer:
        """Return the same recogniser with the heads that place known words best; see `calibration.calibrate_heads`."""
        return self.with_heads(calibrate_heads(self.parts, speech, **how))

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Recognise one recording.

        Up to 30 s are one window, of which everything inside can be recorded; longer recordings are heard window by
        window, and only text and times are kept. What was found out on the way (language and its rivals, probability of
        no speech, temperature, …) stands in the Trace's provenance at "heard", window by window.

        Parameters
        ----------
        recording
            Of any rate and length.
        record
            Of "features", "steps" (scores of all tokens, before any rule), "activations", "attentions" (all sites) and
            single site names; "text" for nothing more than text and times. Rows of encoder sites are those of the whole
            window of 30 s; rows of decoder sites are the tokens given and written.

        Raises
        ------
        BadInput
            There is no such part or site.
        NotRecorded
            Attention is asked for by name where `attention="sdpa"` hides it.
        """
        kept = (record,) if isinstance(record, str) else tuple(record)
        return trace_of(Asked(self.parts, self.options, self.heads, self.provenance, kept), recording)

    def hear_windows(
        self, sounds: Sequence[Sound], previous_tokens: Sequence[Sequence[int] | None] | None = None
    ) -> list[WindowResult]:
        """Return what is heard in windows of up to 30 s, side by side; see `windows.hear_windows`."""
        return hear_windows(self.parts, sounds, self.options, previous_tokens)

    def languages(self, recording: Recording) -> dict[str, float]:
        """Return the probability of every language in the first 30 s, likeliest first; none for English-only models."""
        start = recording.cut(0, self.parts.front_end.window_s)
        (result,) = hear_windows(self.parts, [start], self.options.changed(language=None, most_tokens=1))
        return dict(sorted(result.languages.items(), key=lambda pair: -pair[1]))

    def judged(self, heard: Trace | Recording, *, rule: Rule = RULE) -> tuple[Verdict, ...]:
        """Return for each word whether it was made up, and why; of a Trace of this recogniser, or of what it hears.

        See `judging.judged`, whose errors it raises.
        """
        return judged(self.parts, self.options, self.heads, heard, rule=rule)

    def doubts(self, heard: Trace | Recording) -> Tier:
        """Return the words that count as made up as a tier `doubts`; labels say why, scores are probabilities."""
        return doubts_tier(self.judged(heard))

    def doubted(self, heard: Trace | Recording) -> Finding:
        """Return what speaks against each word as a Finding, with a table of the words in doubt."""
        return doubts_finding(self.judged(heard), self.provenance, heard)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` log scores in nats, of texts written without times.

        Each is a pure function of its recording and target. Where no language is given it is each recording's
        likeliest: give it, if changed recordings are to be compared.

        Raises
        ------
        BadAudio
            A recording is longer than 30 s.
        BadInput
            A target is a token, or its text does not fit the decoder.
        """
        return scored(self.parts, self.options, recordings, targets, progress)

    def align(self, recording: Recording, transcript: str) -> Alignment:
        """Return where each word of `transcript` lies, by where attention looks while it is written.

        Raises
        ------
        DoesNotFit
            There are no words, too many, or what is heard is likelier by more than `options.most_nats` for each word
            that differs.
        BadAudio
            The recording is longer than 30 s.
        """
        return aligned(self.parts, self.options, self.heads, recording, transcript)

    def gradient(self, recording: Recording, target: Target, *, at: str = "features") -> NDArray[np.float64]:
        """Return d score / d value at a site, in the shape of that site's activation, by backpropagation.

        `at="waveform"` gives `(480000, 1)`, a row for each sample of the window *at 16 kHz*.

        Raises
        ------
        NotAble
            Edits are open: they are arbitrary functions of arrays.
        BadInput
            There is no such site, or the target's score does not depend on it.
        """
        self.open_edits.refuse_gradient()
        return gradient_at(self.parts, self.options, recording, target, at)

    def passes(self, recording: Recording, targets: Sequence[Target]) -> Passes:
        """Return how targets are scored, step by step (`otoscope.recognizers.substituting`).

        Where no language is given it is the likeliest of the recording itself, whatever stands at a site.
        """
        return passes_through(self.parts, self.options, recording, targets)

    def sites(self) -> tuple[Site, ...]:
        """Return the named places inside where activations can be recorded and edited, input first."""
        return tuple(self.parts.places.site(name) for name in self.parts.places.activations)

    @contextlib.contextmanager
    def edited(self, edits: Mapping[str, Edit]) -> Iterator[WhisperRecognizer]:
        """While the context is open, apply each edit to `(n_rows, n_units)` at its site, for every window.

        Attention weights are edited as `(n_heads, n_queries, n_keys)`. In search the decoder passes its sites once for
        each token, one row at a time; along a known text once, with all rows.

        Raises
        ------
        NotAble
            Attention is to be edited where `attention="sdpa"` hides it.
        BadInput
            There is no such site, or an edit returns another shape.
        """
        hidden = [name for name in edits if name not in self.parts.places and name.endswith("attention")]
        if hidden and self.parts.attention != "eager":
            raise NotAble(f"no edits at {', '.join(hidden)}: {HIDDEN}")
        with self.open_edits.opened(edits):
            yield self


def checked(parts: Ears, options: Options, name: str) -> Options:
    """Return options that fit the checkpoint of this name: the language by its code.

    Raises
    ------
    UnknownName
        The model does not know the language.
    BadInput
        A language or `translate` for an English-only model, or a prompt that cannot be used.
    """
    if options.language is not None:
        options = options.changed(language=parts.tokens.language_code(options.language))
    if options.task != "transcribe" and not parts.tokens.multilingual:
        raise BadInput(f"{name} hears English only and cannot {options.task}")
    prompt_of(parts, options, None)
    return options
