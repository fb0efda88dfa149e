"""End-to-end recognisers under the names of the published systems they follow, scaled to hours of speech.

`otoscope.recognizers.endtoend.training` trains them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from otoscope.core import BadInput, UnknownName
from otoscope.nets.augment import Augmentation
from otoscope.nets.encoders import EncoderShape
from otoscope.nets.front_end import FrontEndShape
from otoscope.nets.speech_inputs import InputKind
from otoscope.nets.speech_network import DecoderShape, SpeechShape
from otoscope.recognizers.endtoend.card import Decoding, EndToEndCard, Family
from otoscope.recognizers.endtoend.tokens import Tokens


@dataclass(frozen=True)
class Preset:
    """A published system: what its parts are, and how they are decoded.

    `encoder` and `decoder` are scaled to `Options.n_units`; `effort` is how many times as many epochs as a recurrent
    network it takes; `can_stream` says whether there is a streaming variant.
    """

    name: str
    follows: str
    family: Family
    encoder: EncoderShape
    decoder: DecoderShape = field(default_factory=DecoderShape)
    ctc: bool = True
    decoding: Decoding = field(default_factory=Decoding)
    learning_rate: float = 2e-3
    effort: float = 1.0
    can_stream: bool = False


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "deepspeech",
            "Hannun et al. (2014), Deep Speech: context window, dense layers with clipped ReLU, a recurrent layer, CTC",
            "ctc",
            EncoderShape("dense", 128, 1),
            decoding=Decoding(beam=32),
        ),
        Preset(
            "deepspeech2",
            "Amodei et al. (2015), Deep Speech 2: convolutions, gated recurrent layers, CTC",
            "ctc",
            EncoderShape("recurrent", 96, 2, cell="gru"),
            decoding=Decoding(beam=32),
            learning_rate=3e-3,
            can_stream=True,
        ),
        Preset(
            "wav2letter",
            "Collobert, Puhrsch & Synnaeve (2016), Wav2Letter: convolutions only, letters; its criterion here is CTC",
            "ctc",
            EncoderShape("convolution", 128, 5, kernel=11),
            decoding=Decoding(beam=32),
        ),
        Preset(
            "las",
            "Chan, Jaitly, Le & Vinyals (2016), Listen, attend and spell: a pyramid of LSTMs, a recurrent decoder with "
            "the location-aware attention of Chorowski et al. (2015); CTC beside it in training",
            "attention",
            EncoderShape("pyramid", 96, 2),
            DecoderShape("recurrent", 128),
            decoding=Decoding(beam=8, length_power=0.5),
            learning_rate=3e-3,
        ),
        Preset(
            "speech-transformer",
            "Dong, Xu & Xu (2018), Speech-Transformer: attention in encoder and decoder; CTC beside it in training",
            "attention",
            EncoderShape("transformer", 96, 4, n_halvings=2),
            DecoderShape("transformer", 96, 2),
            decoding=Decoding(beam=8, length_power=0.5),
            learning_rate=1e-3,
            effort=2.0,
        ),
        Preset(
            "joint-ctc-attention",
            "Watanabe, Hori, Kim, Hershey & Hayashi (2017): a recurrent encoder, CTC and attention trained and decoded "
            "together",
            "attention",
            EncoderShape("recurrent", 96, 2, n_halvings=2),
            DecoderShape("recurrent", 128),
            decoding=Decoding(beam=8, ctc_weight=0.3),
            learning_rate=3e-3,
        ),
        Preset(
            "conformer",
            "Gulati et al. (2020), Conformer: attention and convolution in each block; its output here is CTC",
            "ctc",
            EncoderShape("conformer", 96, 4, n_halvings=2, kernel=15),
            decoding=Decoding(beam=32),
            learning_rate=1e-3,
            effort=2.0,
            can_stream=True,
        ),
        Preset(
            "rnnt",
            "Graves, Mohamed & Hinton (2013); Graves (2012): the recurrent transducer, with CTC beside it in training",
            "transducer",
            EncoderShape("recurrent", 96, 2, n_halvings=2),
            DecoderShape("transducer", 96),
            decoding=Decoding(beam=8),
            learning_rate=3e-3,
            can_stream=True,
        ),
    )
}


@dataclass(frozen=True)
class Options:
    """What a user may choose; what is left open follows from the corpus (`otoscope.recognizers.endtoend.defaults`).

    Parameters
    ----------
    epochs, learning_rate, patience
        As in `TrainingPlan`; 24 epochs times the preset's effort, or more where the corpus is so small that they make
        few steps; the rate's default is the preset's.
    n_units
        Width of encoder and decoder (a multiple of 4); the preset's by default.
    n_layers
        Layers of the encoder; the preset's by default.
    features
        `log-mel` (80 filters), `mfcc` (40), `spectrogram` (256 bins) or `waveform` (80 learnt filters).
    rate_hz
        To which sound is resampled; by default 8000 where the files of the corpus are of such a rate, else 16000.
    tokens
        `characters`, or how many subwords to learn from the transcripts.
    closed
        Whether it may hear only words of the training transcripts; by default where the corpus holds single words.
    streaming
        Whether the encoder sees no later sound (deepspeech2, conformer, rnnt).
    joined
        Least and most recordings of a speaker joined into one training string; by default up to 3 where the corpus
        holds single words, which attention could not learn from, else 1.
    augmentation
        What is done to the training sound.
    batch_s
        Seconds of padded sound in a batch; by default a 55th of the corpus, between 6 and 30.
    dropout
        In all parts.
    plan
        Further fields of `TrainingPlan`, by name.
    """

    epochs: int | None = None
    learning_rate: float | None = None
    patience: int | None = None
    n_units: int | None = None
    n_layers: int | None = None
    features: InputKind = "log-mel"
    rate_hz: int | None = None
    tokens: Literal["characters"] | int = "characters"
    closed: bool | None = None
    streaming: bool = False
    joined: tuple[int, int] | None = None
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(snr_db=(10.0, 40.0), gap_frames=10))
    batch_s: float | None = None
    dropout: float = 0.1
    plan: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """Return the options given by name.

        Raises
        ------
        UnknownName
            There is no such option.
        """
        known = {f.name for f in dataclasses.fields(cls)}
        for name in given:
            if name not in known:
                raise UnknownName("option", name, known)
        return cls(**given)


def card_of(preset: Preset, options: Options, tokens: Tokens) -> EndToEndCard:
    """Return the card of a preset with some options.

    Raises
    ------
    BadInput
        It has no streaming variant, or sizes do not fit one another.
    """
    if options.streaming and not preset.can_stream:
        able = ", ".join(name for name, each in PRESETS.items() if each.can_stream)
        raise BadInput(f"{preset.name} hears whole recordings only; these can stream: {able}")
    encoder = dataclasses.replace(preset.encoder, dropout=options.dropout, streaming=options.streaming)
    decoder = dataclasses.replace(preset.decoder, dropout=options.dropout)
    if options.n_units is not None:
        encoder = dataclasses.replace(encoder, n_units=options.n_units)
        decoder = dataclasses.replace(decoder, n_units=options.n_units)
    if options.n_layers is not None:
        encoder = dataclasses.replace(encoder, n_layers=options.n_layers)
    rate_hz = options.rate_hz or 16000
    n_mels = 40 if options.features == "mfcc" or rate_hz < 16000 else 80
    front_end = FrontEndShape(rate_hz, n_mels, low_hz=50.0)
    shape = SpeechShape(len(tokens), front_end, options.features, encoder, decoder, preset.ctc)
    return EndToEndCard(preset.name, preset.family, shape, tokens, preset.decoding, follows=preset.follows)
