"""Files are written whole or not at all: text or bytes in, a finished file out.

The data goes to a temporary file beside the target, which then takes its place in one step; a crash, a full disk or
Ctrl-C leaves the old file as it was and no half of a new one.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from otoscope.core.errors import CannotWrite


def write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Write `text` as UTF-8 with `\n` line ends, whole or not at all; raises like `write_bytes`."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        what = error.object[error.start]
        raise CannotWrite(f"{os.fspath(path)}: the text holds {what!r}, which UTF-8 cannot write") from error
    write_bytes(path, data)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path`, whole or not at all.

    A link is followed, and devices and pipes (`/dev/stdout`) are written to directly.

    Raises
    ------
    CannotWrite
        No such folder, no permission, no room, or `path` is a folder. Nothing of the attempt is left behind.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_bytes(folder / "a.bin", b"heard")
    >>> (folder / "a.bin").read_bytes(), len(list(folder.iterdir()))
    (b'heard', 1)
    """
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise CannotWrite(f"cannot write {os.fspath(path)}: it is a folder; give the name of a file")
        if target.exists() and not target.is_file():
            with open(target, "wb", buffering=0) as device:
                _write_all(device.fileno(), data)
            return
        _replace(target, data)
    except OSError as error:
        raise CannotWrite(f"cannot write {os.fspath(path)}: {_reason(error, target)}") from error


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder and those above it where they are not there yet.

    Raises
    ------
    CannotWrite
        A file is in the way, or there is no permission or no room.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise CannotWrite(f"cannot make the folder {os.fspath(path)}: a file is in the way") from error
    except OSError as error:
        raise CannotWrite(f"cannot make the folder {os.fspath(path)}: {error.strerror}") from error
    return Path(path)


def _replace(target: Path, data: bytes) -> None:
    temporary = target.parent / f".{target.name[:40]}.{os.getpid()}.{secrets.token_hex(4)}.part"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        try:
            if target.exists():
                os.fchmod(descriptor, target.stat().st_mode & 0o7777)
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _reason(error: OSError, target: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no folder {target.parent}"
    if isinstance(error, NotADirectoryError):
        return f"{target.parent} is not a folder"
    if isinstance(error, PermissionError):
        return f"no permission in {target.parent}"
    return error.strerror or str(error)
