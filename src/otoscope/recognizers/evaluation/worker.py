"""What an evaluating process runs: opens a recogniser, then hears utterances from its standard input.

The process ends when its input ends, so it cannot outlive its parent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from typing import Any, BinaryIO

from otoscope.core import OtoscopeError, Provenance, Recognizer, Streaming
from otoscope.corpora.utterance import Utterance
from otoscope.recognizers.evaluation.entrant import Entrant
from otoscope.recognizers.evaluation.hearing import RATE_HZ, delays_of, hear
from otoscope.recognizers.pocketsphinx.worker import receive, send
from otoscope.recognizers.registry import load

WARM_UP_S = 2.0
"""How much of the first utterance is heard once before time is taken, so that nothing is compiled within it."""


@dataclass(frozen=True)
class Ready:
    """What a process says of itself once its recogniser is open: `load_s` includes the warm-up."""

    name: str
    provenance: Provenance
    streams: bool
    load_s: float


def opened(entrant: Entrant | Recognizer, first: Utterance) -> tuple[Recognizer, Ready]:
    """Open a recogniser and warm it up on the beginning of the first utterance."""
    began = time.perf_counter()
    recognizer = load(entrant.name, **entrant.parameters) if isinstance(entrant, Entrant) else entrant
    beginning = first.recording(rate_hz=RATE_HZ).cut(0, WARM_UP_S)
    with contextlib.suppress(OtoscopeError):  # what it refuses here, it will refuse again where that is counted
        recognizer.trace(beginning)
    load_s = time.perf_counter() - began
    return recognizer, Ready(recognizer.name, recognizer.provenance, isinstance(recognizer, Streaming), load_s)


def answer(recognizer: Recognizer, request: tuple[str, Any, Any]) -> Any:
    """Return what is asked for: `("hear", utterance, condition)` or `("delays", utterance, condition)`."""
    kind, utterance, condition = request
    return (hear if kind == "hear" else delays_of)(recognizer, utterance, condition)


def main() -> None:
    """Serve requests until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the answers
    with contextlib.suppress(EOFError, BrokenPipeError):
        _serve(source, sink)


def _serve(source: BinaryIO, sink: BinaryIO) -> None:
    try:
        recognizer, ready = opened(*receive(source))
        send(sink, ("ready", ready))
        while True:
            send(sink, ("answer", answer(recognizer, receive(source))))
    except OtoscopeError as error:
        send(sink, ("error", (type(error).__name__, str(error))))
