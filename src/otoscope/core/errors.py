"""Errors raised at the border. Each says what was given, what is allowed and what to try next, in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OtoscopeError(Exception):
    """Anything the user can mend; the command line prints it as one line and exits with code 2."""


class BadInput(OtoscopeError):
    """A file, array or argument that cannot be used as given."""


class BadAudio(BadInput):
    """A recording that cannot be read or is not usable as speech input."""


class BadFormat(BadInput):
    """A tier, transcript or Trace file that breaks the rules of its format."""


class DoesNotFit(BadInput):
    """A transcript that cannot be aligned with the recording."""


class CorruptWeights(BadInput):
    """Weights that are missing, damaged, or not those the model card names."""


class CannotWrite(OtoscopeError):
    """The output could not be written (no permission, no room, not a folder)."""


class Interrupted(OtoscopeError):
    """The user stopped the work; the message says what is kept. The command line exits with code 130."""


class NotRecorded(OtoscopeError):
    """A part of a Trace that was not recorded; the message says how to get it."""


class NotAble(OtoscopeError):
    """A recogniser lacks the ability asked for; the message names those that have it."""


class MissingExtra(OtoscopeError):
    """An optional dependency is not installed; the message names the extra."""

    def __init__(self, package: str, extra: str, job: str) -> None:
        super().__init__(f"{job} needs {package}, which is not installed: pip install 'otoscope[{extra}]'")


class UnknownName(OtoscopeError):
    """A name that no registry knows, with the nearest ones that are known."""

    def __init__(self, what: str, given: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(given, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
        super().__init__(f"unknown {what} {given!r}; {hint}")
