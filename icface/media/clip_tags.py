"""A clip's tags (title, date, place, comment) and its contents beside pictures and sound."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from av.container import InputContainer
from av.stream import Disposition

from icface.media.details import Keep
from icface.media.provenance import TOOL, Provenance
from icface.media.video_file import check_is_file, in_plain_words, open_container

_TECHNICAL = re.compile(
    r"major_brand|minor_version|compatible_brands|encoder|encoding_tool|duration|handler_name|vendor_id|timecode|_statistics.*",
    re.IGNORECASE,
)
_PLACE = re.compile(r"location.*|.*\.location\..*|.*gps.*|geotag.*", re.IGNORECASE)
_OWN = frozenset({"digital_source_type", "creator_tool"})
_OWN_COMMENT = f"Made with {TOOL.split()[0]}"
_MOST_TAGS = 200
"""Most tags that are read of a file."""
_MOST_TEXT = 1 << 16
"""Longest tag that is read, characters."""
_ALL_HOLD = frozenset(
    {
        "title",
        "artist",
        "album",
        "date",
        "creation_time",
        "comment",
        "copyright",
        "genre",
        "location",
        "make",
        "model",
    }
)
_HELD = {
    "mp4": _ALL_HOLD - {"make", "model"}
    | {"composer", "description", "keywords", "lyrics", "show", "synopsis"},
    "mov": _ALL_HOLD,
}
"""Tags for which MP4 and MOV have a place of their own that other players read."""


@dataclass(frozen=True, slots=True)
class ClipTags:
    """The tags of a clip's file.

    Attributes
    ----------
    tags : tuple of (str, str)
        Name, as FFmpeg has it, and text, without what only describes the file itself.
    others : tuple of str
        What else the file holds, as "2 tracks of subtitles".
    """

    tags: tuple[tuple[str, str], ...] = ()
    others: tuple[str, ...] = field(default=())

    @property
    def has_place(self) -> bool:
        """Whether a tag gives the place where the clip was taken."""
        return any(_PLACE.fullmatch(name) for name, _ in self.tags)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tags, for people."""
        return tuple(
            dict.fromkeys(_plain(name) for name, _ in self.tags if name.lower() not in _OWN)
        )


NO_TAGS = ClipTags()
"""The tags of a clip without any."""


def clip_tags(path: Path) -> ClipTags:
    """The tags of a clip's file; `VideoError` if it cannot be read."""
    check_is_file(path)
    with in_plain_words(path), open_container(path) as container:
        found = {
            name: text
            for name, text in container.metadata.items()
            if not _TECHNICAL.fullmatch(name)
        }
        kept = [
            (name, text)
            for name, text in found.items()
            if text and len(text) <= _MOST_TEXT and not _is_twin(name, found)
        ]
        return ClipTags(tuple(kept[:_MOST_TAGS]), _others(container))


def _is_twin(name: str, found: Mapping[str, str]) -> bool:
    """Whether a tag translates another one, such as "location-eng" for "location"."""
    return "-" in name and name.partition("-")[0] in found


def _others(container: InputContainer) -> tuple[str, ...]:
    kinds = [stream.type for stream in container.streams]
    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    counts = {
        ("a second track of pictures", "tracks of pictures beside the first"): max(
            len(pictures) - 1, 0
        ),
        ("a cover picture", "cover pictures"): len(container.streams.video) - len(pictures),
        ("a track of subtitles", "tracks of subtitles"): kinds.count("subtitle"),
        ("a track of data such as a timecode", "tracks of data such as a timecode"): kinds.count(
            "data"
        ),
        ("an attached file", "attached files"): kinds.count("attachment"),
        ("a chapter", "chapters"): len(container.chapters()),
    }
    return tuple(
        one if count == 1 else f"{count} {many}" for (one, many), count in counts.items() if count
    )


def _plain(name: str) -> str:
    """A tag's name for people: "creation date" of "com.apple.quicktime.creationdate"."""
    last = name.rsplit(".", 1)[-1].lower()
    return {
        "creation_time": "date",
        "creationdate": "date",
        "iso6709": "place",
        "location": "place",
    }.get(last, last)


def saved_tags(source: ClipTags, keep: Keep) -> dict[str, str]:
    """The tags that an export keeps."""
    if keep == "none":
        return {}
    return {name: text for name, text in source.tags if keep == "all" or not _PLACE.fullmatch(name)}


def labelled_tags(tags: Mapping[str, str], provenance: Provenance | None) -> dict[str, str]:
    """Tags and what the file says of its making; where both have a comment, one below the other."""
    own = {} if provenance is None else provenance.tags()
    kept = {
        name: text
        for name, text in tags.items()
        if provenance is None or name.lower() not in _OWN | {"comment"}
    }
    comment = next((text for name, text in tags.items() if name.lower() == "comment"), "")
    lines = [line for line in comment.splitlines() if not line.startswith(_OWN_COMMENT)]
    if own and lines:
        own["comment"] = "\n".join([*lines, own["comment"]])
    return kept | own


def needs_own_names(tags: Mapping[str, str], container: str) -> bool:
    """Whether an MP4 or MOV file needs tags of its own names, as it has no other place for some."""
    held = _HELD.get(container)
    return held is not None and any(name.lower() not in held | _OWN for name in tags)
