"""Corpora of any kind in, utterances out; validation, conversion, synthetic corpora, augmentation.

    from otoscope import corpora

    train = corpora.read_corpus("data/librispeech-mini", split="train")
    findings = corpora.validate("data/librispeech-mini")

Names are looked up when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.corpora.augmentation import SoundAugmentation
    from otoscope.corpora.converting import convert, write_manifest
    from otoscope.corpora.findings import CorpusFault
    from otoscope.corpora.lhotse_cuts import from_lhotse, to_lhotse
    from otoscope.corpora.manifest import check_speakers_disjoint, read_manifest
    from otoscope.corpora.reading import read_corpus
    from otoscope.corpora.summary import info
    from otoscope.corpora.synthetic import SyntheticPlan, cached_synthesis, synthesize
    from otoscope.corpora.utterance import Utterance
    from otoscope.corpora.validation import validate

_PUBLIC = {
    "CorpusFault": "otoscope.corpora.findings:CorpusFault",
    "SoundAugmentation": "otoscope.corpora.augmentation:SoundAugmentation",
    "SyntheticPlan": "otoscope.corpora.synthetic:SyntheticPlan",
    "Utterance": "otoscope.corpora.utterance:Utterance",
    "cached_synthesis": "otoscope.corpora.synthetic:cached_synthesis",
    "check_speakers_disjoint": "otoscope.corpora.manifest:check_speakers_disjoint",
    "convert": "otoscope.corpora.converting:convert",
    "from_lhotse": "otoscope.corpora.lhotse_cuts:from_lhotse",
    "info": "otoscope.corpora.summary:info",
    "read_corpus": "otoscope.corpora.reading:read_corpus",
    "read_manifest": "otoscope.corpora.manifest:read_manifest",
    "synthesize": "otoscope.corpora.synthetic:synthesize",
    "to_lhotse": "otoscope.corpora.lhotse_cuts:to_lhotse",
    "validate": "otoscope.corpora.validation:validate",
    "write_manifest": "otoscope.corpora.converting:write_manifest",
}

__all__ = [
    "CorpusFault",
    "SoundAugmentation",
    "SyntheticPlan",
    "Utterance",
    "cached_synthesis",
    "check_speakers_disjoint",
    "convert",
    "from_lhotse",
    "info",
    "read_corpus",
    "read_manifest",
    "synthesize",
    "to_lhotse",
    "validate",
    "write_manifest",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return resolve(_PUBLIC[name])
    raise AttributeError(f"module 'otoscope.corpora' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
