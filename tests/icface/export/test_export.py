"""Exports keep the bytes of what is not edited, and show edits as the editor does."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from icface.document import Driver, Face, FaceEdits, MixRule, Project, Region, Source, edits
from icface.document.curves import Blend, Key, Track
from icface.export import (
    ExportError,
    ExportOptions,
    ExportPlan,
    describe,
    export,
    plan_export,
    running,
)
from icface.face.geometry import Box
from icface.jobs import run_to_end
from icface.media import load_photo
from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.colour import Colours
from icface.media.encoding import ClipWriter
from icface.media.frame_conversion import frame_of_pixels
from icface.media.presets import EncodeError
from icface.media.provenance import COMPOSITE
from icface.media.sound import SoundReader
from icface.model.networks.matting import MatteNet
from icface.model.networks.weights import models_dir
from icface.motion.motion import Motion
from icface.rendering.clip_pictures import clip_of
from icface.rendering.frame_request import FrameRequest
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Renderer
from icface.rendering.stabilising import steadied
from tests.faces import observation_in
from tests.icface.export.exporting import (
    LOSSLESS,
    box_at,
    document,
    portrait_clip,
    same,
    samples,
    tags,
    times,
)
from tests.icface.media.videos import Recipe, encode_video, turn_video, write_tone
from tests.tiny_networks import tiny_networks

COUNT = 8


@pytest.fixture
def clip_path(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    return portrait_clip(tmp_path / "clip.mkv", astronaut, COUNT)


@pytest.fixture
def renderer(tiny_predictor: FacePredictor) -> Renderer:
    return Renderer(tiny_predictor)


def keyed(project: Project, low: int, high: int) -> Project:
    """With a turn of the head that comes and goes between two frames, at rest outside."""
    keys = [
        Key(frame=low, value=0.0),
        Key(frame=(low + high) // 2, value=20.0),
        Key(frame=high, value=0.0),
    ]
    track = replace(Track.of("yaw", keys), extrapolation="rest")
    return replace(project, edits=(replace(project.edits[0], tracks=(track,)),))


def test_without_edits_a_lossless_export_is_the_clip_bit_for_bit(
    clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    target = tmp_path / "out.mkv"
    done = run_to_end(export(plan_export(document(clip_path), target), renderer))
    assert (done.frames, done.edited) == (COUNT, 0)
    assert all(same(a, b) for a, b in zip(samples(clip_path), samples(target), strict=True))
    assert times(target) == times(clip_path)


def test_a_keyed_edit_changes_its_own_frames_and_in_them_the_face_alone(
    clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    target = tmp_path / "out.mkv"
    done = run_to_end(export(plan_export(keyed(document(clip_path), 2, 6), target), renderer))
    before, after = samples(clip_path), samples(target)
    assert [n for n in range(COUNT) if not same(before[n], after[n])] == [3, 4, 5]
    assert done.edited == 3
    for number in (3, 4, 5):
        changed = (before[number][0] != after[number][0]).any(0)
        middle = box_at(number).centre[0]
        assert changed[int(middle) - 40 : int(middle) + 40].mean() > 0.5
        assert not changed[305:].any()


@pytest.fixture(params=["moving", "still"])
def with_background(request: pytest.FixtureRequest, tiny_predictor: FacePredictor) -> Renderer:
    """A renderer that turns heads with their background, and one that leaves it behind."""
    if request.param == "moving":
        return Renderer(tiny_predictor)
    matting = MatteNet.from_file(models_dir() / "matte.safetensors")
    return Renderer(FacePredictor(*tiny_networks(), matting=matting))


def test_frames_show_what_the_editor_shows(
    clip_path: Path, with_background: Renderer, tmp_path: Path
) -> None:
    renderer = with_background
    project = edits.set_control(document(clip_path), "yaw", 15)
    run_to_end(export(plan_export(project, tmp_path / "out.mkv"), renderer))
    poster = replace(
        load_photo(_png(tmp_path, clip_path)),
        digest=project.source.digest if project.source else "",
    )
    with ClipReader(tmp_path / "out.mkv") as reader:
        for number in (2, 5):
            shown = renderer.render(FrameRequest.of(project, poster, frame=number)).pixels.astype(
                int
            )
            written = reader.frame(number).pixels().astype(int)
            off = np.abs(shown - written)
            assert off.mean() < 1.5  # shared chroma, and steady readings
            assert off[:, 240:].mean() < 1.5  # beside the face, too
            assert np.abs(shown - reader.frame(0).pixels()).mean() > 5


def _png(folder: Path, clip: Path) -> Path:
    with ClipReader(clip) as reader:
        Image.fromarray(reader.frame(0).pixels()).save(folder / "poster.png")
    return folder / "poster.png"


def test_ten_bits_stay_ten_and_what_is_not_edited_keeps_them_all(
    tmp_path: Path, astronaut: NDArray[np.uint8], renderer: Renderer
) -> None:
    source = portrait_clip(
        tmp_path / "deep.mkv", astronaut, 4, replace(LOSSLESS, pixel_format="yuv422p10le", matrix=9)
    )
    project = edits.add_region(
        edits.set_control(document(source), "yaw", 15),
        Region(box=Box(-20, -20, 340, 100), shape="box"),
    )
    run_to_end(export(plan_export(project, tmp_path / "out.mkv"), renderer))
    about = probe(tmp_path / "out.mkv")
    assert (about.pixel_format, about.bits, about.colours.matrix) == ("yuv422p10le", 10, 9)
    for before, after in zip(samples(source), samples(tmp_path / "out.mkv"), strict=True):
        assert not same(before, after)
        assert np.array_equal(before[0][:90], after[0][:90])  # the protected region


@pytest.mark.parametrize("matrix", [(0, 1, -1, 0), (-1, 0, 0, -1), (-1, 0, 0, 1)])
def test_the_face_of_a_turned_clip_is_edited_where_it_is_seen(
    matrix: tuple[int, int, int, int],
    tmp_path: Path,
    astronaut: NDArray[np.uint8],
    renderer: Renderer,
) -> None:
    plain = portrait_clip(
        tmp_path / "plain.mp4",
        astronaut,
        2,
        Recipe("libx264", options=(("qp", "0"),), container="mp4"),
    )
    source = turn_video(plain, tmp_path / "turned.mp4", matrix)
    clip = clip_of(probe(source))
    face = observation_in(Box(60, 100, 180, 250))
    motion = Motion.of_observations([face, face], [0, 0.04], rate=clip.rate)
    project = edits.set_control(
        edits.open_source(Project(), clip, [Face.of_motion(motion)]), "yaw", 15
    )
    run_to_end(export(plan_export(project, tmp_path / "out.mkv"), renderer))
    with ClipReader(source) as before, ClipReader(tmp_path / "out.mkv") as after:
        differ = (before.frame(1).pixels() != after.frame(1).pixels()).any(2)
    rows, columns = np.nonzero(differ)
    assert (abs(rows.mean() - 175), abs(columns.mean() - 120)) < (30, 30)
    assert differ[100:250, 60:180].mean() > 0.5


def test_two_people_have_edits_of_their_own(
    tmp_path: Path, astronaut: NDArray[np.uint8], renderer: Renderer
) -> None:
    twice = [np.hstack([astronaut[40:240, 130:330]] * 3) for _ in range(3)]
    frames = [
        frame_of_pixels(np.ascontiguousarray(picture), "yuv420p", Colours(1, 1, 1, 1))
        for picture in twice
    ]
    source = encode_video(tmp_path / "two.mkv", frames, LOSSLESS)
    clip = clip_of(probe(source))
    found = [observation_in(Box(x, 60, x + 60, 130)) for x in (60, 460)]
    motions = [
        Motion.of_observations([face] * 3, np.arange(3) / 25, rate=clip.rate) for face in found
    ]
    project = edits.open_source(Project(), clip, [Face.of_motion(motion) for motion in motions])

    def changed(document: Project) -> tuple[bool, bool, bool]:
        run_to_end(export(plan_export(document, tmp_path / "out.mkv"), renderer))
        differ = (samples(source)[1][0] != samples(tmp_path / "out.mkv")[1][0]).any(0)
        return bool(differ[:200].any()), bool(differ[200:400].any()), bool(differ[400:].any())

    first = edits.set_control(project, "yaw", 20)
    assert changed(first) == (True, False, False)
    assert changed(edits.set_control(edits.choose_face(first, 1), "yaw", -20)) == (
        True,
        False,
        True,
    )


def test_where_the_face_is_lost_an_edit_fades_and_the_frame_is_the_files_own(
    tmp_path: Path, astronaut: NDArray[np.uint8], renderer: Renderer
) -> None:
    source = portrait_clip(tmp_path / "clip.mkv", astronaut, 20)
    project = edits.set_control(document(source, missing=(10, 11)), "yaw", 25)
    run_to_end(export(plan_export(project, tmp_path / "out.mkv"), renderer))
    before, after = samples(source), samples(tmp_path / "out.mkv")
    strength = [
        float(np.abs(b[0].astype(int) - a[0]).mean()) for b, a in zip(before, after, strict=True)
    ]
    assert strength[10] == strength[11] == 0
    assert strength[2] > strength[6] > strength[8] > strength[9] > 0
    assert strength[19] > strength[15] > strength[12] > 0
    assert max(abs(np.diff(strength))) < strength[2] / 2  # nothing pops


def test_a_constant_edit_does_not_tremble_with_the_trackers_points(
    tmp_path: Path,
    astronaut: NDArray[np.uint8],
    renderer: Renderer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = 14
    still = [
        frame_of_pixels(astronaut[40:360, 60:380], "yuv420p", Colours(1, 1, 1, 1))
        for _ in range(count)
    ]
    source = encode_video(tmp_path / "still.mkv", still, LOSSLESS)
    clip, rng = clip_of(probe(source)), np.random.default_rng(1)
    face = observation_in(box_at(0))
    seen = [
        replace(
            face,
            landmarks=face.landmarks + rng.normal(0, 0.6, face.landmarks.shape).astype(np.float32),
        )
        for _ in range(count)
    ]
    motion = Motion.of_observations(seen, np.arange(count) / 25, rate=clip.rate)
    project = edits.set_control(
        edits.open_source(Project(), clip, [Face.of_motion(motion)]), "yaw", 20
    )

    def trembling() -> float:
        run_to_end(export(plan_export(project, tmp_path / "out.mkv"), renderer))
        luma = np.array([frame[0] for frame in samples(tmp_path / "out.mkv")]).astype(float)
        return float(np.abs(np.diff(luma, n=2, axis=0)).mean())

    calm = trembling()
    monkeypatch.setattr(running, "steadied", lambda document: steadied(document, 0.0))
    assert 0 < calm < 0.6 * trembling()


def test_uneven_times_are_kept_to_the_tick(
    tmp_path: Path, astronaut: NDArray[np.uint8], renderer: Renderer
) -> None:
    uneven = [0, 33, 80, 90, 170, 200, 260]
    source = portrait_clip(tmp_path / "uneven.mkv", astronaut, 7, LOSSLESS, uneven)
    plan = plan_export(
        edits.set_control(document(source), "yaw", 5),
        tmp_path / "out.mp4",
        ExportOptions(first=1, last=5),
    )
    assert [plan.time(n) for n in range(plan.count)] == [
        Fraction(at - 33, 1000) for at in uneven[1:6]
    ]
    assert plan.end == Fraction(227, 1000)
    done = run_to_end(export(plan, renderer))
    assert times(done.path) == [plan.time(n) for n in range(plan.count)]
    assert "on average" in describe(plan)[1]


def test_h264_looks_as_the_edited_frames(
    clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    project = edits.set_control(document(clip_path), "yaw", 10)
    for name in ("exact.mkv", "small.mp4"):
        run_to_end(export(plan_export(project, tmp_path / name), renderer))
    with ClipReader(tmp_path / "exact.mkv") as exact, ClipReader(tmp_path / "small.mp4") as small:
        likeness = [
            structural_similarity(exact.frame(n).pixels(), small.frame(n).pixels(), channel_axis=2)
            for n in range(COUNT)
        ]
    assert min(likeness) >= 0.98


def test_the_unedited_picture_may_stand_to_the_left_and_frames_may_be_smaller(
    clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    project = edits.set_output(edits.set_control(document(clip_path), "yaw", 15), side_by_side=True)
    done = run_to_end(export(plan_export(project, tmp_path / "wide.mkv"), renderer))
    source, wide = samples(clip_path), samples(done.path)
    assert np.array_equal(wide[3][0][:, :320], source[3][0])
    assert not np.array_equal(wide[3][0][:, 320:], source[3][0])
    plan = plan_export(project, tmp_path / "small.mp4", ExportOptions(height=160))
    assert plan.written.square_size == (320, 160)
    run_to_end(export(plan, renderer))
    assert probe(tmp_path / "small.mp4").size == (320, 160)


# Photos and sequences -----------------------------------------------------------------------------


def driven_photo(path: Path, astronaut: NDArray[np.uint8], count: int = 6) -> Project:
    photo = load_photo(path)
    face = observation_in(Box(168, 52, 276, 186))
    project = edits.open_source(
        Project(), Source(str(path), photo.digest, 512, 512), [Face.from_observation(face)]
    )
    keys = [Key(frame=0, value=0.0), Key(frame=count - 1, value=20.0)]
    return edits.set_out(
        replace(project, edits=(FaceEdits(tracks=(Track.of("yaw", keys),)),)), count - 1
    )


def test_a_driven_photo_becomes_a_clip_at_the_documents_rate(
    astronaut_path: Path, astronaut: NDArray[np.uint8], renderer: Renderer, tmp_path: Path
) -> None:
    project = edits.set_rate(driven_photo(astronaut_path, astronaut), Fraction(30000, 1001))
    done = run_to_end(export(plan_export(project, tmp_path / "out.mp4"), renderer))
    about = probe(done.path)
    assert (about.count, about.size, about.rate) == (6, (512, 512), Fraction(30000, 1001))
    with ClipReader(done.path) as reader:
        first, last = reader.frame(0).pixels(), reader.frame(5).pixels()
    assert np.abs(first.astype(int) - astronaut).mean() < 4
    assert np.abs(first.astype(int) - last).mean() > 1


@pytest.mark.parametrize(
    "name", ["take.png", "take.exr", "take.gif", "take.webp", "take.webm", "take.mov"]
)
def test_every_kind_of_file_is_written(
    name: str, clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    project = edits.set_control(document(clip_path), "yaw", 15)
    target = tmp_path / "made" / name if name.endswith(("png", "exr")) else tmp_path / name
    done = run_to_end(
        export(plan_export(project, target, ExportOptions(first=2, last=4)), renderer)
    )
    assert (done.frames, done.edited) == (3, 3)
    assert done.path.is_file()


def test_a_sequence_goes_on_where_it_stopped(
    clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    project = edits.set_control(document(clip_path), "yaw", 15)
    plan = plan_export(project, tmp_path / "seq" / "take.png")
    job = export(plan, renderer)
    while not (tmp_path / "seq" / "take_000003.png").exists():
        next(job)
    job.close()
    there = len(list((tmp_path / "seq").glob("*.png")))
    done = run_to_end(export(plan, renderer))
    assert done.reused == there >= 4
    assert done.edited == COUNT - there
    other = run_to_end(
        export(plan_export(edits.set_control(project, "yaw", -15), plan.path), renderer)
    )
    assert other.reused == 0


def test_a_sequence_is_known_again_by_what_it_shows(clip_path: Path, tmp_path: Path) -> None:
    project = edits.set_control(document(clip_path), "yaw", 15)
    key = plan_of(project, tmp_path / "take.png").key
    remembered = edits.set_marker(edits.set_output(project, preset="png", sound="none"), 3, "smile")
    assert plan_of(remembered, tmp_path / "take.png").key == key
    for other in (edits.set_control(project, "yaw", 16), edits.set_output(project, labelled=False)):
        assert plan_of(other, tmp_path / "take.png").key != key


def test_a_still_that_is_edited_is_not_written_over_by_a_sequence(
    tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    path = tmp_path / "take_000002.png"
    Image.fromarray(astronaut).save(path)
    photo = load_photo(path)
    project = edits.open_source(Project(), Source(str(path), photo.digest, 512, 512), ())
    with pytest.raises(ExportError, match=r"take_000002\.png is the source"):
        plan_of(project, tmp_path / "take.png", preset="png", first=0, last=3)
    assert plan_of(project, tmp_path / "other.png", preset="png", first=0, last=3).count == 4


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif", ".webp"])
def test_one_frame_becomes_a_still_that_says_how_it_was_made(
    ending: str, clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    project = edits.set_control(document(clip_path), "yaw", 15)
    done = run_to_end(
        export(
            plan_export(project, tmp_path / f"still{ending}", ExportOptions(first=3, last=3)),
            renderer,
        )
    )
    assert load_photo(done.path).pixels.shape == (320, 320, 3)
    assert COMPOSITE.encode() in done.path.read_bytes()


# What a file says and sounds like -----------------------------------------------------------------


def test_the_label_is_left_out_only_when_somebody_says_so(
    clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    project = document(clip_path)
    run_to_end(export(plan_export(project, tmp_path / "a.mkv"), renderer))
    run_to_end(
        export(plan_export(project, tmp_path / "b.mkv", ExportOptions(labelled=False)), renderer)
    )
    assert tags(tmp_path / "a.mkv")["digital_source_type"] == COMPOSITE
    assert "digital_source_type" not in tags(tmp_path / "b.mkv")
    assert "NOT" in "\n".join(
        describe(plan_export(project, tmp_path / "c.mkv", ExportOptions(labelled=False)))
    )


def test_trimmed_sound_stays_with_its_pictures(tmp_path: Path, renderer: Renderer) -> None:
    source = write_tone(tmp_path / "tone.mp4", "aac", seconds=2, clicks=[1.2])
    project = edits.open_source(Project(), clip_of(probe(source)), [])
    plan = plan_export(project, tmp_path / "out.mp4", ExportOptions(first=25, last=44))
    assert plan.sound is not None
    assert plan.sound.copied
    done = run_to_end(export(plan, renderer))
    with SoundReader(done.path) as reader:
        heard = np.abs(reader.read(0, round(0.8 * reader.rate))).max(1)
        assert abs(int(heard.argmax()) / reader.rate - 0.2) <= 0.001
    silent = plan_export(project, tmp_path / "none.mp4", ExportOptions(sound="none"))
    assert silent.sound is None
    assert not probe(run_to_end(export(silent, renderer)).path).has_sound


def test_a_photo_speaks_with_the_voice_of_its_driver(
    tmp_path: Path, astronaut_path: Path, astronaut: NDArray[np.uint8], renderer: Renderer
) -> None:
    voice = write_tone(tmp_path / "voice.mp4", "aac", seconds=1, clicks=[0.12])
    clip = clip_of(probe(voice))
    motion = Motion.of_observations(
        [observation_in(box_at(0))] * 25, np.arange(25) / 25, rate=Fraction(25)
    )
    project, name = (
        edits.add_driver(driven_photo(astronaut_path, astronaut), Driver(name="A", medium=clip)),
        "A",
    )
    project = edits.set_motion(project, name, motion)
    project = edits.set_rule(project, MixRule(group="pose", driver=name, shift=1))
    plan = plan_export(
        edits.set_output(project, sound=name), tmp_path / "out.mp4", ExportOptions(last=9)
    )
    assert plan.sound is not None
    unsaid = plan_export(project, tmp_path / "out.mp4", ExportOptions(last=9))
    assert unsaid.sound is not None  # as it is heard in the editor
    assert unsaid.sound.cut == plan.sound.cut
    done = run_to_end(export(plan, renderer))
    with SoundReader(done.path) as reader:
        heard = np.abs(reader.read(0, round(0.4 * reader.rate))).max(1)
        assert (
            abs(int(heard.argmax()) / reader.rate - 0.16) <= 0.001
        )  # a frame later, as its rule says


# What cannot be -----------------------------------------------------------------------------------


def test_cancelling_leaves_the_old_file_and_nothing_else(
    clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    target = tmp_path / "out" / "old.mp4"
    target.parent.mkdir()
    target.write_bytes(b"old")
    job = export(plan_export(document(clip_path), target), renderer)
    while next(job).done < 3:
        pass
    job.close()
    assert [path.name for path in target.parent.iterdir()] == ["old.mp4"]
    assert target.read_bytes() == b"old"


def test_what_fails_on_the_way_is_told_and_leaves_the_old_file(
    clip_path: Path, renderer: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise EncodeError(
            "out.mp4 could not be saved: the disk is full; make room or choose another folder."
        )

    target = tmp_path / "out.mp4"
    target.write_bytes(b"old")
    job = export(plan_export(document(clip_path), target), renderer)
    while next(job).done < 2:
        pass
    monkeypatch.setattr(ClipWriter, "write", full)
    with pytest.raises(EncodeError, match="disk is full"):
        run_to_end(job)
    assert target.read_bytes() == b"old"
    assert not list(tmp_path.glob(".*.part"))


def plan_of(project: Project, path: Path, **options: object) -> ExportPlan:
    return plan_export(project, path, ExportOptions(**options))  # type: ignore[arg-type]


def test_what_cannot_be_is_refused_with_the_limit_and_the_remedy(
    clip_path: Path, tmp_path: Path
) -> None:
    project = document(clip_path)
    for name, options, words in (
        ("out.mp4", {"last": 99}, "no frame 99"),
        ("out.mp4", {"first": 5, "last": 2}, "Frames 5 to 2"),
        ("out.mp4", {"preset": "webm"}, "ends in .mp4"),
        ("out.jpg", {}, "holds one frame"),
        ("out.mp4", {"quality": 101}, "1 .* to 100"),
        ("out.mkv", {"quality": 50}, "has no quality"),
        ("out.mp4", {"height": 1}, "2 to 16384 lines"),
        ("clip.mkv", {}, "the source or a driver"),
        ("out.mp4", {"sound": "A"}, "no driver 'A'"),
    ):
        with pytest.raises(ValueError, match=words):
            plan_of(project, tmp_path / name, **options)
    with pytest.raises(EncodeError, match="no folder"):
        plan_of(project, tmp_path / "none" / "out.mp4")
    with pytest.raises(ExportError, match="nothing to export"):
        plan_of(Project(), tmp_path / "out.mp4")


def test_a_clip_that_was_replaced_is_not_taken_for_the_one_that_was_edited(
    clip_path: Path, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    project = document(clip_path)
    portrait_clip(clip_path, astronaut, 3)
    with pytest.raises(ExportError, match="another clip"):
        plan_export(project, tmp_path / "out.mkv")


def test_a_plan_says_what_it_will_do(clip_path: Path, tmp_path: Path) -> None:
    project = edits.set_range(document(clip_path), 2, 5)
    (tmp_path / "out.mp4").write_bytes(b"old")
    lines = describe(plan_export(project, tmp_path / "out.mp4", ExportOptions(quality=90)))
    assert lines[0].endswith("out.mp4: MP4 (H.264): plays everywhere, quality 90.")
    assert lines[1] == "4 frames (frames 2 to 5), 0.16 s, 25 a second."
    assert lines[2] == "320 x 320 pixels, the source's own size."
    assert lines[3] == "8 bits per colour, 4:2:0, BT.709, limited range."
    assert "No sound." in lines
    assert any("replaced, once the new one is complete" in line for line in lines)


def test_a_blend_bounds_an_edit_in_time(
    clip_path: Path, renderer: Renderer, tmp_path: Path
) -> None:
    project = edits.set_control(document(clip_path), "yaw", 15)
    project = replace(project, edits=(replace(project.edits[0], blend=Blend(first=2, last=5)),))
    done = run_to_end(export(plan_export(project, tmp_path / "out.mkv"), renderer))
    before, after = samples(clip_path), samples(done.path)
    assert [n for n in range(COUNT) if not same(before[n], after[n])] == [2, 3, 4, 5]
