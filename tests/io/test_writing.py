"""Files are whole or not there at all, and every reason is one line."""

from __future__ import annotations

import errno
import os
import stat
import threading

import pytest

from otoscope.core import CannotWrite
from otoscope.io import writing
from otoscope.io.writing import make_folder, write_bytes, write_text


def test_new_and_replaced(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "så\n")
    assert path.read_bytes() == "så\n".encode()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


@pytest.mark.parametrize(
    ("code", "match"),
    [
        (errno.ENOSPC, "No space left"),
        (errno.EDQUOT, "quota"),
        (errno.EIO, "Input/output error"),
        (errno.EACCES, "permission"),
    ],
)
@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, code, match, call):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_args, **_kwargs):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(writing.os, call, fail)
        with pytest.raises(CannotWrite, match=match) as error:
            write_text(path, "new")
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.txt": "old"}


def test_ctrl_c_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("old")

    def interrupt(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(writing.os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_text(tmp_path / "a.txt", "new")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.txt": "old"}


def test_partial_writes_are_continued(tmp_path, monkeypatch):
    """`write` may take fewer bytes than it was given."""
    real = os.write
    monkeypatch.setattr(writing.os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    write_bytes(tmp_path / "a.bin", bytes(range(256)))
    assert (tmp_path / "a.bin").read_bytes() == bytes(range(256))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_for_real():
    with pytest.raises(CannotWrite, match=r"cannot write /dev/full: No space left on device"):
        write_text("/dev/full", "heard")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode), "the device must not be replaced by a file"


def test_a_pipe_is_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    heard = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_bytes(tmp_path / "pipe", b"so")
    reader.join(timeout=10)
    assert heard == [b"so"]


def test_no_place(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match=r"there is no folder .*none"):
        write_text(tmp_path / "none" / "a.txt", "")
    with pytest.raises(CannotWrite, match="it is a folder"):
        write_text(tmp_path, "")
    with pytest.raises(CannotWrite, match="file is not a folder"):
        write_text(tmp_path / "file" / "a.txt", "")
    with pytest.raises(CannotWrite, match="a file is in the way"):
        make_folder(tmp_path / "file" / "a")
    with pytest.raises(CannotWrite, match="UTF-8 cannot write"):
        write_text(tmp_path / "a.txt", "\udc80")
    assert make_folder(tmp_path / "a" / "b").is_dir()


def test_a_name_as_long_as_a_name_may_be(tmp_path):
    write_text(tmp_path / ("𝒶" * 63), "so")
    with pytest.raises(CannotWrite, match="name too long"):
        write_text(tmp_path / ("a" * 300), "so")
