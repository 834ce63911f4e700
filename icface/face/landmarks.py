"""Face-mesh landmarks by name: which of the 478 points outline which feature.

The numbers are those of MediaPipe's face mesh (``face_mesh_connections.py``): 468 points of the
surface, then five of each iris. Left and right are the subject's own.
"""

from __future__ import annotations

N_LANDMARKS = 478
"""Points of a face mesh with irises."""
MESH_POINTS = 468
"""Points of the surface; the points of the irises follow."""

RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
"""Contour of the right eye: outer corner, upper lid, inner corner, lower lid."""
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
"""Contour of the left eye, in the order of `RIGHT_EYE`."""
EYES = {"L": LEFT_EYE, "R": RIGHT_EYE}
"""Contours of the eyes by side."""
UPPER_LID = slice(0, 9)
"""Positions of the upper lid in the contour of an eye, from the outer corner to the inner."""
LOWER_LID = [8, 9, 10, 11, 12, 13, 14, 15, 0]
"""Positions of the lower lid in the contour of an eye, from the inner corner to the outer."""
EYE_CORNERS = (33, 263)
"""Outer corners of the right and of the left eye."""

RIGHT_BROW_EDGE = (46, 53, 52, 65, 55)
"""Lower edge of the right eyebrow, from its outer end to its inner."""
LEFT_BROW_EDGE = (276, 283, 282, 295, 285)
"""Lower edge of the left eyebrow, in the order of `RIGHT_BROW_EDGE`."""
BROW_EDGES = {"L": LEFT_BROW_EDGE, "R": RIGHT_BROW_EDGE}
"""Lower edges of the eyebrows by side."""

IRISES = {"L": (473, 474, 475, 476, 477), "R": (468, 469, 470, 471, 472)}
"""Irises by side: the middle and four points of the edge."""

OUTER_LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
)  # fmt: skip
"""Outer edge of the lips: right corner, lower lip, left corner, upper lip."""
INNER_LIPS = (
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)  # fmt: skip
"""Opening of the mouth, in the order of `OUTER_LIPS`."""
INNER_LIP_MIDDLES = (15, 5)
"""Positions of the middles of the upper and of the lower lip in `INNER_LIPS`."""
VERMILION = (11, 12, 15, 16, 38, 268, 72, 302, 86, 316, 85, 315)
"""Points in the red of the lips."""
SUBNASALE = 2
"""The point at which the nose meets the upper lip."""

RIGID_POINTS = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2)
"""Points that no expression moves much: eye corners and the ridge of the nose."""

LID_RIMS = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
    263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
)  # fmt: skip
"""Rims of the lids of both eyes."""
BROWS = (
    70, 63, 105, 66, 107, 55, 65, 52, 53, 46, 300, 293, 334, 296, 336, 285, 295, 282, 283, 276,
)  # fmt: skip
"""Both edges of both eyebrows."""
FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The border of the face, which slides over the skin when the head turns."""
BOTH_IRISES = tuple(range(MESH_POINTS, N_LANDMARKS))
"""All points of the irises."""
LIPS = (*OUTER_LIPS, *INNER_LIPS)
"""Both edges of the lips."""
FACE_SHAPE = (
    1,
    2,
    4,
    5,
    6,
    168,
    195,
    197,
    98,
    327,
    48,
    278,
    129,
    358,
    50,
    280,
    205,
    425,
    36,
    266,
    187,
    411,
    117,
    346,
    10,
    9,
    8,
    151,
    67,
    297,
    109,
    338,
    152,
    148,
    377,
    176,
    400,
    199,
    200,
    172,
    397,
    136,
    365,
    58,
    288,
    132,
    361,
    234,
    454,
    127,
    356,
)
"""Nose, cheeks, forehead, chin and jaw."""

LID_PAIRS = {"L": ((386, 374), (385, 380), (387, 373)), "R": ((159, 145), (158, 153), (160, 144))}
"""By side, three points of the upper lid, each with the point below it on the lower lid."""
BOTH_EYE_CORNERS = {"L": (263, 362), "R": (33, 133)}
"""By side, the outer and the inner corner of the eye."""
