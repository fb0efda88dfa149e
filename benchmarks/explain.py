"""The main job on real recordings: `otoscope explain` timed on a file, and the Traces of a folder checked.

    python benchmarks/explain.py --data FOLDER [--json FILE]

FOLDER holds `misc-smoke` and `librispeech-mini`, each with a manifest.tsv. The explanation runs in a process of its
own, start-up included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import otoscope as oto
from otoscope.corpora.manifest import read_manifest
from otoscope.metrics.error_rate import error_rate
from otoscope.recognizers.registry import DEFAULT


def explain(path: Path) -> dict[str, Any]:
    """Run the command on one file and report what it said of itself."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        began = time.perf_counter()
        command = [sys.executable, "-m", "otoscope", "explain", str(path), "--output", str(page), "--json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        page_mb = page.stat().st_size / 1e6
    said = json.loads(done.stdout)
    words = said["words"]
    return {
        "what": f"explain {path.name}",
        "seconds": round(seconds, 1),
        "words_heard": len(said["heard"].split()),
        "words_explained": len(words),
        "maps_that_passed": sum(word["passed"] for word in words),
        "relevance_mass": round(sum(word["relevance_mass"] for word in words) / len(words), 3),
        "chance_mass": round(sum(word["chance_mass"] for word in words) / len(words), 3),
        "page_mb": round(page_mb, 2),
    }


def trace_all(folder: Path, split: str) -> dict[str, Any]:
    """Trace every file of a split; count words outside their recording and word errors."""
    recognizer = oto.load(DEFAULT)
    outside = heard = errors = spoken = 0
    sound_s = 0.0
    began = time.perf_counter()
    utterances = read_manifest(folder, split=split)
    for utterance in utterances:
        recording = utterance.recording()
        trace = recognizer.trace(recording)
        heard += len(trace.words)
        outside += sum(not 0 <= w.start_s < w.end_s <= recording.duration_s for w in trace.words)
        rate = error_rate(utterance.text, trace.text)
        errors += rate.substitutions + rate.deletions + rate.insertions
        spoken += rate.n_reference
        sound_s += recording.duration_s
    return {
        "what": f"trace {folder.name} {split}: {len(utterances)} files",
        "seconds": round(time.perf_counter() - began, 1),
        "sound_s": round(sound_s, 1),
        "words_heard": heard,
        "words_outside": outside,
        "wer": round(errors / spoken, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    table = [
        explain(arguments.data / "misc-smoke" / "test" / "jfk.flac"),
        trace_all(arguments.data / "librispeech-mini", "valid"),
    ]
    for row in table:
        print("; ".join(f"{key} {value}" for key, value in row.items()))
    if arguments.json:
        result = {"name": "explain", "table": table}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
