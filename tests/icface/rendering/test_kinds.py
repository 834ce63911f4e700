"""Kinds of files by content, for all commands: animations are clips whatever their name."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from icface.cli import main
from icface.document import Clip, DataFile, Project, Source, edits
from icface.jobs import run_to_end
from icface.media import PhotoError, load_photo
from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.video_file import VideoError
from icface.project_file import save_project
from icface.rendering.driver_import import take_in
from icface.rendering.kinds import KindError, check_kind, is_clip, kind_of
from icface.rendering.renderer import Renderer
from tests.icface.commands.test_cli import KnowingTracker
from tests.icface.export.exporting import LOSSLESS, portrait_clip
from tests.tiny_networks import tiny_face_predictor


def animation(path: Path, picture: NDArray[np.uint8], kind: str, **options: object) -> Path:
    frames = [Image.fromarray(np.roll(picture[::4, ::4], 2 * n, 1)) for n in range(4)]
    frames[0].save(
        path, kind, save_all=True, append_images=frames[1:], duration=[100, 50, 100, 200], **options
    )
    return path


ANIMATED = {"GIF": ".gif", "WEBP": ".webp", "PNG": ".png"}


@pytest.mark.parametrize("kind", ANIMATED)
@pytest.mark.parametrize("suffix", ["", ".jpg"])
def test_an_animation_is_a_clip_whatever_its_name(
    tmp_path: Path, astronaut: NDArray[np.uint8], kind: str, suffix: str
) -> None:
    path = animation(
        tmp_path / f"moving{suffix or ANIMATED[kind]}",
        astronaut,
        kind,
        **({"lossless": True} if kind == "WEBP" else {}),
    )
    assert is_clip(path)
    assert "animated" in kind_of(path).title
    about = probe(path)
    assert (about.count, about.size, float(about.duration)) == (4, (128, 128), pytest.approx(0.45))
    with ClipReader(path) as reader:
        assert reader.seconds == pytest.approx([0, 0.1, 0.15, 0.25])
        for number in (3, 0):
            apart = np.abs(
                reader.frame(number).pixels().astype(int)
                - np.roll(astronaut[::4, ::4], 2 * number, 1)
            )
            assert apart.mean() < (8 if kind == "GIF" else 0.01)


def test_the_clearness_of_an_animation_is_kept(
    tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    clear = np.dstack([astronaut[::4, ::4], np.full((128, 128), 255, np.uint8)])
    clear[:40, :, 3] = 0
    frames = [Image.fromarray(np.roll(clear, n, 1)) for n in range(3)]
    frames[0].save(
        tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=40, lossless=True
    )
    with ClipReader(tmp_path / "a.webp") as reader:
        pixels = reader.frame(1).deep_pixels(alpha=True)
    assert pixels.shape == (128, 128, 4)
    assert (pixels[:40, :, 3] == 0).all()
    assert (pixels[40:, :, 3] == 255).all()


def test_an_animation_that_is_cut_short_is_named(
    tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    whole = animation(tmp_path / "a.webp", astronaut, "WEBP").read_bytes()
    (tmp_path / "cut.webp").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VideoError, match=r"cut\.webp"):
        probe(tmp_path / "cut.webp")


def test_an_animation_of_too_many_pixels_is_refused_before_it_is_read(
    tmp_path: Path, astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("icface.media.unrolled.MOST_BYTES", 4 * 128 * 128 * 3)
    with pytest.raises(VideoError, match="4 pictures of 128 x 128"):
        probe(animation(tmp_path / "a.webp", astronaut, "WEBP"))


@pytest.mark.parametrize("kind", ANIMATED)
def test_an_animation_is_opened_and_taken_in_as_a_clip(
    tmp_path: Path, astronaut: NDArray[np.uint8], kind: str
) -> None:
    renderer = Renderer(tiny_face_predictor(), KnowingTracker(1))  # type: ignore[arg-type]
    path = animation(tmp_path / f"a{ANIMATED[kind]}", astronaut, kind)
    assert isinstance(run_to_end(renderer.open(path)).source, Clip)
    assert isinstance(run_to_end(take_in(renderer, path)).medium, Clip)


def test_a_picture_alone_is_a_photo(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    for kind, suffix in (*ANIMATED.items(), ("JPEG", ".mp4"), ("TIFF", ".csv")):
        Image.fromarray(astronaut).save(tmp_path / f"a{suffix}", kind)
        assert kind_of(tmp_path / f"a{suffix}").group == "photo", kind
    still = load_photo(tmp_path / "a.gif")
    assert np.abs(still.pixels.astype(int) - astronaut).mean() < 12


@pytest.mark.parametrize("name", ["face.tsv", "face.txt", "face", "face.dat"])
def test_a_table_is_one_under_any_name_and_drives(
    tmp_path: Path, feat_data: Path, name: str
) -> None:
    table = (feat_data / "OpenFace_Test.csv").read_text()
    lines = [line for line in table.splitlines() if line.strip()][:20]
    (tmp_path / name).write_text(
        "\n".join("\t".join(cell.strip() for cell in line.split(",")) for line in lines)
    )
    assert kind_of(tmp_path / name).group == "table"
    renderer = Renderer(tiny_face_predictor(), KnowingTracker(1))  # type: ignore[arg-type]
    taken = run_to_end(take_in(renderer, tmp_path / name))
    assert isinstance(taken.medium, DataFile)
    assert len(taken.motions[0]) == 19


def test_projects_and_motions_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    save_project(
        tmp_path / "a.zip", edits.open_source(Project(), Source("a.png", "0" * 64, 10, 10), [])
    )
    with (tmp_path / "b.icface").open("wb") as stream:
        np.savez(stream, seconds=np.arange(3))
    (tmp_path / "c.json").write_text('{"icface-motion": 1}')
    assert [kind_of(tmp_path / name).group for name in ("a.zip", "b.icface", "c.json")] == [
        "project",
        "table",
        "table",
    ]
    assert kind_of(tmp_path).group == "folder"


def test_what_says_nothing_goes_by_its_name(tmp_path: Path) -> None:
    for name, group in (
        ("a.mp4", "clip"),
        ("a.jpg", "photo"),
        ("a.csv", "table"),
        ("a.xyz", "other"),
    ):
        assert kind_of(tmp_path / name).group == group  # not there
        (tmp_path / name).write_bytes(bytes(range(256)) * 20)
        assert kind_of(tmp_path / name).group == group
        (tmp_path / name).write_bytes(b"")
        assert kind_of(tmp_path / name).group == group
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
    assert kind_of(tmp_path / "list.mp4").group == "clip"  # and its reader refuses it
    check_kind(tmp_path / "absent.csv", "photo")


@pytest.fixture
def files(tmp_path: Path, astronaut: NDArray[np.uint8], feat_data: Path) -> dict[str, str]:
    there = {
        "PHOTO": tmp_path / "p.png",
        "CLIP": portrait_clip(tmp_path / "c.mkv", astronaut, 2, replace(LOSSLESS, rate=10)),
        "TABLE": tmp_path / "t.txt",
        "PROJECT": tmp_path / "d.icface",
        "GIF": animation(tmp_path / "g.gif", astronaut, "GIF"),
    }
    Image.fromarray(astronaut).save(there["PHOTO"])
    shutil.copy(feat_data / "OpenFace_Test.csv", there["TABLE"])
    save_project(there["PROJECT"], Project())
    return {name: str(path) for name, path in there.items()}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("info CLIP", "Matroska or WebM clip, but a photo is needed here: icface track"),
        ("info GIF", "an animated GIF"),
        ("info TABLE", "a table of tracking data, but a photo is needed here: icface convert"),
        ("info PROJECT", "a project, but a photo is needed here: icface export"),
        ("render CLIP --set yaw=5 -o o.png", "icface edit changes them"),
        ("render GIF --set yaw=5 -o o.png", "icface edit changes them"),
        (
            "track PHOTO -o o.csv",
            "a PNG photo, but a clip is needed here: icface info describes a photo",
        ),
        ("track TABLE -o o.csv", "icface convert"),
        ("edit PHOTO --set yaw=5 -o o.mp4", "icface render edits it"),
        ("animate TABLE --driver CLIP -o o.mp4", "a photo or a clip is needed"),
        (
            "animate PHOTO --driver PROJECT -o o.mp4",
            "a clip or a table of tracking data or a photo is needed",
        ),
        ("convert CLIP o.csv", "icface track"),
        ("convert PHOTO o.csv", "a table of tracking data is needed"),
        ("export CLIP -o o.mp4", "a project is needed"),
    ],
)
def test_each_command_names_what_it_got_and_the_one_that_takes_it(
    files: dict[str, str], words: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, [files.get(word, word) for word in words.split()])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert named in done.stderr
    assert not list(tmp_path.glob("o.*"))


def test_the_library_says_so_too(files: dict[str, str]) -> None:
    with pytest.raises(KindError, match="animated GIF"):
        check_kind(Path(files["GIF"]), "photo")
    with pytest.raises(PhotoError):
        load_photo(files["CLIP"])
    assert json.dumps(kind_of(files["GIF"]).title)


def test_a_batch_names_what_it_got_and_ends_with_2_when_nothing_was_made(
    files: dict[str, str], tmp_path: Path
) -> None:
    words = [
        "batch",
        files["TABLE"],
        str(tmp_path / "absent.jpg"),
        "--with",
        files["TABLE"],
        "-o",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "0 made, 0 kept, 2 failed" in done.stdout
    assert "a table of tracking data, but a photo or a clip is needed here" in done.stderr
    assert "absent.jpg" in done.stderr
