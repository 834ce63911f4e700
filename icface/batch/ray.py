"""A batch across machines, on Ray.

Its scheduler places the tasks, runs them again where a machine is lost, and counts cores.

Every machine needs this program with the extra ``cluster``, and the same paths to inputs and
outputs, as on a shared disk.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from icface.batch.tasks import BatchTask, Outcome, Runner, do_task

CORES = 1
"""Cores of a task, and threads of its networks."""

_ANSWER_S = 10.0
"""Longest wait for an address to answer, seconds; Ray itself would wait for minutes."""

_QUIET: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
"""First bytes from a client of gRPC, the protocol of Ray's servers: greeting and settings."""

_SETTINGS = 4
"""Kind of the first HTTP/2 frame from a server, in its fourth byte."""


class ClusterError(ValueError):
    """A cluster that cannot be used; the message gives the fault and the remedy."""


def on_ray(address: str = "", *, workers: int | None = None, cores: int = CORES) -> Runner:
    """A runner on a Ray cluster.

    Parameters
    ----------
    address : str
        Address of a running cluster ("host:6379", or "auto" for the one on this machine). "" or
        "local" starts one on this machine for as long as the batch takes; it listens to this
        machine only.
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
        raise ClusterError(
            "Ray is not installed: python -m pip install 'icface-studio[cluster]'."
        ) from error
    return ray


def _connect(ray: Any, address: str, cores: int | None) -> None:
    if address in {"", "local"}:
        _start_here(ray, cores)
        return
    try:
        _await_answer(os.environ.get("RAY_ADDRESS", "") if address == "auto" else address)
        ray.init(address=address, **_QUIET)
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterError(
            f"No Ray cluster answers at {address} ({error}). Start one with: ray start --head."
        ) from error


def _start_here(ray: Any, cores: int | None) -> None:
    try:
        with _on_loopback(ray):
            ray.init(address="local", num_cpus=cores, include_dashboard=False, **_QUIET)
    except (OSError, RuntimeError, ValueError) as error:
        raise ClusterError(
            f"Ray could not be started here ({error}). Leave --ray out to use processes instead."
        ) from error
    node = ray.util.get_node_ip_address()
    if not node.startswith("127.") and node != "::1":
        ray.shutdown()
        raise ClusterError(
            f"Ray {ray.__version__} would let other machines connect ({node}). "
            "Install the version in .ci/constraints.txt, or "
            "leave --ray out to use processes instead."
        )


@contextmanager
def _on_loopback(ray: Any) -> Iterator[None]:
    """Start Ray as on systems where it forms no clusters: its servers listen on loopback only."""
    constants = ray._private.ray_constants
    before = constants.ENABLE_RAY_CLUSTER
    constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before


def _await_answer(address: str) -> None:
    """Check that a gRPC server answers at an address within `_ANSWER_S`.

    An empty address is not checked. OSError or ValueError is raised if there is no answer.
    """
    if not address:
        return
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 65536):
        raise ValueError("an address is host:port")
    answers: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            _greet(host.strip("[]"), int(port))
        except (OSError, ValueError) as error:
            answers.put(error)
        else:
            answers.put(None)

    threading.Thread(target=ask, daemon=True).start()  # a look-up of a name has no limit of its own
    try:
        trouble = answers.get(timeout=_ANSWER_S)
    except queue.Empty:
        raise TimeoutError(f"no answer within {_ANSWER_S:g} seconds") from None
    if trouble is not None:
        raise trouble


def _greet(host: str, port: int) -> None:
    with socket.create_connection((host, port), timeout=_ANSWER_S) as connection:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return  # a greeting would have to be encrypted
        connection.sendall(_PREFACE)
        answer = b""
        while len(answer) < 4:
            more = connection.recv(64)
            if not more:
                break
            answer += more
    if answer[3:4] != bytes([_SETTINGS]):
        raise ValueError("something else than Ray listens there")


def _outcomes(ray: Any, tasks: Sequence[BatchTask], cores: int) -> Iterator[Outcome]:
    threads = {
        "OMP_NUM_THREADS": str(cores),
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),
    }
    remote = ray.remote(num_cpus=cores, max_retries=1, runtime_env={"env_vars": threads})(do_task)
    running = {remote.remote(task): task for task in tasks}
    while running:
        done, _ = ray.wait(list(running), num_returns=1)
        task = running.pop(done[0])
        try:
            yield ray.get(done[0])
        except ray.exceptions.RayError as error:
            text = f"Its worker ended before it was done ({type(error).__name__})."
            yield Outcome(task=task, state="failed", text=text)
