"""Whisper-base layout with random weights: 30 s of sound, as many tokens for all; text alone, and everything inside."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.core import Recording
from otoscope.recognizers import load
from otoscope.recognizers.checkpoints.folder import read_checkpoint
from otoscope.recognizers.whisper.fast_model import converted
from otoscope.testing.checkpoints.whisper import whisper_config, write_whisper
from otoscope.testing.checkpoints.whisper_tokens import WhisperVocabulary
from pretrained_jobs.timing import Row, rows_of, turns

N_TOKENS = 64
PLAIN = {"least_log_prob": None, "most_compression": None, "most_no_speech": None, "timestamps": False}
TRACE = ("features", "steps", "attentions")


def base_folder(folder: Path) -> Path:
    """Write the layout of whisper-base that never ends by itself: every contender writes the same number of tokens."""
    import json

    vocabulary = WhisperVocabulary(True, 99, published_size=True)
    config = whisper_config(vocabulary, n_mels=80, encoder_layers=6, decoder_layers=6, width=512)
    config.encoder_attention_heads = config.decoder_attention_heads = 8
    write_whisper(folder, vocabulary, config, seed=0, alignment_heads=[[3, 1], [4, 2], [4, 3], [5, 1]])
    path = folder / "generation_config.json"
    told = json.loads(path.read_text())
    told["suppress_tokens"] = sorted({*told["suppress_tokens"], vocabulary.id("<|endoftext|>")})
    path.write_text(json.dumps(told))
    return folder


def sound() -> Recording:
    rng = np.random.default_rng(0)
    times_s = np.arange(30 * 16000) / 16000
    voice = np.sin(2 * np.pi * 140 * times_s) * np.sin(2 * np.pi * 3 * times_s) + 0.3 * rng.standard_normal(
        times_s.size
    )
    return Recording((0.1 * voice).astype(np.float32), 16000)


def text_rows(folder: Path, n_threads: int, n_repeats: int) -> list[Row]:
    """Text only: our CTranslate2 engine beside faster-whisper, same weights, same arithmetic, same number of tokens."""
    from faster_whisper import WhisperModel

    heard, rows = sound(), []
    kept = converted(read_checkpoint(folder))
    for name in ("tokenizer.json", "preprocessor_config.json"):  # what faster-whisper reads besides the weights
        shutil.copy(folder / name, kept / name)
    for compute_type in ("float32", "int8"):
        ours: Any = load(
            folder, engine="ctranslate2", compute_type=compute_type, n_threads=n_threads, language="en",
            most_tokens=N_TOKENS, **PLAIN,
        )  # fmt: skip
        theirs = WhisperModel(str(kept), device="cpu", compute_type=compute_type, cpu_threads=n_threads)
        end = theirs.hf_tokenizer.token_to_id("<|endoftext|>")

        def faster(theirs: Any = theirs, end: int = end) -> list[int]:
            # CTranslate2 writes at most half of `max_length`: 2 × N_TOKENS and the prompt of four
            segments, _ = theirs.transcribe(
                heard.samples, language="en", beam_size=1, temperature=0.0, max_new_tokens=2 * N_TOKENS - 4,
                without_timestamps=True, suppress_tokens=[-1, end], condition_on_previous_text=False,
                compression_ratio_threshold=None, log_prob_threshold=None, no_speech_threshold=None,
            )  # fmt: skip
            return [token for segment in segments for token in segment.tokens]

        def text(ours: Any = ours) -> Any:
            return ours.trace(heard, record="text")

        n_ours = len(text().hypothesis.tokens)
        n_theirs = len(faster())
        times = turns({"faster-whisper": faster, "otoscope, text only": text}, n_repeats)
        told = {"faster-whisper": f"{n_theirs} tokens", "otoscope, text only": f"{n_ours} tokens"}
        limits = {"otoscope, text only": 1.05}
        rows += rows_of(f"whisper-base, text, {compute_type}", times, "faster-whisper", limits=limits, agreement=told)
    return rows


def trace_rows(folder: Path, n_repeats: int) -> list[Row]:
    """Everything: our Trace with attention beside `generate` that keeps attention and scores."""
    import torch
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    heard = sound()
    model = WhisperForConditionalGeneration.from_pretrained(folder, attn_implementation="eager").eval()
    processor = WhisperProcessor.from_pretrained(folder)
    ours: Any = load(folder, language="en", most_tokens=N_TOKENS, **PLAIN)

    def generate() -> Any:
        inputs = processor(heard.samples, sampling_rate=16000, return_tensors="pt").input_features
        with torch.no_grad():
            return model.generate(
                inputs, language="en", task="transcribe", max_new_tokens=N_TOKENS, output_attentions=True,
                output_scores=True, return_dict_in_generate=True, force_unique_generate_call=True,
            )  # fmt: skip

    def trace() -> Any:
        return ours.trace(heard, record=TRACE)

    def everything() -> Any:
        return ours.trace(heard, record=(*TRACE, "activations"))

    expected = [i for i in generate().sequences[0].tolist() if i != processor.tokenizer.eos_token_id]
    found = trace().hypothesis.tokens
    same = (
        "same tokens" if [processor.tokenizer.decode([i]) for i in expected[4:]] == list(found[4:]) else "tokens differ"
    )
    names = ("transformers generate with attentions", "otoscope, full Trace", "otoscope, and all activations")
    times = turns(dict(zip(names, (generate, trace, everything), strict=True)), n_repeats)
    told = {name: f"{len(found)} tokens, {same}" for name in names[1:]}
    return rows_of("whisper-base, inside", times, names[0], limits={names[1]: 1.5}, agreement=told)
