"""Ctrl-C between two steps, never inside one: the step ends, a checkpoint is written, then the run stops."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupts:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Note the first Ctrl-C; the second stops at once."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextlib.contextmanager
def deferred() -> Iterator[Interrupts]:
    """Hold Ctrl-C back while the block runs: the block looks at `asked`. Ctrl-C behaves as before at the end.

    Only where Ctrl-C has its usual meaning, in the main thread; elsewhere nothing changes.
    """
    interrupts = Interrupts()
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    signal.signal(signal.SIGINT, interrupts.ask)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
