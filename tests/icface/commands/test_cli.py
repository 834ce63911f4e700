"""The command line: what it prints and writes, and that every mistake is one line and exit code 2.

Logic runs with networks of random weights and a tracker that knows where the face is; the last part
runs the networks that ship.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from icface.cli import main
from icface.evaluation import speed as bench
from icface.face.controls import CHANNELS, CONTROL_IDS, ControlVector
from icface.face.geometry import Box
from icface.face.observation import FaceObservation, NoFaceError
from icface.media import load_photo
from icface.media.details import has_place
from icface.media.provenance import COMPOSITE
from icface.rendering import renderer as render
from icface.rendering.predictor import FacePredictor
from tests.icface.media.described_photos import described_jpeg
from tests.tiny_networks import tiny_face_predictor


def observation(left: float, top: float, side: float, **controls: float) -> FaceObservation:
    """A face of the right extent with its eye corners where they belong."""
    angles = np.linspace(0, 2 * np.pi, 478)
    points = np.stack([0.5 + 0.5 * np.cos(angles), 0.5 + 0.5 * np.sin(angles), 0 * angles], -1)
    points[33], points[263] = (0.25, 0.4, 0), (0.75, 0.4, 0)
    landmarks = (points * side + [left, top, 0]).astype(np.float32)
    return FaceObservation(Box.around(landmarks), landmarks, ControlVector.of(controls), 0.9)


class KnowingTracker:
    """Finds as many faces as it was told, the first where the astronaut's is."""

    name = "knowing"

    def __init__(self, n_faces: int) -> None:
        self.n_faces = n_faces

    def detect(self, _image: np.ndarray) -> tuple[FaceObservation, ...]:
        return tuple(
            observation(160 + 20 * i, 60, 120 - 20 * i, yaw=-5.0, jawOpen=0.2)
            for i in range(self.n_faces)
        )

    def observe(self, _image: np.ndarray, box: Box) -> FaceObservation:
        if box.width < 8:
            raise NoFaceError("The box is too small to hold a face.")
        return observation(box.left, box.top, box.width)


@pytest.fixture
def faces(monkeypatch) -> KnowingTracker:
    """The renderer with small random networks; the number of faces can be set."""
    tracker, predictor = KnowingTracker(1), tiny_face_predictor()
    real = render.Renderer
    monkeypatch.setattr(render, "Renderer", lambda **_: real(predictor, tracker))
    return tracker


@pytest.fixture
def photo(tmp_path, astronaut_path) -> Path:
    return Path(shutil.copy(astronaut_path, tmp_path / "portrait.png"))


def run(*words: object) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("icface: ")
    return lines[0]


def report_of(*words: object) -> dict:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [(), ("--help",), ("-h",), ("render", "--help"), ("info", "-h"), ("bench", "--help")]
)
def test_help_is_no_error(words):
    result = run(*words)
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_the_version_is_printed():
    assert "icface" in run("--version").stdout


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["fly"], "fly"),
        (["--fly"], "--fly"),
        (["render"], "PHOTO"),
        (["render", "a.png"], "--output"),
        (["render", "a.png", "-o"], "-o"),
        (["render", "a.png", "-o", "b.png", "--device", "abacus"], "abacus"),
        (["render", "a.png", "-o", "b.png", "--quality", "0"], "0"),
        (["render", "a.png", "-o", "b.png", "--face", "-1"], "-1"),
        (["render", "a.png", "-o", "b.png", "--face", "1", "--box", "1,2,3,4"], "--box"),
        (["render", "a.png", "-o", "b", "--set", "yaw=1", "--edits", "e.json"], "--edits"),
        (["render", "a.png", "-o", "b.png", "--set", "AU12"], "AU12"),
        (["render", "a.png", "-o", "b.png", "--set", "AU12=very"], "very"),
        (["render", "a.png", "-o", "b.png", "--set", "AU99=1"], "AU99"),
        (["render", "a.png", "-o", "b.png", "--set", "smile=1"], "smile"),
        (["render", "a.png", "-o", "b.png", "--set", "AU12=1.5"], "AU12"),
        (["render", "a.png", "-o", "b.png", "--set", "yaw=nan"], "yaw"),
        (["render", "a.png", "-o", "b.png", "--set", "yaw=90"], "45"),
        (["render", "a.png", "-o", "b.png", "--set", "AU26L=1"], "AU26L"),
        (["render", "a.png", "-o", "b.png", "--box", "1,2,3"], "1,2,3"),
        (["render", "a.png", "-o", "b.gif"], ".gif"),
        (["render", "a.png", "-o", "b"], "no ending"),
        (["render", "a.png", "-o", "no-such-folder/b.png"], "no-such-folder"),
        (["render", "no-such-photo.png", "-o", "b.png"], "no-such-photo.png"),
        (["info", "no-such-photo.png"], "no-such-photo.png"),
        (["info"], "PHOTO"),
        (["bench", "--size", "1"], "1"),
    ],
)
def test_every_mistake_is_one_line_that_names_it(tmp_path, monkeypatch, words, named):
    monkeypatch.chdir(tmp_path)
    assert named in refused(*words)
    assert not list(tmp_path.iterdir())


def test_a_mistake_in_a_real_process_is_one_line_too(tmp_path):
    command = [
        sys.executable,
        "-m",
        "icface.cli",
        "render",
        "none.jpg",
        "-o",
        "out.png",
        "--set",
        "AU12=2",
    ]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "AU12=2 is out of range" in done.stderr


def test_a_disk_that_refuses_is_one_line_too(monkeypatch, photo):
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "out")

    monkeypatch.setattr(render, "Renderer", refuse)
    assert "out: you lack the permission" in refused("info", photo)


def test_a_name_that_the_console_cannot_show_is_spelt_out(tmp_path, astronaut_path):
    command = [
        sys.executable,
        "-m",
        "icface.cli",
        "render",
        str(astronaut_path),
        "-o",
        "Gesicht-\u9854.png",
    ]
    root = Path(__file__).resolve().parents[3]
    spoken = os.environ | {"PYTHONPATH": str(root), "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=spoken, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Gesicht-\\u9854.png" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["Gesicht-\u9854.png"]


def test_being_stopped_by_hand_is_no_traceback(monkeypatch, photo):
    def stop(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(render, "Renderer", stop)
    assert run("info", photo).exit_code == 130


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_lack_of_memory_is_one_line_too(monkeypatch, photo, error):
    def lack(*_args: object, **_kwargs: object) -> None:
        raise error

    monkeypatch.setattr(render, "Renderer", lack)
    assert "not enough memory" in refused("info", photo)


def test_a_name_cannot_move_the_cursor_or_clear_the_screen(faces, photo, tmp_path):
    evil = tmp_path / "a\x1b[2J\x1b]0;owned\x07\u202egnp\r\nb.png"
    shutil.copy(photo, evil)
    for words in (
        ("info", evil),
        ("render", evil, "-o", tmp_path / "out\x1b[31m.png"),
        ("info", f"{evil}x"),
        ("\x1b[2J",),
    ):
        done = run(*words)
        assert not set("\x1b\x07\r\u202e\x9b") & set(done.stdout + done.stderr), words
    assert "\\x1b[2J" in run("info", evil).stdout
    assert json.loads(run("info", evil, "--json").stdout)["input"] == str(evil)


def test_a_reader_that_has_gone_is_no_traceback(monkeypatch, faces, photo):
    def gone(*_args: object, **_kwargs: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("click.echo", gone)
    result = CliRunner().invoke(main, ["info", str(photo)])
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 1


# --------------------------------------------------------------------------------------------------


def test_settings_change_the_picture_and_are_reported(faces, photo, tmp_path):
    out = tmp_path / "out.png"
    report = report_of(
        "render", photo, "--set", "yaw=15", "--set", "AU12=0.8", "--set", "AU43L=1", "-o", out
    )
    assert report["digest"] == load_photo(photo).digest
    assert report["relative"] is False
    assert report["face"]["index"] == 0
    assert report["device"] == "CPU"
    (done,) = report["outputs"]
    assert done["output"] == str(out)
    assert done["settings"] == {"yaw": 15.0, "AU12": 0.8, "AU43L": 1.0}
    assert done["deltas"]["yaw"] == 20.0  # from -5 to 15
    assert done["controls"] == {
        "yaw": 15.0,
        "eyeBlink_L": 1.0,
        "mouthSmile_L": 0.48,  # 0.6 is the most an adult does
        "mouthSmile_R": 0.48,
    }
    assert load_photo(out).pixels.shape == (512, 512, 3)


def test_with_delta_values_are_added_to_the_photos_own(faces, photo, tmp_path):
    report = report_of("render", photo, "--set", "yaw=15", "--delta", "-o", tmp_path / "out.png")
    assert report["relative"] is True
    assert report["outputs"][0]["deltas"] == {"yaw": 15.0}
    assert report["outputs"][0]["controls"] == {"yaw": 10.0}


def test_a_plus_adds_and_a_minus_is_a_value(faces, photo, tmp_path):
    report = report_of(
        "render", photo, "--set", "yaw=-15", "--set", "AU26=+0.3", "-o", tmp_path / "out.png"
    )
    assert report["outputs"][0]["deltas"] == {"yaw": -10.0, "AU26": 0.3}
    assert report["outputs"][0]["settings"] == {"yaw": -15.0, "AU26": "+0.3"}


def test_without_settings_the_pixels_stay_as_they_are(faces, photo, tmp_path):
    run("render", photo, "-o", tmp_path / "out.png")
    np.testing.assert_array_equal(load_photo(photo).pixels, load_photo(tmp_path / "out.png").pixels)


def test_without_settings_no_face_is_needed(faces, photo, tmp_path):
    faces.n_faces = 0
    assert report_of("render", photo, "-o", tmp_path / "out.png")["face"] is None


def test_people_are_told_what_was_written_and_what_was_lost(faces, photo, tmp_path):
    pixels = load_photo(photo)
    alpha = np.full((*pixels.pixels.shape[:2], 1), 128, np.uint8)
    clear = pixels.with_pixels(np.concatenate([pixels.pixels, alpha], 2))
    from icface.media import save_photo

    save_photo(tmp_path / "clear.png", clear)
    result = run("render", tmp_path / "clear.png", "--set", "yaw=5", "-o", tmp_path / "out.jpg")
    assert "out.jpg" in result.stdout
    assert "transparency" in result.stderr


def test_no_face_says_so_and_names_the_box(faces, photo, tmp_path):
    faces.n_faces = 0
    message = refused("render", photo, "--set", "yaw=5", "-o", tmp_path / "out.png")
    assert "No face" in message
    assert "--box" in message
    assert not (tmp_path / "out.png").exists()


def test_a_face_is_chosen_by_its_number(faces, photo, tmp_path):
    faces.n_faces = 3
    assert (
        report_of("render", photo, "--face", 2, "-o", tmp_path / "out.png")["face"]["box"][0] == 200
    )
    assert "3 faces" in refused("render", photo, "--face", 3, "-o", tmp_path / "no.png")
    faces.n_faces = 1
    assert "one face" in refused("render", photo, "--face", 1, "-o", tmp_path / "no.png")


def test_a_box_takes_the_place_of_finding_the_face(faces, photo, tmp_path):
    faces.n_faces = 0
    report = report_of(
        "render", photo, "--box", "150,50,290,200", "--set", "AU26=1", "-o", tmp_path / "out.png"
    )
    assert report["face"]["box"][:2] == [150, 50]
    assert report["face"]["index"] is None
    assert "outside" in refused("render", photo, "--box", "600,0,700,90", "-o", tmp_path / "no.png")
    assert "too small" in refused("render", photo, "--box", "1,1,3,3", "-o", tmp_path / "no.png")


def test_the_photo_itself_is_never_overwritten(faces, photo):
    before = photo.read_bytes()
    assert "photo itself" in refused("render", photo, "--set", "yaw=5", "-o", photo)
    assert photo.read_bytes() == before


def test_many_edits_of_one_photo_encode_it_once(faces, photo, tmp_path, monkeypatch):
    encoded = []
    real = FacePredictor.encode
    monkeypatch.setattr(FacePredictor, "encode", lambda *words: encoded.append(1) or real(*words))
    edits = {"rest": {}, "wink": {"AU43L": 1}, "turn": {"yaw": 20, "AU26": 0.5}}
    (tmp_path / "edits.json").write_text(json.dumps(edits), encoding="utf-8")
    report = report_of(
        "render", photo, "--edits", tmp_path / "edits.json", "-o", tmp_path / "new" / "out"
    )
    assert [done["name"] for done in report["outputs"]] == list(edits)
    assert len(encoded) == 1
    pictures = {name: load_photo(tmp_path / "new" / "out" / f"{name}.png").pixels for name in edits}
    np.testing.assert_array_equal(pictures["rest"], load_photo(photo).pixels)


@pytest.mark.parametrize("bad", [{"AU12": 7}, {"smile": 1}, {"yaw": float("1e400")}])
def test_one_bad_edit_stops_all_before_any_is_rendered(faces, photo, tmp_path, bad):
    (tmp_path / "edits.json").write_text(
        json.dumps({"fine": {"yaw": 5}, "bad one": bad}), encoding="utf-8"
    )
    message = refused("render", photo, "--edits", tmp_path / "edits.json", "-o", tmp_path / "out")
    assert "edits.json" in message
    assert "bad one" in message
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_of_the_folder_is_named(faces, photo, tmp_path):
    (tmp_path / "edits.json").write_text('{"a": {}}', encoding="utf-8")
    assert "portrait.png" in refused(
        "render", photo, "--edits", tmp_path / "edits.json", "-o", photo
    )


# -------------------------------------------------------------------------------------------------


def test_info_gives_every_control_of_every_face(faces, photo):
    faces.n_faces = 2
    report = report_of("info", photo)
    assert (report["width"], report["height"], report["bits"], report["alpha"]) == (
        512,
        512,
        8,
        False,
    )
    assert [face["index"] for face in report["faces"]] == [0, 1]
    assert list(report["faces"][0]["controls"]) == list(CHANNELS)
    assert list(report["faces"][0]["action_units"]) == list(CONTROL_IDS)
    assert report["faces"][0]["controls"]["yaw"] == -5
    assert report["faces"][0]["confidence"] == 0.9


def test_info_for_people_shows_what_is_not_at_rest(faces, photo):
    text = run("info", photo).stdout
    assert "512 x 512" in text
    assert "yaw -5.0 deg" in text
    assert "Jaw drop" in text
    assert "Lip corner puller" not in text


def test_info_without_a_face_is_an_answer_not_an_error(faces, photo):
    faces.n_faces = 0
    assert report_of("info", photo)["faces"] == []
    result = run("info", photo)
    assert result.exit_code == 0
    assert "--box" in result.stdout


@pytest.mark.parametrize("printed", ["", "soon", "[]", "{}", '{"window_ms": null}'])
def test_a_window_that_does_not_say_when_it_was_shown_leaves_the_figure_out(monkeypatch, printed):
    done = subprocess.CompletedProcess([], 0, printed, "")
    monkeypatch.setattr("subprocess.run", lambda *_words, **_options: done)
    assert bench.window_ms() is None


def test_the_window_says_when_it_was_shown():
    shown = bench.window_ms()
    assert shown is not None
    assert shown > 0


@pytest.fixture
def bench_with_tiny_networks(faces, monkeypatch):
    monkeypatch.setattr(bench, "Renderer", render.Renderer)
    monkeypatch.setattr(bench, "window_ms", lambda: 1234.5)
    monkeypatch.setattr(bench, "_PLAYED_FRAMES", 4)
    return faces


def test_bench_reports_figures_and_conditions(bench_with_tiny_networks):
    report = report_of("bench", "--size", 512, "--ticks", 5)
    assert report["tick_ms"]["p50"] <= report["tick_ms"]["p95"]
    assert all(report[name] >= 0 for name in ("load_ms", "open_ms", "full_ms", "rest_ms"))
    assert report["playback_fps"] > 0
    assert report["window_ms"] == 1234.5
    assert report["conditions"]["size"] == 512
    assert "slider tick" in run("bench", "--size", 512, "--ticks", 2).stdout


def test_bench_without_a_face_says_that_the_portrait_is_too_small(bench_with_tiny_networks):
    bench_with_tiny_networks.n_faces = 0
    assert "--size" in refused("bench", "--size", 64)


def test_train_without_numba_says_how_to_get_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'numba'", name="numba")

    command = type(sys)("icface.training.command")
    command.__getattr__ = missing
    monkeypatch.setitem(sys.modules, "icface.training.command", command)
    assert "pip install numba" in refused("train", "--help")


def test_train_hands_its_words_on(monkeypatch):
    seen = []

    @click.group()
    def group() -> None: ...

    @group.command()
    @click.option("--steps", type=int)
    def animator(steps: int) -> None:
        seen.append(steps)
        if steps > 5:
            raise ValueError("too many steps")

    command = type(sys)("icface.training.command")
    command.main = group
    monkeypatch.setitem(sys.modules, "icface.training.command", command)
    assert run("train", "animator", "--steps", 3).exit_code == 0
    assert seen == [3]
    assert "too many" in refused("train", "animator", "--steps", 9)
    assert "--stepz" in refused("train", "animator", "--stepz", 9)
    assert "animator" in run("train", "--help").stdout


# ---------------------------------------------------------------------------------------- with the


def test_the_shipped_networks_make_the_astronaut_wink_turn_and_rest(photo, tmp_path):
    edits = {"rest": {}, "wink": {"AU43L": 1}, "turn": {"yaw": 15}}
    (tmp_path / "edits.json").write_text(json.dumps(edits), encoding="utf-8")
    report = report_of(
        "render", photo, "--edits", tmp_path / "edits.json", "-o", tmp_path, "--device", "cpu"
    )
    left, top, right, bottom = report["face"]["box"]
    assert 100 < left < (left + right) / 2 < right < 350
    assert 20 < top < (top + bottom) / 2 < bottom < 260
    before = load_photo(photo).pixels
    np.testing.assert_array_equal(load_photo(tmp_path / "rest.png").pixels, before)
    changed = {
        name: (load_photo(tmp_path / f"{name}.png").pixels != before).any(2)
        for name in ("wink", "turn")
    }
    face = np.s_[int(top) : int(bottom), int(left) : int(right)]
    assert changed["wink"][face].mean() > 0.01
    lid = np.abs(load_photo(tmp_path / "wink.png").pixels.astype(int) - before).max(2) > 40
    assert lid.sum() > 70  # skin where the iris was
    assert changed["turn"][face].mean() > 0.5
    assert not changed["wink"][400:].any()
    assert not changed["turn"][400:].any()
    middle = int(left + right) // 2
    assert (
        changed["wink"][:, : middle - 10].sum() < 0.02 * changed["wink"][:, middle - 10 :].sum()
    )  # one eye alone
    seen = report_of("info", tmp_path / "turn.png", "--device", "cpu")["faces"][0]["controls"]
    assert seen["yaw"] > report["face"]["controls"]["yaw"] + 5


def test_the_shipped_tracker_finds_no_face_in_noise(tmp_path):
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    assert report_of("info", tmp_path / "noise.png", "--device", "cpu")["faces"] == []


# -------------------------------------------------------------------------------------------------


def test_the_plan_of_a_picture_says_what_is_left_out_and_writes_nothing(faces, tmp_path):
    source = described_jpeg(tmp_path / "in.jpg")
    result = run("render", source, "--set", "yaw=5", "-o", tmp_path / "out.png", "--plan")
    assert not (tmp_path / "out.png").exists()
    assert "PNG has no place for IPTC data" in result.stdout
    assert "goes on saying where the picture was taken (GPS)" in result.stdout
    assert "says that a trained model had a part in it" in result.stdout
    report = report_of(
        "render", source, "--set", "yaw=5", "-o", tmp_path / "out.png", "--plan", "--keep", "none"
    )
    (lines,) = report["plan"].values()
    assert any("left out, as chosen" in line for line in lines)


def test_an_edited_picture_is_labelled_and_keeps_the_place_by_choice(faces, photo, tmp_path):
    described = described_jpeg(tmp_path / "in.jpg")
    with Image.open(described) as small, Image.open(photo) as large:
        large.save(tmp_path / "face.jpg", exif=small.info["exif"], xmp=small.info["xmp"])
    for name, words in {"a": (), "b": ("--keep", "no-place"), "c": ("--no-label",)}.items():
        run(
            "render",
            tmp_path / "face.jpg",
            "--set",
            "yaw=5",
            "-o",
            tmp_path / f"{name}.jpg",
            *words,
        )
    run("render", tmp_path / "face.jpg", "-o", tmp_path / "d.jpg")
    made = {name: load_photo(tmp_path / f"{name}.jpg") for name in "abcd"}
    assert [COMPOSITE.encode() in p.details.xmp for p in made.values()] == [
        True,
        True,
        False,
        False,
    ]
    assert [has_place(p.exif, p.details) for p in made.values()] == [True, False, True, True]
