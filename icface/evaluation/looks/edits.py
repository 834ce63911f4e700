"""The edits that pictures are judged on, and which measure looks at which of them."""

from __future__ import annotations

EDITS: dict[str, dict[str, float]] = {
    "rest": {},
    "AU6+12": {"AU6": 1.0, "AU12": 1.0},
    "AU12": {"AU12": 1.0},
    "AU25+26": {"AU25": 1.0, "AU26": 1.0},
    "AU27 0.8": {"AU27": 0.8},
    "AU1+2": {"AU1": 1.0, "AU2": 1.0},
    "AU4": {"AU4": 1.0},
    "AU9+10": {"AU9": 1.0, "AU10": 1.0},
    "AU43": {"AU43": 1.0},
    "AU43L": {"AU43L": 1.0},
    "AU15+17": {"AU15": 1.0, "AU17": 1.0},
    "AU18": {"AU18": 1.0},
    "AU20": {"AU20": 1.0},
    "AU22": {"AU22": 1.0},
    "AU24": {"AU24": 1.0},
    "AU28": {"AU28": 1.0},
    "AU34": {"AU34": 1.0},
    "AU61": {"AU61": 1.0},
    "AU63": {"AU63": 1.0},
    "yaw 20": {"yaw": 20.0},
    "yaw -20": {"yaw": -20.0},
    "yaw 35": {"yaw": 35.0},
    "yaw -35": {"yaw": -35.0},
    "pitch 15": {"pitch": 15.0},
    "pitch -15": {"pitch": -15.0},
    "roll 15": {"roll": 15.0},
    "AU1+2+6+12+26 yaw 10": {
        "AU1": 1.0, "AU2": 1.0, "AU6": 1.0, "AU12": 1.0, "AU26": 1.0, "yaw": 10.0,
    },
}  # fmt: skip
"""Settings by name: intensities are absolute, degrees are added to the photo's own angles."""

SHUTS_EYES: dict[str, tuple[str, ...]] = {"AU43": ("L", "R"), "AU43L": ("L",)}
"""Edits that shut eyes, and the eyes they shut."""
OPENS_MOUTH = ("AU6+12", "AU12", "AU25+26", "AU27 0.8", "AU9+10", "AU22", "AU1+2+6+12+26 yaw 10")
"""Edits after which the inside of the mouth may show."""
SMILE = "AU6+12"
"""The edit whose folds are judged."""
MOUTHS = (
    "rest", "AU6+12", "AU12", "AU25+26", "AU27 0.8", "AU9+10", "AU15+17", "AU18", "AU20", "AU22",
    "AU24", "AU28", "AU34", "AU1+2+6+12+26 yaw 10",
)  # fmt: skip
"""Edits whose mouths are shown enlarged."""
EYES = ("rest", "AU6+12", "AU1+2", "AU4", "AU9+10", "AU43", "AU43L", "AU61", "AU63")
"""Edits whose eyes are shown enlarged."""
