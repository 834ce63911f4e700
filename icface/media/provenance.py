"""The label of exported media: that a trained network had a part in them, and the program.

The IPTC digital source type stands as XMP where a format can hold that, and in words where players
show them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from icface import __version__

COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for a picture of a camera with parts made by a trained network."""
WHOLE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for a picture that a trained network made as a whole."""
TOOL = f"ICface Studio {__version__}"
_XMP_UUID = bytes.fromhex(
    "be7acfcb97a942e89c71999491e3afac"
)  # ISO/IEC 14496-12 user box, XMP specification part 3


@dataclass(frozen=True, slots=True)
class Provenance:
    """The label that is written into a file.

    Attributes
    ----------
    source_type : str
        A term of IPTC's list of digital source types.
    tool : str
        Program and version.
    """

    source_type: str = COMPOSITE
    tool: str = TOOL

    def xmp(self) -> bytes:
        """An XMP packet."""
        text = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about=""
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<Iptc4xmpExt:DigitalSourceType>{escape(self.source_type)}</Iptc4xmpExt:DigitalSourceType>
<xmp:CreatorTool>{escape(self.tool)}</xmp:CreatorTool>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
        return text.encode()

    def tags(self) -> dict[str, str]:
        """Tags of a container, by FFmpeg's names."""
        kind = self.source_type.rsplit("/", 1)[-1]
        return {
            "comment": f"Made with {self.tool}. Digital source type: {kind}.",
            "DIGITAL_SOURCE_TYPE": self.source_type,
            "CREATOR_TOOL": self.tool,
        }


MADE_HERE = Provenance()
"""The label of an edited photo or clip."""
GENERATED = Provenance(source_type=WHOLE)
"""The label of a picture of which no pixel is a camera's."""


def append_xmp_box(path: Path, provenance: Provenance) -> None:
    """Add the XMP packet to the end of an MP4 or MOV file, as a box of its own."""
    packet = provenance.xmp()
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", 24 + len(packet), b"uuid") + _XMP_UUID + packet)


def text_chunk(keyword: str, text: str) -> bytes:
    """The content of a PNG iTXt chunk (PNG specification, third edition, 11.3.3.5)."""
    return keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()


def gif_ending(provenance: Provenance) -> bytes:
    """The bytes that replace a GIF file's last byte: the XMP packet and the end.

    See the XMP specification, part 3, 1.1.2.
    """
    magic = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    return b"\x21\xff\x0bXMP DataXMP" + provenance.xmp() + magic + b"\x3b"


def exr_with_text(data: bytes, provenance: Provenance) -> bytes:
    """An OpenEXR file (one part, scan lines) with provenance among the attributes of its header."""
    added = b""
    for name, text in (
        ("digitalSourceType", provenance.source_type),
        ("software", provenance.tool),
    ):
        added += (
            name.encode() + b"\0string\0" + struct.pack("<I", len(text.encode())) + text.encode()
        )
    at, attributes = 8, {}
    while data[at]:
        name_end = data.index(b"\0", at)
        kind_end = data.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<I", data, kind_end + 1)
        attributes[data[at:name_end]] = data[kind_end + 5 : kind_end + 5 + size]
        at = kind_end + 5 + size
    _, top, _, bottom = struct.unpack("<4i", attributes[b"dataWindow"])
    rows = {3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}.get(attributes[b"compression"][0], 1)
    count = -(-(bottom - top + 1) // rows)
    offsets = struct.unpack_from(f"<{count}Q", data, at + 1)
    table = struct.pack(f"<{count}Q", *(offset + len(added) for offset in offsets))
    return data[:8] + added + data[8 : at + 1] + table + data[at + 1 + 8 * count :]
