"""Photos come out of files as they went in, and everything that cannot be read says why."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import ExifTags, Image, ImageCms, ImageOps, TiffImagePlugin

from icface import media
from icface.media import (
    Photo,
    PhotoError,
    eight_bit,
    load_photo,
    output_format,
    save_photo,
    thumbnail,
)

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pixels_of(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    """Smooth colours with some noise: what a photo is like, so that lossy formats stay near it."""
    height, width = shape[:2]
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = np.stack([np.sin(3 * x + y), np.cos(2 * y - x), np.sin(4 * y * x), 0.5 + x - y], -1)[
        ..., : shape[2]
    ]
    noise = np.random.default_rng(seed).normal(0, 0.01, waves.shape)
    top = np.iinfo(dtype).max
    return np.clip((0.5 + 0.4 * waves + noise) * top, 0, top).astype(dtype)


def photo_of(pixels: np.ndarray, **kept: object) -> Photo:
    return Photo(pixels, Path("made.png"), "0" * 64, **kept)


def exif_of(**tags: object) -> bytes:
    exif = Image.Exif()
    for name, value in tags.items():
        exif[ExifTags.Base[name]] = value
    return exif.tobytes()


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_png_and_tiff_keep_every_pixel_value(tmp_path, suffix, dtype, channels):
    photo = photo_of(pixels_of(37, 53, channels, dtype=dtype))
    assert save_photo(tmp_path / f"out{suffix}", photo) == ()
    again = load_photo(tmp_path / f"out{suffix}")
    assert again.pixels.dtype == dtype
    np.testing.assert_array_equal(again.pixels, photo.pixels)


@settings(max_examples=25, deadline=None)
@given(
    pixels=st.tuples(
        st.integers(1, 9),
        st.integers(1, 9),
        st.sampled_from([3, 4]),
        st.sampled_from([np.uint8, np.uint16]),
    ).flatmap(lambda s: arrays(s[3], s[:3])),
    suffix=st.sampled_from([".png", ".tif"]),
)
def test_any_pixels_survive_a_lossless_round_trip(tmp_path_factory, pixels, suffix):
    path = tmp_path_factory.mktemp("media") / f"any{suffix}"
    save_photo(path, photo_of(pixels))
    np.testing.assert_array_equal(load_photo(path).pixels, pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_sixteen_bit_photo_larger_than_one_band_is_whole(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("icface.media.photo._BAND_PIXELS", 300)
    photo = photo_of(pixels_of(50, 40, 4, dtype=np.uint16))
    save_photo(tmp_path / f"out{suffix}", photo)
    np.testing.assert_array_equal(load_photo(tmp_path / f"out{suffix}").pixels, photo.pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_lossy_formats_stay_close(tmp_path, suffix):
    photo = photo_of(pixels_of(64, 80, 3))
    save_photo(tmp_path / f"out{suffix}", photo)
    error = load_photo(tmp_path / f"out{suffix}").pixels.astype(int) - photo.pixels
    assert np.abs(error).mean() < 2.5


def test_jpeg_keeps_the_full_resolution_of_colour(tmp_path):
    save_photo(tmp_path / "out.jpg", photo_of(pixels_of(32, 32, 3)))
    with Image.open(tmp_path / "out.jpg") as image:
        assert {layer[1:3] for layer in image.layer} == {(1, 1)}


def test_webp_keeps_alpha_to_the_bit(tmp_path):
    photo = photo_of(pixels_of(40, 40, 4))
    save_photo(tmp_path / "out.webp", photo)
    np.testing.assert_array_equal(
        load_photo(tmp_path / "out.webp").pixels[..., 3], photo.pixels[..., 3]
    )


def test_transparency_is_laid_on_white_for_jpeg_with_a_note(tmp_path):
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, :8, 3] = 255
    notes = save_photo(tmp_path / "out.jpg", photo_of(pixels))
    assert "transparency" in notes[0]
    again = load_photo(tmp_path / "out.jpg").pixels
    assert again.shape == (16, 16, 3)
    assert again[:, 0].max() < 8
    assert again[:, -1].min() > 247


def test_an_opaque_alpha_channel_is_no_loss_in_a_jpeg(tmp_path):
    pixels = pixels_of(16, 16, 4)
    pixels[..., 3] = 255
    assert save_photo(tmp_path / "out.jpg", photo_of(pixels)) == ()


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_sixteen_bits_are_rounded_not_cut_for_eight_bit_formats(tmp_path, suffix):
    notes = save_photo(
        tmp_path / f"out{suffix}", photo_of(np.full((16, 16, 3), 257 * 99 + 200, np.uint16))
    )
    assert "8 bits" in notes[0]
    assert np.abs(load_photo(tmp_path / f"out{suffix}").pixels.astype(int) - 100).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_profile_resolution_and_camera_data_are_kept(tmp_path, suffix, dtype):
    exif = exif_of(Make="Maker", Artist="Someone", Copyright="(c)")
    photo = photo_of(pixels_of(20, 30, 3, dtype=dtype), icc=SRGB, exif=exif, dpi=(300.0, 300.0))
    save_photo(tmp_path / f"out{suffix}", photo)
    again = load_photo(tmp_path / f"out{suffix}")
    assert again.icc == SRGB
    assert suffix == ".webp" or again.dpi == pytest.approx((300, 300), rel=1e-3)
    read = Image.Exif()
    read.load(again.exif)
    assert read[ExifTags.Base.Make] == "Maker"
    assert read[ExifTags.Base.Artist] == "Someone"
    assert read[ExifTags.Base.Orientation] == 1


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_exposure_and_place_survive_from_a_camera_file(tmp_path, suffix):
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.ISOSpeedRatings: 200,
        ExifTags.Base.MakerNote: b"secret\0\1",
    }
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    Image.fromarray(pixels_of(12, 12, 3)).save(tmp_path / "in.jpg", exif=exif)
    save_photo(tmp_path / f"out{suffix}", load_photo(tmp_path / "in.jpg"))
    again = Image.Exif()
    again.load(load_photo(tmp_path / f"out{suffix}").exif)
    assert again.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] == 200
    assert again.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] == b"secret\0\1"
    assert again.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"


def test_exif_data_too_long_for_jpeg_are_left_out_with_a_note(tmp_path):
    photo = photo_of(pixels_of(8, 8, 3), exif=exif_of(ImageDescription="x" * 70_000))
    assert "EXIF" in save_photo(tmp_path / "out.jpg", photo)[0]
    assert load_photo(tmp_path / "out.jpg").exif is None


def test_the_digest_is_that_of_the_files_bytes(tmp_path):
    save_photo(tmp_path / "a.png", photo_of(pixels_of(8, 8, 3)))
    assert (
        load_photo(tmp_path / "a.png").digest
        == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    )


def test_the_sample_is_the_astronaut():
    photo = load_photo(media.sample_photo_path())
    assert photo.pixels.shape == (512, 512, 3)
    assert photo.rgb8 is not None
    assert np.shares_memory(photo.rgb8, photo.pixels)


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_eight_bit_photos_come_upright(tmp_path, orientation, suffix):
    path = tmp_path / f"in{suffix}"
    lossless = {".webp": {"lossless": True}}.get(suffix, {})
    Image.fromarray(pixels_of(24, 40, 3)).save(
        path, exif=exif_of(Orientation=orientation), **lossless
    )
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    photo = load_photo(path)
    np.testing.assert_array_equal(photo.pixels, expected)
    save_photo(tmp_path / "out.png", photo)
    np.testing.assert_array_equal(load_photo(tmp_path / "out.png").pixels, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_photos_come_upright(tmp_path, orientation, suffix):
    stored = pixels_of(6, 10, 3, dtype=np.uint16)
    exif = exif_of(Orientation=orientation, Make="M")
    save_photo(tmp_path / f"in{suffix}", photo_of(stored, exif=exif))
    with Image.fromarray(np.arange(60, dtype=np.uint8).reshape(6, 10)) as index:
        index.getexif()[ExifTags.Base.Orientation] = orientation
        order = np.asarray(ImageOps.exif_transpose(index))
    np.testing.assert_array_equal(
        load_photo(tmp_path / f"in{suffix}").pixels, stored.reshape(60, 3)[order]
    )


def test_the_sizes_in_the_camera_data_turn_with_the_photo(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.ExifImageWidth: 30, ExifTags.Base.ExifImageHeight: 20}
    Image.fromarray(pixels_of(20, 30, 3)).save(tmp_path / "in.jpg", exif=exif)
    photo = load_photo(tmp_path / "in.jpg")
    again = Image.Exif()
    again.load(photo.exif)
    assert (photo.width, photo.height) == (20, 30)
    assert again.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == 20


def test_the_thumbnail_of_the_unedited_face_is_not_carried_along(tmp_path):
    tiny = io.BytesIO()
    Image.fromarray(pixels_of(8, 8, 3)).save(tiny, "JPEG")
    first = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\x08\0\0\0")
    first[271] = "Maker"
    body = bytearray(first.tobytes(8))
    second = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\x08\0\0\0")
    second[513], second[514] = 8 + len(body) + 30, len(tiny.getvalue())
    body[2 + 12 : 2 + 12 + 4] = struct.pack("<I", 8 + len(body))  # the link to the second directory
    exif = (
        b"Exif\0\0II*\0\x08\0\0\0" + bytes(body) + second.tobytes(8 + len(body)) + tiny.getvalue()
    )
    Image.fromarray(pixels_of(8, 8, 3)).save(tmp_path / "in.jpg", exif=exif)
    photo = load_photo(tmp_path / "in.jpg")
    assert b"Maker" in photo.exif
    assert tiny.getvalue() not in photo.exif


@pytest.mark.parametrize("exif", [b"rubbish", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"])
def test_broken_camera_data_do_not_keep_a_photo_from_opening(tmp_path, exif):
    Image.fromarray(pixels_of(8, 8, 3)).save(tmp_path / "in.jpg", exif=b"Exif\0\0" + exif)
    assert load_photo(tmp_path / "in.jpg").pixels.shape == (8, 8, 3)


# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
def test_other_ways_to_store_colour_become_rgb(tmp_path, mode):
    source = Image.fromarray(pixels_of(16, 16, 3)).convert(mode)
    source.save(tmp_path / "in.tif")
    np.testing.assert_array_equal(
        load_photo(tmp_path / "in.tif").pixels, np.asarray(source.convert("RGB"))
    )


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_other_ways_to_store_transparency_become_rgba(tmp_path, mode):
    source = Image.fromarray(pixels_of(16, 16, 4)).convert(mode)
    source.save(tmp_path / "in.png")
    np.testing.assert_array_equal(
        load_photo(tmp_path / "in.png").pixels, np.asarray(source.convert("RGBA"))
    )


def test_a_transparent_colour_of_a_palette_becomes_alpha(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).convert("P")
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.save(tmp_path / "in.png", transparency=1)
    assert load_photo(tmp_path / "in.png").pixels[0].tolist() == [[255, 0, 0, 255], [0, 0, 255, 0]]


def test_cmyk_with_a_profile_becomes_srgb_without_one(tmp_path):
    broken = SRGB[:16] + b"CMYK" + SRGB[20:]
    Image.fromarray(pixels_of(16, 16, 3)).convert("CMYK").save(
        tmp_path / "in.jpg", icc_profile=broken
    )
    photo = load_photo(tmp_path / "in.jpg")
    assert photo.pixels.shape == (16, 16, 3)
    assert photo.icc is None


def test_a_profile_for_grey_is_not_put_on_colour(tmp_path):
    grey = SRGB[:16] + b"GRAY" + SRGB[20:]
    Image.fromarray(pixels_of(16, 16, 3)[..., 0]).save(tmp_path / "in.png", icc_profile=grey)
    assert load_photo(tmp_path / "in.png").icc is None


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_grey_becomes_colour(tmp_path, suffix):
    grey = pixels_of(9, 11, 3, dtype=np.uint16)[..., 0]
    assert cv2.imwrite(str(tmp_path / f"in{suffix}"), grey)
    np.testing.assert_array_equal(
        load_photo(tmp_path / f"in{suffix}").pixels, np.repeat(grey[..., None], 3, 2)
    )


def tiff16(pixels: np.ndarray, **changed: object) -> bytes:
    """A 16-bit TIFF with some tags, by number after an underscore, set otherwise."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\x08\0\0\0")
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    tags.update(
        {
            256: width,
            257: height,
            258: (16,) * channels,
            259: 1,
            262: 2 if channels > 1 else 1,
            277: channels,
        }
    )
    tags.update({278: height, 273: 0, 279: pixels.nbytes})
    tags.update({int(name[1:]): value for name, value in changed.items()})
    file = io.BytesIO()
    tags.save(file)
    file.write(pixels.astype("<u2").tobytes())
    return file.getvalue()


def test_sixteen_bit_grey_with_white_as_zero_is_not_a_negative(tmp_path):
    grey = pixels_of(5, 7, 3, dtype=np.uint16)[..., 0]
    (tmp_path / "in.tif").write_bytes(tiff16(grey, _262=0))
    np.testing.assert_array_equal(load_photo(tmp_path / "in.tif").pixels[..., 1], 65535 - grey)


def test_premultiplied_sixteen_bit_alpha_is_divided_out(tmp_path):
    pixels = np.array([[[10000, 20000, 5000, 32768], [0, 0, 0, 0], [7, 8, 9, 65535]]], np.uint16)
    (tmp_path / "in.tif").write_bytes(tiff16(pixels, _338=(1,)))
    found = load_photo(tmp_path / "in.tif").pixels[0]
    np.testing.assert_allclose(found[0].astype(int), [19999, 39999, 10000, 32768], atol=1)
    assert found[1].tolist() == [0, 0, 0, 0]
    assert found[2].tolist() == [7, 8, 9, 65535]


@pytest.mark.parametrize(
    "changed",
    [{"_284": 2}, {"_262": 5}, {"_339": (3, 3, 3)}, {"_339": (2, 2, 2)}, {"_258": (32, 32, 32)}],
)
def test_tiffs_with_other_colours_are_refused_by_name(tmp_path, changed):
    (tmp_path / "in.tif").write_bytes(tiff16(pixels_of(6, 6, 3, dtype=np.uint16), **changed))
    with pytest.raises(PhotoError, match=r"in\.tif"):
        load_photo(tmp_path / "in.tif")


def test_a_tiff_whose_places_are_words_is_refused_as_damaged(tmp_path):
    Image.fromarray(pixels_of(20, 30, 3)).save(tmp_path / "in.tif")
    content = bytearray((tmp_path / "in.tif").read_bytes())
    entry = content.index(struct.pack("<HHI", 273, 4, 1))  # where the strips are, as numbers
    content[entry + 2 : entry + 4] = struct.pack("<H", 2)
    (tmp_path / "in.tif").write_bytes(content)
    assert "damaged" in refused(tmp_path / "in.tif")


def test_a_tiff_that_lacks_some_of_its_strips_is_refused(tmp_path):
    Image.fromarray(pixels_of(20, 30, 3)).save(tmp_path / "in.tif")
    content = bytearray((tmp_path / "in.tif").read_bytes())
    (directory,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, directory)
    for place in range(directory + 2, directory + 2 + 12 * entries, 12):
        if (
            struct.unpack_from("<H", content, place)[0] == 278
        ):  # rows per strip: 20, of which only one strip is there
            struct.pack_into("<HI", content, place + 2, 4, 1)
            struct.pack_into("<I", content, place + 8, 10)
    (tmp_path / "in.tif").write_bytes(content)
    assert "missing" in refused(tmp_path / "in.tif")


def test_floating_point_pictures_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "in.tif")
    with pytest.raises(PhotoError, match="8 or 16 bits"):
        load_photo(tmp_path / "in.tif")


def test_an_animation_opens_at_its_first_picture(tmp_path):
    first, second = (Image.fromarray(pixels_of(8, 8, 3, seed=i)) for i in (1, 2))
    first.save(tmp_path / "in.webp", save_all=True, append_images=[second], lossless=True)
    np.testing.assert_array_equal(load_photo(tmp_path / "in.webp").rgb8, np.asarray(first))


# ------------------------------------------------------------------------------------------- files


def refused(path: object) -> str:
    with pytest.raises(PhotoError) as caught:
        load_photo(path)
    message = str(caught.value)
    assert "\n" not in message
    assert Path(str(path)).name in message or "\0" in str(path)
    return message


def test_missing_folder_empty_and_odd_names_are_told_apart(tmp_path):
    (tmp_path / "empty.png").touch()
    assert "no file" in refused(tmp_path / "none.png")
    assert "folder" in refused(tmp_path)
    assert "empty" in refused(tmp_path / "empty.png")
    assert "not a file name" in refused(tmp_path / ("x" * 300))
    assert "not a file name" in refused("a\0b.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "ordinary file" in refused(tmp_path / "pipe.png")


@pytest.mark.parametrize("where", ["pathlib.Path.stat", "pathlib.Path.open"])
def test_a_file_without_permission_says_so(tmp_path, monkeypatch, where):
    save_photo(tmp_path / "a.png", photo_of(pixels_of(8, 8, 3)))

    def deny(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(where, deny)
    assert "permission" in refused(tmp_path / "a.png")


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EIO, "Input/output error")])
def test_trouble_of_the_machine_is_an_error_about_the_photo(tmp_path, monkeypatch, error):
    save_photo(tmp_path / "a.png", photo_of(pixels_of(8, 8, 3)))

    def fail(*_args: object) -> None:
        raise error

    monkeypatch.setattr("hashlib.file_digest", fail)
    assert refused(tmp_path / "a.png")


@pytest.mark.parametrize(
    "content",
    [
        b"hello world",
        b"\0" * 4096,
        b"GIF89a" + b"\0" * 99,
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
    ],
)
def test_what_is_no_picture_is_refused_with_the_formats_named(tmp_path, content):
    (tmp_path / "in.jpg").write_bytes(content)
    assert "JPEG, PNG, WebP or TIFF" in refused(tmp_path / "in.jpg")


KINDS = [(end, np.uint8) for end in (".jpg", ".png", ".webp", ".tif")] + [
    (end, np.uint16) for end in (".png", ".tif")
]


@pytest.mark.parametrize(("suffix", "dtype"), KINDS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_file_cut_short_is_an_error_not_half_a_picture(tmp_path, capfd, suffix, dtype, kept):
    path = tmp_path / f"in{suffix}"
    save_photo(path, photo_of(pixels_of(100, 120, 3, dtype=dtype)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert "damaged" in refused(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_png_with_a_wrong_checksum_is_refused(tmp_path, dtype):
    save_photo(tmp_path / "in.png", photo_of(pixels_of(40, 40, 3, dtype=dtype)))
    content = bytearray((tmp_path / "in.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "in.png").write_bytes(content)
    assert "damaged" in refused(tmp_path / "in.png")


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_damaged_file_opens_or_is_refused_and_nothing_else(tmp_path_factory, kind, changes):
    suffix, dtype = kind
    path = tmp_path_factory.mktemp("damaged") / f"in{suffix}"
    save_photo(path, photo_of(pixels_of(12, 12, 3, dtype=dtype), exif=exif_of(Make="Maker")))
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    path.write_bytes(content)
    with contextlib.suppress(PhotoError):
        assert load_photo(path).pixels.size


def png_header(width: int, height: int, depth: int = 8) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height"),
    [(10_001, 10_000), (100_001, 1_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)],
)
def test_more_than_a_hundred_megapixels_are_refused_before_decoding(tmp_path, width, height):
    (tmp_path / "bomb.png").write_bytes(png_header(width, height))
    with warnings.catch_warnings(record=True) as seen:
        message = refused(tmp_path / "bomb.png")
    assert "The limit is 100 megapixels" in message
    assert f"{width * height / 1e6:.1f} megapixels" in message
    assert not seen


@pytest.mark.parametrize(("depth", "height"), [(8, 10_000), (16, 6_666)])
def test_pictures_of_exactly_the_limit_are_not_too_large(tmp_path, depth, height):
    (tmp_path / "in.png").write_bytes(png_header(10_000, height, depth))
    with warnings.catch_warnings(record=True) as seen:
        assert "megapixels" not in refused(tmp_path / "in.png")  # it is cut short, though
    assert not seen


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.exe", ".png"])
def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path, name):
    with pytest.raises(PhotoError, match=r"\.jpg, \.jpeg, \.png"):
        save_photo(tmp_path / name, photo_of(pixels_of(4, 4, 3)))
    assert not list(tmp_path.iterdir())


def test_endings_are_read_without_regard_to_case():
    assert output_format("a.JPeG") == "JPEG"
    assert output_format("a.TIF") == "TIFF"


def test_a_missing_folder_and_a_folder_of_that_name_are_refused(tmp_path):
    (tmp_path / "dir.png").mkdir()
    with pytest.raises(PhotoError, match="no folder"):
        output_format(tmp_path / "none" / "a.png")
    with pytest.raises(PhotoError, match="is a folder"):
        output_format(tmp_path / "dir.png")


@pytest.mark.parametrize("quality", [0, 101, -3])
def test_a_quality_out_of_range_is_refused(tmp_path, quality):
    with pytest.raises(PhotoError, match="1 to 100"):
        save_photo(tmp_path / "a.jpg", photo_of(pixels_of(4, 4, 3)), quality)


@pytest.mark.parametrize(("suffix", "limit"), [(".webp", "16383"), (".jpg", "65500")])
def test_pictures_longer_than_a_format_allows_are_refused(tmp_path, suffix, limit):
    with pytest.raises(PhotoError, match=limit):
        save_photo(tmp_path / f"a{suffix}", photo_of(np.zeros((1, 70_000, 3), np.uint8)))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "only be read"),
        (errno.EACCES, "permission"),
        (errno.EIO, "went wrong"),
    ],
)
@pytest.mark.parametrize("where", ["os.fsync", "pathlib.Path.replace"])
def test_when_saving_fails_the_old_file_stays_and_nothing_is_left_behind(
    tmp_path, monkeypatch, code, text, where
):
    (tmp_path / "a.png").write_bytes(b"the old file")

    def fail(*_args: object) -> None:
        raise OSError(code, "something went wrong")

    monkeypatch.setattr(where, fail)
    with pytest.raises(PhotoError, match=text):
        save_photo(tmp_path / "a.png", photo_of(pixels_of(8, 8, 3)))
    assert (tmp_path / "a.png").read_bytes() == b"the old file"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_running_out_of_memory_while_saving_is_an_error_about_the_photo(tmp_path, monkeypatch):
    def fail(*_args: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.Image.fromarray", fail)
    with pytest.raises(PhotoError, match="memory"):
        save_photo(tmp_path / "a.png", photo_of(pixels_of(8, 8, 3)))
    assert not list(tmp_path.iterdir())


def test_a_write_protected_file_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"the old file")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(PhotoError, match="permission"):
        save_photo(tmp_path / "a.png", photo_of(pixels_of(8, 8, 3)))
    assert (tmp_path / "a.png").read_bytes() == b"the old file"


def test_a_link_is_followed_and_permissions_are_kept(tmp_path):
    real = tmp_path / "real.png"
    real.write_bytes(b"the old file")
    real.chmod(0o640)
    (tmp_path / "link.png").symlink_to(real)
    save_photo(tmp_path / "link.png", photo_of(pixels_of(8, 8, 3)))
    assert (tmp_path / "link.png").is_symlink()
    assert load_photo(real).pixels.shape == (8, 8, 3)
    assert real.stat().st_mode & 0o777 == 0o640


# --------------------------------------------------------------------------------------------------


def test_a_photos_pixels_cannot_be_changed_and_their_array_stays_writable():
    pixels = pixels_of(4, 4, 3)
    photo = photo_of(pixels)
    with pytest.raises(ValueError, match="read-only"):
        photo.pixels[0] = 0
    pixels[0] = 0


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 2), np.uint8), np.zeros((4, 4, 3), np.float32)],
)
def test_only_colour_pixels_of_eight_or_sixteen_bits_make_a_photo(pixels):
    with pytest.raises(ValueError, match="uint8 or uint16"):
        photo_of(pixels)


def test_eight_bit_values_are_the_nearest_ones():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    np.testing.assert_array_equal(eight_bit(values), np.rint(values / 257).astype(np.uint8))


def test_rgb8_drops_alpha_and_depth():
    photo = photo_of(pixels_of(5, 6, 4, dtype=np.uint16))
    assert photo.rgb8.shape == (5, 6, 3)
    assert photo.rgb8.dtype == np.uint8
    assert photo.rgb8.flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_thumbnails_keep_kind_and_shape_and_never_enlarge(dtype):
    pixels = pixels_of(100, 50, 4, dtype=dtype)
    small = thumbnail(pixels, 20)
    assert small.shape == (20, 10, 4)
    assert small.dtype == dtype
    assert thumbnail(pixels, 100) is pixels
    assert thumbnail(pixels_of(1, 300, 3), 20).shape == (1, 20, 3)


# --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is in other units elsewhere")
@pytest.mark.parametrize(("suffix", "bytes_a_pixel"), [(".jpg", 14), (".png", 18)])
def test_large_photos_are_opened_and_saved_without_needless_copies(tmp_path, suffix, bytes_a_pixel):
    """The memory of a photo: bytes a pixel while it is opened and while it is saved.

    Opened: 4 in Pillow and 3 here, or 6 twice for 16 bits. Saved: 4 more at most.
    """
    dtype = np.uint8 if suffix == ".jpg" else np.uint16
    tile = pixels_of(40, 40, 3, dtype=dtype)
    save_photo(tmp_path / f"in{suffix}", photo_of(np.tile(tile, (50, 75, 1))))
    code = f"""
import resource
from icface.media import load_photo, save_photo
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
photo = load_photo({str(tmp_path / f"in{suffix}")!r})
save_photo({str(tmp_path / f"out{suffix}")!r}, photo)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown * 1024 / (photo.width * photo.height))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert float(done.stdout) < bytes_a_pixel
