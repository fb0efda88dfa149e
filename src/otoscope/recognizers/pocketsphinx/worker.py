"""What a scoring process runs: reads jobs from its standard input, writes scores to its standard output.

The process ends when its input ends, so it cannot outlive its parent. It loads neither torch nor anything that the
parent's main module imports.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
from typing import Any, BinaryIO

import numpy as np

_LENGTH = struct.Struct("<Q")


def send(stream: BinaryIO, message: Any) -> None:
    """Write one message."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; `EOFError` when the other side has gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError("the other process has gone")
    (size,) = _LENGTH.unpack(head)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the other process has gone")
    return pickle.loads(data)


def main() -> None:
    """Serve until the input ends. Messages: `("targets", plan, targets)`, then `("score", samples)` each answered."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))  # so that temporary folders are removed
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    jobs = sys.stdin.buffer
    plan: Any = None
    scorer: Any = None
    targets: Any = ()
    while True:
        try:
            kind, *content = receive(jobs)
        except EOFError:
            return
        if kind == "targets":
            wanted, targets = content
            if wanted != plan:
                plan, scorer = wanted, wanted.scorer()
        else:
            try:
                send(answers, ("scores", scorer(np.frombuffer(content[0], np.int16), targets)))
            except Exception as error:  # passed on to the parent, which raises it
                send(answers, ("error", error))
