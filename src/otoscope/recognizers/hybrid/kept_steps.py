"""What `otoscope-en` makes before its network: a language model, and where the phones of the transcripts lie.

Both are kept in the run's folder with what they were made from (`otoscope.recognizers.run_files`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json

from otoscope.core import BadInput, DoesNotFit
from otoscope.core.protocols import Progress
from otoscope.lexicon import ngram
from otoscope.recognizers.hmm.language import Lexicon, lexicon_text
from otoscope.recognizers.hmm.training import train_monophones
from otoscope.recognizers.hybrid.materials import Told, key_of
from otoscope.recognizers.hybrid.mmi_task import Place
from otoscope.recognizers.run_files import KeptFiles

SPOKEN_SHARE = 0.15
"""Weight of the transcripts beside the background text in the language model."""

LANGUAGE, PLACES = "background.otoscope", "places.json"


def kept_language_model(
    told: Told, text: str | None, kept: KeptFiles, *, n_words: int, n_grams: int
) -> ngram.NGramModel:
    """Return a trigram model of a text and of transcripts, estimated if the run has none yet.

    Raises
    ------
    BadInput
        There is no text, or the model there is of another text or of other transcripts.
    """
    if text is None:
        raise BadInput("otoscope-en needs text=FILE to estimate a language model from, or lm=FILE")
    transcripts = [words for _, words in told]
    try:
        with open(text, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"cannot read {text}: {error.strerror}") from error
    made_from = {"text": digest, "transcripts": transcripts, "n_words": n_words, "n_grams": n_grams}
    kept.kept(LANGUAGE, made_from, lambda: _estimated(text, transcripts, n_words, n_grams))
    return ngram.load(kept.path(LANGUAGE))


def _estimated(text: str, transcripts: list[tuple[str, ...]], n_words: int, n_grams: int) -> bytes:
    from otoscope.lexicon.ngram.compact import serialized
    from otoscope.lexicon.ngram.pruning import prune_to
    from otoscope.lexicon.ngram.recipes import choose_vocabulary, mix_texts

    vocabulary = choose_vocabulary(text, [transcripts], size=n_words)
    mixed = mix_texts(
        text,
        [transcripts],
        vocabulary=vocabulary,
        weights=[1 - SPOKEN_SHARE, SPOKEN_SHARE],
        n_background=2 * n_grams,
    )
    return serialized(prune_to(mixed.model, n_grams, histories=mixed.histories))


def kept_places(
    told: Told, lexicon: Lexicon, kept: KeptFiles, *, seed: int, progress: Progress | None
) -> dict[str, tuple[Place, ...]]:
    """Return where the phones of each utterance lie, silence between and around them, by `key_of` it.

    Utterances whose words do not fit their sound have none and are left out.

    Raises
    ------
    BadInput
        No utterance fits, or the places there are of other utterances or of other pronunciations.
    """
    made_from = {"utterances": [[key_of(u), *words] for u, words in told], "lexicon": lexicon_text(lexicon)}
    data = kept.kept(PLACES, made_from, lambda: json.dumps(_placed(told, lexicon, kept, seed, progress)).encode())
    return {key: tuple((phone, start, end) for phone, start, end in rows) for key, rows in json.loads(data).items()}


def _placed(
    told: Told, lexicon: Lexicon, kept: KeptFiles, seed: int, progress: Progress | None
) -> dict[str, tuple[Place, ...]]:
    utterances = [dataclasses.replace(u, text=" ".join(words)) for u, words in told]
    hmm = train_monophones(utterances, (), kept.folder / "hmm-mono", seed=seed, lexicon=lexicon, progress=progress)
    found: dict[str, tuple[Place, ...]] = {}
    for done, (utterance, words) in enumerate(told):
        recording = utterance.recording()
        try:
            way = hmm.path(recording, words)
        except DoesNotFit:
            continue
        _, grid = hmm.model.frames(recording)
        edges = grid.edges_s().tolist()
        found[key_of(utterance)] = tuple((p.phone, edges[p.start_frame], edges[p.end_frame]) for p in way.phones)
        if progress is not None:
            progress(done + 1, len(told))
    if not found:
        raise BadInput(f"none of the {len(told)} transcripts fits its sound; see that each is of its own recording")
    return found
