"""wav2vec2-base layout with random weights on 10 s: what is fastest and still says the same."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.core import Recording
from otoscope.recognizers import load
from otoscope.testing.checkpoints import tiny_wav2vec2
from pretrained_jobs.timing import Row, rows_of, turns

SECONDS = 10


def base_folder(folder: Path) -> Path:
    """Write the layout of wav2vec2-base: the tiny one's files around the published sizes."""
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    from otoscope.testing.checkpoints.weights import fill

    tiny_wav2vec2(folder)
    small = Wav2Vec2Config.from_pretrained(folder)
    config = Wav2Vec2Config(vocab_size=small.vocab_size, pad_token_id=small.pad_token_id)
    network = Wav2Vec2ForCTC(config)
    fill(network, seed=0, gains={"lm_head.weight": 4.0})
    network.eval().save_pretrained(folder)
    return folder


def sound() -> Recording:
    rng = np.random.default_rng(1)
    times_s = np.arange(SECONDS * 16000) / 16000
    return Recording(
        (0.1 * np.sin(2 * np.pi * 150 * times_s) * rng.standard_normal(times_s.size)).astype(np.float32), 16000
    )


def network_rows(folder: Path, n_repeats: int) -> list[Row]:
    """Each way to run the same weights beside plain transformers in float32."""
    import torch
    from transformers import AutoFeatureExtractor, Wav2Vec2ForCTC

    heard = sound()
    model = Wav2Vec2ForCTC.from_pretrained(folder).eval()
    extractor = AutoFeatureExtractor.from_pretrained(folder)

    def plain() -> Any:
        inputs = extractor(heard.samples.copy(), sampling_rate=16000, return_tensors="pt")
        with torch.no_grad():
            return model(**inputs).logits[0].numpy()

    contenders: dict[str, Any] = {"transformers, float32": plain}
    for precision in ("float32", "bfloat16", "int8"):
        ours: Any = load(folder, attention="sdpa", precision=precision)
        contenders[f"otoscope, {precision}"] = lambda ours=ours: logits_of(ours, heard)
    contenders |= _quantised(model, extractor, heard) | _onnx(model, extractor, heard, folder)
    reference = plain().argmax(1)
    told = {name: f"{np.mean(run().argmax(1) == reference):.1%} of frames" for name, run in contenders.items()}
    times = turns(contenders, n_repeats)
    limits = {"otoscope, bfloat16": 0.5}
    return rows_of(f"wav2vec2-base, {SECONDS} s", times, "transformers, float32", limits=limits, agreement=told)


def logits_of(recognizer: Any, recording: Recording) -> np.ndarray:
    """All of a Trace's text, with the emissions to compare."""
    scores: np.ndarray = recognizer.trace(recording, record=("emissions",)).emissions.scores
    return scores


def _quantised(model: Any, extractor: Any, heard: Recording) -> dict[str, Any]:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)

    def run() -> Any:
        inputs = extractor(heard.samples.copy(), sampling_rate=16000, return_tensors="pt")
        with torch.no_grad():
            return small(**inputs).logits[0].numpy()

    return {"torch, int8 matrices": run}


def _onnx(model: Any, extractor: Any, heard: Recording, folder: Path) -> dict[str, Any]:
    """ONNX Runtime in float32 and with int8 matrices; left out, and said so, where it cannot be had."""
    try:
        import onnxruntime
        import torch
        from onnxruntime.quantization import QuantType, quantize_dynamic

        wide, narrow = folder / "float32.onnx", folder / "int8.onnx"
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model, (torch.zeros(1, 16000),), str(wide), input_names=["input_values"], output_names=["logits"],
                dynamic_axes={"input_values": {1: "n_samples"}, "logits": {1: "n_frames"}}, opset_version=17,
                dynamo=False,
            )  # fmt: skip
        quantize_dynamic(str(wide), str(narrow), weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])
    except Exception as error:  # a peer that cannot be had is named, not hidden
        print(f"left out: ONNX Runtime ({type(error).__name__}: {str(error).splitlines()[0]})")
        return {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    found = {}
    for name, path in (("float32", wide), ("int8 matrices", narrow)):
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

        def run(session: Any = session) -> Any:
            inputs = extractor(heard.samples.copy(), sampling_rate=16000, return_tensors="np")
            return session.run(None, {"input_values": inputs["input_values"]})[0][0]

        found[f"ONNX Runtime, {name}"] = run
    return found
