"""Whisper through CTranslate2: the checkpoint converted once and kept, and windows that are heard for their text only.

The search is CTranslate2's own; without beams it writes the tokens that `windows.hear_windows` writes with the same
weights in float32. Nothing inside can be seen or changed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from otoscope.core import BadInput, CannotWrite, CorruptWeights
from otoscope.core.errors import MissingExtra
from otoscope.io.writing import make_folder
from otoscope.recognizers.checkpoints.derived import conversion_path
from otoscope.recognizers.checkpoints.hashing import sha256_of_file
from otoscope.recognizers.checkpoints.opening import offline, quiet_transformers
from otoscope.recognizers.checkpoints.record import RECORD
from otoscope.recognizers.checkpoints.store import store_folder
from otoscope.recognizers.whisper.features import FrontEnd
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.own_settings import generation_of, own_options
from otoscope.recognizers.whisper.parts import tokenizer_of
from otoscope.recognizers.whisper.tokens import Tokens

if TYPE_CHECKING:
    from otoscope.recognizers.checkpoints.folder import Checkpoint

ANY_TIME = 1500
"""A first time as late as this forbids none."""


def converted(checkpoint: Checkpoint, store: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of a checkpoint in CTranslate2's layout, in float32; it is made the first time.

    Parameters
    ----------
    checkpoint
        In the layout of the hub.
    store
        Where models lie; see `checkpoints.store.store_folder`.

    Raises
    ------
    MissingExtra
        CTranslate2 is not installed.
    CorruptWeights
        It cannot convert the checkpoint.
    CannotWrite
        There is no room or no permission.
    """
    ctranslate2 = _ctranslate2()
    said = {path.name: sha256_of_file(path) for path in checkpoint.folder.glob("*.json") if path.name != RECORD}
    kept = conversion_path(store_folder(store), said, checkpoint.sha256, ctranslate2.__version__)
    if kept.is_dir():
        return kept
    make_folder(kept.parent)
    begun = Path(tempfile.mkdtemp(prefix=".converting-", dir=kept.parent))
    try:
        with offline(), quiet_transformers():
            converter = ctranslate2.converters.TransformersConverter(os.fspath(checkpoint.folder))
            converter.convert(os.fspath(begun), force=True)
        begun.replace(kept)
    except OSError as error:
        if not kept.is_dir():  # another process may have been faster
            raise CannotWrite(
                f"{checkpoint.name} cannot be converted into {kept}: {error.strerror or error}"
            ) from error
    except (ValueError, RuntimeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise CorruptWeights(
            f"CTranslate2 cannot convert {checkpoint.name}: {reason}; open it with engine='transformers'"
        ) from error
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    return kept


def _ctranslate2() -> Any:
    try:
        import ctranslate2
        import ctranslate2.converters
    except ImportError as error:
        raise MissingExtra("ctranslate2", "fast", "Whisper for text only (engine='ctranslate2')") from error
    return ctranslate2


def open_model(
    checkpoint: Checkpoint, *, compute_type: str, n_threads: int, store: str | os.PathLike[str] | None = None
) -> FastModel:
    """Open a checkpoint through CTranslate2, converted first if need be.

    Parameters
    ----------
    compute_type
        As CTranslate2 names them; weights are rounded when they are loaded.
    n_threads
        Of each window; 0 for as many as CTranslate2 thinks best.
    store
        Where converted checkpoints are kept, `checkpoints.store.store_folder` by default.

    Raises
    ------
    BadInput
        There is no such compute type on this machine.
    """
    ctranslate2 = _ctranslate2()
    folder = converted(checkpoint, store)
    try:
        model = ctranslate2.models.Whisper(os.fspath(folder), compute_type=compute_type, intra_threads=n_threads)
    except ValueError as error:
        known = ", ".join(sorted(ctranslate2.get_supported_compute_types("cpu")))
        raise BadInput(f"compute_type {compute_type!r} cannot be used ({error}); this machine has {known}") from error
    config = checkpoint.config
    generation = generation_of(checkpoint)
    tokens = Tokens(tokenizer_of(checkpoint.folder), generation, int(config["vocab_size"]))
    front_end = FrontEnd(int(config["num_mel_bins"]), 2 * int(config["max_source_positions"]))
    return FastModel(model, tokens, front_end, generation, int(config["max_target_positions"]))


@dataclass(frozen=True)
class FastReading:
    """A text and the mean log probability of its tokens, the end included, which is all that CTranslate2 tells."""

    tokens: tuple[int, ...]
    avg_logprob: float


@dataclass(frozen=True)
class FastModel:
    """A converted checkpoint with its tokens and its ears.

    Parameters
    ----------
    model
        `ctranslate2.models.Whisper`.
    tokens, front_end
        As those of `parts.Parts`.
    generation
        What the checkpoint says of decoding; see `own_settings.generation_of`.
    n_context
        Most tokens the decoder takes, those it is given included.
    """

    model: Any
    tokens: Tokens
    front_end: FrontEnd
    generation: Mapping[str, Any]
    n_context: int

    @property
    def own_options(self) -> dict[str, Any]:
        """The options that the checkpoint's configuration asks for; see `own_settings.own_options`."""
        return own_options(self.tokens, self.generation)

    def encoded(self, log_mel: Tensor) -> Any:
        """Return what windows `(n, n_frames, n_mels)` sound like to the decoder, in CTranslate2's own storage."""
        from ctranslate2 import StorageView

        frames = np.ascontiguousarray(log_mel.transpose(1, 2).numpy(), np.float32)
        return self.model.encode(StorageView.from_array(frames))

    def languages(self, heard: Any, n: int) -> list[dict[str, float]]:
        """Return the probability of each language in each window; of none for English-only models.

        Raises
        ------
        BadInput
            CTranslate2 takes the checkpoint for an English-only one, by the size of its vocabulary.
        """
        if not self.tokens.multilingual:
            return [{} for _ in range(n)]
        if not self.model.is_multilingual:
            raise BadInput("CTranslate2 cannot tell this checkpoint's languages apart; give language=, such as 'en'")
        return [{name.strip("<|>"): float(p) for name, p in row} for row in self.model.detect_language(heard)]

    def read(
        self, heard: Any, prefixes: Sequence[Sequence[int]], options: Options, temperature: float
    ) -> list[tuple[tuple[FastReading, ...], float]]:
        """Return the readings of each window, best first, and its probability of no speech.

        What may be written is what the checkpoint's files say.
        """
        room = self.n_context - len(prefixes[0])
        n_most = min(options.most_tokens or room, room)
        sampled = temperature > 0
        n_rows = options.best_of if sampled else options.beam_size
        never, first = (self._listed(name) for name in ("suppress_tokens", "begin_suppress_tokens"))
        latest = self.generation.get("max_initial_timestamp_index")
        results = self.model.generate(
            heard,
            [list(prefix) for prefix in prefixes],
            beam_size=1 if sampled else n_rows,
            num_hypotheses=n_rows if sampled else min(n_rows, options.n_best),
            length_penalty=options.length_penalty,
            max_length=max(2 * n_most, n_most + len(prefixes[0])),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=bool(first),
            suppress_tokens=never,
            max_initial_timestamp_index=ANY_TIME if latest is None else int(latest),
            sampling_topk=0 if sampled else 1,
            sampling_temperature=temperature if sampled else 1.0,
        )
        return [(self._readings(result, options, n_most), float(result.no_speech_prob)) for result in results]

    def _readings(self, result: Any, options: Options, n_most: int) -> tuple[FastReading, ...]:
        found = []
        for ids, score in zip(result.sequences_ids, result.scores, strict=True):
            kept = tuple(int(i) for i in ids)[:n_most]
            total = score * max(1, len(ids)) ** options.length_penalty
            n_scored = len(ids) + 1 if len(ids) < n_most else len(ids)
            found.append(FastReading(kept, total / max(1, n_scored)))
        return tuple(found)

    def _listed(self, name: str) -> list[int]:
        return [int(i) for i in self.generation.get(name) or () if 0 <= int(i) < self.tokens.n_tokens]
