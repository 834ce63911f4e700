"""Edits of high dynamic range: made on the shown picture, with the signal kept elsewhere."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.document import edits
from icface.export import export, plan_export
from icface.jobs import run_to_end
from icface.media import Photo
from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.colour import BT709, BT2020, HLG, PQ, Colours
from icface.media.encoding import ClipWriter
from icface.media.frame_conversion import frame_of_pixels
from icface.media.frame_format import Pictures
from icface.media.presets import PRESETS
from icface.media.tone_mapping import changed_as_shown
from icface.rendering.frame_request import FrameRequest
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Renderer
from tests.icface.export.exporting import document, same, samples
from tests.icface.media.videos import drifting


def hdr_clip(
    path: Path, astronaut: NDArray[np.uint8], transfer: int, primaries: int, count: int
) -> Path:
    """The portrait as it would be shown, in a clip of 10 bits of a transfer and primaries."""
    said = Colours(primaries, transfer, primaries, 1)
    pictures = Pictures(
        width=320,
        height=320,
        form="yuv444p10le",
        colours=said,
        rate=Fraction(25),
        tick=Fraction(1, 25),
    )
    with ClipWriter(path, PRESETS["lossless"], pictures) as writer:
        for number, picture in enumerate(drifting(astronaut, count)):
            shown = picture.astype(np.uint16) * 257
            own = changed_as_shown(np.zeros_like(shown), np.zeros_like(shown), shown, said)
            writer.write(frame_of_pixels(own, "yuv444p10le", said), Fraction(number, 25))
        writer.finish()
    return path


@pytest.mark.parametrize(("transfer", "primaries"), [(PQ, BT2020), (HLG, BT2020), (HLG, BT709)])
def test_edits_of_hdr_are_what_the_editor_shows_and_all_else_keeps_its_bits(
    transfer: int,
    primaries: int,
    tmp_path: Path,
    astronaut: NDArray[np.uint8],
    tiny_predictor: FacePredictor,
) -> None:
    source = hdr_clip(tmp_path / "hdr.mkv", astronaut, transfer, primaries, 3)
    about = probe(source)
    assert (about.bits, about.colours.transfer, about.colours.primaries) == (
        10,
        transfer,
        primaries,
    )
    project = edits.set_control(document(source), "yaw", 15)
    renderer = Renderer(tiny_predictor)
    run_to_end(export(plan_export(project, tmp_path / "out.mkv"), renderer))
    assert probe(tmp_path / "out.mkv").colours == about.colours
    before, after = samples(source)[1], samples(tmp_path / "out.mkv")[1]
    assert not same(before, after)
    changed = (before[0] != after[0]).any(0)
    assert not changed[620:].any()  # two bytes a sample: beside the face
    with ClipReader(source) as plain, ClipReader(tmp_path / "out.mkv") as written:
        poster = Photo(
            plain.frame(0).pixels(), source, project.source.digest if project.source else ""
        )
        assert np.abs(plain.frame(1).pixels().astype(int) - drifting(astronaut, 2)[1]).mean() < 2
        shown = renderer.render(FrameRequest.of(project, poster, frame=1)).pixels.astype(int)
        found = written.frame(1).pixels().astype(int)
        assert np.abs(shown - found).mean() < 2
        assert np.abs(shown - plain.frame(1).pixels()).mean() > 3
