"""Hashes of files, as git and the hub state them."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from otoscope.core import CorruptWeights


def sha256_of_file(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; asked again in this process, an unchanged file is not reread.

    Raises
    ------
    CorruptWeights
        The file cannot be read.
    """
    path = Path(path)
    try:
        state = path.stat()
        return _hashed(str(path.resolve()), state.st_size, state.st_mtime_ns, state.st_ino)
    except OSError as error:
        raise CorruptWeights(f"{path} cannot be read: {error.strerror}") from error


@lru_cache(maxsize=256)
def _hashed(path: str, size: int, mtime_ns: int, inode: int) -> str:
    """Return the SHA-256 of the file in this state; size, time and inode are what the cache goes by."""
    return fresh_sha256(path)


def fresh_sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, read from the disk whatever was read before; raises `OSError`."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob_sha1(path: str | os.PathLike[str]) -> str:
    """Return the name that git gives the content of a file, which the hub states for files outside LFS.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a"
    >>> _ = path.write_bytes(b"hello\\n")
    >>> git_blob_sha1(path)
    'ce013625030ba8dba906f756967f9e9ca394464a'
    """
    digest = hashlib.sha1(b"blob %d\0" % os.path.getsize(path), usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def joint_sha256(digests: dict[str, str]) -> str:
    """Return one SHA-256 for several files by name: that of the only file, else that of the lines `digest name`.

    Examples
    --------
    >>> joint_sha256({"a": "00"})
    '00'
    >>> joint_sha256({"a": "00", "b": "01"})[:12]
    '166cd92c4abe'
    """
    if len(digests) == 1:
        return next(iter(digests.values()))
    lines = "".join(f"{digest} {name}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
