"""A batch across machines, on Ray: its scheduler places the tasks, runs them again where a machine is lost, and counts cores.

Every machine needs this program with the extra ``cluster``, and the same paths to inputs and outputs, as on a shared disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from icface.batch import BatchTask, Outcome, Runner, do_task

CORES = 1
"""Cores that a task asks for; so many threads its networks use."""


class ClusterError(ValueError):
    """A cluster that cannot be used; the message says what is missing and what helps."""


def on_ray(address: str = "", *, workers: int | None = None, cores: int = CORES) -> Runner:
    """A runner on a Ray cluster.

    Parameters
    ----------
    address : str
        Of a cluster that runs ("auto", "ray://host:10001"); "" starts one on this machine for as long as the batch takes.
    workers : int, optional
        Tasks at a time on a cluster that is started here; one for each core otherwise.
    cores : int
        That each task asks for.

    Raises
    ------
    ClusterError
        If Ray is not installed, or no cluster is at the address.
    """
    ray = _ray()

    def run(tasks: Sequence[BatchTask]) -> Iterator[Outcome]:
        if not tasks:
            return
        _connect(ray, address, None if workers is None else workers * cores)
        try:
            yield from _outcomes(ray, tasks, cores)
        finally:
            ray.shutdown()

    return run


def _ray() -> Any:
    try:
        import ray  # noqa: PLC0415  (an extra)
    except ModuleNotFoundError as error:
        raise ClusterError("Ray is not installed: python -m pip install 'icface-studio[cluster]'.") from error
    return ray


def _connect(ray: Any, address: str, cores: int | None) -> None:
    options: dict[str, Any] = {"address": address} if address else {"num_cpus": cores, "include_dashboard": False}
    try:
        ray.init(log_to_driver=False, configure_logging=False, **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"No Ray cluster answers at {address}" if address else "Ray could not be started here"
        raise ClusterError(f"{where} ({error}). Start one with: ray start --head.") from error


def _outcomes(ray: Any, tasks: Sequence[BatchTask], cores: int) -> Iterator[Outcome]:
    threads = {"OMP_NUM_THREADS": str(cores), "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE")}
    remote = ray.remote(num_cpus=cores, max_retries=1, runtime_env={"env_vars": threads})(do_task)
    running = {remote.remote(task): task for task in tasks}
    while running:
        done, _ = ray.wait(list(running), num_returns=1)
        task = running.pop(done[0])
        try:
            yield ray.get(done[0])
        except ray.exceptions.RayError as error:
            text = f"Its worker ended before it was done ({type(error).__name__}); memory may have run out there."
            yield Outcome(task=task, state="failed", text=text)
