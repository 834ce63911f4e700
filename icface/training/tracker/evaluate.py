"""Measures of the built-in tracker on held-out people, as JSON.

``python -m icface.training.tracker.evaluate --portraits DIR --cache DIR``: faces found in `val`
portraits and in scenes made of them, landmark and head angle errors against the fitted labels, rank
correlation of channels over rig renders of `val` people, false alarms on pictures without faces,
and milliseconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.arrays import U8
from icface.evaluation.metrics import rank_correlation
from icface.face.controls import CHANNEL_INDEX
from icface.face.geometry import Box
from icface.face.landmarks import EYE_CORNERS
from icface.face.observation import FaceObservation, FaceTracker
from icface.tracking.builtin import BuiltinTracker
from icface.training.portraits.table import PortraitTable, read_rgb
from icface.training.tracker.augment import framing
from icface.training.tracker.data import FIT_ERROR_LIMIT, LabelledImages
from icface.training.tracker.scenes import HELD_OUT, sample_pictures, without_face

JUDGED = (
    "jawOpen",
    "eyeBlink_L",
    "eyeBlink_R",
    "mouthSmile_L",
    "mouthSmile_R",
    "browInnerUp_L",
    "browInnerUp_R",
)
_ALSO = (
    "browOuterUp_L",
    "browDown_L",
    "eyeLookOut_L",
    "eyeLookUp_L",
    "mouthPucker",
    "mouthFrown_L",
    "eyeWide_L",
    "noseSneer_L",
)


def _best(faces: tuple[FaceObservation, ...], truth: NDArray[np.float32]) -> FaceObservation | None:
    wanted = Box.around(truth[:468])
    near = [face for face in faces if face.box.iou(wanted) > 0.4]
    return max(near, key=lambda face: face.box.iou(wanted), default=None)


def _turn_error(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    turned: NDArray[np.float64] = np.abs((np.asarray(a, np.float64) - b + 180) % 360 - 180)
    return turned


def portraits_report(tracker: FaceTracker, portraits: PortraitTable) -> dict[str, Any]:
    """Found, landmark error over inter-ocular distance and angle errors on the `val` portraits."""
    errors, angles, found, rows = [], [], 0, portraits.rows("val", worst_fit=FIT_ERROR_LIMIT)
    for i in rows:
        row = portraits[i]
        face = _best(tracker.detect(read_rgb(row.path)), row.landmarks)
        if face is None:
            continue
        found += 1
        eyes = row.landmarks[list(EYE_CORNERS), :2]
        if abs(row.state.angles_deg[0]) <= 40:
            apart = np.linalg.norm(face.landmarks[:, :2] - row.landmarks[:, :2], axis=1).mean()
            errors.append(apart / np.linalg.norm(eyes[0] - eyes[1]))
            angles.append(
                _turn_error(np.array(face.controls.angles_deg), np.array(row.state.angles_deg))
            )
    report = {"portraits": len(rows), "found_percent": round(100 * found / max(len(rows), 1), 2)}
    if not errors:
        return report
    mean = np.mean(angles, axis=0)
    return report | {
        "landmark_error_percent_of_eye_distance": round(100 * float(np.mean(errors)), 3),
        "landmark_error_percent_90th": round(100 * float(np.percentile(errors, 90)), 3),
        "angle_error_deg": {
            "yaw": round(mean[0], 2),
            "pitch": round(mean[1], 2),
            "roll": round(mean[2], 2),
            "mean": round(float(mean.mean()), 2),
        },
    }


def scenes_report(
    tracker: FaceTracker, cache: Path, *, count: int, seed: int = 5
) -> dict[str, Any]:
    """Faces of 64 pixels and up, tilted to 45 degrees, in held-out pictures of 1024 x 768."""
    rng = np.random.default_rng(seed)
    data, places = LabelledImages.load(cache, "val_portraits"), sample_pictures(HELD_OUT)
    report: dict[str, Any] = {}
    for name, low, high in (
        ("64_to_110_px", 64, 110),
        ("110_to_300_px", 110, 300),
        ("300_to_640_px", 300, 640),
    ):
        found, errors, extra = 0, [], 0
        for n in range(count):
            i = int(rng.integers(len(data)))
            canvas = cv2.resize(
                places[n % len(places)], (1024, 768), interpolation=cv2.INTER_AREA
            ).astype(np.uint8)
            truth = paste(
                rng,
                canvas,
                np.asarray(data.images[i]),
                data.landmarks[i],
                rng.uniform(low, high),
                rng.uniform(-45, 45),
            )
            faces = tracker.detect(canvas)
            face = _best(faces, truth)
            extra += len(faces) - (face is not None)
            if face is not None:
                found += 1
                apart = np.linalg.norm(face.landmarks[:, :2] - truth[:, :2], axis=1).mean()
                errors.append(
                    apart / np.linalg.norm(truth[EYE_CORNERS[0], :2] - truth[EYE_CORNERS[1], :2])
                )
        report[name] = {
            "found_percent": round(100 * found / count, 2),
            "landmark_error_percent": round(100 * float(np.median(errors)), 2) if errors else None,
            "false_alarms_per_picture": round(extra / count, 3),
        }
    return report


def paste(
    rng: np.random.Generator,
    canvas: U8,
    portrait: U8,
    landmarks: NDArray[np.float32],
    extent: float,
    turn: float,
) -> NDArray[np.float32]:
    """Put a portrait into a larger picture and return its landmarks there, (478, 2)."""
    x, y, own, _ = framing(landmarks)
    high, wide = canvas.shape[:2]
    keep = min(extent * 0.6, 0.45 * high)
    to = rng.uniform([keep, keep], [wide - keep, high - keep])
    matrix = cv2.getRotationMatrix2D((float(x), float(y)), -turn, float(extent / own))
    matrix[:, 2] += to - (x, y)
    if extent < own:
        portrait = cv2.GaussianBlur(portrait, (0, 0), 0.4 * float(own / extent)).astype(np.uint8)
    mask = cv2.warpAffine(np.ones(portrait.shape[:2], np.float32), matrix, (wide, high))
    mask = cv2.GaussianBlur(mask, (0, 0), extent * 0.03)[..., None]
    placed = cv2.warpAffine(portrait, matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE)
    canvas[:] = (canvas * (1 - mask) + placed * mask).astype(np.uint8)
    moved: NDArray[np.float32] = (landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]).astype(
        np.float32
    )
    return moved


def renders_report(tracker: FaceTracker, cache: Path, *, name: str, most: int) -> dict[str, Any]:
    """Spearman rank correlation of channels, read and rendered, over renders of `val` people.

    ``within_a_person`` is the mean over people of the rank correlation among the renders of one,
    which is what matters where movements are driven: people differ in how raised their brows are at
    rest, and no picture tells that apart. None where nobody has more than three renders in which
    the channel moves.
    """
    data = LabelledImages.load(cache, name)
    chosen = np.random.default_rng(0).permutation(len(data))[:most]
    read, true, person = [], [], []
    for i in chosen:
        face = _best(tracker.detect(np.ascontiguousarray(data.images[i])), data.landmarks[i])
        if face is not None:
            read.append(face.controls.array())
            true.append(data.controls[i])
            person.append(int(data.person[i]))
    report: dict[str, Any] = {
        "renders": len(chosen),
        "found_percent": round(100 * len(read) / max(len(chosen), 1), 2),
    }
    if not read:
        return report
    got, wanted, who = np.array(read), np.array(true), np.array(person)

    def rank(channel: str) -> float:
        k = CHANNEL_INDEX[channel]
        return round(rank_correlation(wanted[:, k], got[:, k]), 3)

    def within(channel: str) -> float | None:
        k = CHANNEL_INDEX[channel]
        pairs = [
            (wanted[who == p, k], got[who == p, k]) for p in np.unique(who) if (who == p).sum() > 3
        ]
        each = [
            rank_correlation(*pair) for pair in pairs if all(np.ptp(values) > 0 for values in pair)
        ]
        return round(float(np.mean(each)), 3) if each else None

    errors = _turn_error(got[:, :3], wanted[:, :3]).mean(0)
    return report | {
        "rank_correlation": {channel: rank(channel) for channel in JUDGED},
        "rank_correlation_within_a_person": {channel: within(channel) for channel in JUDGED},
        "rank_correlation_of_others": {channel: rank(channel) for channel in _ALSO},
        "angle_error_deg": [round(float(e), 2) for e in errors],
    }


def alarms_report(tracker: FaceTracker, cache: Path) -> dict[str, float]:
    """False alarms on held-out pictures and on `val` portraits with the face smeared away."""
    rng = np.random.default_rng(1)
    data, pictures = LabelledImages.load(cache, "val_portraits"), sample_pictures(HELD_OUT)
    faceless = []
    for i in rng.permutation(len(data))[:60]:
        x, y, extent, _ = framing(data.landmarks[i])
        faceless.append(without_face(rng, np.asarray(data.images[i]), (x, y), extent))
    return {
        "pictures": sum(len(tracker.detect(p)) for p in pictures) / len(pictures),
        "smeared_portraits": sum(len(tracker.detect(p)) for p in faceless) / len(faceless),
    }


def speed_report(tracker: FaceTracker, portraits: PortraitTable) -> dict[str, float]:
    """Median milliseconds of detect() at 1024 and 4000 pixels and of follow()."""
    picture = read_rgb(portraits[portraits.rows("val", worst_fit=FIT_ERROR_LIMIT)[0]].path)

    def milliseconds(job: Callable[[], object], times: int) -> float:
        job()
        spent = []
        for _ in range(times):
            start = time.perf_counter()
            job()
            spent.append(1000 * (time.perf_counter() - start))
        return round(float(np.median(spent)), 1)

    large = cv2.resize(picture, (1024, 1024), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    huge = cv2.resize(picture, (4000, 3000), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    report = {
        "detect_1024_ms": milliseconds(lambda: tracker.detect(large), 7),
        "detect_12_megapixels_ms": milliseconds(lambda: tracker.detect(huge), 3),
        "threads": torch.get_num_threads(),
    }
    faces = tracker.detect(large)
    if faces:
        report["follow_1024_ms"] = milliseconds(lambda: tracker.follow(large, faces[0]), 15)
    return report


@click.command()
@click.option(
    "--portraits",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
)
@click.option(
    "--cache", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True
)
@click.option(
    "--models",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="Folder of the weights; the shipped ones by default.",
)
@click.option("--scenes", default=60, show_default=True, help="Scenes per size of face.")
@click.option("--renders", default=700, show_default=True)
@click.option("--threads", default=2, show_default=True)
def main(
    folder: Path, cache: Path, models: Path | None, scenes: int, renders: int, threads: int
) -> None:
    """Measure the built-in tracker and print JSON."""
    torch.set_num_threads(threads)
    tracker, portraits = BuiltinTracker(models=models), PortraitTable(folder)
    report = {
        "val": portraits_report(tracker, portraits),
        "scenes": scenes_report(tracker, cache, count=scenes),
        "renders_judged_channels_spread_evenly": renders_report(
            tracker, cache, name="val_sweeps", most=renders
        ),
        "renders_of_all_kinds": renders_report(tracker, cache, name="val_renders", most=renders),
        "false_alarms": alarms_report(tracker, cache),
        "speed": speed_report(tracker, portraits),
    }
    click.echo(json.dumps(report, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
