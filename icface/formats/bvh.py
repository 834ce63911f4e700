"""BVH: the turning of a head as one joint, for animation programs. Only written.

Convention
----------
One joint, ``Head``, with a rotation in degrees about z, then x, then y, each about the axes that
the one before has turned: the matrix Rz Rx Ry in the frame of the head at rest, x to the subject's
left, y up, z to the camera. Those are our roll, pitch and yaw. Frames are evenly spaced, and are
interpolated between frames of the motion where it is not; where no face was read, the head turns
evenly from the frame before to the frame after.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from icface.face.controls import ANGLES
from icface.formats.errors import FormatError
from icface.formats.files import write_whole
from icface.motion.motion import MOST_FRAMES, Motion

NAME = "bvh"
_HEAD = """HIERARCHY
ROOT Head
{
  OFFSET 0 0 0
  CHANNELS 3 Zrotation Xrotation Yrotation
  End Site
  {
    OFFSET 0 10 0
  }
}
MOTION"""


def save(path: Path, motion: Motion) -> tuple[str, ...]:
    """Write the head's rotation; returns what is lost."""
    seen = np.flatnonzero(motion.present)
    if not len(seen):
        raise FormatError(f"{path} was not written: the motion has no frame with a face.")
    count = max(int(np.floor(float(motion.seconds[-1]) * float(motion.rate) + 1e-6)) + 1, 1)
    if count > MOST_FRAMES:
        raise FormatError(
            f"{path} was not written: {float(motion.rate):g} frames a second for "
            f"{motion.seconds[-1]:g} s are {count} frames, "
            f"and at most {MOST_FRAMES} are written. Say another rate, or write JSON."
        )
    times = np.arange(count) / float(motion.rate)
    angles = np.unwrap(motion.controls[seen, : len(ANGLES)].astype(np.float64), axis=0, period=360)
    yaw, pitch, roll = (
        np.interp(times, motion.seconds[seen], angles[:, i]) for i in range(len(ANGLES))
    )

    def lines() -> Iterator[str]:
        yield _HEAD
        yield f"Frames: {count}"
        yield f"Frame Time: {float(1 / motion.rate):.9g}"
        for row in range(count):
            yield f"{roll[row] + 0.0:.6f} {pitch[row] + 0.0:.6f} {yaw[row] + 0.0:.6f}"

    write_whole(path, lambda stream: stream.writelines(f"{line}\n".encode() for line in lines()))
    notes = ["Only the turning of the head is written: no expression, no place, no confidence."]
    if len(seen) < len(motion):
        notes.append(f"{len(motion) - len(seen)} frames without a face were filled in.")
    return tuple(notes)
