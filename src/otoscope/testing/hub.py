"""A hub of models on this machine, for tests without a network: a real HTTP server that speaks the hub's own protocol.

It answers what `huggingface_hub` asks to find and download a model: which commit a revision is and what it holds
(`/api/models/…/revision/…`), sizes and hashes (`…/paths-info/…`), offers to convert (`…/discussions`), and files
(`…/resolve/…`, with ranges; those in LFS are redirected to another host, as the hub does). What can go wrong on
the way can be asked for: `LocalHub.cut`, `.stall`, `.spoil`, `.gate`, `.answer`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".safetensors", ".bin", ".h5", ".msgpack")
"""Endings of files that are in LFS."""


@dataclass
class LocalHub:
    """What a local hub holds, what it was asked, and how it fails.

    Parameters
    ----------
    address
        `http://127.0.0.1:PORT`; what `HF_ENDPOINT` is to be set to.
    requests
        `(method, path, range)` of each request so far; the range is `None` where none was asked for.
    cut
        Name of a file → after how many bytes of an answer the connection breaks; once for each entry of the list.
    stall
        Name of a file → after how many bytes of an answer nothing more comes; once, until `release` is set.
    spoil
        Names of files that come with a wrong byte.
    rangeless
        Whether ranges are not heeded, as some caches on the way do not.
    gate
        Names of models that are gated: what they hold is told, and no file is given.
    answer
        Status with which every request is answered from now on, as 503; `None` for what is right.
    converted
        Name of a model → number of the pull request in which the hub's own converter offers safetensors.
    """

    address: str = ""
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    cut: dict[str, list[int]] = field(default_factory=dict)
    stall: dict[str, int] = field(default_factory=dict)
    release: threading.Event = field(default_factory=threading.Event)
    spoil: set[str] = field(default_factory=set)
    rangeless: bool = False
    gate: set[str] = field(default_factory=set)
    answer: int | None = None
    converted: dict[str, int] = field(default_factory=dict)
    _commits: dict[tuple[str, str], dict[str, Path]] = field(default_factory=dict)
    _revisions: dict[tuple[str, str], str] = field(default_factory=dict)
    _licences: dict[str, str | None] = field(default_factory=dict)
    _connections: list[socket.socket] = field(default_factory=list)

    def publish(
        self, name: str, folder: str | os.PathLike[str], *, revision: str = "main", licence: str | None = "mit"
    ) -> str:
        """Put the files of a folder on the hub as a model, and return the commit; a revision may move to a new one."""
        files = {path.name: path for path in sorted(Path(folder).iterdir()) if path.is_file()}
        named = "".join(f"{name} {_blob(path)}\n" for name, path in files.items())
        commit = hashlib.sha1(named.encode(), usedforsecurity=False).hexdigest()
        self._commits[name, commit] = files
        self._revisions[name, revision] = self._revisions[name, commit] = commit
        self._licences[name] = licence
        return commit

    def asked_for(self, name: str) -> list[str | None]:
        """Return the ranges in which a file was asked for."""
        return [span for method, path, span in self.requests if method == "GET" and path.endswith(f"/{name}")]


@contextmanager
def local_hub() -> Iterator[LocalHub]:
    """Run a local hub on 127.0.0.1 inside the `with` block; what it holds is published into it."""
    hub = LocalHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
        for connection in hub._connections:  # those that clients keep for later
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One request; `hub` is set by `local_hub`."""

    protocol_version = "HTTP/1.1"
    hub: LocalHub

    def setup(self) -> None:
        super().setup()
        self.hub._connections.append(self.connection)

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        for pattern, method in (
            (r"/api/models/(?P<name>[^/]+/[^/]+)/revision/(?P<revision>.+)", self._info),
            (r"/api/models/(?P<name>[^/]+/[^/]+)/paths-info/(?P<revision>.+)", self._paths),
            (r"/api/models/(?P<name>[^/]+/[^/]+)/discussions", self._discussions),
            (r"/(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>.+)/(?P<file>[^/]+)", self._resolve),
            (r"/large/(?P<name>[^/]+/[^/]+)/(?P<revision>[^/]+)/(?P<file>[^/]+)", self._large),
        ):
            if found := re.fullmatch(pattern, path):
                name, revision = found["name"], found.groupdict().get("revision", "main")
                if (refused := self._refusal(name, revision, file="file" in found.groupdict())) is not None:
                    self._refuse(*refused)
                else:
                    method(**found.groupdict(), **({"body": body} if method == self._paths else {}))
                return
        self._refuse(404, "EntryNotFound")

    def _refusal(self, name: str, revision: str, *, file: bool) -> tuple[int, str] | None:
        if self.hub.answer is not None:
            return self.hub.answer, "Broken"
        if not any(known == name for known, _ in self.hub._revisions):
            return 401, "RepoNotFound"
        if file and name in self.hub.gate:
            return 401, "GatedRepo"
        if (name, revision) not in self.hub._revisions and revision != "main":
            return 404, "RevisionNotFound"
        return None

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "Content-Type": "application/json"})

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _info(self, name: str, revision: str) -> None:
        commit = self.hub._revisions[name, revision]
        names = [{"rfilename": file} for file in self.hub._commits[name, commit]]
        licence = self.hub._licences[name]
        card = {} if licence is None else {"license": licence}
        self._json({"id": name, "modelId": name, "sha": commit, "siblings": names, "cardData": card, "tags": []})

    def _paths(self, name: str, revision: str, body: str) -> None:
        files = self.hub._commits[name, self.hub._revisions[name, revision]]
        told = []
        for file in parse_qs(body).get("paths", []):
            if file in files:
                size = files[file].stat().st_size
                said = {"type": "file", "path": file, "size": size, "oid": _blob(files[file])}
                if file.endswith(LARGE):
                    said["lfs"] = {"oid": _sha256(files[file]), "size": size, "pointerSize": 130}
                told.append(said)
        self._json(told)

    def _discussions(self, name: str) -> None:
        found = []
        if (number := self.hub.converted.get(name)) is not None:
            said = {"title": "Adding `safetensors` variant of this model", "num": number, "status": "open"}
            who = {"author": {"name": "SFconvertbot"}, "createdAt": "2023-06-01T00:00:00.000Z"}
            found.append({**said, **who, "repo": {"name": name, "type": "model"}, "isPullRequest": True})
        self._json({"discussions": found, "count": len(found), "start": 0})

    def _resolve(self, name: str, revision: str, file: str) -> None:
        commit = self.hub._revisions[name, revision]
        path = self.hub._commits[name, commit].get(file)
        if path is None:
            self._refuse(404, "EntryNotFound")
            return
        headers = {"X-Repo-Commit": commit, "ETag": f'"{_blob(path)}"', "Accept-Ranges": "bytes"}
        if file.endswith(LARGE):
            headers |= {"X-Linked-Etag": f'"{_sha256(path)}"', "X-Linked-Size": str(path.stat().st_size)}
            elsewhere = self.hub.address.replace("127.0.0.1", "localhost")
            self._send(302, b"", {**headers, "Location": f"{elsewhere}/large/{name}/{commit}/{file}"})
        else:
            self._file(path, headers)

    def _large(self, name: str, revision: str, file: str) -> None:
        self._file(self.hub._commits[name, revision][file], {"Accept-Ranges": "bytes"})

    def _file(self, path: Path, headers: dict[str, str]) -> None:
        data = path.read_bytes()
        if path.name in self.hub.spoil:
            data = data[:-1] + bytes([data[-1] ^ 1])
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked is None or self.hub.rangeless:
            self._send(200, data, headers, cut=path.name)
            return
        start, size = int(asked[1]), len(data)
        headers = {**headers, "Content-Range": f"bytes {start}-{size - 1}/{size}"}
        self._send(206, data[start:], headers, cut=path.name)

    def _send(self, status: int, data: bytes, headers: dict[str, str], *, cut: str = "") -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.hub.cut.get(cut):
            data = data[: self.hub.cut[cut].pop(0)]
            self.close_connection = True
        if (before := self.hub.stall.pop(cut, None)) is not None:
            self.wfile.write(data[:before])
            self.hub.release.wait()
            data = data[before:]
        with suppress(ConnectionError):  # the client may have gone
            self.wfile.write(data)


def _blob(path: Path) -> str:
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
