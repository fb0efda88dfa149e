"""The embedded recogniser beside the classical one on real speech that neither was taught.

    python benchmarks/embedded.py --data FOLDER [--split test] [--recognizers otoscope-en pocketsphinx] [--json FILE]

Word errors of read books, learners of English and telephone calls; time and memory of one process with one thread.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import otoscope as oto

CORPORA = {
    "librispeech-mini": "read books",
    "speechocean762": "learners of English, half of them children",
    "wuw-corpus-ii": "telephone, 8 kHz",
}


def row(recognizer: str, corpus: Path, split: str) -> dict[str, Any]:
    """Evaluate one recogniser on one split of a corpus."""
    result = oto.evaluate(recognizer, corpus, split=split)
    values = result.as_json()
    return {
        "corpus": f"{corpus.name} {split}",
        "speech": CORPORA[corpus.name],
        "recogniser": recognizer,
        "WER %": round(100 * values["wer"], 1),
        "95 % interval (utterances)": [
            round(100 * values["wer_low_over_utterances"], 1),
            round(100 * values["wer_high_over_utterances"], 1),
        ],
        "CER %": round(100 * values["cer"], 1),
        "words": values["n_words"],
        "real-time factor": round(values["rtf"], 3),
        "processor time / sound": round(values["cpu_s"] / values["audio_s"], 3),
        "peak memory MB": round(values["peak_memory_mb"]),
    }


def main() -> int:
    """Print the table; write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the corpora")
    parser.add_argument("--split", default="test")
    parser.add_argument("--recognizers", nargs="+", default=["otoscope-en", "pocketsphinx"])
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    table = []
    for name in CORPORA:
        for recognizer in chosen.recognizers:
            table.append(row(recognizer, chosen.data / name, chosen.split))
            print(table[-1], flush=True)
    if chosen.json is not None:
        chosen.json.write_text(json.dumps({"table": table}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
