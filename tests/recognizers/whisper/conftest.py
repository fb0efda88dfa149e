"""Tiny Whispers opened, and transformers' own opening of the same folders."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

transformers = pytest.importorskip("transformers")

KINDS = {
    "multilingual": {},
    "english": {"multilingual": False},
    "distilled": {"kind": "distil"},
    "large-v3": {"kind": "v3"},
    "no-heads": {"alignment_heads": False, "seed": 5},
}


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def opened(tiny_checkpoint):
    """Open a tiny Whisper of a kind, once for the session: heads of those that name none are not searched for."""
    import otoscope
    from otoscope.recognizers.whisper.heads import all_heads

    made = {}

    def recognizer(kind="multilingual", attention="eager", **options):
        if (kind, attention) not in made:
            folder = tiny_checkpoint("whisper", **KINDS[kind])
            heads = all_heads(2, 4) if kind == "no-heads" else None
            made[kind, attention] = otoscope.load(folder, attention=attention, heads=heads)
        plain = {"most_tokens": 16, "least_log_prob": None, "most_compression": None}
        return made[kind, attention].with_options(**{**plain, **options})

    return recognizer


@pytest.fixture(scope="session")
def theirs(tiny_checkpoint):
    """Open the same folder with transformers."""
    made = {}

    def opened(kind="multilingual", attention="eager"):
        if (kind, attention) not in made:
            folder = tiny_checkpoint("whisper", **KINDS[kind])
            model = transformers.WhisperForConditionalGeneration.from_pretrained(folder, attn_implementation=attention)
            processor = transformers.WhisperProcessor.from_pretrained(folder)
            made[kind, attention] = SimpleNamespace(folder=folder, model=model.eval(), processor=processor)
        return made[kind, attention]

    return opened
