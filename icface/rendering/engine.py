"""One thread that owns the networks: the newest preview first, then its refinement, then jobs.

The engine knows nothing of faces: requests and results are whatever the render function takes and
returns. Callers hold no lock and wait for no result; events arrive as values, on the engine's
thread.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Generic

from icface.jobs import (
    Advanced,
    Cancelled,
    Checkpoint,
    Event,
    Failed,
    Finished,
    Job,
    Rendered,
    Request,
    Result,
    Superseded,
    Work,
)

SETTLE_S = 0.12
"""Pause of requests after which the newest is refined: longer than between two moves of a mouse."""

_Action = Callable[[], Event]


class RenderEngine(Generic[Request, Result]):
    """Renders requests and runs jobs on one thread of its own, from `start` to `close`.

    Parameters
    ----------
    render : callable
        (request, checkpoint) -> result, called on the engine's thread only.
    settle_s : float
        Seconds without a new request before a refinement begins.
    """

    def __init__(
        self, render: Callable[[Request, Checkpoint], Result], settle_s: float = SETTLE_S
    ) -> None:
        self._render = render
        self._settle_s = settle_s
        self._changed = threading.Condition()  # guards all that follows
        self._pending: Request | None = None
        self._refinement: Request | None = None
        self._refine_at = 0.0
        self._jobs: deque[tuple[Job, Work]] = deque()
        self._unwanted: set[Job] = set()
        self._promised: set[Job] = set()
        self._paused: set[Job] = set()
        self._numbers = itertools.count(1)
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self, on_event: Callable[[Event], None]) -> None:
        """Begin to work, once; `on_event` is called on the engine's thread and must not raise."""
        if self._thread is not None:
            raise RuntimeError("The engine was started before; make another one.")
        self._thread = threading.Thread(
            target=self._run, args=(on_event,), name="icface-render", daemon=True
        )
        self._thread.start()

    def request(self, request: Request, refinement: Request | None = None) -> None:
        """Ask for a result, in place of every request that is not answered yet.

        Parameters
        ----------
        request : Request
            Rendered next, and to its end even if a newer one arrives meanwhile: if requests come
            faster than answers, some answers must still appear.
        refinement : Request, optional
            Rendered after the request, once no newer one has arrived for `settle_s` seconds; not
            after a failure. A newer request ends it at its next checkpoint.
        """
        with self._changed:
            self._require_open()
            self._pending, self._refinement = request, refinement
            self._refine_at = time.monotonic() + self._settle_s
            self._changed.notify()

    def withdraw(self) -> None:
        """Withdraw the request and the refinement that have not begun."""
        with self._changed:
            self._pending = self._refinement = None

    def add_job(self, work: Work, *, must_finish: bool = False) -> Job:
        """Add a job: a generator that advances between requests, in turn with other jobs.

        A job that must finish, such as writing a file, is completed before the engine closes,
        unless it is cancelled.
        """
        with self._changed:
            self._require_open()
            job = Job(next(self._numbers))
            if must_finish:
                self._promised.add(job)
            self._jobs.append((job, work))
            self._changed.notify()
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job before its next step; nothing happens if it has ended."""
        with self._changed:
            if any(job == waiting for waiting, _ in self._jobs):
                self._unwanted.add(job)
                self._changed.notify()

    def pause(self, job: Job, on: bool = True) -> None:
        """Pause a job after its current step, or resume it; nothing happens if it has ended."""
        with self._changed:
            if on and any(job == waiting for waiting, _ in self._jobs):
                self._paused.add(job)
            else:
                self._paused.discard(job)
            self._changed.notify()

    def close(self) -> None:
        """Stop at the next checkpoint, finish jobs that must finish, close others, join the thread.

        Further calls do nothing.
        """
        with self._changed:
            self._closing = True
            self._paused.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _require_open(self) -> None:
        if self._closing:
            raise RuntimeError("The engine is closed; it takes no more requests.")

    def _while_open(self) -> None:
        """The checkpoint of requests."""
        with self._changed:
            if self._closing:
                raise Superseded

    def _while_newest(self) -> None:
        """The checkpoint of refinements."""
        with self._changed:
            if self._pending is not None or self._closing:
                raise Superseded

    def _run(self, on_event: Callable[[Event], None]) -> None:
        while (chosen := self._next_task()) is not None:
            task, action = chosen
            try:
                event = action()
            except Superseded:
                continue
            except Exception as error:  # noqa: BLE001 (the one place: the thread outlives whatever a task does)
                self._give_up(task)
                event = Failed(task, error)
            on_event(event)

    def _next_task(self) -> tuple[object, _Action] | None:
        """The next task and its action, once there is one; None when the engine has closed."""
        with self._changed:
            while True:
                for job, work in self._jobs:
                    if job in self._unwanted or (self._closing and job not in self._promised):
                        return job, partial(self._drop, job, work)
                if self._closing:
                    return self._first_job()
                if self._pending is not None:
                    request, self._pending = self._pending, None
                    return request, partial(self._answer, request, self._while_open)
                wait_s = None if self._refinement is None else self._refine_at - time.monotonic()
                if self._refinement is not None and self._refine_at <= time.monotonic():
                    request, self._refinement = self._refinement, None
                    return request, partial(self._answer, request, self._while_newest)
                if (first := self._first_job()) is not None:
                    return first
                self._changed.wait(wait_s)

    def _first_job(self) -> tuple[object, _Action] | None:
        for job, work in self._jobs:
            if job not in self._paused:
                return job, partial(self._advance, job, work)
        return None

    def _answer(self, request: Request, checkpoint: Checkpoint) -> Rendered[Request, Result]:
        return Rendered(request, self._render(request, checkpoint))

    def _advance(self, job: Job, work: Work) -> Advanced | Finished:
        try:
            progress = next(work)
        except StopIteration as stop:
            self._remove(job)
            return Finished(job, stop.value)
        with self._changed:  # paused jobs keep their place
            self._jobs.remove((job, work))
            self._jobs.append((job, work))
        return Advanced(job, progress)

    def _drop(self, job: Job, work: Work) -> Cancelled:
        self._remove(job)
        work.close()
        return Cancelled(job)

    def _give_up(self, task: object) -> None:
        """Drop a failed job, or the refinement of a failed request."""
        if isinstance(task, Job):
            self._remove(task)
            return
        with self._changed:
            if self._pending is None:
                self._refinement = None

    def _remove(self, job: Job) -> None:
        with self._changed:
            self._jobs = deque(pair for pair in self._jobs if pair[0] != job)
            self._unwanted.discard(job)
            self._promised.discard(job)
            self._paused.discard(job)
