"""A batch on a private local Ray cluster of two workers, and addresses without a cluster."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from icface.batch import ray as cluster
from icface.batch.ray import ClusterError, on_ray
from icface.batch.tasks import Outcome, run_batch, tasks_for
from icface.cli import main
from icface.document import Face, Project, Source, edits
from icface.export import ExportOptions
from icface.jobs import run_to_end
from icface.media import load_photo
from icface.project_file import save_project
from tests.faces import ASTRONAUT_BOX, observation_in


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own, of sockets and of what it will do some day
def test_two_workers_make_what_a_process_would(astronaut_path: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    face = Face.from_observation(observation_in(ASTRONAUT_BOX))
    source = Source(str(astronaut_path), load_photo(astronaut_path).digest, 512, 512)
    save_project(
        tmp_path / "p.icface",
        edits.set_control(edits.open_source(Project(), source, [face]), "yaw", 15),
    )
    photos = [tmp_path / f"{name}.png" for name in "abc"]
    for photo in photos:
        shutil.copy(astronaut_path, photo)
    photos[1].write_bytes(b"no photo")
    tasks = tasks_for(
        photos, tmp_path / "p.icface", tmp_path / "out", ExportOptions(preset="still"), device="cpu"
    )
    outcomes = run_to_end(run_batch(tasks, tmp_path / "out", on_ray(workers=2)))
    assert [outcome.state for outcome in outcomes] == ["made", "failed", "made"], outcomes
    assert load_photo(tmp_path / "out" / "c.png").pixels.shape == (512, 512, 3)
    again = run_to_end(run_batch(tasks[::2], tmp_path / "out", on_ray(workers=2)))
    assert [outcome.state for outcome in again] == ["kept", "kept"]


def test_without_ray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match=r"icface-studio\[cluster\]"):
        on_ray()


# --------------------------------------------------------------------------------------------------


def sockets_of(process: Path) -> set[str]:
    """Numbers of the sockets that a process has open."""
    found = set()
    for link in (process / "fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.add(str(link.readlink()).removeprefix("socket:[").rstrip("]"))
    return found


def listening_elsewhere(mark: str = "") -> set[str]:
    """Addresses other than loopback where this process, or one marked with `mark`, listens."""
    inodes = sockets_of(Path("/proc/self"))
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # not a process, or it has ended
            if mark and mark.encode() in (process / "environ").read_bytes():
                inodes |= sockets_of(process)
    found = set()
    for table in ("tcp", "tcp6"):
        for row in (line.split() for line in Path("/proc/net", table).read_text().splitlines()[1:]):
            words = bytes.fromhex(row[1].partition(":")[0])
            address = ipaddress.ip_address(
                b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
            )
            address = getattr(address, "ipv4_mapped", None) or address
            if row[3] == "0A" and row[9] in inodes and not address.is_loopback:
                found.add(str(address))
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_started_here_listens_on_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("ICFACE_TEST_CLUSTER", "its-own-and-no-other")
    with socket.create_server(("0.0.0.0", 0)):
        assert listening_elsewhere() == {"0.0.0.0"}
    heard: list[set[str]] = []

    def listen(*_: object) -> Iterator[Outcome]:
        ray.get(
            ray.remote(runtime_env={"env_vars": {"A": "1"}})(lambda: 1).remote()
        )  # all its servers are up
        heard.append(listening_elsewhere("its-own-and-no-other"))
        yield from ()

    monkeypatch.setattr(cluster, "_outcomes", listen)
    assert list(on_ray("local", workers=1)([SimpleNamespace()])) == []  # type: ignore[list-item]
    assert heard == [set()]


# -------------------------------------------------------------------------------------------------


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ray that fails a test if it is asked to connect, where it would wait for minutes."""

    def init(**_: object) -> None:
        raise AssertionError("Ray was asked to connect")

    monkeypatch.setattr(cluster, "_ray", lambda: SimpleNamespace(init=init, shutdown=lambda: None))


def refusal(address: str) -> str:
    with pytest.raises(ClusterError) as told:
        list(on_ray(address)([SimpleNamespace()]))  # type: ignore[list-item]
    assert address in str(told.value)
    assert "ray start --head" in str(told.value)
    return str(told.value)


@pytest.mark.usefixtures("no_ray")
def test_an_address_where_nothing_listens_is_refused_before_ray_is_asked(
    free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in (f"127.0.0.1:{free_port}", f"ray://localhost:{free_port}", f"[::1]:{free_port}"):
        assert "No Ray cluster answers" in refusal(address)
    for address in ("here", "here:", ":6379", "here:port", "here:70000"):
        assert "host:port" in refusal(address)
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{free_port}")
    refusal("auto")


@pytest.mark.usefixtures("no_ray")
def test_what_listens_but_says_nothing_or_is_no_ray_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cluster._ANSWER_S < 15
    monkeypatch.setattr(cluster, "_ANSWER_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        refusal(address)

        def answer_as_a_web_server() -> None:
            while True:
                try:
                    asker, _ = server.accept()
                except OSError:
                    return
                with asker:
                    asker.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer_as_a_web_server, daemon=True).start()
        monkeypatch.setattr(cluster, "_ANSWER_S", 60.0)
        assert "something else than Ray" in refusal(address)


@pytest.mark.usefixtures("no_ray")
def test_the_command_names_the_address(
    astronaut_path: Path, free_port: int, tmp_path: Path
) -> None:
    arguments = [
        "batch",
        str(astronaut_path),
        "--with",
        str(astronaut_path),
        "-o",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(
        main, [*arguments, "--ray", f"127.0.0.1:{free_port}"], prog_name="icface"
    )
    assert f"No Ray cluster answers at 127.0.0.1:{free_port}" in done.output
    assert done.exit_code == 2
