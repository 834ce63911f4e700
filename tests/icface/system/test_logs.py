"""The log, the last faults, what is told of an installation, and `--verbose` on every command."""

from __future__ import annotations

import json
import logging
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from icface import __version__
from icface.cli import main
from icface.evaluation.diagnosis import as_text, diagnosis
from icface.model.networks.weights import models_dir
from icface.system import logs
from icface.system.digests import SUMS
from icface.system.logs import (
    MOST_FAULTS,
    last_faults,
    log_file,
    note_fault,
    printed_log,
    start_log,
    stop_log,
)


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield
    stop_log()


def said() -> str:
    return log_file().read_text("utf-8")


def a_fault(text: str) -> Exception:
    try:
        logs._places(None)  # type: ignore[arg-type]
    except AttributeError as error:
        error.args = (text,)
        return error
    raise AssertionError


def test_a_command_logs_what_it_is_and_why_it_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["info", str(tmp_path / "holiday.png")])
    assert f"icface {__version__}, info" in said()
    assert "Refused:" in said()
    assert "holiday.png" in said()
    assert last_faults() == ()


def test_the_log_is_bounded_private_and_begun_anew_by_each_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES", 20_000)
    for number in range(3):
        start_log(f"start {number}")
        for line in range(500):
            logging.getLogger("icface.test").info("line %d of start %d", line, number)
    files = sorted(log_file().parent.iterdir())
    assert [file.name for file in files] == ["icface.log", "icface.log.1"]
    assert all(file.stat().st_size <= 20_000 for file in files)
    assert said().count("line 499 of start 2") == 1
    if sys.platform != "win32":
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_without_a_place_for_the_log_commands_work_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"a file where the folder should be")
    with pytest.raises(SystemExit) as ended:
        main(["info", str(tmp_path / "absent.png")])
    assert ended.value.code == 2
    note = a_fault("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs.log, "error", lambda *_: None)
        note_fault(note, "in a test")
    assert last_faults() == ()


@pytest.mark.parametrize("before", [True, False])
def test_verbose_prints_the_log_on_the_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: bool
) -> None:
    words = ["info", "--verbose", "absent.png"] if before else ["info", "absent.png", "--verbose"]
    with pytest.raises(SystemExit):
        main(words)
    out, err = capsys.readouterr()
    assert out == ""
    assert "INFO icface.cli: Refused: " in err
    with pytest.raises(SystemExit):
        main(["info", "absent.png"])
    assert "INFO" not in capsys.readouterr().err


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield (*path, name)
            if isinstance(command, click.Group):
                yield from every_command(command, (*path, name))


def test_every_command_has_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    from icface.training.command import main as training

    names = [*every_command(main), *every_command(training, ("train",))]
    assert len(names) > 15
    for words in names:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        assert not ended.value.code
        assert "--verbose" in capsys.readouterr().out, words


def test_a_fault_is_noted_with_its_place_in_this_program_and_the_oldest_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    start_log("test")
    with caplog.at_level(logging.ERROR):
        for number in range(MOST_FAULTS + 3):
            note_fault(a_fault(f"/elsewhere/secret-{number}.png"), "in a test")
    found = last_faults()
    assert [fault.text for fault in found] == [
        f"/elsewhere/secret-{number}.png" for number in range(3, MOST_FAULTS + 3)
    ]
    assert found[0].kind == "AttributeError"
    assert found[0].places[-1].startswith("icface/system/logs.py:")
    assert found[0].places[-1].endswith(" _places")
    assert "secret-3.png" in said()


def test_a_fault_of_a_command_is_noted_and_still_raised(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    def breaks(_path: object) -> None:
        raise TypeError("unexpected")

    monkeypatch.setattr("icface.evaluation.diagnosis.as_text", lambda **_: breaks(None))
    with caplog.at_level(logging.ERROR), pytest.raises(TypeError):
        main(["diagnose"])
    assert [(fault.kind, fault.text) for fault in last_faults()] == [("TypeError", "unexpected")]


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[{}]", '[{"when": 1}]', "[" * 100_000])
def test_a_damaged_list_of_faults_is_as_if_there_were_none(text: str) -> None:
    log_file().parent.mkdir(parents=True)
    (log_file().parent / "faults.json").write_text(text)
    assert last_faults() == ()


def test_a_diagnosis_names_versions_devices_codecs_weights_and_faults_but_no_files(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.ERROR):
        note_fault(a_fault("/elsewhere/secret.png"), "in a test")
    start_log("test")
    logging.getLogger("icface.test").info("opened /elsewhere/secret.png")
    result = CliRunner().invoke(main, ["diagnose", "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert list(found) == [
        "versions",
        "system",
        "devices",
        "codecs",
        "weights",
        "folders",
        "faults",
    ]
    assert found["versions"]["icface"] == __version__
    assert found["versions"]["torch"][0].isdigit()
    assert found["devices"]["chosen"] in ("cpu", "cuda", "mps", "cuda:0")
    assert "preset mp4" in found["codecs"]
    assert set(found["weights"]) == {path.name for path in models_dir().glob("*.safetensors")}
    assert all(state.endswith("as shipped") for state in found["weights"].values())
    assert found["faults"][0]["kind"] == "AttributeError"
    assert found["faults"][0]["at"]
    assert "secret" not in result.stdout
    assert "secret" not in as_text()
    assert "secret" in as_text(names=True)


def test_a_diagnosis_tells_weights_that_are_damaged_or_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("detector.safetensors", SUMS):
        shutil.copy(models_dir() / name, tmp_path)
    (tmp_path / "detector.safetensors").write_bytes(b"other")
    monkeypatch.setattr("icface.model.networks.weights.models_dir", lambda: tmp_path)
    weights = diagnosis()["weights"]
    assert weights["detector.safetensors"].endswith("DAMAGED OR REPLACED")
    assert weights["refiner.safetensors"] == "MISSING"


def test_a_part_that_cannot_be_told_says_so_and_the_others_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks() -> None:
        raise OSError("libcuda")

    monkeypatch.setattr("icface.evaluation.diagnosis._devices", breaks)
    found = diagnosis()
    assert found["devices"] == "unknown: OSError"
    assert isinstance(found["codecs"], dict)


def test_a_diagnosis_is_written_into_a_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["diagnose", "-o", str(tmp_path / "report.txt")])
    assert result.stdout.strip() == str(tmp_path / "report.txt")
    assert "[weights]" in (tmp_path / "report.txt").read_text()


def test_training_prints_its_log_once(capsys: pytest.CaptureFixture[str]) -> None:
    start_log("train")
    with printed_log(), printed_log():
        logging.getLogger("icface.training").info("half way")
    assert capsys.readouterr().err.count("half way") == 1
    assert said().count("half way") == 1


def test_a_command_that_has_ended_prints_and_logs_no_more(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        main(["info", "--verbose", "absent.png"])
    capsys.readouterr()
    before = log_file().read_bytes()
    with caplog.at_level(logging.ERROR):
        logging.getLogger("icface").error("after the command")
    assert capsys.readouterr().err == ""
    assert log_file().read_bytes() == before


def test_a_log_is_printed_no_more_when_the_command_that_prints_it_has_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = logging.getLogger("icface")
    before = own.level, len(logging.getLogger().handlers)
    with printed_log():
        own.info("Step 1.")
    own.info("Refused: no such file.")
    printed = capsys.readouterr().err
    assert printed.endswith("Step 1.\n")
    assert "Refused" not in printed
    assert (own.level, len(logging.getLogger().handlers)) == before
