"""Time models of the hub's layout beside their peers: Whisper for text and with all inside, wav2vec 2.0 by precision.

    python benchmarks/pretrained.py [--threads N] [--repeats N] [--only WORD] [--json FILE]

Weights are random and of the published sizes: whisper-base hears 30 s and writes 64 tokens, wav2vec2-base hears 10 s.
Contenders take turns; a ratio is the median over the turns of one's wall time divided by the peer's in the same turn.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="jobs whose name has this word: text, inside, wav2vec2")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    import transformers

    torch.set_num_threads(options.threads)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    from pretrained_jobs import wav2vec2, whisper
    from pretrained_jobs.timing import Row

    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["OTOSCOPE_MODELS"] = str(Path(scratch) / "store")
        if options.only in "whisper text inside":
            folder = whisper.base_folder(Path(scratch) / "whisper-base")
            if options.only in "whisper text":
                rows += whisper.text_rows(folder, options.threads, options.repeats)
            if options.only in "whisper inside":
                rows += whisper.trace_rows(folder, options.repeats)
        if options.only in "wav2vec2":
            rows += wav2vec2.network_rows(wav2vec2.base_folder(Path(scratch) / "wav2vec2-base"), options.repeats)
    print("| job | who | seconds | × peer | limit | |\n|---|---|---:|---:|---:|---|")
    for r in rows:
        print(f"| {r.job} | {r.who} | {r.seconds:.3f} | {r.ratio:.2f} | {r.limit or ''} | {r.agreement} |")
    if options.json:
        machine = {"python": platform.python_version(), "torch": torch.__version__, "threads": options.threads}
        summary = f"{options.threads} threads, {options.repeats} turns"
        report = {"name": "pretrained", "machine": machine, "table": [asdict(row) for row in rows], "summary": summary}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
