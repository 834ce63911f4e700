"""An export for tests that end its process: writes without end to the file named."""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import count
from pathlib import Path

from icface.media.begin_writer import begin
from icface.media.frame_format import Pictures
from icface.media.presets import PRESETS
from tests.icface.media.videos import moving_frames


def export_without_end(target: Path, name: str) -> None:
    """Says so, once frames are on the disk."""
    frames = moving_frames(8, (320, 240))
    pictures = Pictures(width=320, height=240, rate=Fraction(25), tick=Fraction(1, 25))
    with begin(target, PRESETS[name], pictures, key="job") as writer:
        for number in count():
            writer.write(frames[number % 8], Fraction(number, 25))
            if number == 60:
                sys.stdout.write("writing\n")
                sys.stdout.flush()


if __name__ == "__main__":
    export_without_end(Path(sys.argv[1]), sys.argv[2])
