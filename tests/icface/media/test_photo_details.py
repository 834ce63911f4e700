"""Descriptions of photos: kept where the target can hold them, listed as lost elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.dom import minidom

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from icface.media import Photo, load_photo, save_photo
from icface.media.details import Details, has_place, iptc_records, kept_resources, resource
from icface.media.losses import kept_of_photo, of_photo, place_said
from icface.media.provenance import COMPOSITE, MADE_HERE
from icface.media.xmp import XmpError, saved_packet
from tests.icface.media.described_photos import (
    CAPTION,
    PACKET,
    described_exif,
    described_jpeg,
    rights,
)


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    return load_photo(described_jpeg(tmp_path / "in.jpg"))


def test_a_jpeg_file_is_read_with_all_it_says(photo: Photo) -> None:
    assert rights(photo.details.xmp) == "(c) Me"
    assert iptc_records(photo.details.iptc) == CAPTION
    assert b"thumbnail" not in photo.details.iptc  # it shows the unedited face
    assert photo.details.comment == "gr\u00fc\u00df"
    assert has_place(photo.exif, photo.details)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("deep", [False, True])
def test_what_the_target_can_hold_is_kept_and_the_rest_is_said(
    suffix: str, deep: bool, photo: Photo, tmp_path: Path
) -> None:
    shown = photo.with_pixels(photo.pixels.astype(np.uint16) * 257) if deep else photo
    notes = " ".join(save_photo(tmp_path / f"out{suffix}", shown))
    again = load_photo(tmp_path / f"out{suffix}")
    assert rights(again.details.xmp) == "(c) Me"
    assert iptc_records(again.details.iptc) == (CAPTION if suffix in (".jpg", ".tif") else b"")
    assert again.details.comment == ("gr\u00fc\u00df" if suffix in (".jpg", ".png") else "")
    assert ("IPTC" in notes) == (suffix in (".png", ".webp"))
    assert ("comment" in notes) == (suffix in (".tif", ".webp"))
    assert ("16 are rounded" in notes) == (deep and suffix in (".jpg", ".webp"))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_the_label_joins_what_the_photo_said_of_itself(
    suffix: str, photo: Photo, tmp_path: Path
) -> None:
    save_photo(tmp_path / f"out{suffix}", photo)
    packet = load_photo(tmp_path / f"out{suffix}").details.xmp
    document = minidom.parseString(packet.strip(b"\0"))
    kinds = document.getElementsByTagName("Iptc4xmpExt:DigitalSourceType")
    assert [kind.firstChild.data for kind in kinds] == [COMPOSITE]
    assert b"Camera" not in packet  # a property stands once
    assert b"tiff:Orientation" not in packet
    assert b"Rating" in packet
    save_photo(tmp_path / f"plain{suffix}", photo, provenance=None)
    assert COMPOSITE.encode() not in (tmp_path / f"plain{suffix}").read_bytes()


def test_saving_twice_says_everything_once(photo: Photo, tmp_path: Path) -> None:
    save_photo(tmp_path / "one.png", photo)
    save_photo(tmp_path / "two.jpg", load_photo(tmp_path / "one.png"))
    packet = load_photo(tmp_path / "two.jpg").details.xmp
    assert packet.count(b"<Iptc4xmpExt:DigitalSourceType>") == packet.count(b"dc:rights>") / 2 == 1


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_the_place_alone_or_everything_is_left_out_by_choice(
    suffix: str, photo: Photo, tmp_path: Path
) -> None:
    notes = save_photo(tmp_path / f"out{suffix}", photo, keep="no-place")
    again = load_photo(tmp_path / f"out{suffix}")
    assert not has_place(again.exif, again.details)
    assert b"GPS" not in again.details.xmp
    assert rights(again.details.xmp) == "(c) Me"
    assert b"Maker" in (again.exif or b"")
    assert "GPS" in notes[0]
    notes = save_photo(tmp_path / f"none{suffix}", photo, keep="none")
    bare = load_photo(tmp_path / f"none{suffix}")
    assert bare.exif is None or b"Maker" not in bare.exif
    assert rights(bare.details.xmp) == ""
    assert COMPOSITE.encode() in bare.details.xmp
    assert notes == (
        "The photo's EXIF data, XMP data, IPTC data and comments are left out, as chosen.",
    )


def test_a_place_that_stays_is_said_too(photo: Photo) -> None:
    assert "GPS" in place_said(photo, "all")[0]
    assert place_said(photo, "no-place") == place_said(photo, "none") == ()
    assert place_said(replace(photo, exif=None, details=Details()), "all") == ()


def test_the_makers_own_part_goes_first_where_jpeg_cannot_hold_all(
    tmp_path: Path, photo: Photo
) -> None:
    exif = described_exif()
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.MakerNote: bytes(66_000),
        ExifTags.Base.ISOSpeedRatings: 200,
    }
    notes = save_photo(tmp_path / "out.jpg", replace(photo, exif=exif.tobytes()))
    assert any("MakerNote" in note for note in notes)
    again = Image.Exif()
    again.load(load_photo(tmp_path / "out.jpg").exif or b"")
    assert again.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] == 200


def test_xmp_too_long_for_jpeg_or_damaged_is_left_out_and_the_label_stays(
    photo: Photo,
) -> None:
    long = PACKET.replace(b"(c) Me", b"(c) " + b"Me" * 40_000)
    for packet, said in (
        (long, "JPEG holds"),
        (b"<x", "damaged"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + PACKET, "damaged"),
    ):
        kept = kept_of_photo(
            replace(photo, details=Details(xmp=packet)), "JPEG", provenance=MADE_HERE
        )
        assert said in kept.notes[0]
        assert kept.xmp == MADE_HERE.xmp()


def test_a_packet_with_entities_of_its_own_is_refused() -> None:
    with pytest.raises(XmpError, match="entities"):
        saved_packet(b"<!DOCTYPE lolz>" + PACKET, None, place=True)
    with pytest.raises(XmpError, match="bytes"):
        saved_packet(PACKET + b" " * (5 << 20), None, place=True)


def test_what_speaks_of_a_gain_map_goes_with_it(tmp_path: Path) -> None:
    gain = PACKET.replace(
        b'xmp:Rating="5"',
        b'xmp:Rating="5" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"',
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "in.jpg", xmp=gain)
    photo = load_photo(tmp_path / "in.jpg")
    assert any("gain map" in note for note in of_photo(photo, "JPEG"))
    save_photo(tmp_path / "out.jpg", photo)
    assert b"hdrgm:" not in (tmp_path / "out.jpg").read_bytes()


def test_the_texts_of_a_png_file_are_kept_packed_or_not(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "Someone")
    texts.add_text("Description", "long " * 50, zip=True)
    texts.add_itxt("Title", "\u00dcber", zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "in.png", pnginfo=texts)
    photo = load_photo(tmp_path / "in.png")
    assert dict(photo.details.texts) == {
        "Author": "Someone",
        "Description": "long " * 50,
        "Title": "\u00dcber",
    }
    save_photo(tmp_path / "out.png", photo, provenance=None)
    assert load_photo(tmp_path / "out.png").details.texts == photo.details.texts
    assert any("Author, Description, Title" in note for note in of_photo(photo, "JPEG"))


@pytest.mark.parametrize(("mode", "said"), [("CMYK", "CMYK"), ("L", "grey")])
def test_colours_that_become_rgb_are_said(mode: str, said: str, tmp_path: Path) -> None:
    Image.new(mode, (8, 8)).save(tmp_path / "in.jpg")
    assert any(
        said in note and "RGB" in note for note in of_photo(load_photo(tmp_path / "in.jpg"), "PNG")
    )


@pytest.mark.parametrize("cut", [1, 5, 9, 12, 15])
def test_blocks_of_resources_that_are_cut_short_are_passed_over(cut: int) -> None:
    whole = resource(0x0404, CAPTION)
    assert kept_resources(whole + resource(0x040A, b"\1")[:-cut]).startswith(whole)


def test_nothing_is_said_of_a_photo_that_says_nothing(tmp_path: Path) -> None:
    kinds: dict[str, Any] = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif"}
    Image.new("RGB", (8, 8)).save(tmp_path / "in.png")
    photo = load_photo(tmp_path / "in.png")
    for kind, suffix in kinds.items():
        assert of_photo(photo, kind) == save_photo(tmp_path / f"out{suffix}", photo) == ()
