"""Fetching a model from the hub into the store: a commit, safetensors only, every hash checked, all or nothing."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from otoscope.core import BadInput, CannotWrite, Interrupted, OtoscopeError
from otoscope.core.errors import UnknownName
from otoscope.core.protocols import Progress
from otoscope.io.writing import make_folder
from otoscope.recognizers.checkpoints.downloading import download, quiet_hub
from otoscope.recognizers.checkpoints.folder import (
    CONFIG,
    CONFIGS,
    INDEX,
    WEIGHTS,
    read_checkpoint,
    read_config,
    read_json,
    refuse_code,
    shard_names,
)
from otoscope.recognizers.checkpoints.hashing import fresh_sha256
from otoscope.recognizers.checkpoints.hub import RemoteFile, Repository, hub_errors, open_repository
from otoscope.recognizers.checkpoints.opening import refuse_unknown
from otoscope.recognizers.checkpoints.record import RECORD, StoredFile, StoredModel, read_record
from otoscope.recognizers.checkpoints.store import partial_folder, split_name, store_folder

DESCRIPTIONS = (
    *CONFIGS,
    "generation_config.json",
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "normalizer.json",
    "added_tokens.json",
    "special_tokens_map.json",
)
"""What is fetched besides weights, where it is there: never code, never pickles."""

ADAPTER = re.compile(r"adapter\.([\w-]+)\.safetensors")
"""Weights of one language, as MMS has them."""

SPARE_BYTES = 16 << 20
"""Room that must be left on the disk."""


def get(
    name: str,
    *,
    revision: str | None = None,
    languages: Sequence[str] = (),
    store: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> StoredModel:
    """Fetch a model from the Hugging Face hub into the store; the only function that reaches the network.

    The revision is resolved to a commit, and only what that commit holds is fetched: descriptions, tokenizer and
    safetensors, each checked against the hash that the hub states. Interrupted, the same call goes on where it
    stopped; the model is in the store only when all of it is there. What is there already is not fetched again, and
    what is damaged is mended.

    Parameters
    ----------
    name
        `owner/name` or `owner/name@revision`.
    revision
        A branch, tag, commit or pull request (`refs/pr/7`); by default `main`.
    languages
        Adapters to fetch besides, as MMS has them: `"fra"`, …
    store
        Folder; by default what `OTOSCOPE_MODELS` says, else the platform's cache folder.
    progress
        Called with (bytes there, bytes altogether).

    Raises
    ------
    BadInput
        No such model or revision, it is gated, has no safetensors or needs code of its own, or no family opens it.
    UnknownName
        There is no adapter for that language.
    CorruptWeights
        What came is not what the hub states.
    CannotWrite
        There is no room or no permission.
    Interrupted
        By Ctrl-C; what was fetched is kept.
    OtoscopeError
        The hub cannot be reached, or another process fetches this model now.
    """
    name, revision = split_name(name, revision)
    revision = revision or "main"
    root = store_folder(store)
    try:
        with hub_errors(name, revision), quiet_hub(), _alone(root, name):
            repository = open_repository(name, revision)
            return _fetched(repository, root, languages=languages, progress=progress)
    except KeyboardInterrupt:
        raise Interrupted(f"what was fetched of {name} is kept; the same command goes on from there") from None


def _fetched(repository: Repository, root: Path, *, languages: Sequence[str], progress: Progress | None) -> StoredModel:
    """Fetch what is lacking into a folder beside the store, check the whole, and move it into the store."""
    if not repository.names & {WEIGHTS, INDEX}:
        raise repository.without_safetensors()
    adapters = _adapters(repository, languages)
    final = root / repository.name / repository.commit
    folder = make_folder(partial_folder(root, repository.name) / repository.commit)
    old = read_record(final)
    if old is not None:
        _link(old, folder)
        adapters += [file.name for file in old.files if ADAPTER.fullmatch(file.name) and file.name not in adapters]
    small = _descriptions(repository, folder)
    weights = repository.files([*_weights(repository, folder), *adapters])
    _check_room(repository, folder, weights)
    _download(repository, weights, folder, progress=progress)
    record = StoredModel(
        name=repository.name,
        commit=repository.commit,
        revisions=_revisions(repository, old),
        model_type=read_checkpoint(folder).model_type,
        files=tuple(_stored(folder, file) for file in (*small, *weights)),
        licence=repository.licence,
        endpoint=repository.endpoint,
        folder=final,
    )
    _put(record, folder)
    return record


def _adapters(repository: Repository, languages: Sequence[str]) -> list[str]:
    known = sorted(found[1] for name in repository.names if (found := ADAPTER.fullmatch(name)))
    for language in languages:
        if not known:
            raise BadInput(f"{repository.name} has no adapters of languages; leave {language!r} out")
        if language not in known:
            raise UnknownName(f"language of {repository.name}", language, known)
    return [f"adapter.{language}.safetensors" for language in dict.fromkeys(languages)]


def _descriptions(repository: Repository, folder: Path) -> tuple[RemoteFile, ...]:
    """Fetch everything but the weights, and refuse what no family could open before the weights are fetched."""
    if CONFIG not in repository.names:
        raise BadInput(f"{repository.name} has no {CONFIG} at revision {repository.revision}: it is no whole model")
    index = () if WEIGHTS in repository.names else (INDEX,)
    files = repository.files([name for name in (*DESCRIPTIONS, *index) if name in repository.names])
    for file in files:
        path = download(repository, file, folder, told=lambda n_bytes: None)
        if file.name == CONFIG:
            refuse_unknown(read_config(folder)["model_type"], repository.name)
        elif file.name in CONFIGS:
            refuse_code(read_json(path), path)
    return files


def _weights(repository: Repository, folder: Path) -> tuple[str, ...]:
    if WEIGHTS in repository.names:
        return (WEIGHTS,)
    return shard_names(read_json(folder / INDEX), folder / INDEX)


def _download(repository: Repository, files: Sequence[RemoteFile], folder: Path, *, progress: Progress | None) -> None:
    total, before = sum(file.size for file in files), 0

    def told(n_bytes: int) -> None:
        if progress is not None:
            progress(before + n_bytes, total)

    for file in files:
        download(repository, file, folder, told=told)
        before += file.size


def _check_room(repository: Repository, folder: Path, files: Sequence[RemoteFile]) -> None:
    there = sum(path.stat().st_size for file in files for path in folder.glob(f"{file.name}*"))
    lacking, free = sum(file.size for file in files) - there, shutil.disk_usage(folder).free
    if lacking > 0 and lacking + SPARE_BYTES > free:
        raise CannotWrite(
            f"{repository.name} needs {lacking / 1e9:.2f} GB more, and only {free / 1e9:.2f} GB are free at {folder}; "
            "make room, or put the store elsewhere (--store or OTOSCOPE_MODELS)"
        )


def _stored(folder: Path, file: RemoteFile) -> StoredFile:
    return StoredFile(file.name, file.size, file.sha256 or fresh_sha256(folder / file.name))


def _link(old: StoredModel, folder: Path) -> None:
    """Give the files of a model in the store a second name in the folder where it is completed or mended."""
    for file in old.files:
        if (old.folder / file.name).is_file() and not (folder / file.name).exists():
            try:
                os.link(old.folder / file.name, folder / file.name)
            except OSError:  # a file system without hard links
                shutil.copyfile(old.folder / file.name, folder / file.name)


def _put(record: StoredModel, folder: Path) -> None:
    """Move a complete folder into the store: in one step, or file by file with the record last where it was there."""
    record.write(folder)
    if record.folder.is_dir():
        for name in (*(file.name for file in record.files), RECORD):
            os.replace(folder / name, record.folder / name)
        shutil.rmtree(folder)
    else:
        make_folder(record.folder.parent)
        os.replace(folder, record.folder)
    if not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def _revisions(repository: Repository, old: StoredModel | None) -> dict[str, str]:
    """Return what the commit was asked for by; to ask for one that is there by itself is to mend it, no more."""
    before = {} if old is None else dict(old.revisions)
    if before and repository.revision == repository.commit:
        return before
    return {**before, repository.revision: datetime.now(UTC).isoformat(timespec="seconds")}


@contextmanager
def _alone(root: Path, name: str) -> Iterator[None]:
    """Hold the lock of a model; the system lets go of it when the process ends, however it ends."""
    path = partial_folder(make_folder(root), name)
    lock = make_folder(path.parent) / f"{path.name}.lock"
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OtoscopeError(f"another process is fetching {name} into {root}; wait for it") from None
        yield
