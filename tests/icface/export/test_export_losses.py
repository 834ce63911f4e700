"""Plans state what an export leaves out or changes, and containers keep what they can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from icface.document import Project, Source, edits
from icface.export import Exported, ExportError, ExportOptions, describe, export, plan_export
from icface.jobs import run_to_end
from icface.media import load_photo
from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.provenance import COMPOSITE
from icface.media.sound import SoundReader
from icface.rendering.clip_pictures import clip_of
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Renderer
from tests.icface.export.exporting import tags
from tests.icface.media.described_photos import described_jpeg, rights
from tests.icface.media.videos import Recipe, encode_video, moving_frames, write_video

RATE = 48000
TAGS = {
    "title": "Grandma",
    "comment": "hello",
    "creation_time": "2021-07-08T09:10:11.000000Z",
    "location": "+52.5200+013.4050/",
    "com.apple.quicktime.model": "Phone 12",
}


def tone(layout: str, pitch: float, seconds: float = 1.0) -> av.AudioFrame:
    """A tone in the last channel of an arrangement, the others silent."""
    channels = av.AudioLayout(layout).nb_channels
    samples = np.zeros((round(seconds * RATE), channels), np.float32)
    samples[:, -1] = 0.5 * np.sin(np.arange(len(samples)) * (2 * np.pi * pitch / RATE))
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", layout)
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    return frame


def clip_with(
    path: Path,
    *,
    sounds: Sequence[tuple[str, str, str]] = (),
    said: dict[str, str] | None = None,
    size: tuple[int, int] = (96, 64),
) -> Path:
    """A second of moving pictures with sound tracks (codec, layout, language) and tags."""
    own_names = {"movflags": "use_metadata_tags"} if path.suffix in (".mov", ".mp4") else {}
    with av.open(str(path), "w", container_options=own_names) as container:
        container.metadata.update(said or {})
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        streams = [
            container.add_stream(codec, rate=RATE, layout=layout) for codec, layout, _ in sounds
        ]
        for stream, (_, _, language) in zip(streams, sounds, strict=True):
            stream.metadata["language"] = language
        packets = [
            packet for frame in moving_frames(25, size) for packet in video.encode(frame)
        ] + video.encode()
        for number, (stream, (_, layout, _)) in enumerate(zip(streams, sounds, strict=True)):
            resampler, fifo = av.AudioResampler(stream.format, layout, RATE), av.AudioFifo()
            for part in resampler.resample(tone(layout, 400 * (number + 1))):
                fifo.write(part)
            while (part := fifo.read(stream.codec_context.frame_size or 1024)) is not None:
                packets += stream.encode(part)
            packets += stream.encode()
        for packet in sorted(packets, key=lambda p: (p.dts or 0) * p.time_base):
            container.mux(packet)
    return path


def of_clip(path: Path) -> Project:
    return edits.open_source(Project(), clip_of(probe(path)), ())


def of_photo(path: Path, count: int = 1) -> Project:
    photo = load_photo(path)
    project = edits.open_source(
        Project(), Source(str(path), photo.digest, photo.width, photo.height), ()
    )
    return edits.set_out(project, count - 1) if count > 1 else project


@pytest.fixture
def renderer(tiny_predictor: FacePredictor) -> Renderer:
    return Renderer(tiny_predictor)


def exported(
    project: Project, path: Path, renderer: Renderer, **options: object
) -> tuple[Exported, str]:
    """What came of an export, and its plan in one string."""
    plan = plan_export(project, path, ExportOptions(**options))  # type: ignore[arg-type]
    return run_to_end(export(plan, renderer)), "\n".join(describe(plan))


# Sound --------------------------------------------------------------------------------------------


def heard(path: Path, track: int) -> tuple[str, str, float]:
    """Arrangement, language and pitch of a track."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[track]
        layout, language = stream.layout.name, stream.metadata.get("language", "")
    with SoundReader(path, layout=layout, track=track) as reader:
        channel = reader.read(0.2, RATE // 2)[:, -1]
    return layout, language, float(np.argmax(np.abs(np.fft.rfft(channel))) * 2)


@pytest.mark.parametrize(
    ("ending", "how"),
    [("mp4", "copied"), ("mov", "copied"), ("mkv", "copied"), ("webm", "encoded")],
)
def test_every_track_of_sound_is_kept_with_its_language(
    ending: str, how: str, renderer: Renderer, tmp_path: Path
) -> None:
    source = clip_with(
        tmp_path / "two.mkv", sounds=[("aac", "mono", "eng"), ("aac", "stereo", "deu")]
    )
    done, plan = exported(of_clip(source), tmp_path / f"out.{ending}", renderer)
    assert done.sound == how
    assert "2 tracks" in plan
    german = "ger" if ending == "mov" else "deu"
    assert [heard(done.path, track)[1:] for track in (0, 1)] == [("eng", 400), (german, 800)]


@pytest.mark.parametrize(
    ("ending", "codec"),
    [("mp4", "aac"), ("webm", "opus"), ("mov", "pcm_s16le"), ("mkv", "pcm_s16le")],
)
def test_all_channels_are_kept_where_the_encoder_takes_them(
    ending: str, codec: str, renderer: Renderer, tmp_path: Path
) -> None:
    source = clip_with(tmp_path / "surround.mov", sounds=[("pcm_s16le", "5.1", "und")])
    done, plan = exported(of_clip(source), tmp_path / f"out.{ending}", renderer)
    with av.open(str(done.path)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == codec
    assert heard(done.path, 0)[::2] == (
        "6 channels" if ending == "mkv" else "5.1",
        400,
    )  # of PCM, it counts them only
    assert "sound has" not in plan


def test_channels_that_no_encoder_takes_are_said_to_be_made_stereo(
    renderer: Renderer, tmp_path: Path
) -> None:
    source = clip_with(tmp_path / "many.mov", sounds=[("pcm_s16le", "hexadecagonal", "und")])
    done, plan = exported(of_clip(source), tmp_path / "out.webm", renderer)
    assert "Track 1 of the sound has 16 channels; 2 of them all are made." in plan
    with av.open(str(done.path)) as container:
        assert container.streams.audio[0].layout.name == "stereo"


def test_one_track_copied_and_one_encoded_are_both_said(tmp_path: Path) -> None:
    source = clip_with(
        tmp_path / "mixed.mkv", sounds=[("libopus", "mono", "und"), ("aac", "mono", "und")]
    )
    plan = describe(plan_export(of_clip(source), tmp_path / "out.mp4"))
    assert "Sound of mixed.mkv: track 1 encoded again (aac); track 2 copied as it is." in plan


def test_sound_that_a_kind_of_file_has_no_place_for_is_said(tmp_path: Path) -> None:
    source = clip_with(
        tmp_path / "two.mkv", sounds=[("aac", "mono", "und"), ("aac", "mono", "und")]
    )
    for name in ("out.gif", "out.webp", "out.png"):
        losses = plan_export(of_clip(source), tmp_path / name).losses
        assert "The sound is left out (2 tracks): this kind of file has none." in losses


# Words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize("labelled", [True, False])
def test_title_date_place_and_comment_of_a_clip_are_kept(
    ending: str, labelled: bool, renderer: Renderer, tmp_path: Path
) -> None:
    source = clip_with(tmp_path / "tags.mov", said=TAGS)
    done, plan = exported(of_clip(source), tmp_path / f"out.{ending}", renderer, labelled=labelled)
    found = tags(done.path)
    assert found["title"] == "Grandma"
    assert found["comment"].startswith("hello")
    assert ("ICface" in found["comment"]) == labelled
    assert found["creation_time"].startswith("2021-07-08T09:10:11")
    assert found["location"].startswith("+52.5200+013.4050")
    assert found["com.apple.quicktime.model"] == "Phone 12"
    assert "GPS" in plan


def test_the_place_of_a_clip_or_all_it_says_is_left_out_by_choice(
    renderer: Renderer, tmp_path: Path
) -> None:
    source = clip_with(
        tmp_path / "tags.mov",
        said=TAGS | {"com.apple.quicktime.location.ISO6709": "+52.5200+013.4050/"},
    )
    done, plan = exported(of_clip(source), tmp_path / "out.mp4", renderer, keep="no-place")
    assert b"+52.52" not in done.path.read_bytes()
    assert tags(done.path)["title"] == "Grandma"
    assert "Where the clip was taken (GPS) is left out, as chosen." in plan
    done, plan = exported(of_clip(source), tmp_path / "none.mp4", renderer, keep="none")
    assert b"+52.52" not in done.path.read_bytes()
    assert "title" not in tags(done.path)
    assert "date" in plan
    assert "as chosen" in plan


def test_an_export_of_an_export_says_once_how_it_was_made(
    renderer: Renderer, tmp_path: Path
) -> None:
    source = clip_with(tmp_path / "tags.mp4", said={"comment": "hello"})
    once, _ = exported(of_clip(source), tmp_path / "once.mp4", renderer)
    twice, _ = exported(of_clip(once.path), tmp_path / "twice.mkv", renderer)
    assert tags(twice.path)["comment"].count("Made with") == 1
    assert tags(twice.path)["comment"].startswith("hello\n")


def test_what_a_clip_says_is_said_to_stay_behind_in_stills_and_animations(tmp_path: Path) -> None:
    source = clip_with(tmp_path / "tags.mov", said=TAGS)
    for name in ("out.gif", "out.png", "out.exr"):
        assert any(
            "comment, title, date, model and place" in note
            for note in plan_export(of_clip(source), tmp_path / name).losses
        )


def test_subtitles_and_chapters_are_said_to_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "words.srt").write_text("1\n00:00:00,000 --> 00:00:00,100\nHello\n")
    path = tmp_path / "more.mkv"
    with av.open(str(tmp_path / "words.srt")) as words, av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        told = container.add_stream_from_template(words.streams.subtitles[0])
        chapter = {"time_base": Fraction(1), "metadata": {}}
        container.set_chapters([chapter | {"id": n, "start": n, "end": n + 1} for n in (0, 1)])
        for frame in moving_frames(5):
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for packet in words.demux():
            if packet.size:
                packet.stream = told
                container.mux(packet)
    (note,) = plan_export(of_clip(path), tmp_path / "out.mkv").losses
    assert note == "The clip also holds a track of subtitles and 2 chapters: left out."


# Colour and shape ---------------------------------------------------------------------------------


def hdr_clip(
    path: Path, transfer: int, *, form: str = "yuv420p10le", size: tuple[int, int] = (96, 64)
) -> Path:
    """Five frames of one colour each, in PQ or HLG and BT.2020, stored without loss."""
    frames = moving_frames(5, size, form)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, form
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = (
            9,
            transfer,
            9,
            1,
        )
        for number, frame in enumerate(frames):
            frame.pts = number
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = (
                9,
                transfer,
                9,
                1,
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_clip_of_high_dynamic_range_stays_so_in_mp4_unless_h264_is_asked_for(
    renderer: Renderer, tmp_path: Path
) -> None:
    source = hdr_clip(tmp_path / "hlg.mkv", 18)
    done, plan = exported(of_clip(source), tmp_path / "out.mp4", renderer)
    info = probe(done.path)
    assert (info.codec, info.bits, info.colours.transfer, info.colours.primaries) == (
        "hevc",
        10,
        18,
        9,
    )
    assert "plays everywhere" not in plan
    done, plan = exported(of_clip(source), tmp_path / "plain.mp4", renderer, preset="mp4")
    info = probe(done.path)
    assert (info.codec, info.bits, info.colours.transfer, info.colours.primaries) == (
        "h264",
        8,
        1,
        1,
    )
    assert "plays everywhere" in plan
    assert "as they were decoded" not in plan
    assert "High dynamic range (HLG) is brought to that of ordinary screens (SDR, BT.709)." in plan
    assert "10 bits per colour are reduced to 8." in plan


def test_ten_bits_become_hevc_or_eight_bits_that_play_everywhere(
    tmp_path: Path,
) -> None:
    source = encode_video(
        tmp_path / "deep.mkv", moving_frames(3, form="yuv420p10le"), Recipe("ffv1", "yuv420p10le")
    )
    assert plan_export(of_clip(source), tmp_path / "out.mp4").preset.name == "mp4-hevc"
    plain = plan_export(of_clip(source), tmp_path / "out.mp4", ExportOptions(preset="mp4"))
    assert plain.losses == ("10 bits per colour are reduced to 8.",)
    assert plain.preset.pixel_format(plain.written.form) == "yuv420p"


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize(
    "name", ["out.jpg", "still.png", "out.webp", "out.gif", "out.webm", "seq.png", "seq.tiff"]
)
def test_hdr_is_brought_to_ordinary_screens_where_a_file_cannot_declare_it(
    name: str, transfer: int, renderer: Renderer, tmp_path: Path
) -> None:
    source = hdr_clip(tmp_path / "hdr.mkv", transfer)
    one = name in ("out.jpg", "still.png")
    options = {"first": 2, "last": 2} if one else {}
    done, plan = exported(of_clip(source), tmp_path / name, renderer, **options)
    assert "brought to that of ordinary screens" in plan
    with ClipReader(source) as reader:
        raw = reader.frame(2 if one else 0).decoded
        with_tones = _sdr_of(raw, transfer)
    shown = _first_picture(done.path)
    assert np.abs(shown.astype(int) - with_tones).mean() < (
        12 if name.endswith(("gif", "webp", "webm")) else 4
    )


def _sdr_of(decoded: av.VideoFrame, transfer: int) -> NDArray[np.uint8]:
    from icface.media.colour import Colours, Converter
    from icface.media.photo import eight_bit
    from icface.media.tone_mapping import to_sdr

    return eight_bit(to_sdr(Converter().rgb(decoded, deep=True), Colours(9, transfer, 9, 1)))


def _first_picture(path: Path) -> NDArray[np.uint8]:
    if path.suffix == ".webm":
        with ClipReader(path) as reader:
            return reader.frame(0).pixels()
    if path.suffix in (".gif", ".webp"):
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    return load_photo(path).rgb8


def test_hdr_side_by_side_and_smaller_has_the_planned_size(
    renderer: Renderer, tmp_path: Path
) -> None:
    source = hdr_clip(tmp_path / "hdr.mkv", 16)
    plan = plan_export(
        of_clip(source),
        tmp_path / "out.mp4",
        ExportOptions(preset="mp4", side_by_side=True, height=32),
    )
    done = run_to_end(export(plan, renderer))
    assert probe(done.path).size == plan.written.square_size == (96, 32)


def test_plans_of_linear_files_state_that_hdr_is_not_linear_in_them(
    tmp_path: Path,
) -> None:
    plan = plan_export(of_clip(hdr_clip(tmp_path / "hdr.mkv", 16)), tmp_path / "out.exr")
    assert "High dynamic range (PQ) is kept as it is, not made linear." in plan.losses


def test_pixels_that_are_not_square_are_said_to_stay_or_to_be_made_square(
    renderer: Renderer, tmp_path: Path
) -> None:
    pictures = [np.full((64, 90, 3), 40 * n, np.uint8) for n in range(3)]
    source = write_video(tmp_path / "narrow.mkv", pictures, pixel_aspect=2)
    done, plan = exported(of_clip(source), tmp_path / "out.mp4", renderer)
    assert "Pixels are not square (2:1) and stay so: 90 x 64 are shown as 180 x 64." in plan
    assert probe(done.path).size == (180, 64)
    done, plan = exported(of_clip(source), tmp_path / "out.png", renderer, first=1, last=1)
    assert "Pixels that are not square (2:1) are made square." in plan
    assert load_photo(done.path).width == 180


def test_odd_sizes_are_said_before_a_column_is_repeated(renderer: Renderer, tmp_path: Path) -> None:
    source = encode_video(tmp_path / "odd.mkv", moving_frames(3, (97, 65)), Recipe("ffv1"))
    done, plan = exported(of_clip(source), tmp_path / "out.mp4", renderer)
    assert "this format wants even sides, 98 x 66" in plan
    assert probe(done.path).size == (98, 66)
    assert not plan_export(of_clip(source), tmp_path / "out.mkv").losses


def test_transparency_is_kept_in_webm_or_said_to_be_left_out(
    renderer: Renderer, tmp_path: Path
) -> None:
    frames = moving_frames(3, form="yuva420p")
    source = encode_video(tmp_path / "clear.mkv", frames, Recipe("ffv1", "yuva420p"))
    done, plan = exported(of_clip(source), tmp_path / "out.webm", renderer)
    assert "Transparency" not in plan
    with av.open(str(done.path)) as container:
        assert container.streams.video[0].metadata.get("alpha_mode") == "1"
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        packet = next(container.demux(container.streams.video[0]))
        (frame,) = [*decoder.decode(packet), *decoder.decode(None)][:1]
    alpha = np.frombuffer(memoryview(frame.planes[3]), np.uint8).reshape(
        frame.planes[3].height, -1
    )[:, :96]
    wanted = np.frombuffer(memoryview(frames[0].planes[3]), np.uint8).reshape(
        frames[0].planes[3].height, -1
    )[:, :96]
    assert np.abs(alpha[:64].astype(int) - wanted[:64]).mean() < 4
    for name in ("out.mp4", "still.jpg"):
        options = ExportOptions(first=1, last=1) if name.endswith("jpg") else None
        assert (
            "Transparency is left out."
            in plan_export(of_clip(source), tmp_path / name, options).losses
        )


# Stills of photos ---------------------------------------------------------------------------------


def photo_with_everything(path: Path) -> Path:
    """A described JPEG file with a profile and 300 pixels an inch."""
    described_jpeg(path)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(path) as image:
        image.load()
        extra = path.read_bytes()
        image.save(
            path,
            icc_profile=profile,
            dpi=(300, 300),
            exif=image.info["exif"],
            xmp=image.info["xmp"],
            quality=95,
        )
    at = extra.index(b"\xff\xed")
    segment = extra[at : at + 2 + int.from_bytes(extra[at + 2 : at + 4], "big")]
    made = path.read_bytes()
    path.write_bytes(made[:20] + segment + made[20:])
    return path


@pytest.mark.parametrize("name", ["still.jpg", "still.tif", "still.png", "still.webp"])
def test_a_still_of_an_export_says_all_that_a_saved_picture_says(
    name: str, renderer: Renderer, tmp_path: Path
) -> None:
    source = load_photo(photo_with_everything(tmp_path / "in.jpg"))
    done, plan = exported(of_photo(source.path), tmp_path / name, renderer)
    again = load_photo(done.path)
    assert again.icc == source.icc is not None
    if not name.endswith("webp"):
        assert again.dpi == pytest.approx((300, 300), abs=0.1)
    assert rights(again.details.xmp) == "(c) Me"
    assert COMPOSITE.encode() in again.details.xmp
    assert b"Maker" in (again.exif or b"")
    assert "GPS" in plan
    assert ("IPTC" in plan.replace("(IPTC digital source type)", "")) == name.endswith(
        ("png", "webp")
    )


def test_a_sequence_of_a_photo_keeps_its_description_without_the_place_by_choice(
    renderer: Renderer, tmp_path: Path
) -> None:
    source = load_photo(photo_with_everything(tmp_path / "in.jpg"))
    done, plan = exported(
        of_photo(source.path, 2),
        tmp_path / "seq" / "take.png",
        renderer,
        preset="png",
        keep="no-place",
    )
    again = load_photo(done.path)
    assert again.icc == source.icc
    assert rights(again.details.xmp) == "(c) Me"
    assert b"GPS" not in again.details.xmp
    assert "Where the picture was taken (GPS) is left out, as chosen." in plan


def test_a_clip_made_of_a_photo_says_what_of_the_photo_stays_behind(tmp_path: Path) -> None:
    project = of_photo(photo_with_everything(tmp_path / "in.jpg"), 3)
    losses = plan_export(project, tmp_path / "out.mp4").losses
    assert any("EXIF data, XMP data, IPTC data" in note for note in losses)
    assert any("colour profile" in note for note in losses)


def test_sixteen_bits_of_a_photo_are_said_to_be_reduced(tmp_path: Path) -> None:
    from icface.media import save_photo

    pixels = np.random.default_rng(2).integers(0, 65535, (24, 32, 3), np.uint16)
    photo = replace(load_photo(described_jpeg(tmp_path / "in.jpg")), pixels=pixels)
    save_photo(tmp_path / "deep.png", photo, keep="none")
    project = of_photo(tmp_path / "deep.png", 3)
    assert (
        "16 bits per colour are reduced to 8." in plan_export(project, tmp_path / "out.mp4").losses
    )
    assert not any("reduced" in note for note in plan_export(project, tmp_path / "out.png").losses)


def test_a_wish_that_is_none_of_the_three_is_refused() -> None:
    with pytest.raises(ExportError, match="all, no-place, none"):
        ExportOptions(keep="some")  # type: ignore[arg-type]
