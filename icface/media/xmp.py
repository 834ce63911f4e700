"""XMP packets of photos: place and outdated entries removed, provenance added.

A packet describes the file it came with. What speaks of pictures beside the one that is saved (a
gain map, a depth map, a thumbnail of the unedited face), and how the stored picture was turned, is
not true of a saved picture.
"""

from __future__ import annotations

from xml.dom import minidom
from xml.parsers.expat import ExpatError

from icface.media.provenance import Provenance

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_XAP = "http://ns.adobe.com/xap/1.0/"
_NOTE = "http://ns.adobe.com/xmp/note/"
_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_OTHER_PICTURES = (
    "http://ns.google.com/photos/1.0/",
    "http://ns.adobe.com/hdr-gain-map/",
    "http://ns.apple.com/HDRGainMap/",
)
_UNTRUE = frozenset({(_TIFF, "Orientation"), (_XAP, "Thumbnails"), (_NOTE, "HasExtendedXMP")})
_OURS = frozenset({(_IPTC_EXT, "DigitalSourceType"), (_XAP, "CreatorTool")})
_MOST_BYTES = 4 << 20
_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
"""Beginning of a packet."""
_END = '\n<?xpacket end="w"?>'
"""End of a packet."""


class XmpError(ValueError):
    """A packet that cannot be understood; the message says why."""


def has_place(packet: bytes) -> bool:
    """Whether a packet gives the place of a picture; False for one that cannot be understood."""
    try:
        document = _parsed(packet)
    except XmpError:
        return False
    return any(
        _is_place(node)
        for element in _elements(document)
        for node in (element, *_attributes(element))
    )


def saved_packet(packet: bytes, provenance: Provenance | None, *, place: bool) -> bytes:
    """The packet of a picture that is saved.

    Parameters
    ----------
    packet : bytes
        The packet in the photo's file; empty for none.
    provenance : Provenance or None
        What the saved picture says of its making.
    place : bool
        Whether it goes on saying where it was taken.

    Returns
    -------
    bytes
        Empty where there is nothing to say.

    Raises
    ------
    XmpError
        If the photo's packet cannot be understood.
    """
    if not packet:
        return b"" if provenance is None else provenance.xmp()
    document = _parsed(packet)
    for element in list(_elements(document)):
        for node in (*_attributes(element), element):
            if _goes(node, place=place, ours=provenance is not None):
                _remove(element, node)
    if provenance is not None:
        _add(document, _parsed(provenance.xmp()))
    (root,) = (node for node in document.childNodes if isinstance(node, minidom.Element))
    return (_HEAD + root.toxml() + _END).encode()


def _parsed(packet: bytes) -> minidom.Document:
    """The document of a packet with its `rdf:RDF`; `XmpError` without one or with entities."""
    if len(packet) > _MOST_BYTES:
        raise XmpError(f"it has {len(packet)} bytes, and at most {_MOST_BYTES} are read")
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        raise XmpError("it defines entities of its own")
    try:
        document = minidom.parseString(packet.strip(b"\0 \t\r\n"))
    except (ExpatError, ValueError, LookupError, RecursionError) as error:
        raise XmpError(f"it is not well-formed XML ({error})") from None
    if not document.getElementsByTagNameNS(_RDF, "RDF"):
        raise XmpError("it holds no description")
    return document


def _elements(document: minidom.Document) -> list[minidom.Element]:
    return list(document.getElementsByTagName("*"))


def _attributes(element: minidom.Element) -> list[minidom.Attr]:
    found = (element.attributes.item(number) for number in range(element.attributes.length))
    return [attribute for attribute in found if isinstance(attribute, minidom.Attr)]


def _name(node: minidom.Node) -> tuple[str, str]:
    return node.namespaceURI or "", node.localName or ""


def _is_place(node: minidom.Node) -> bool:
    space, name = _name(node)
    return space == _EXIF and name.startswith("GPS")


def _goes(node: minidom.Node, *, place: bool, ours: bool) -> bool:
    if _is_place(node):
        return not place
    name = _name(node)
    return name in _UNTRUE or name[0].startswith(_OTHER_PICTURES) or (ours and name in _OURS)


def _remove(element: minidom.Element, node: minidom.Node) -> None:
    if isinstance(node, minidom.Attr):
        element.removeAttributeNode(node)
    elif element.parentNode is not None:
        element.parentNode.removeChild(element)


def _add(document: minidom.Document, other: minidom.Document) -> None:
    """Append the descriptions of another packet, which bring their namespaces along."""
    (target, *_), (source, *_) = (d.getElementsByTagNameNS(_RDF, "RDF") for d in (document, other))
    for description in source.getElementsByTagNameNS(_RDF, "Description"):
        added = document.importNode(description, deep=True)
        prefix = target.tagName.partition(":")[0]
        if prefix != "rdf":
            added.setAttribute("xmlns:rdf", _RDF)
        target.appendChild(added)
