"""Photos that lack their end marker open with a note; more damage is refused in plain words."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from icface.cli import main
from icface.media import Photo, PhotoError, load_photo, photo_pixels, save_photo

FOREIGN = (
    "buffer",
    "stream",
    "allowed size",
    "digits",
    "valid type",
    "nonetype",
    "struct",
    "unpack",
    "oserror",
    "errno",
    "exceed",
)


def encoded(picture: NDArray[np.uint8], kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("size", [(128, 128), (121, 77)])
def test_a_jpeg_without_its_end_marker_opens_with_a_word(
    tmp_path: Path, astronaut: NDArray[np.uint8], subsampling: int, lost: int, size: tuple[int, int]
) -> None:
    picture = astronaut[: size[1], : size[0]]
    data = encoded(picture, "JPEG", quality=90, subsampling=subsampling)
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "a.jpg").write_bytes(data[:-lost])
    whole, photo = load_photo(tmp_path / "whole.jpg"), load_photo(tmp_path / "a.jpg")
    np.testing.assert_array_equal(photo.pixels, whole.pixels)
    assert photo.digest != whole.digest
    assert (whole.notes, "end marker" in photo.notes[0]) == ((), True)


@pytest.mark.parametrize("lost", [3, 4, 8, 300])
def test_a_jpeg_that_lacks_pixels_stays_refused(
    tmp_path: Path, astronaut: NDArray[np.uint8], lost: int
) -> None:
    data = encoded(astronaut[:128, :128], "JPEG", quality=90)
    (tmp_path / "a.jpg").write_bytes(data[:-lost])
    with pytest.raises(PhotoError, match="ends too early"):
        load_photo(tmp_path / "a.jpg")


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("lost", [1, 4, 11, 12])
def test_a_png_without_its_end_marker_opens_with_a_word(
    tmp_path: Path, astronaut: NDArray[np.uint8], lost: int, deep: bool
) -> None:
    picture = astronaut[:100, :90].astype(np.uint16) * 257 if deep else astronaut[:100, :90]
    save_photo(tmp_path / "whole.png", Photo(picture, tmp_path, ""))
    (tmp_path / "a.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-lost])
    photo = load_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(photo.pixels, picture)
    assert "end marker" in photo.notes[0]


@pytest.mark.parametrize("lost", [13, 17, 400])
def test_a_png_that_lacks_pixels_stays_refused(
    tmp_path: Path, astronaut: NDArray[np.uint8], lost: int
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(astronaut[:100, :90], "PNG")[:-lost])
    with pytest.raises(PhotoError, match="damaged or cut short"):
        load_photo(tmp_path / "a.png")


def test_the_word_is_said_by_the_command(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(astronaut[:90, :90], "JPEG")[:-2])
    done = CliRunner().invoke(
        main, ["render", str(tmp_path / "a.jpg"), "-o", str(tmp_path / "o.png")]
    )
    assert done.exit_code == 0
    assert "end marker" in done.stderr


def png(width: int, height: int, bits: int, colour: int, pixels: bytes = b"") -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data))
            + name
            + data
            + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ((2**31 - 1, 2**31 - 1, 8, 2), "The limit is 100 megapixels"),
        ((2**31 - 1, 1, 8, 2), "The limit is 100 megapixels"),
        ((11_000, 9_000, 16, 6), "400 MB are the limit (50 megapixels)"),
        ((9_000, 8_000, 16, 2), "400 MB are the limit (66 megapixels)"),
    ],
)
def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: tuple[int, int, int, int], said: str
) -> None:
    monkeypatch.setattr(photo_pixels, "_decode_quietly", lambda _data: pytest.fail("decoded"))
    (tmp_path / "a.png").write_bytes(png(*header))
    with pytest.raises(PhotoError, match="too large") as caught:
        load_photo(tmp_path / "a.png")
    assert said in str(caught.value)


def test_what_decoders_say_is_never_shown(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    dice = np.random.default_rng(5)
    told = 0
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF"):
        data = np.frombuffer(encoded(astronaut[:64, :64], kind), np.uint8)
        for turn in range(24):
            bad = data.copy()[: len(data) - int(dice.integers(0, len(data) // 2)) * (turn % 2)]
            bad[dice.integers(0, len(bad), 1 + turn)] = dice.integers(0, 256, 1 + turn)
            path = tmp_path / "x.bin"
            path.write_bytes(bad.tobytes())
            try:
                load_photo(path)
            except PhotoError as error:
                told += 1
                said = str(error).removeprefix(str(path)).lower()
                assert not [word for word in FOREIGN if word in said], said
    assert told > 30
