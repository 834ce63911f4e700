"""One thread that owns the networks: the newest preview first, then its refinement, then one step of a waiting job.

The engine knows nothing of faces: requests and results are whatever the render function takes and
gives. Whoever uses it holds no lock and waits for no result; what happened arrives as a value, on
the engine's thread.
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
"""How long requests must pause before the newest is refined: longer than the time between two moves
of a mouse."""

_Action = Callable[[], Event]


class RenderEngine(Generic[Request, Result]):
    """Renders requests and runs jobs on one thread of its own, from `start` to `close`.

    Parameters
    ----------
    render : callable
        (request, checkpoint) -> result, called on the engine's thread only.
    settle_s : float
        Seconds without a new request before a refinement is begun.
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
            Rendered next, and to its end even if a newer one comes meanwhile: requests that come
            faster than they can be answered must not keep all of them from being seen.
        refinement : Request, optional
            Rendered after it, once no newer request has come for `settle_s` seconds; not after a
            failure. A newer request ends it at its next checkpoint.
        """
        with self._changed:
            self._require_open()
            self._pending, self._refinement = request, refinement
            self._refine_at = time.monotonic() + self._settle_s
            self._changed.notify()

    def withdraw(self) -> None:
        """Take back the request and the refinement that are not begun yet."""
        with self._changed:
            self._pending = self._refinement = None

    def add_job(self, work: Work, *, must_finish: bool = False) -> Job:
        """Hand over a generator, to be advanced between requests in turn with the other jobs.

        A job that must finish, as writing a file, is worked off before the engine closes, unless it
        is cancelled.
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
        """Stop a job before its next step; one that has ended, or ends in the step it is taking, is left as it is."""
        with self._changed:
            if any(job == waiting for waiting, _ in self._jobs):
                self._unwanted.add(job)
                self._changed.notify()

    def pause(self, job: Job, on: bool = True) -> None:
        """Let a job rest where it is after the step it is taking, or go on; one that has ended is left as it is."""
        with self._changed:
            if on and any(job == waiting for waiting, _ in self._jobs):
                self._paused.add(job)
            else:
                self._paused.discard(job)
            self._changed.notify()

    def close(self) -> None:
        """Stop at the next checkpoint, finish what was promised, close the other jobs and join the thread.

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
            raise RuntimeError("The engine is closed; nothing can be asked of it any more.")

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
        """Wait for something to do: what it is, and how it is done. None when the engine closes and no job is left."""
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
        with self._changed:  # those that rest keep their place
            self._jobs.remove((job, work))
            self._jobs.append((job, work))
        return Advanced(job, progress)

    def _drop(self, job: Job, work: Work) -> Cancelled:
        self._remove(job)
        work.close()
        return Cancelled(job)

    def _give_up(self, task: object) -> None:
        """After a failure: no further step of the job, no refinement of the request."""
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
