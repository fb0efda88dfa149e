"""Which presets can be trained, listed without importing any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import find_spec

from otoscope.core.late import registered

GROUP = "otoscope.trainers"
"""Entry-point group under which other packages add presets."""

_E2E = "otoscope.recognizers.endtoend"
TRAINERS: Mapping[str, str] = {
    "audrey": "otoscope.recognizers.template.training:train_audrey",
    "audrey-formants": "otoscope.recognizers.template.training:train_audrey_formants",
    "conformer": f"{_E2E}:train_conformer",
    "deepspeech": f"{_E2E}:train_deepspeech",
    "deepspeech2": f"{_E2E}:train_deepspeech2",
    "hmm-mono": "otoscope.recognizers.hmm.training:train_monophones",
    "hmm-tri": "otoscope.recognizers.hmm.training:train_triphones",
    "hmm-word": "otoscope.recognizers.hmm.training:train_words",
    "joint-ctc-attention": f"{_E2E}:train_joint",
    "las": f"{_E2E}:train_las",
    "lstm-hmm": "otoscope.recognizers.hybrid:train_lstm",
    "mlp-hmm": "otoscope.recognizers.hybrid:train_mlp",
    "otoscope-en": "otoscope.recognizers.hybrid:train_otoscope_en",
    "rnnt": f"{_E2E}:train_rnnt",
    "shoebox": "otoscope.recognizers.template.training:train_shoebox",
    "speech-transformer": f"{_E2E}:train_speech_transformer",
    "tdnn-hmm": "otoscope.recognizers.hybrid:train_tdnn",
    "wav2letter": f"{_E2E}:train_wav2letter",
    "wav2vec2": "otoscope.recognizers.wav2vec2.finetuning:train_wav2vec2",
    "wav2vec2-pretraining": "otoscope.recognizers.wav2vec2.pretraining:train_wav2vec2_pretraining",
    "whisper": "otoscope.recognizers.whisper.training:train_whisper",
}
"""Preset → function that trains it."""


@dataclass(frozen=True)
class TrainerInfo:
    """What is known of a preset without importing it; `ready` is whether its module is there."""

    name: str
    family: str
    year: int | None
    ready: bool
    description: str


TEMPLATE, _HMM, _HYBRID = "template matching", "hidden Markov model with Gaussian mixtures", "hybrid network and HMM"
_CTC = "connectionist temporal classification"
_CARDS: Mapping[str, tuple[str, int, str]] = {
    "audrey": (TEMPLATE, 1952, "Digits of one speaker by dynamic time warping, after Davis, Biddulph & Balashek."),
    "audrey-formants": (TEMPLATE, 1952, "The same from the tracks of two formants, as Audrey did it."),
    "shoebox": (TEMPLATE, 1962, "Ten digits and six operators, with the calculator, after IBM's Shoebox."),
    "hmm-word": (_HMM, 1983, "A left-to-right model for each word (Rabiner 1989)."),
    "hmm-mono": (_HMM, 1989, "A model for each phone, from a flat start (Lee & Hon 1989)."),
    "hmm-tri": (_HMM, 1994, "Triphones whose states are tied by a phonetic decision tree (Young et al. 1994)."),
    "mlp-hmm": (_HYBRID, 1994, "A perceptron gives the states' posteriors (Bourlard & Morgan 1994)."),
    "tdnn-hmm": (_HYBRID, 2015, "A time-delay network of dilated convolutions (Peddinti et al. 2015)."),
    "lstm-hmm": (_HYBRID, 2014, "A long short-term memory (Sak et al. 2014)."),
    "deepspeech": (_CTC, 2014, "Dense layers and one recurrent layer (Hannun et al. 2014)."),
    "deepspeech2": (_CTC, 2015, "Convolutions and recurrent layers (Amodei et al. 2015)."),
    "wav2letter": (_CTC, 2016, "Convolutions only (Collobert et al. 2016)."),
    "las": ("attention encoder-decoder", 2015, "Listen, attend and spell (Chan et al. 2015)."),
    "speech-transformer": ("attention encoder-decoder", 2018, "Attention throughout (Dong et al. 2018)."),
    "joint-ctc-attention": ("joint CTC and attention", 2017, "Both, trained and decoded together (Kim et al. 2017)."),
    "conformer": (_CTC, 2020, "Convolution beside attention (Gulati et al. 2020)."),
    "rnnt": ("transducer", 2012, "Output conditioned on what was written before, frame by frame (Graves 2012)."),
    "wav2vec2": (
        _CTC,
        2020,
        "Fine-tunes a wav2vec 2.0, HuBERT or WavLM, --from FOLDER (Baevski et al. 2020).",
    ),
    "wav2vec2-pretraining": ("self-supervised encoder", 2020, "Learns from sound without texts (Baevski et al. 2020)."),
    "whisper": (
        "attention encoder-decoder",
        2022,
        "Fine-tunes a Whisper, --from FOLDER (Radford et al. 2023).",
    ),
    "otoscope-en": (_HYBRID, 2026, "The recogniser that ships with Otoscope: English, open vocabulary."),
}


def trainers() -> tuple[TrainerInfo, ...]:
    """Return what is known of every preset, oldest first.

    Examples
    --------
    >>> [info.name for info in trainers() if info.family == "transducer"]
    ['rnnt']
    """
    found = [_info(name, reference) for name, reference in registered(TRAINERS, GROUP).items()]
    return tuple(sorted(found, key=lambda info: (info.year or 9999, info.name)))


def family_of(preset: str) -> str:
    """Return the family of a preset, as `trainers` says; empty for one that another package added."""
    return _CARDS[preset][0] if preset in _CARDS else ""


def _info(name: str, reference: str) -> TrainerInfo:
    family, year, description = _CARDS.get(name, ("added by another package", None, reference))
    return TrainerInfo(name, family, year, _is_there(reference.partition(":")[0]), description)


def _is_there(module: str) -> bool:
    """Whether a module can be found; unlike `find_spec`, this imports none of the packages around it."""
    package, *parts = module.split(".")
    spec = find_spec(package)
    for part in parts:
        if spec is None:
            return False
        package = f"{package}.{part}"
        spec = PathFinder.find_spec(package, spec.submodule_search_locations)
    return spec is not None
