"""The store of models fetched from the hub: which are there, whether they are intact, and away with them. No network.

`OTOSCOPE_MODELS` says where it lies. Each model has a folder `owner/name/commit` with its files and their record;
what is still being fetched lies in `.partial` and is not in the store.
"""

from __future__ import annotations

import builtins
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from otoscope.core import BadInput, CannotWrite, CorruptWeights
from otoscope.core.errors import UnknownName
from otoscope.core.protocols import Progress
from otoscope.io.writing import make_folder
from otoscope.recognizers.checkpoints.derived import derived_from
from otoscope.recognizers.checkpoints.hashing import fresh_sha256
from otoscope.recognizers.checkpoints.record import RECORD, StoredFile, StoredModel, read_record

VARIABLE = "OTOSCOPE_MODELS"
PARTIAL = ".partial"
HUB_NAME = re.compile(r"(?P<name>[\w-][\w.-]*/[\w-][\w.-]*)(@(?P<revision>[\w./-]+))?", re.ASCII)
SHORTEST_COMMIT = 7


class NotStored(UnknownName):
    """A model of the hub that is not in the store; the message says how to get it."""

    def __init__(self, name: str, revision: str | None, others: str) -> None:
        asked = name if revision is None else f"{name}@{revision}"
        command = f"otoscope models get {name}" + ("" if revision is None else f" --revision {revision}")
        Exception.__init__(self, f"{asked} is not in the store of models{others}; get it with: {command}")


@dataclass(frozen=True)
class Verdict:
    """Whether a model in the store is intact.

    Parameters
    ----------
    name, commit
        Which model; the commit is the folder's name.
    folder
        Where it lies.
    problems
        One sentence for each file that is not as it was fetched; empty where all is well.
    """

    name: str
    commit: str
    folder: Path
    problems: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Whether every file is as it was fetched."""
        return not self.problems


def store_folder(store: str | os.PathLike[str] | None = None) -> Path:
    """Return where models lie: `store`, else what `OTOSCOPE_MODELS` says, else the platform's cache folder."""
    if store is not None:
        return Path(store).expanduser()
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "otoscope" / "models"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otoscope" / "models"


def split_name(name: str, revision: str | None = None) -> tuple[str, str | None]:
    """Return the name and the revision of `owner/name` or `owner/name@revision`.

    Raises
    ------
    BadInput
        That is no name of the hub, or it names another revision than the one given besides.

    Examples
    --------
    >>> split_name("openai/whisper-tiny@refs/pr/7")
    ('openai/whisper-tiny', 'refs/pr/7')
    """
    found = HUB_NAME.fullmatch(name)
    if found is None:
        raise BadInput(f"{name!r} is no name of a model on the hub; names look like openai/whisper-tiny")
    own = found["revision"]
    if own is not None and revision not in (None, own):
        raise BadInput(f"{name} already names a revision; {revision!r} is another one")
    return found["name"], own or revision


def list(*, store: str | os.PathLike[str] | None = None) -> tuple[StoredModel, ...]:
    """Return the models in the store by name, those fetched last first; only complete ones are in it.

    Parameters
    ----------
    store
        Folder; by default what `OTOSCOPE_MODELS` says, else the platform's cache folder.

    Raises
    ------
    CorruptWeights
        The record of a model is damaged.
    """
    records = [read_record(folder) for folder in _folders(store_folder(store))]
    found = sorted((record for record in records if record), key=lambda record: record.fetched, reverse=True)
    return tuple(sorted(found, key=lambda record: record.name))


def find(name: str, *, revision: str | None = None, store: str | os.PathLike[str] | None = None) -> StoredModel:
    """Return a model in the store.

    Parameters
    ----------
    name
        `owner/name` or `owner/name@revision`.
    revision
        A branch or tag that it was asked for by, or a commit, of which seven digits suffice. By default the newest
        `main`, or whatever was fetched last where `main` never was.
    store
        As in `list`.

    Raises
    ------
    NotStored
        It is not there; the message says how to get it.
    """
    name, revision = split_name(name, revision)
    held = _named(name, store)
    if revision is None:
        fitting = [record for record in held if "main" in record.revisions] or held
        fitting = sorted(fitting, key=lambda record: record.revisions.get("main", record.fetched))
    else:
        fitting = sorted((r for r in held if revision in r.revisions), key=lambda r: r.revisions[revision])
        if not fitting and len(revision) >= SHORTEST_COMMIT:
            fitting = [record for record in held if record.commit.startswith(revision)]
    if not fitting:
        others = ", ".join(sorted({alias for record in held for alias in record.revisions}))
        raise NotStored(name, revision, f" (there: {others})" if others else "")
    return fitting[-1]


def verify(
    name: str | None = None, *, store: str | os.PathLike[str] | None = None, progress: Progress | None = None
) -> tuple[Verdict, ...]:
    """Read every file of the models in the store again, and compare its hash with the record.

    Parameters
    ----------
    name
        Which model, with or without `@revision`; all by default.
    store
        As in `list`.
    progress
        Called with (bytes read, bytes altogether).

    Raises
    ------
    NotStored
        There is no such model.
    """
    if name is None:
        folders = _folders(store_folder(store))
    elif split_name(name)[1] is None:
        folders = [record.folder for record in _named(name, store)] or [find(name, store=store).folder]
    else:
        folders = [find(name, store=store).folder]
    total, done = sum(path.stat().st_size for folder in folders for path in folder.iterdir()), 0

    def told(path: Path) -> None:
        nonlocal done
        done += path.stat().st_size if path.is_file() else 0
        if progress is not None:
            progress(done, total)

    verdicts = tuple(_verdict(folder, told) for folder in folders)
    if progress is not None:
        progress(total, total)
    return verdicts


def remove(
    name: str, *, revision: str | None = None, store: str | os.PathLike[str] | None = None
) -> tuple[StoredModel, ...]:
    """Delete a model from the store, what of it was fetched by half, and what was made from it; return the models.

    Parameters
    ----------
    name
        `owner/name` or `owner/name@revision`.
    revision
        Only this one; every one by default.
    store
        As in `list`.

    Raises
    ------
    NotStored
        There is nothing of that model.
    CannotWrite
        It cannot be deleted.
    """
    name, revision = split_name(name, revision)
    root = store_folder(store)
    partial = partial_folder(root, name)
    if revision is not None:
        gone: builtins.list[StoredModel] = [find(name, revision=revision, store=root)]
    else:
        gone = _named(name, root)
        if not gone and not partial.is_dir():
            raise NotStored(name, None, "")
        _delete(root, partial)
    for record in gone:
        for made in derived_from(root, record):
            _delete(root, made)
        _delete(root, record.folder)
    for empty in (root / name, (root / name).parent):
        if empty.is_dir() and not any(empty.iterdir()):
            empty.rmdir()
    return tuple(gone)


def partial_folder(root: Path, name: str) -> Path:
    """Return where the files of a model lie until all are there."""
    return root / PARTIAL / name.replace("/", "--")


def check_file(folder: Path, file: StoredFile) -> str | None:
    """Return what is wrong with a stored file, `None` for nothing; its bytes are read anew."""
    path = folder / file.name
    try:
        if (size := path.stat().st_size) != file.size:
            return f"{file.name} has {size:,} bytes instead of {file.size:,}"
        if (digest := fresh_sha256(path)) != file.sha256:
            return f"{file.name} has SHA-256 {digest[:12]}… instead of {file.sha256[:12]}…"
    except FileNotFoundError:
        return f"{file.name} is missing"
    except OSError as error:
        return f"{file.name} cannot be read: {error.strerror}"
    return None


def _folders(root: Path) -> builtins.list[Path]:
    """Return the folders of models: `owner/name/commit` with a record in it."""
    return sorted(path.parent for path in root.glob(f"[!.]*/*/*/{RECORD}"))


def _named(name: str, store: str | os.PathLike[str] | None) -> builtins.list[StoredModel]:
    folders = sorted((store_folder(store) / name).glob(f"*/{RECORD}"))
    return [record for folder in folders if (record := read_record(folder.parent)) is not None]


def _verdict(folder: Path, told: Callable[[Path], None]) -> Verdict:
    name, commit = "/".join(folder.parts[-3:-1]), folder.name
    try:
        record = read_record(folder)
    except (CorruptWeights, BadInput) as error:
        return Verdict(name, commit, folder, (str(error),))
    if record is None:
        return Verdict(name, commit, folder, (f"{RECORD} is missing",))
    problems = []
    for file in record.files:
        problems += [problem] if (problem := check_file(folder, file)) else []
        told(folder / file.name)
    known = {RECORD, *(file.name for file in record.files)}
    problems += [f"{path.name} was not fetched" for path in sorted(folder.iterdir()) if path.name not in known]
    return Verdict(name, commit, folder, tuple(problems))


def _delete(root: Path, folder: Path) -> None:
    """Delete a folder of the store, or a file; it leaves the list in one step."""
    if not folder.exists():
        return
    grave = make_folder(root / PARTIAL) / f"removed-{secrets.token_hex(6)}"
    try:
        os.replace(folder, grave)
        if grave.is_dir():
            shutil.rmtree(grave)
        else:
            grave.unlink()
    except OSError as error:
        raise CannotWrite(f"cannot remove {folder}: {error.strerror}") from error
