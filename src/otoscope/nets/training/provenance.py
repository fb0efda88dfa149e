"""What a run was made of: the corpus with hashes, the versions, the commit, the machine, the command line."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("otoscope", "torch", "numpy", "scipy", "numba", "soundfile", "soxr", "kaldi-native-fbank")
MOST_HASHED_BYTES = 2_000_000_000
"""Sound files of a corpus are hashed whole up to this size together; of larger ones, names and sizes."""


def describe_corpus(utterances: Iterable[Any]) -> dict[str, Any]:
    """Return size and SHA-256 of what is said (ids, texts, speakers) and of the sound (see `MOST_HASHED_BYTES`).

    Parameters
    ----------
    utterances
        With `id`, `path`, `text`, `speaker`, `duration_s`.
    """
    rows = list(utterances)
    said = hashlib.sha256()
    for row in rows:
        said.update("\t".join((row.id, row.text, row.speaker)).encode() + b"\n")
    paths = list(dict.fromkeys(Path(row.path) for row in rows))
    sizes = [path.stat().st_size if path.is_file() else -1 for path in paths]
    whole = sum(sizes) <= MOST_HASHED_BYTES
    sound = hashlib.sha256()
    for path, size in zip(paths, sizes, strict=True):
        sound.update(f"{path.name}\t{size}\n".encode())
        if whole and size >= 0:
            sound.update(path.read_bytes())
    return {
        "n_utterances": len(rows),
        "n_speakers": len({row.speaker for row in rows}),
        "hours": sum(row.duration_s for row in rows) / 3600,
        "said_sha256": said.hexdigest(),
        "sound_sha256": sound.hexdigest(),
        "sound_hashed": "whole files" if whole else "names and sizes",
    }


def describe_machine(command: Sequence[str] | None = None) -> dict[str, Any]:
    """Return versions of packages, the commit where the package lies in a repository, machine and command line."""
    return {
        "command": list(sys.argv if command is None else command),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
        "machine": {"platform": platform.platform(), "processor": platform.machine(), "n_cpus": os.cpu_count()},
        "n_processes": int(os.environ.get("WORLD_SIZE", "1")),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the repository around the package, with `+` where files differ from it; `None` if none."""
    root = next((folder for folder in Path(__file__).resolve().parents if (folder / ".git").exists()), None)
    if root is None or shutil.which("git") is None:
        return None

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "HEAD")
    return (head + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")) or None
