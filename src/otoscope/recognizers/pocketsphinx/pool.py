"""Scoring in several processes that stay ready between calls.

In: a plan, targets and many recordings. Out: a score matrix that does not depend on how many processes there were.
Workers are plain child processes talking over pipes: they import nothing of the caller's main module, end when the
parent ends, and are killed when a call is interrupted.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from otoscope.core import OtoscopeError, Target
from otoscope.core.protocols import Progress
from otoscope.recognizers.pocketsphinx.scoring import ScoringPlan
from otoscope.recognizers.pocketsphinx.worker import receive, send

_ENTRY = "from otoscope.recognizers.pocketsphinx.worker import main; main()"
_PATIENCE_S = 3.0
"""How long a worker may take to end by itself before it is killed."""
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def available_processes() -> int:
    """Return how many processors this process may use, eight at most."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, usable)


class WorkerPool:
    """Processes that score recordings.

    Parameters
    ----------
    n_processes
        How many; they start at the first call.
    """

    def __init__(self, n_processes: int) -> None:
        self.n_processes = n_processes
        self._workers: list[subprocess.Popen[bytes]] = []
        self._finalizer = weakref.finalize(self, end_processes, self._workers)

    @property
    def started(self) -> bool:
        """Whether the processes run."""
        return bool(self._workers)

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The workers' process numbers."""
        return tuple(worker.pid for worker in self._workers)

    def close(self) -> None:
        """End all workers; the next call starts fresh ones."""
        end_processes(self._workers)

    def score(
        self,
        plan: ScoringPlan,
        recordings: Sequence[NDArray[np.int16]],
        targets: Sequence[Target],
        *,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """Return `(n_recordings, n_targets)` scores.

        Raises
        ------
        OtoscopeError
            A worker process died.
        """
        scores = np.empty((len(recordings), len(targets)))
        jobs: queue.SimpleQueue[int] = queue.SimpleQueue()
        answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        for index in range(len(recordings)):
            jobs.put(index)
        try:
            self._start()
            for worker in self._workers:
                threading.Thread(
                    target=_drive, args=(worker, plan, targets, recordings, jobs, answers), daemon=True
                ).start()
            for done in range(1, len(recordings) + 1):
                index, answer = answers.get()
                if isinstance(answer, BaseException):
                    raise answer
                scores[index] = answer
                if progress is not None:
                    progress(done, len(recordings))
        except BaseException:
            self.close()
            raise
        return scores

    def _start(self) -> None:
        alive = [worker for worker in self._workers if worker.poll() is None]
        if len(alive) < self.n_processes:
            self.close()
            self._workers.extend(spawn() for _ in range(self.n_processes))


def spawn(entry: str = _ENTRY) -> subprocess.Popen[bytes]:
    """Start a process that runs `entry` (Python code) with one thread, out of reach of Ctrl-C, over two pipes."""
    environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", entry],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends us
    )


def end_processes(workers: list[subprocess.Popen[bytes]]) -> None:
    """End processes that `spawn` started: ask, wait a little, kill; the list is empty afterwards."""
    for worker in workers:
        worker.terminate()
    for worker in workers:
        try:
            worker.wait(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
        for stream in (worker.stdin, worker.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
    workers.clear()


def _drive(
    worker: subprocess.Popen[bytes],
    plan: ScoringPlan,
    targets: Sequence[Target],
    recordings: Sequence[NDArray[np.int16]],
    jobs: queue.SimpleQueue[int],
    answers: queue.SimpleQueue[tuple[int, Any]],
) -> None:
    """Feed one worker until no job is left; what goes wrong is an answer too."""
    index = -1
    stdin, stdout = cast(Any, worker.stdin), cast(Any, worker.stdout)
    try:
        send(stdin, ("targets", plan, tuple(targets)))
        while True:
            try:
                index = jobs.get_nowait()
            except queue.Empty:
                return
            send(stdin, ("score", recordings[index].tobytes()))
            kind, content = receive(stdout)
            answers.put((index, content))
            if kind == "error":
                return
    except (EOFError, OSError, ValueError):
        try:
            code: int | str = worker.wait(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            code = "unknown"
        answers.put((index, OtoscopeError(f"a scoring process ended early (exit code {code}); try processes=1")))
