"""The recipe of the embedded recogniser: from folders of speech and a text to `otoscope-en`.

1. Language: a trigram of books mixed with the transcripts of each set, over 60,000 words and all of the transcripts.
   Synthetic voices may be added to the speech (`synthetic_voices`).
2. Places: a monophone HMM, from a flat start, says where the phones of the training transcripts lie.
3. First network: one epoch of LF-MMI with the phones where the HMM put them.
4. Network: more epochs with their places left free, the sound changed.
5. Calibration, on held-out utterances: the weights of the search, and how well a true word fits.

Each step leaves its result in the folder; a run that was stopped goes on with the step, and the epoch, it was in. What
a run on other speech, texts or sizes left there is refused.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.corpora.transcripts import said_in
from otoscope.io.writing import make_folder
from otoscope.lexicon import ngram
from otoscope.nets.front_end import FrontEndShape
from otoscope.nets.training import TrainingPlan
from otoscope.recognizers.hmm.language import lexicon_text, phone_lexicon
from otoscope.recognizers.hybrid.calibration import least_fits
from otoscope.recognizers.hybrid.card import SAID_WEIGHTS, TOLD_WEIGHTS
from otoscope.recognizers.hybrid.files import Parts
from otoscope.recognizers.hybrid.kept_steps import kept_language_model, kept_places
from otoscope.recognizers.hybrid.materials import Told, changing_sound, key_of, unspoken_sound
from otoscope.recognizers.hybrid.mmi_training import lessons_of, new_acoustic, train_mmi
from otoscope.recognizers.hybrid.model import AcousticScores
from otoscope.recognizers.hybrid.phones import Biphones
from otoscope.recognizers.hybrid.recognizer import HybridRecognizer
from otoscope.recognizers.hybrid.synthetic_lessons import synthetic_utterances
from otoscope.recognizers.hybrid.tuning import chosen_weights
from otoscope.recognizers.run_files import KeptFiles
from otoscope.recognizers.saved import sha256_of

SPOKEN: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "thinkengine": (
        ("TH", "IH", "NG", "K", "EH", "N", "JH", "AH", "N"),
        ("TH", "IH", "NG", "K", "IH", "N", "JH", "AH", "N"),
    ),
    "onword": (("AO", "N", "W", "ER", "D"), ("AA", "N", "W", "ER", "D")),
    "startrek": (("S", "T", "AA", "R", "T", "R", "EH", "K"),),
}
"""Made-up words whose spelling misleads."""

_NETWORK = "factorized-tdnn"
_ONLY_NEW = frozenset({"lm", "placed_epochs", "n_units", "n_bottleneck", "n_words", "n_grams"})
"""Options of what `start` brings along."""


@dataclass(frozen=True)
class Options:
    """What may be chosen.

    Parameters
    ----------
    text
        Background text for the language model, a sentence a line, may be compressed.
    start
        Folder of a recogniser that this recipe made: its network is trained further, its phones and its language model
        are kept, and steps 1 to 3 fall away.
    lm
        A language model that `otoscope.lexicon.ngram.save` wrote, in place of estimating one.
    noise
        Folder of noises with a manifest and a split `train`; without it the sound gets no noise.
    epochs, placed_epochs
        Passes over the speech with places free, and before that with places given.
    learning_rate
        Peak of both.
    synthetic_voices
        Voices of espeak-ng that speak sentences of `text`, words and digits besides; needs the extra `synth`.
    n_units, n_bottleneck
        Of the network.
    n_words, n_grams
        Size of the vocabulary taken from the text, and n-grams kept.
    batch_s
        Seconds of padded sound in a batch: fewer make more steps of the same speech.
    distort
        Whether rooms, noise, babble and telephone lines are laid over the sound; speeds and masks always change it.
    n_threads, device
        What the network is trained with: threads of the processor, and "cpu" or a device of torch such as "cuda".
    """

    text: str | None = None
    start: str | None = None
    lm: str | None = None
    noise: str | None = None
    epochs: int = 12
    placed_epochs: int = 1
    learning_rate: float = 1.5e-3
    synthetic_voices: int = 0
    n_units: int = 640
    n_bottleneck: int = 96
    n_words: int = 60_000
    n_grams: int = 1_700_000
    batch_s: float = 36.0
    distort: bool = True
    n_threads: int = 1
    device: str = "cpu"


def train_otoscope_en(
    corpus: Sequence[Utterance],
    valid: Sequence[Utterance],
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> HybridRecognizer:
    """Train the embedded recogniser; see the module for the steps and `Options` for what may be chosen.

    Raises
    ------
    BadInput
        Neither text nor language model was given, an option is unknown or contradicts `start`, `start` is no recogniser
        of this recipe, nothing can be learnt from the corpus, or the folder holds another run.
    """
    try:
        chosen = Options(**options)
    except TypeError as error:
        raise BadInput(f"otoscope-en has no such option: {error}") from None
    start = _start(chosen)
    told = [(u, words) for u in corpus if (words := said_in(u))]
    n_left_out = len(corpus) - len(told)
    held_out = [(u, words) for u in valid if (words := said_in(u))]
    if not told:
        raise BadInput("the corpus holds no transcript that says for certain what was said")
    path = Path(folder)
    make_folder(path)
    kept = KeptFiles(path)
    lm = _language_model(told, start, chosen, kept)
    if chosen.synthetic_voices:
        told += [(u, said_in(u)) for u in _synthetic(chosen, path, seed, progress)]
    acoustic = _trained((told, held_out), start, chosen, kept, seed=seed, progress=progress)
    lexicon = phone_lexicon([word for word in lm.automaton().words if not word.startswith("<")], SPOKEN)
    recognizer = HybridRecognizer(Parts(acoustic, lexicon, lm))
    made_from = {
        "weights": recognizer.provenance.weights_sha256,
        "words": sha256_of("\n".join(lm.words).encode()),
        "lm": sha256_of(lm.log_probs.tobytes()),
        "utterances": [[key_of(u), *words] for u, words in held_out],
        "judged_by": [*SAID_WEIGHTS, *TOLD_WEIGHTS],
    }
    data = kept.kept("calibration.json", made_from, lambda: json.dumps(_calibrated(recognizer, held_out)).encode())
    training = {**recognizer.card.training, "n_left_out": n_left_out}
    recognizer = recognizer.with_card(**json.loads(data), training=training)
    recognizer.save(path, half=True)
    return HybridRecognizer.load(path)


def _calibrated(recognizer: HybridRecognizer, held_out: Told) -> dict[str, float]:
    weights = chosen_weights(recognizer, held_out)
    return {**weights, **least_fits(recognizer.with_card(**weights), held_out)}


def _start(chosen: Options) -> HybridRecognizer | None:
    """Return the recogniser whose network is trained further, if there is one."""
    if chosen.start is None:
        return None
    if chosen.lm is not None:
        raise BadInput("start keeps its language model; leave out lm=…")
    start = HybridRecognizer.load(chosen.start)
    if (start.card.criterion, start.card.network) != ("mmi", _NETWORK):
        raise BadInput(
            f"start needs a {_NETWORK} trained for mmi, such as otoscope-en; {chosen.start} holds "
            f"a {start.card.network} trained for {start.card.criterion}"
        )
    return start


def _language_model(told: Told, start: HybridRecognizer | None, chosen: Options, kept: KeptFiles) -> ngram.NGramModel:
    """Return the language model of `start`, the one that was given, or one estimated and kept."""
    if start is not None:
        return start.parts.lm
    if chosen.lm is not None:
        return ngram.load(chosen.lm)
    return kept_language_model(told, chosen.text, kept, n_words=chosen.n_words, n_grams=chosen.n_grams)


def _synthetic(chosen: Options, path: Path, seed: int, progress: Progress | None) -> tuple[Utterance, ...]:
    if chosen.text is None:
        raise BadInput("synthetic_voices needs text=FILE with sentences to speak")
    n_voices = chosen.synthetic_voices
    return synthetic_utterances(chosen.text, path / "synthetic", n_voices=n_voices, seed=seed, progress=progress)


def _trained(
    sets: tuple[Told, Told],
    start: HybridRecognizer | None,
    chosen: Options,
    kept: KeptFiles,
    *,
    seed: int,
    progress: Progress | None,
) -> AcousticScores:
    """Return the network after all its passes: a new one, or that of `start` trained further."""
    lexicon = phone_lexicon(sorted({word for part in sets for _, words in part for word in words}), SPOKEN)
    unspoken = unspoken_sound(chosen.noise, FrontEndShape().rate_hz)
    sound = changing_sound([u for u, _ in sets[0]], chosen.noise, seed) if chosen.distort else None
    options = {name: _name_of(value) for name, value in dataclasses.asdict(chosen).items()}
    if start is not None:
        options = {name: value for name, value in options.items() if name not in _ONLY_NEW}
    made: dict[str, Any] = {"seed": seed, "options": options, "n_utterances": len(sets[0])}
    placed, free = _plan(chosen, seed, chosen.placed_epochs), _plan(chosen, seed + 1, chosen.epochs)
    made_from = {
        "utterances": [[[key_of(u), *words] for u, words in part] for part in sets],
        "lexicon": lexicon_text(lexicon),
        "noise": None if sound is None or sound.noise is None else sound.noise.describe(),
        "start": None if start is None else start.provenance.weights_sha256,
        "seed": seed,
        "batch_s": chosen.batch_s,
        "distort": chosen.distort,
    }
    kept.kept("lessons.json", made_from, lambda: json.dumps(made).encode())
    if start is None:
        places = kept_places(sets[0], lexicon, kept, seed=seed, progress=progress)
        lessons = lessons_of(sets, lexicon, unspoken, places=places, batch_s=chosen.batch_s)
        acoustic = new_acoustic(lessons, n_units=chosen.n_units, n_bottleneck=chosen.n_bottleneck, seed=seed)
        train_mmi(acoustic, lessons, sound, (placed, free), kept.folder, progress=progress)
    else:
        acoustic = start.acoustic
        made["start"] = {"weights_sha256": start.provenance.weights_sha256, **start.card.training}
        tied = Biphones.of(acoustic.table)
        lessons = lessons_of(sets, lexicon, unspoken, places={}, biphones=tied, batch_s=chosen.batch_s)
        train_mmi(acoustic, lessons, sound, (None, free), kept.folder, progress=progress)
    card = dataclasses.replace(acoustic.card, training=made)
    return AcousticScores(card, acoustic.table, network=acoustic.network)


def _name_of(value: Any) -> Any:
    """Return an option as a card may hold it: of a path the last part only, which says nothing of the machine."""
    return Path(value).name if isinstance(value, str) and os.sep in value else value


def _plan(chosen: Options, seed: int, epochs: int) -> TrainingPlan:
    return TrainingPlan(
        epochs=epochs,
        learning_rate=chosen.learning_rate,
        warmup=0.02,
        clip_norm=2.0,
        seed=seed,
        n_threads=chosen.n_threads,
        betas=(0.9, 0.98),
        precision="bfloat16",
        device=chosen.device,
        average=min(3, epochs),
        average_of="last",
        skip_nonfinite=3,
    )
