"""The original ICface: layout, driving vector, and files that must be refused."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from icface.face.controls import ControlVector
from icface.model.networks.legacy import (
    ANIMATOR_FILE,
    N_DRIVERS,
    NEUTRAL,
    NEUTRALIZER_FILE,
    PRE_ENCODER_FILE,
    UNITS,
    LegacyConfig,
    LegacyIcface,
    ResnetGenerator,
    driving_vector,
    load_generator,
    openface_angles_rad,
)
from icface.model.networks.weights import ModelFileError
from tests.icface.model.networks.legacy_release import (
    container,
    generated_state,
    prefixed,
    published_forward,
    published_layout,
    saved,
)

TINY = LegacyConfig(filters=4)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder laid out as the release of January 2020."""
    saved(tmp_path / NEUTRALIZER_FILE, container(prefixed(generated_state(seed=1))))
    saved(tmp_path / ANIMATOR_FILE, container(prefixed(generated_state(seed=2))))
    return tmp_path


@pytest.fixture
def portrait() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)


def test_a_generator_has_the_published_names_and_shapes() -> None:
    with torch.device("meta"):
        state = ResnetGenerator().state_dict()
    shapes = {
        name: tuple(t.shape)
        for name, t in state.items()
        if not name.endswith("num_batches_tracked")
    }
    assert shapes == published_layout()


def test_a_generator_has_31_438_595_parameters() -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in ResnetGenerator().parameters()) == 31_438_595


def test_a_file_of_full_size_is_loaded_to_the_last_number(tmp_path: Path) -> None:
    state = OrderedDict(
        (name, torch.full(shape, 0.25)) for name, shape in published_layout().items()
    )
    path = saved(tmp_path / ANIMATOR_FILE, container(prefixed(state)), zipped=False)
    loaded = load_generator(path).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "torch 0.4"])
@pytest.mark.parametrize("wrap", [container, lambda state: state], ids=["container", "bare"])
@pytest.mark.parametrize("name", [prefixed, lambda state: state], ids=["module.", "plain"])
def test_every_known_container_gives_the_same_network(
    tmp_path: Path, wrap: Any, name: Any, zipped: bool
) -> None:
    state = generated_state()
    path = saved(tmp_path / ANIMATOR_FILE, wrap(name(state)), zipped=zipped)
    loaded = load_generator(path, config=TINY).state_dict()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in state.items())


def test_batch_counters_may_be_there(tmp_path: Path) -> None:
    state = generated_state()
    state["model.2.num_batches_tracked"] = torch.tensor(7)
    loaded = load_generator(saved(tmp_path / ANIMATOR_FILE, state), config=TINY).state_dict()
    assert loaded["model.2.num_batches_tracked"] == 7
    assert loaded["model.5.num_batches_tracked"] == 0


def test_a_batch_counter_of_a_layer_that_is_none_is_unexpected(tmp_path: Path) -> None:
    state = generated_state()
    state["model.3.num_batches_tracked"] = torch.tensor(7)
    with pytest.raises(ModelFileError, match=r"model\.3\.num_batches_tracked unexpected"):
        load_generator(saved(tmp_path / ANIMATOR_FILE, state), config=TINY)


def test_missing_and_unexpected_tensors_are_named(tmp_path: Path) -> None:
    state = generated_state()
    del state["model.23.bias"]
    state["model.1.bias"] = torch.zeros(4)
    path = saved(tmp_path / ANIMATOR_FILE, container(prefixed(state)))
    with pytest.raises(
        ModelFileError, match=r"model\.23\.bias missing; model\.1\.bias unexpected"
    ) as caught:
        load_generator(path, config=TINY)
    assert str(path) in str(caught.value)


def test_long_lists_of_names_are_cut(tmp_path: Path) -> None:
    state = OrderedDict((f"features.{i}.weight", torch.zeros(1)) for i in range(8))
    with pytest.raises(ModelFileError, match=r"and 2 more unexpected"):
        load_generator(saved(tmp_path / PRE_ENCODER_FILE, state), config=TINY)


def test_a_tensor_of_another_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    path = saved(tmp_path / ANIMATOR_FILE, generated_state(filters=4))
    with pytest.raises(
        ModelFileError, match=r"model\.1\.weight is \(4, 23, 7, 7\) instead of \(128, 23, 7, 7\)"
    ):
        load_generator(path)


def test_a_generator_built_without_dropout_is_refused(tmp_path: Path) -> None:
    state = generated_state()
    renamed = OrderedDict(
        (
            name.replace("conv_block.6", "conv_block.5").replace("conv_block.7", "conv_block.6"),
            tensor,
        )
        for name, tensor in state.items()
    )
    with pytest.raises(ModelFileError, match=r"model\.10\.conv_block"):
        load_generator(saved(tmp_path / ANIMATOR_FILE, renamed), config=TINY)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    state = generated_state()
    state["model.4.weight"][0, 0, 0, 0] = float("nan")
    with pytest.raises(ModelFileError, match=r"model\.4\.weight should hold finite numbers"):
        load_generator(saved(tmp_path / ANIMATOR_FILE, state), config=TINY)


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    state = OrderedDict((name, tensor.half()) for name, tensor in generated_state().items())
    generator = load_generator(saved(tmp_path / ANIMATOR_FILE, state), config=TINY)
    assert {p.dtype for p in generator.parameters()} == {torch.float32}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"latest_net_G\.pth is missing"):
        load_generator(tmp_path / ANIMATOR_FILE)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "torch 0.4"])
@pytest.mark.parametrize("kept", [0.0, 0.001, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_named(tmp_path: Path, zipped: bool, kept: float) -> None:
    path = saved(tmp_path / ANIMATOR_FILE, container(generated_state()), zipped=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(
        ModelFileError, match=r"latest_net_G\.pth is damaged, incomplete or no torch checkpoint"
    ):
        load_generator(path, config=TINY)


@pytest.mark.parametrize(
    "content",
    [
        b"<html><body>Quota exceeded</body></html>",
        b"\x89PNG\r\n\x1a\n" + bytes(99),
        b"hello world",
        bytes(1000),
    ],
    ids=["web page", "picture", "text", "zeros"],
)
def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ANIMATOR_FILE
    path.write_bytes(content)
    with pytest.raises(
        ModelFileError, match=r"latest_net_G\.pth is damaged, incomplete or no torch checkpoint"
    ):
        load_generator(path)


@pytest.mark.parametrize(
    "content", [[1, 2], {}, torch.zeros(3), {1: torch.zeros(3)}, "model", None]
)
def test_a_checkpoint_of_something_else_is_named(tmp_path: Path, content: object) -> None:
    with pytest.raises(ModelFileError, match=r"holds no named tensors"):
        load_generator(saved(tmp_path / ANIMATOR_FILE, content))


def test_values_that_are_no_tensors_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"epoch should be tensors"):
        load_generator(
            saved(tmp_path / ANIMATOR_FILE, {"epoch": 3, "model.1.weight": torch.zeros(3)})
        )


class Burglar:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "torch 0.4"])
def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path, zipped: bool) -> None:
    broken_in = tmp_path / "broken-in"
    content = {**container(generated_state()), "extra": Burglar(broken_in)}
    path = saved(tmp_path / ANIMATOR_FILE, content, zipped=zipped)
    with pytest.raises(ModelFileError, match=r"could run code when read; it is refused"):
        load_generator(path, config=TINY)
    assert not broken_in.exists()


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"could run code when read; it is refused"):
        load_generator(saved(tmp_path / ANIMATOR_FILE, ResnetGenerator(TINY)), config=TINY)


def test_the_release_that_needs_a_third_network_is_refused(tmp_path: Path) -> None:
    for name in (NEUTRALIZER_FILE, ANIMATOR_FILE):
        saved(tmp_path / name, prefixed(generated_state()))
    saved(tmp_path / PRE_ENCODER_FILE, {"features.0.weight": torch.zeros(64, 3, 3, 3)})
    with pytest.raises(ModelFileError, match=r"release of April 2019"):
        LegacyIcface.load(tmp_path, config=TINY)


def test_a_folder_without_the_neutralizer_names_it(release: Path) -> None:
    (release / NEUTRALIZER_FILE).unlink()
    with pytest.raises(ModelFileError, match=r"latest_net_GN\.pth is missing"):
        LegacyIcface.load(release, config=TINY)


def test_both_stages_run_on_a_picture_of_any_shape(release: Path, portrait: np.ndarray) -> None:
    icface = LegacyIcface.load(release, config=TINY)
    neutral = icface.neutralize(portrait)
    assert neutral.shape == (1, 3, 128, 128)
    assert neutral.abs().max() <= 1
    drawn = icface.animate(neutral, np.array(NEUTRAL, np.float32))
    assert drawn.shape == (128, 128, 3)
    assert drawn.dtype == np.uint8


def test_each_driver_reaches_the_picture(release: Path, portrait: np.ndarray) -> None:
    icface = LegacyIcface.load(release, config=TINY)
    neutral = icface.neutralize(portrait)
    at_rest = icface.animate(neutral, np.array(NEUTRAL, np.float32))
    for i in range(N_DRIVERS):
        drivers = np.array(NEUTRAL, np.float32)
        drivers[i] += 5
        assert (icface.animate(neutral, drivers) != at_rest).any()


def test_the_picture_comes_before_the_planes_and_stage_two_sees_stage_one(
    release: Path, portrait: np.ndarray
) -> None:
    icface = LegacyIcface.load(release, config=TINY)
    neutral = icface.neutralize(portrait)
    drivers = np.linspace(0, 1, N_DRIVERS, dtype=np.float32)
    planes = torch.from_numpy(drivers)[None, :, None, None].expand(1, N_DRIVERS, 128, 128)
    animator = load_generator(release / ANIMATOR_FILE, config=TINY)
    expected = animator.model(torch.cat([neutral, planes], dim=1))[0].permute(1, 2, 0)
    assert np.abs(icface.animate(neutral, drivers) - (expected.numpy() + 1) * 127.5).max() <= 0.51


def test_a_generator_computes_what_the_published_one_computes(tmp_path: Path) -> None:
    state = generated_state()
    generator = load_generator(saved(tmp_path / ANIMATOR_FILE, state), config=TINY)
    picture, drivers = torch.rand(2, 3, 128, 128) * 2 - 1, torch.rand(2, N_DRIVERS)
    planes = drivers[:, :, None, None].expand(2, N_DRIVERS, 128, 128)
    expected = published_forward(state, torch.cat([picture, planes], dim=1))
    torch.testing.assert_close(generator(picture, drivers), expected, atol=1e-4, rtol=1e-4)


def test_the_same_picture_gives_the_same_answer(release: Path, portrait: np.ndarray) -> None:
    icface = LegacyIcface.load(release, config=TINY)
    assert torch.equal(icface.neutralize(portrait), icface.neutralize(portrait))


@pytest.mark.parametrize(
    "drivers", [np.zeros(19, np.float32), np.full(20, np.nan, np.float32), np.zeros((1, 20))]
)
def test_a_driving_vector_of_another_kind_is_refused(
    release: Path, portrait: np.ndarray, drivers: Any
) -> None:
    icface = LegacyIcface.load(release, config=TINY)
    neutral = icface.neutralize(portrait)
    with pytest.raises(ValueError, match="20 finite numbers"):
        icface.animate(neutral, drivers)


def test_a_face_at_rest_drives_with_the_neutral_vector() -> None:
    np.testing.assert_allclose(driving_vector(ControlVector()), NEUTRAL, atol=1e-6)


@pytest.mark.parametrize(
    ("angle", "position", "sign"),
    [("pitch", 0, 1), ("yaw", 1, -1), ("roll", 2, -1)],
    ids=["pitch", "yaw", "roll"],
)
def test_one_angle_alone_keeps_its_size_and_takes_the_sign_of_openface(
    angle: str, position: int, sign: int
) -> None:
    measured = openface_angles_rad(ControlVector.of({angle: 20.0}))
    expected = np.zeros(3)
    expected[position] = sign * np.radians(20.0)
    np.testing.assert_allclose(measured, expected, atol=1e-9)
    drivers = driving_vector(ControlVector.of({angle: 20.0}))
    assert drivers[position] == pytest.approx((expected[position] + 0.70) / 1.4)


def test_the_angles_turn_a_nose_where_the_controls_say() -> None:
    angles = openface_angles_rad(ControlVector.of({"yaw": 25.0, "pitch": 15.0, "roll": -20.0}))
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    rotation = (
        np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
        @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        @ np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    )
    nose, crown = rotation @ [0, 0, -1], rotation @ [0, -1, 0]  # x to the viewer's right, y down
    assert nose[0] > 0.3  # to the viewer's right, which is the subject's left
    assert crown[0] > 0.2  # negative roll: the viewer sees the top of the head move right
    pitched = openface_angles_rad(ControlVector.of({"pitch": 15.0}))
    assert np.sin(pitched[0]) > 0.2  # down


def test_units_arrive_at_their_place_with_their_intensity() -> None:
    smile = driving_vector(ControlVector.of({"mouthSmile_L": 0.48, "mouthSmile_R": 0.48}))
    assert smile[3 + UNITS.index(12)] == pytest.approx(0.8, abs=0.02)
    assert np.delete(smile, [0, 1, 2, 3 + UNITS.index(12)]).max() < 0.02


def test_a_wink_is_half_a_blink() -> None:
    wink = driving_vector(ControlVector.of({"eyeBlink_L": 1.0}))
    assert wink[3 + UNITS.index(45)] == pytest.approx(0.5, abs=0.02)


def test_an_open_jaw_drops_it_and_parts_the_lips() -> None:
    shout = driving_vector(ControlVector.of({"jawOpen": 1.0}))
    assert shout[3 + UNITS.index(26)] > 0.5
    assert shout[3 + UNITS.index(25)] >= shout[3 + UNITS.index(26)]
