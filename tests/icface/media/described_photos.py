"""Photos that say something beside their pixels, for tests."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from xml.dom import minidom

import numpy as np
from PIL import ExifTags, Image

from icface.media.details import resource

CAPTION = b"\x1c\x02\x78" + struct.pack(">H", 7) + b"Caption"
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5" '
    b'xmp:CreatorTool="Camera"'
    b' xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="52,31.2N" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
    b' tiff:Orientation="6" xmlns:dc="http://purl.org/dc/elements/1.1/"><exif:GPSLongitude>13,24E</exif:GPSLongitude>'
    b'<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) Me</rdf:li></rdf:Alt></dc:rights>'
    b"</rdf:Description>"
    b"</rdf:RDF></x:xmpmeta>"
)


def described_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
    return exif


def described_jpeg(path: Path) -> Path:
    """A JPEG file with EXIF, place, XMP rights, an IPTC caption, a thumbnail and a comment."""
    noise = np.random.default_rng(3).integers(0, 255, (24, 32, 3), np.uint8)
    made = io.BytesIO()
    Image.fromarray(noise).save(
        made, "JPEG", exif=described_exif(), xmp=PACKET, comment="gr\u00fc\u00df".encode()
    )
    blocks = b"Photoshop 3.0\0" + resource(1036, b"\xff\xd8thumbnail") + resource(0x0404, CAPTION)
    segment = b"\xff\xed" + struct.pack(">H", len(blocks) + 2) + blocks
    path.write_bytes(made.getvalue()[:2] + segment + made.getvalue()[2:])
    return path


def rights(packet: bytes) -> str:
    found = minidom.parseString(packet).getElementsByTagName("dc:rights")
    return "" if not found else str(found[0].getElementsByTagName("rdf:li")[0].firstChild.data)
