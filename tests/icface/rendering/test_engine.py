from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator

import pytest

from icface.jobs import (
    Advanced,
    Cancelled,
    Checkpoint,
    Event,
    Failed,
    Finished,
    Job,
    Progress,
    Rendered,
    Superseded,
)
from icface.rendering.engine import RenderEngine

WAIT_S = 30  # how long a broken engine is waited for; a sound one never takes it
NEVER_S = 1e6  # a settling time that no test outlives

Engine = RenderEngine[int, int]
Render = Callable[[int, Checkpoint], int]
Make = Callable[..., Engine]


class Gate:
    """Holds the engine's thread inside a rendering or a step until the test lets it go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def hold(self) -> None:
        self.reached.set()
        assert self.released.wait(WAIT_S)

    def wait(self) -> None:
        assert self.reached.wait(WAIT_S)


class Events(queue.Queue[Event]):
    def next(self) -> Event:
        return self.get(timeout=WAIT_S)

    def some(self, n: int) -> list[Event]:
        return [self.next() for _ in range(n)]


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def make_engine(events: Events) -> Iterator[Make]:
    made: list[Engine] = []

    def make(
        render: Render = lambda request, checkpoint: request, settle_s: float = NEVER_S
    ) -> Engine:
        engine = RenderEngine(render, settle_s)
        engine.start(events.put)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.close()


def counting(n: int, result: object = "done") -> Generator[Progress, None, object]:
    for i in range(n):
        yield Progress(i, n, f"step {i}")
    return result


# ---- requests


def test_only_the_newest_waiting_request_is_rendered(make_engine: Make, events: Events) -> None:
    gate, seen = Gate(), []

    def render(request: int, checkpoint: Checkpoint) -> int:
        seen.append(request)
        gate.hold()
        return -request

    engine = make_engine(render)
    engine.request(0)
    gate.wait()
    for number in range(1, 100):
        engine.request(number)
    gate.released.set()
    assert events.some(2) == [Rendered(0, 0), Rendered(99, -99)]
    assert seen == [0, 99]


def test_a_drag_faster_than_the_engine_still_shows_pictures(
    make_engine: Make, events: Events
) -> None:
    def render(request: int, checkpoint: Checkpoint) -> int:
        if request < 10:
            engine.request(request + 1)  # the hand has moved on before the picture is done
        checkpoint()
        return request

    engine = make_engine(render)
    engine.request(0)
    assert events.some(11) == [Rendered(n, n) for n in range(11)]


def test_a_checkpoint_lets_the_newest_request_pass(make_engine: Make, events: Events) -> None:
    def render(request: int, checkpoint: Checkpoint) -> int:
        checkpoint()
        return request

    make_engine(render).request(5)
    assert events.next() == Rendered(5, 5)


def test_all_happens_on_one_thread_that_is_not_the_callers(
    make_engine: Make, events: Events
) -> None:
    threads: set[int] = set()

    def render(request: int, checkpoint: Checkpoint) -> int:
        threads.add(threading.get_ident())
        return request

    def job() -> Generator[Progress, None, None]:
        threads.add(threading.get_ident())
        yield Progress(0, 1, "")

    engine = make_engine(render)
    engine.request(1)
    engine.add_job(job())
    events.some(3)
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_a_failing_request_is_reported_and_the_engine_lives_on(
    make_engine: Make, events: Events
) -> None:
    def render(request: int, checkpoint: Checkpoint) -> int:
        return 1 // request

    engine = make_engine(render)
    engine.request(0)
    failed = events.next()
    assert isinstance(failed, Failed)
    assert failed.task == 0
    assert isinstance(failed.error, ZeroDivisionError)
    engine.request(1)
    assert events.next() == Rendered(1, 1)


# ---- refinements


def test_a_refinement_follows_once_nothing_newer_is_asked_for(
    make_engine: Make, events: Events
) -> None:
    engine = make_engine(settle_s=0)
    engine.request(1, 100)
    assert events.some(2) == [Rendered(1, 1), Rendered(100, 100)]


def test_a_refinement_waits_until_requests_pause(make_engine: Make, events: Events) -> None:
    engine = make_engine(settle_s=NEVER_S)
    for number in (1, 2, 3):
        engine.request(number, 100 * number)
        assert events.next() == Rendered(number, number)
    engine.close()
    assert events.empty()


def test_a_newer_request_takes_the_place_of_a_refinement_in_hand(
    make_engine: Make, events: Events
) -> None:
    gate = Gate()

    def render(request: int, checkpoint: Checkpoint) -> int:
        if request == 100:
            gate.hold()
            checkpoint()
        return request

    engine = make_engine(render, settle_s=0)
    engine.request(1, 100)
    gate.wait()
    engine.request(2, 200)
    gate.released.set()
    assert events.some(3) == [Rendered(1, 1), Rendered(2, 2), Rendered(200, 200)]


def test_a_request_without_a_refinement_drops_the_one_that_waits(
    make_engine: Make, events: Events
) -> None:
    gate = Gate()

    def render(request: int, checkpoint: Checkpoint) -> int:
        if request == 1:
            gate.hold()
        return request

    engine = make_engine(render, settle_s=0)
    engine.request(1, 100)
    gate.wait()
    engine.request(2)
    gate.released.set()
    assert events.some(2) == [Rendered(1, 1), Rendered(2, 2)]
    engine.close()
    assert events.empty()


def test_what_failed_as_a_draft_is_not_tried_again_in_full(
    make_engine: Make, events: Events
) -> None:
    def render(request: int, checkpoint: Checkpoint) -> int:
        return 1 // request

    engine = make_engine(render, settle_s=0)
    engine.request(0, 100)
    assert isinstance(events.next(), Failed)
    engine.close()
    assert events.empty()


def test_a_failure_does_not_cost_a_newer_request_its_refinement(
    make_engine: Make, events: Events
) -> None:
    gate = Gate()

    def render(request: int, checkpoint: Checkpoint) -> int:
        if request == 0:
            gate.hold()
        return 100 // request

    engine = make_engine(render, settle_s=0)
    engine.request(0)
    gate.wait()
    engine.request(1, 2)
    gate.released.set()
    assert isinstance(events.next(), Failed)
    assert events.some(2) == [Rendered(1, 100), Rendered(2, 50)]


def test_jobs_go_on_while_a_refinement_settles(make_engine: Make, events: Events) -> None:
    engine = make_engine(settle_s=NEVER_S)
    engine.request(1, 100)
    job = engine.add_job(counting(1))
    assert events.some(3) == [
        Rendered(1, 1),
        Advanced(job, Progress(0, 1, "step 0")),
        Finished(job, "done"),
    ]


# ---- jobs


def test_a_job_reports_each_step_and_its_result(make_engine: Make, events: Events) -> None:
    job = make_engine().add_job(counting(2))
    assert events.some(3) == [
        Advanced(job, Progress(0, 2, "step 0")),
        Advanced(job, Progress(1, 2, "step 1")),
        Finished(job, "done"),
    ]


def test_requests_come_between_the_steps_of_a_job(make_engine: Make, events: Events) -> None:
    engine = make_engine()

    def export() -> Generator[Progress, None, str]:
        yield Progress(0, 2, "")
        engine.request(7)
        yield Progress(1, 2, "")
        return "exported"

    job = engine.add_job(export())
    assert events.some(4) == [
        Advanced(job, Progress(0, 2, "")),
        Advanced(job, Progress(1, 2, "")),
        Rendered(7, 7),
        Finished(job, "exported"),
    ]


def test_jobs_take_turns(make_engine: Make, events: Events) -> None:
    engine, gate = make_engine(), Gate()

    def long() -> Generator[Progress, None, None]:
        gate.hold()
        yield from counting(3)

    first = engine.add_job(long())
    gate.wait()
    second = engine.add_job(counting(2))
    gate.released.set()
    order = [event.job for event in events.some(7) if isinstance(event, Advanced | Finished)]
    assert order == [first, second, first, second, first, second, first]


def test_a_failing_job_is_reported_and_takes_no_further_step(
    make_engine: Make, events: Events
) -> None:
    def broken() -> Generator[Progress, None, None]:
        yield Progress(0, 2, "")
        raise OSError("disk full")

    engine = make_engine(settle_s=0)
    job = engine.add_job(broken())
    engine.request(1, 100)
    found = {type(event): event for event in events.some(4)}
    failed = found[Failed]
    assert isinstance(failed, Failed)
    assert failed.task == job
    assert str(failed.error) == "disk full"
    engine.add_job(counting(0, "fine"))
    assert isinstance(events.next(), Finished)


def test_a_cancelled_job_is_closed_before_its_next_step(make_engine: Make, events: Events) -> None:
    gate, cleaned = Gate(), threading.Event()

    def export() -> Generator[Progress, None, None]:
        try:
            gate.hold()
            while True:
                yield Progress(0, 0, "")
        finally:
            cleaned.set()

    engine = make_engine()
    job = engine.add_job(export())
    gate.wait()
    engine.cancel(job)
    gate.released.set()
    assert events.some(2) == [Advanced(job, Progress(0, 0, "")), Cancelled(job)]
    assert cleaned.is_set()


def test_a_job_may_be_cancelled_before_it_began_while_others_go_on(
    make_engine: Make, events: Events
) -> None:
    engine, gate = make_engine(), Gate()

    def first() -> Generator[Progress, None, None]:
        gate.hold()
        yield Progress(0, 1, "")

    running = engine.add_job(first())
    gate.wait()
    waiting = engine.add_job(counting(5))
    engine.cancel(waiting)
    gate.released.set()
    assert events.some(3) == [
        Advanced(running, Progress(0, 1, "")),
        Cancelled(waiting),
        Finished(running, None),
    ]


def test_a_job_that_ends_in_the_step_it_was_cancelled_in_has_finished(
    make_engine: Make, events: Events
) -> None:
    engine, gate = make_engine(), Gate()

    def last_step() -> Generator[Progress, None, str]:
        gate.hold()
        return "saved"
        yield

    job = engine.add_job(last_step())
    gate.wait()
    engine.cancel(job)
    gate.released.set()
    assert events.next() == Finished(job, "saved")


def test_cancelling_what_has_ended_or_never_was_does_nothing(
    make_engine: Make, events: Events
) -> None:
    engine = make_engine()
    job = engine.add_job(counting(0))
    assert events.next() == Finished(job, "done")
    engine.cancel(job)
    engine.cancel(Job(99))
    engine.request(1)
    assert events.next() == Rendered(1, 1)


def test_a_failing_cleanup_is_reported_and_the_engine_lives_on(
    make_engine: Make, events: Events
) -> None:
    def stubborn() -> Generator[Progress, None, None]:
        try:
            while True:
                yield Progress(0, 0, "")
        finally:
            raise OSError("cannot delete")

    engine, gate = make_engine(lambda request, checkpoint: gate.hold() or request), Gate()
    job = engine.add_job(stubborn())
    assert events.next() == Advanced(job, Progress(0, 0, ""))
    engine.request(1)
    gate.wait()
    engine.cancel(job)
    gate.released.set()
    left = [event for event in iter(events.next, Rendered(1, 1)) if not isinstance(event, Advanced)]
    assert left == []
    failed = events.next()
    assert isinstance(failed, Failed)
    assert failed.task == job


# ---- the end


def test_closing_runs_the_cleanup_of_every_job_and_joins_the_thread(events: Events) -> None:
    engine, gate, cleaned = RenderEngine[int, int](lambda request, checkpoint: request), Gate(), []

    def job(name: str) -> Generator[Progress, None, None]:
        try:
            while True:
                yield Progress(0, 0, name)
                gate.hold()
        finally:
            cleaned.append(name)

    engine.start(events.put)
    engine.add_job(job("a"))
    gate.wait()
    engine.add_job(job("b"))
    gate.released.set()
    events.next()
    events.next()
    engine.close()
    assert sorted(cleaned) == ["a", "b"]
    assert sum(isinstance(event, Cancelled) for event in events.queue) == 2
    assert "icface-render" not in {thread.name for thread in threading.enumerate()}


def test_closing_finishes_what_was_promised(events: Events) -> None:
    engine, gate, written = RenderEngine[int, int](lambda request, checkpoint: request), Gate(), []

    def saving(name: str) -> Generator[Progress, None, str]:
        gate.hold()
        yield Progress(0, 1, name)
        written.append(name)
        return name

    engine.start(events.put)
    engine.add_job(saving("first"), must_finish=True)
    gate.wait()
    engine.add_job(saving("second"), must_finish=True)
    unwanted = engine.add_job(saving("cancelled"), must_finish=True)
    engine.cancel(unwanted)
    gate.released.set()
    engine.close()
    assert written == ["first", "second"]


def test_closing_stops_the_work_in_hand_at_its_checkpoint(events: Events) -> None:
    gate, stopped = Gate(), threading.Event()

    def render(request: int, checkpoint: Checkpoint) -> int:
        gate.hold()
        while True:
            try:
                checkpoint()
            except Superseded:
                stopped.set()
                raise

    engine = RenderEngine(render)
    engine.start(events.put)
    engine.request(1)
    gate.wait()
    gate.released.set()
    engine.close()
    assert stopped.is_set()
    assert events.empty()


def test_closing_twice_or_before_the_start_is_no_harm(make_engine: Make) -> None:
    engine = make_engine()
    engine.close()
    engine.close()
    RenderEngine[int, int](lambda request, checkpoint: request).close()


def test_nothing_can_be_asked_of_a_closed_engine(make_engine: Make) -> None:
    engine = make_engine()
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine.request(1)
    with pytest.raises(RuntimeError, match="closed"):
        engine.add_job(counting(1))


def test_an_engine_is_started_once(make_engine: Make, events: Events) -> None:
    with pytest.raises(RuntimeError, match="started before"):
        make_engine().start(events.put)


def test_what_was_asked_before_the_start_is_done_after_it(events: Events) -> None:
    engine = RenderEngine[int, int](lambda request, checkpoint: request)
    engine.request(1)
    engine.start(events.put)
    assert events.next() == Rendered(1, 1)
    engine.close()


def test_a_paused_job_lets_others_run_and_can_be_resumed_or_cancelled(
    make_engine: Make, events: Events
) -> None:
    gate = Gate()

    def held() -> Generator[Progress, None, str]:
        yield Progress(0, 2, "first")
        gate.hold()
        yield Progress(1, 2, "second")
        return "held"

    engine = make_engine()
    resting = engine.add_job(held())
    assert events.next() == Advanced(resting, Progress(0, 2, "first"))
    gate.wait()
    engine.pause(resting)
    gate.released.set()
    assert events.next() == Advanced(resting, Progress(1, 2, "second"))
    other = engine.add_job(counting(2, "other"))
    assert {type(event) for event in events.some(3)} == {
        Advanced,
        Finished,
    }  # all three of the other job
    engine.request(7)
    assert isinstance(events.next(), Rendered)
    engine.pause(resting, False)
    assert events.next() == Finished(resting, "held")
    engine.pause(other)  # has ended: nothing happens
    third = engine.add_job(counting(1))
    assert events.some(2)[-1] == Finished(third, "done")
