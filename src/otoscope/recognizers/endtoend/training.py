"""Training the presets: a corpus and held-out utterances in, a recogniser out.

Each `train_…` works in a folder, where an interrupted run goes on, and leaves a recogniser there that
`otoscope.load(folder)` opens.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from otoscope.core.errors import UnknownName
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.corpora.transcripts import certain
from otoscope.nets.examples import Joining
from otoscope.nets.training import TrainingPlan
from otoscope.recognizers.endtoend.batching import Recipe, Sounds
from otoscope.recognizers.endtoend.defaults import WIDE_HZ, filled
from otoscope.recognizers.endtoend.fitting import learnt_limit
from otoscope.recognizers.endtoend.presets import PRESETS, Options, card_of
from otoscope.recognizers.endtoend.recognizer import EndToEndRecognizer
from otoscope.recognizers.endtoend.tokens import byte_pairs, characters

CHECKPOINT = "training.pt"
"""File in the folder from which an interrupted run goes on."""


def train_preset(
    name: str,
    corpus: Sequence[Utterance],
    valid: Sequence[Utterance],
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> EndToEndRecognizer:
    """Train a preset, saving it in `folder`; an interrupted run goes on there.

    Parameters
    ----------
    name
        One of `PRESETS`.
    corpus, valid
        Utterances; the weights kept are those with the lowest loss on `valid`. Those whose texts leave open what was
        said (`otoscope.corpora.transcripts.certain`) are left out.
    folder
        Holds the checkpoint while training, the recogniser afterwards.
    seed
        Of the weights and of everything random.
    progress
        Called with (epochs done, all epochs).
    options
        See `Options`.

    Raises
    ------
    UnknownName
        No such preset or option.
    BadInput
        The corpus holds no words, or an option does not fit.
    """
    if name not in PRESETS:
        raise UnknownName("preset", name, PRESETS)
    preset, asked = PRESETS[name], Options.of(options)
    given, (corpus, valid) = corpus, (certain(corpus), certain(valid))
    texts = Sounds(corpus, asked.rate_hz or WIDE_HZ).texts
    chosen = filled(asked, corpus, texts, effort=preset.effort)
    assert chosen.epochs is not None
    assert chosen.joined is not None
    assert chosen.batch_s is not None
    tokens = characters(texts) if chosen.tokens == "characters" else byte_pairs(texts, n_units=int(chosen.tokens))
    rate = preset.learning_rate if chosen.learning_rate is None else chosen.learning_rate
    plan = TrainingPlan(
        epochs=chosen.epochs, learning_rate=rate, patience=chosen.patience, seed=seed, **dict(chosen.plan)
    )
    recipe = Recipe(Joining(chosen.joined), chosen.augmentation, chosen.batch_s)
    card = card_of(preset, chosen, tokens)
    if chosen.closed:
        card = dataclasses.replace(card, vocabulary=tuple(word for words in texts for word in words))
    recognizer = EndToEndRecognizer(card, seed=seed)
    Path(folder).mkdir(parents=True, exist_ok=True)
    recognizer.fit(
        corpus, valid=valid, plan=plan, recipe=recipe, checkpoint=Path(folder) / CHECKPOINT, progress=progress
    )
    most_nats = learnt_limit(recognizer, valid, seed=seed)
    counts = {"n_utterances": len(corpus), "n_left_out": len(given) - len(corpus)}
    recognizer.card = dataclasses.replace(
        recognizer.card,
        decoding=recognizer.card.decoding.changed(most_nats=most_nats),
        training={**recognizer.card.training, **counts},
    )
    recognizer.save(folder)
    return recognizer


train_deepspeech = partial(train_preset, "deepspeech")
"""Train `deepspeech` (Hannun et al. 2014)."""
train_deepspeech2 = partial(train_preset, "deepspeech2")
"""Train `deepspeech2` (Amodei et al. 2015)."""
train_wav2letter = partial(train_preset, "wav2letter")
"""Train `wav2letter` (Collobert et al. 2016)."""
train_las = partial(train_preset, "las")
"""Train `las` (Chan et al. 2016)."""
train_speech_transformer = partial(train_preset, "speech-transformer")
"""Train `speech-transformer` (Dong et al. 2018)."""
train_joint = partial(train_preset, "joint-ctc-attention")
"""Train `joint-ctc-attention` (Watanabe et al. 2017)."""
train_conformer = partial(train_preset, "conformer")
"""Train `conformer` (Gulati et al. 2020)."""
train_rnnt = partial(train_preset, "rnnt")
"""Train `rnnt` (Graves 2012, 2013)."""
