"""Many photos and clips with the same edits or the same motion, in several processes.

What is finished is written down beside the outputs, so that a batch that was interrupted, or is run
again, makes only what is missing or has changed. One failure does not stop the others.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing.process import BaseProcess
from pathlib import Path

from icface import __version__
from icface.batch.recipes import applied, opened_document, pattern_of, voice_of
from icface.document import Project, edits
from icface.export import (
    EXPORT_PRESETS,
    STILL,
    Exported,
    ExportError,
    ExportOptions,
    export,
    plan_export,
)
from icface.jobs import Progress, run_to_end
from icface.media.clip import file_digest
from icface.rendering.kinds import is_clip
from icface.rendering.renderer import Renderer
from icface.system.atomic_write import write_whole
from icface.system.cores import cores, pool_size
from icface.system.failures import end_of_process, lacks_memory, trace_of_fault
from icface.system.stable_key import stable_key

log = logging.getLogger(__name__)
RECORD = ".icface-batch.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTask:
    """One input of a batch: all a process needs to know.

    Attributes
    ----------
    source : Path
        A photo or clip.
    pattern : Path
        A saved document, or what drives a face: a table, a clip, a photo.
    target : Path
        The file to make.
    options : ExportOptions
    device : str
        Where the networks run.
    """

    source: Path
    pattern: Path
    target: Path
    options: ExportOptions
    device: str = "auto"

    def key(self) -> str:
        """A key of everything that decides the output; `VideoError` if a file is gone."""
        content = [file_digest(self.source), *(file_digest(path) for path in _files(self.pattern))]
        return stable_key(__version__, content, self.target.name, self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a task.

    Attributes
    ----------
    task : BatchTask
    state : str
        "made", "kept" (there already, made of the same) or "failed".
    frames : int
    text : str
        Why it failed, or notes.
    trace : str
        Where a fault of the program came up, for whoever mends it; "" for what is wrong with a
        file.
    """

    task: BatchTask
    state: str
    frames: int = 0
    text: str = ""
    trace: str = ""


Runner = Callable[[Sequence[BatchTask]], Iterator[Outcome]]
"""Works tasks off and gives each outcome when it is there, in any order."""


def _files(pattern: Path) -> list[Path]:
    return (
        sorted(path for path in pattern.rglob("*") if path.is_file())
        if pattern.is_dir()
        else [pattern]
    )


def tasks_for(
    sources: Sequence[Path],
    pattern: Path,
    folder: Path,
    options: ExportOptions,
    *,
    device: str = "auto",
) -> tuple[BatchTask, ...]:
    """A task for each input; each output has its input's name.

    Raises
    ------
    ExportError
        If two inputs would make the same file, or an input would be overwritten.
    """
    preset = EXPORT_PRESETS.get(options.preset or "mp4")
    if preset is None:
        raise ExportError(
            f"There is no preset {options.preset!r}. Choose one of: {', '.join(EXPORT_PRESETS)}."
        )
    made: dict[Path, Path] = {}
    for source in sources:
        name = f"{source.stem}{preset.suffix}"
        target = (
            folder / source.stem / name
            if preset.kind == "sequence" and preset is not STILL
            else folder / name
        )
        if target in made:
            raise ExportError(
                f"{made[target]} and {source} would both become {target}. "
                "Rename one, or use two folders."
            )
        if target.resolve() == source.resolve():
            raise ExportError(f"{source} would be overwritten. Choose another folder.")
        made[target] = source
    chosen = replace(options, preset=preset.name)
    return tuple(
        BatchTask(source=source, pattern=pattern, target=target, options=chosen, device=device)
        for target, source in made.items()
    )


def run_batch(
    tasks: Sequence[BatchTask], folder: Path, runner: Runner
) -> Generator[Progress, None, tuple[Outcome, ...]]:
    """Job: carry out the tasks whose outputs do not exist yet from the same input.

    Parameters
    ----------
    tasks : sequence of BatchTask
    folder : Path
        Where the record of what was made is kept; it is created.
    runner : callable
        `in_processes`, or `icface.batch.ray.on_ray`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = _read_record(folder)
    outcomes: list[Outcome] = []
    keys: dict[Path, str] = {}
    missing: list[BatchTask] = []
    for task in tasks:
        try:
            keys[task.target] = task.key()
        except (ValueError, OSError) as error:
            outcomes.append(Outcome(task=task, state="failed", text=str(error)))
            continue
        if record.get(_name(task, folder)) == keys[task.target] and _is_there(task):
            outcomes.append(Outcome(task=task, state="kept"))
        else:
            missing.append(task)
    yield Progress(len(outcomes), len(tasks), "kept")
    for outcome in runner(missing):
        outcomes.append(outcome)
        if outcome.trace:  # said here and not in the worker, whose log may be on another machine
            log.error(
                "%s could not be made, by a fault of the program:\n%s",
                outcome.task.target,
                outcome.trace,
            )
        if outcome.state == "made":
            record[_name(outcome.task, folder)] = keys[outcome.task.target]
            _write_record(folder, record)
        yield Progress(len(outcomes), len(tasks), f"{outcome.task.source.name} {outcome.state}")
    order = {task.target: place for place, task in enumerate(tasks)}
    return tuple(sorted(outcomes, key=lambda outcome: order[outcome.task.target]))


def _name(task: BatchTask, folder: Path) -> str:
    return task.target.relative_to(folder).as_posix()


def _is_there(task: BatchTask) -> bool:
    return task.target.is_file() or any(
        task.target.parent.glob(f"{task.target.stem}_*{task.target.suffix}")
    )


def _read_record(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(key) for name, key in found.items()} if isinstance(found, dict) else {}


def _write_record(folder: Path, record: dict[str, str]) -> None:
    text = json.dumps(record, indent=1, sort_keys=True).encode()
    write_whole(folder / RECORD, lambda stream: stream.write(text))


# In one process -----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _renderer(device: str) -> Renderer:
    """The renderer of this process."""
    return Renderer(device=device)


@lru_cache(maxsize=1)
def _pattern(device: str, path: Path, _changed_ns: int) -> Project:
    return run_to_end(pattern_of(_renderer(device), path))


def do_task(task: BatchTask) -> Outcome:
    """One task carried out in this process.

    An error becomes an outcome, so that the other tasks are still done.
    """
    try:
        done = _made(task)
    except Exception as error:  # noqa: BLE001 (any codec or network may raise anything; `run_batch` tells of what it was)
        return _failed(task, error)
    return Outcome(task=task, state="made", frames=done.frames, text=" ".join(done.notes))


def _made(task: BatchTask) -> Exported:
    renderer = _renderer(task.device)
    pattern = _pattern(task.device, task.pattern, task.pattern.stat().st_mtime_ns)
    target = applied(pattern, run_to_end(opened_document(renderer, task.source)))
    if not any(made.mix for made in target.edits) and pattern.source is None:
        target = edits.drive_with(target, target.drivers[0].name)
    options = task.options
    if options.sound is None and not is_clip(task.source) and not target.output.sound:
        options = replace(options, sound=voice_of(target))
    task.target.parent.mkdir(parents=True, exist_ok=True)
    return run_to_end(export(plan_export(target, task.target, options), renderer))


def _failed(task: BatchTask, error: Exception) -> Outcome:
    name, text = task.source.name, str(error)
    trace = trace_of_fault(error)
    if lacks_memory(error):
        text = f"There is not enough memory for {name}. Use fewer --jobs, or a smaller file."
    elif trace:
        text = f"A fault of the program came up with {name} ({type(error).__name__}: {error})."
    return Outcome(task=task, state="failed", text=text, trace=trace)


# In several processes -----------------------------------------------------------------------------


def in_processes(jobs: int) -> Runner:
    """A runner with this many processes on this machine.

    A process that dies loses its own task and no other.
    """

    def run(tasks: Sequence[BatchTask]) -> Iterator[Outcome]:
        waiting = list(tasks)
        while waiting:
            under_way, end = yield from _pool(waiting, pool_size(min(jobs, len(waiting))))
            if len(under_way) == 1:
                yield Outcome(task=under_way[0], state="failed", text=f"Its process {end}.")
            else:  # whose process it was shows when each has one to itself
                for task in under_way:
                    yield from in_processes(1)([task])

    return run


def _pool(
    waiting: list[BatchTask], jobs: int
) -> Generator[Outcome, None, tuple[list[BatchTask], str]]:
    """Carry out tasks from the list until there are none, or a process has died.

    Gives what was under way then, and how the process ended.
    """
    context = multiprocessing.get_context("spawn")
    others, started = set(multiprocessing.active_children()), set[BaseProcess]()
    with ProcessPoolExecutor(
        jobs, context, initializer=_use_threads, initargs=(max(cores() // jobs, 1),)
    ) as pool:
        running: dict[Future[Outcome], BatchTask] = {}
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    future = pool.submit(do_task, waiting[0])
                    running[future] = waiting.pop(0)
                    started.update(set(multiprocessing.active_children()) - others)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outcome = future.result()
                    del running[future]
                    yield outcome
        except BrokenProcessPool:
            for future in [future for future in wait(running).done if future.exception() is None]:
                del running[future]
                yield future.result()
    return list(running.values()), end_of_process(process.exitcode for process in started)


def _use_threads(count: int) -> None:
    """Share the cores among the processes, before torch is loaded."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
