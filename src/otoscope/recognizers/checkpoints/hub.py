"""The hub, as far as fetching a model needs it: what a repository holds at a commit, and errors in one line."""

from __future__ import annotations

import errno
import importlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from otoscope.core import BadInput, CannotWrite, CorruptWeights, OtoscopeError
from otoscope.recognizers.checkpoints.folder import CONVERT, unread_weights

if TYPE_CHECKING:
    from huggingface_hub import HfApi

HUB = "https://huggingface.co"
CONVERTER = "SFconvertbot"
"""The hub's own account that offers safetensors of repositories that have none."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on the hub; `sha256` is stated for files in LFS, else `blob`, the SHA-1 that git names its content by."""

    name: str
    size: int
    blob: str
    sha256: str | None


@dataclass(frozen=True)
class Repository:
    """A model on the hub at one commit.

    Parameters
    ----------
    name
        `owner/name`.
    revision, commit
        What was asked for, and the commit that it means now.
    names
        Its files.
    licence
        As its model card says.
    endpoint
        Address of the hub.
    """

    name: str
    revision: str
    commit: str
    names: frozenset[str]
    licence: str | None
    endpoint: str
    _api: HfApi = field(repr=False, compare=False)

    def files(self, names: Sequence[str]) -> tuple[RemoteFile, ...]:
        """Return size and hashes of files, in the order given; raises `CorruptWeights` where the hub states none."""
        found = {}
        for entry in self._api.get_paths_info(self.name, [*names], revision=self.commit):
            lfs = getattr(entry, "lfs", None)
            digest = None if lfs is None else str(lfs.sha256)
            blob = str(getattr(entry, "blob_id", ""))
            found[entry.path] = RemoteFile(entry.path, int(getattr(entry, "size", 0)), blob, digest)
        for name in names:
            if name not in found or not re.fullmatch(r"[0-9a-f]{40}", found[name].blob):
                raise CorruptWeights(f"the hub states no hash of {name} in {self.name}, so it cannot be checked")
        return tuple(found[name] for name in names)

    def url(self, name: str) -> str:
        """Return the address of a file at this commit."""
        from huggingface_hub import hf_hub_url

        return hf_hub_url(self.name, name, revision=self.commit, endpoint=self.endpoint)

    def headers(self) -> dict[str, str]:
        """Return what a request for a file says besides: who asks, and that no compression is wanted."""
        from huggingface_hub.utils import build_hf_headers

        asker = _asker()
        headers = build_hf_headers(library_name=asker["library_name"], library_version=asker["library_version"])
        return {**headers, "Accept-Encoding": "identity"}

    def without_safetensors(self) -> BadInput:
        """Return the error that says why nothing is fetched, and what to do."""
        what = f"{self.name} has no safetensors at revision {self.revision}"
        unread = unread_weights(name for name in self.names if "/" not in name)
        if not unread:
            return BadInput(f"{what}, nor other weights: name a revision or a model that has them")
        offered = self._conversion()
        remedy = f"the hub's own converter offers them, at --revision {offered}" if offered else ""
        return BadInput(f"{what}, {unread}: {remedy or f'name a revision that has them, or {CONVERT}'}")

    def _conversion(self) -> str | None:
        """Return the revision at which the hub's own converter offers safetensors, if it does."""
        from huggingface_hub.errors import HfHubHTTPError

        try:
            offers = [*self._api.get_repo_discussions(self.name, author=CONVERTER, discussion_status="open")]
        except HfHubHTTPError:  # discussions are closed in this repository
            return None
        numbers = [offer.num for offer in offers if offer.is_pull_request and offer.author == CONVERTER]
        return f"refs/pr/{max(numbers)}" if numbers else None


def open_repository(name: str, revision: str) -> Repository:
    """Ask the hub which commit a revision means now, and what it holds; to be called inside `hub_errors`."""
    from huggingface_hub import HfApi

    asker = _asker()
    api = HfApi(endpoint=endpoint(), library_name=asker["library_name"], library_version=asker["library_version"])
    info = api.model_info(name, revision=revision)
    names = frozenset(str(entry.rfilename) for entry in info.siblings or ())
    licence: Any = getattr(info.card_data, "license", None)
    if isinstance(licence, list):
        licence = ", ".join(map(str, licence))
    if not re.fullmatch(r"[0-9a-f]{40}", info.sha or ""):
        raise OtoscopeError(f"{endpoint()} does not say which commit revision {revision} of {name} is")
    return Repository(
        name=name,
        revision=revision,
        commit=str(info.sha),
        names=names,
        licence=None if licence is None else str(licence),
        endpoint=endpoint(),
        _api=api,
    )


def endpoint() -> str:
    """Return the address of the hub: what `HF_ENDPOINT` says, else the public one."""
    named = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", named):
        raise BadInput(f"HF_ENDPOINT is {named!r}, which is no address; it looks like {HUB}")
    return named


def _asker() -> dict[str, str]:
    from otoscope import __version__

    return {"library_name": "otoscope", "library_version": __version__}


def request_error() -> type[Exception]:
    """Return the base of the errors of a request that got no whole answer, in huggingface_hub's own HTTP client."""
    from huggingface_hub import get_session

    client = importlib.import_module(type(get_session()).__module__.partition(".")[0])
    error: type[Exception] = client.RequestError
    return error


@contextmanager
def hub_errors(name: str, revision: str) -> Iterator[None]:
    """Turn what can go wrong on the way to the hub into one line that says what to do.

    Raises
    ------
    BadInput
        No such model or revision, or it is gated.
    CannotWrite
        The disk is full or cannot be written.
    OtoscopeError
        The hub cannot be reached, or answers with an error.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        raise BadInput(
            f"{name} is gated: accept its terms at {endpoint()}/{name}, then set HF_TOKEN to a token of your account"
        ) from None
    except errors.RevisionNotFoundError:
        raise BadInput(f"{name} has no revision {revision!r}; look at {endpoint()}/{name}/commits/main") from None
    except errors.RepositoryNotFoundError:
        raise BadInput(
            f"{endpoint()} has no model {name!r} for you: check the spelling; if it is private, set HF_TOKEN"
        ) from None
    except errors.HFValidationError as error:
        raise BadInput(f"{name!r} is no name of a model on the hub: {error}") from None
    except errors.OfflineModeIsEnabled:
        raise OtoscopeError(
            f"cannot get {name}: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set; unset it to reach the network"
        ) from None
    except json.JSONDecodeError:
        raise OtoscopeError(f"{endpoint()} does not answer as a hub does; look at HF_ENDPOINT") from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise OtoscopeError(f"{endpoint()} refused {name} ({status}): {_reason(error)}; try again later") from None
    except request_error() as error:
        raise OtoscopeError(
            f"cannot reach {endpoint()}: {_reason(error)}; what was fetched is kept, the same command goes on"
        ) from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise CannotWrite(
                f"no room left for {name}; make room, or put the store elsewhere (--store or OTOSCOPE_MODELS); "
                "what was fetched is kept, the same command goes on"
            ) from None
        raise CannotWrite(f"cannot store {name}: {error.strerror or _reason(error)}") from error


def _reason(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[0].split()) if lines else type(error).__name__
