"""Those who hear: one open recogniser in this process, or several processes that each open it.

Answers come as they are ready, each with the utterance's number: what they are does not depend on how many hear.
Every process computes with one thread, so that numbers are the same however many processes there are.
"""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast

import otoscope.core as core
from otoscope.core import OtoscopeError, Recognizer
from otoscope.corpora.utterance import Utterance
from otoscope.recognizers.evaluation.entrant import Entrant
from otoscope.recognizers.evaluation.memory import PeakMemory, peak_memory
from otoscope.recognizers.evaluation.worker import Ready, answer, opened
from otoscope.recognizers.pocketsphinx.pool import end_processes, spawn
from otoscope.recognizers.pocketsphinx.worker import receive, send

_ENTRY = "from otoscope.recognizers.evaluation.worker import main; main()"

Job = tuple[str, Any, Any]
"""What is to be done, with which utterance, in which condition; see `worker.answer`."""


class Crew(Protocol):
    """Hears utterances; `ready` tells who, `memory` at what cost."""

    ready: Ready
    n_processes: int

    def work(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Any]]:
        """Yield (number of the job, answer) as answers come."""
        ...

    def memory(self) -> PeakMemory:
        """Return the peak memory of all processes so far, this one included."""
        ...

    def close(self) -> None:
        """End all processes."""
        ...


def crew_of(entrant: Entrant | Recognizer, first: Utterance, n_processes: int | None) -> Crew:
    """Return a crew that is ready to work.

    Parameters
    ----------
    entrant
        An open recogniser works in this process; a name or folder is opened in processes of their own.
    first
        The first utterance, whose beginning is heard once before anything is timed.
    n_processes
        How many; one by default, since each holds the whole recogniser.

    Raises
    ------
    OtoscopeError
        The recogniser cannot be opened, or several processes are asked of an open one.
    """
    if isinstance(entrant, Entrant):
        return _Processes(entrant, first, n_processes or 1)
    if n_processes not in (None, 1):
        raise OtoscopeError("an open recogniser works in this process alone; name it, or save it and give its folder")
    return _Alone(entrant, first)


class _Alone:
    def __init__(self, recognizer: Recognizer, first: Utterance) -> None:
        self.recognizer, self.ready = opened(recognizer, first)
        self.n_processes = 1

    def work(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Any]]:
        for number, job in enumerate(jobs):
            yield number, answer(self.recognizer, job)

    def memory(self) -> PeakMemory:
        return peak_memory([os.getpid()])

    def close(self) -> None:
        """Nothing to end."""


class _Processes:
    def __init__(self, entrant: Entrant, first: Utterance, n_processes: int) -> None:
        self.n_processes = n_processes
        self._workers: list[subprocess.Popen[bytes]] = []
        try:
            for _ in range(n_processes):
                self._workers.append(spawn(_ENTRY))
            for worker in self._workers:
                send(cast(Any, worker.stdin), (entrant, first))
            self.ready = max((self._receive(worker) for worker in self._workers), key=lambda ready: ready.load_s)
        except BaseException:
            self.close()
            raise

    def work(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Any]]:
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        for number in range(len(jobs)):
            waiting.put(number)
        for worker in self._workers:
            threading.Thread(target=self._drive, args=(worker, jobs, waiting, answers), daemon=True).start()
        for _ in jobs:
            number, content = answers.get()
            if isinstance(content, BaseException):
                raise content
            yield number, content

    def _drive(
        self, worker: subprocess.Popen[bytes], jobs: Sequence[Job], waiting: queue.SimpleQueue[int], answers: Any
    ) -> None:
        """Feed one process until no job is left; what goes wrong is an answer too."""
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                send(cast(Any, worker.stdin), jobs[number])
                answers.put((number, self._receive(worker)))
            except (OtoscopeError, OSError, ValueError) as error:
                answers.put((number, error))
                return

    def _receive(self, worker: subprocess.Popen[bytes]) -> Any:
        try:
            kind, content = receive(cast(Any, worker.stdout))
        except EOFError:
            raise OtoscopeError(
                "an evaluating process ended early; its last words are above. Try fewer processes if memory ran out"
            ) from None
        if kind == "error":
            name, text = content
            known = getattr(core, name, OtoscopeError)
            error = OtoscopeError.__new__(known)
            error.args = (text,)
            raise error
        return content

    def memory(self) -> PeakMemory:
        return peak_memory([os.getpid(), *(worker.pid for worker in self._workers)])

    def close(self) -> None:
        end_processes(self._workers)
