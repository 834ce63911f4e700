"""A stand-in for py-feat in its process, to test the way to it and back."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

SIDE = 40.0


def table_of(*places: tuple[float, float], score: float = 0.9) -> dict[str, np.ndarray[Any, Any]]:
    """A Fex of Detectorv2 with faces of 40 pixels at these upper left corners."""
    rows = len(places)
    mesh = np.random.default_rng(0).uniform(0, SIDE, (1, 478, 3)).repeat(rows, 0)
    mesh[:, 0, :2], mesh[:, 1, :2] = 0, SIDE
    mesh[:, :, :2] += np.array(places).reshape(rows, 1, 2)
    mesh[:, :, 2] = 0.5
    column = np.ones(rows)
    turned = {"Pitch": 0 * column, "Roll": 0 * column, "Yaw": column * 0.1}
    shapes = {
        "jawOpen": column * 0.25,
        "eyeBlinkLeft": column * 0.75,
        "eyeBlinkRight": column * 0.125,
    }
    rect = {
        "FaceRectWidth": SIDE * column,
        "FaceRectHeight": SIDE * column,
        "FaceScore": score * column,
    }
    return {**turned, **shapes, **rect, "AU12": column, "mesh": mesh}


def serve(connection: Connection, detector: str, device: str, threads: int) -> None:
    """Sees a face where the first pixel says; ends at white, complains at black."""
    connection.send(("ready", f"1 {detector} {device}"))
    while True:
        try:
            picture = connection.recv()
        except EOFError:
            return
        at = int(picture[0, 0, 0])
        if at == 255:
            os._exit(3)
        connection.send(
            ("read", table_of((at, at))) if at else ("failed", "other", "ValueError: too dark")
        )
