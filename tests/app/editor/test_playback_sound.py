"""Sound that pictures follow, on a player without a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.drivers.volume_control import VolumeControl
from app.editor.playback_sound import Sound
from app.editor.playhead import Playhead
from app.editor.session import Session
from app.settings import Settings
from icface.document import MixRule, Project, edits
from icface.document.mixing import heard_clip
from icface.face.controls import ControlVector
from icface.media.clip import probe
from icface.media.sound import SoundError, SoundReader
from icface.media.sound_player import SoundPlayer
from icface.rendering.clip_pictures import clip_of
from tests.icface.media.videos import write_tone
from tests.strategies import a_clip_project, a_driver, a_project, a_ramp


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tone(
        tmp_path_factory.mktemp("sound") / "tone.mov", "pcm_s16le", seconds=2, clicks=(1.0,)
    )


@pytest.fixture
def project(tone: Path) -> Project:
    """A photo driven by the clip that sounds."""
    driver = replace(
        a_driver("A", a_ramp("yaw", [float(n) for n in range(50)])), medium=clip_of(probe(tone))
    )
    return edits.drive_with(edits.add_driver(a_project(ControlVector()), driver), "A")


@pytest.fixture
def playing(qapp: QApplication, project: Project) -> Iterator[tuple[Session, Playhead, Sound]]:
    session = Session(Project())
    playhead = Playhead(session)
    sound = Sound(session, playhead, partial(SoundPlayer, silent=True))
    session.start(project)
    yield session, playhead, sound
    playhead.pause()
    sound.close()


def test_a_driven_photo_sounds_as_its_driver_unless_another_is_chosen(project: Project) -> None:
    clip = project.drivers[0].medium
    assert heard_clip(project) == (clip, 0)
    shifted = edits.set_rule(project, MixRule(group="all", driver="A", shift=5))
    assert heard_clip(shifted) == (clip, 5)
    assert heard_clip(edits.set_output(project, sound="none")) is None
    assert heard_clip(edits.set_output(edits.remove_rule(project, "all"), sound="A")) == (clip, 0)
    assert heard_clip(edits.remove_rule(project, "all")) is None
    own = a_clip_project(a_ramp("yaw", [0.0, 1.0]))
    assert heard_clip(own) == (own.clip, 0)
    assert heard_clip(Project()) is None


def test_pictures_follow_the_sound_while_it_plays(
    qtbot: QtBot, playing: tuple[Session, Playhead, Sound]
) -> None:
    _, playhead, sound = playing
    playhead.go_to(10)
    playhead.play()
    assert sound.is_playing
    qtbot.waitUntil(lambda: playhead.frame >= 20, timeout=5000)
    assert sound.position == pytest.approx(playhead.seconds, abs=0.1)
    playhead.pause()
    assert not sound.is_playing


def test_at_another_speed_it_is_silent(playing: tuple[Session, Playhead, Sound]) -> None:
    _, playhead, sound = playing
    playhead.play(2.0)
    assert not sound.is_playing
    playhead.play(1.0)
    assert sound.is_playing


def test_sound_jumps_with_the_playhead(
    qtbot: QtBot, playing: tuple[Session, Playhead, Sound]
) -> None:
    _, playhead, sound = playing
    playhead.play()
    playhead.go_to(40)
    assert sound.position == pytest.approx(1.6, abs=0.15)
    qtbot.waitUntil(lambda: playhead.frame < 10, timeout=5000)  # it loops
    assert sound.position < 0.8


def test_a_shifted_driver_is_heard_later(
    qtbot: QtBot, playing: tuple[Session, Playhead, Sound]
) -> None:
    session, playhead, sound = playing
    session.edit(
        lambda project: edits.set_rule(project, MixRule(group="all", driver="A", shift=5)), "Shift"
    )
    playhead.play()
    assert sound._player is not None
    assert sound._player.position == pytest.approx(-0.2, abs=0.1)
    assert sound.position == pytest.approx(0.0, abs=0.1)


def test_without_a_device_it_is_said_once_and_pictures_play(
    qtbot: QtBot, qapp: QApplication, project: Project
) -> None:
    def refuse(path: Path) -> SoundPlayer:
        raise SoundError("There is no sound device to play on.")

    session = Session(project)
    playhead = Playhead(session)
    sound = Sound(session, playhead, refuse)
    session.edit(
        lambda p: edits.set_marker(p, 3, "here"), "Mark"
    )  # it hears of the document at its next change
    told: list[str] = []
    sound.failed.connect(told.append)
    for _ in range(2):
        playhead.play()
        qtbot.waitUntil(lambda: playhead.frame > 2, timeout=5000)
        playhead.pause()
        playhead.go_to(0)
    assert told == ["There is no sound device to play on."]


def test_sound_that_breaks_off_is_told_and_pictures_go_on(
    qtbot: QtBot, playing: tuple[Session, Playhead, Sound], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_off(_reader: SoundReader, _first: int, _count: int) -> None:
        raise SoundError("tone.mov cannot be searched.")

    _, playhead, sound = playing
    monkeypatch.setattr(SoundReader, "read_at", breaks_off)
    with qtbot.waitSignal(sound.failed) as told:
        playhead.play()
    assert told.args == ["tone.mov cannot be searched."]
    qtbot.waitUntil(lambda: playhead.frame >= 5, timeout=5000)
    assert not sound.is_playing


def test_volume_is_shown_with_a_sound_and_remembered(
    qtbot: QtBot, playing: tuple[Session, Playhead, Sound], settings: Settings
) -> None:
    session, playhead, sound = playing
    control = VolumeControl(sound, settings)
    qtbot.addWidget(control)
    session.edit(lambda project: edits.set_output(project, sound="none"), "Silence")
    assert control.isHidden()
    session.undo()
    assert not control.isHidden()
    control.slider.setValue(30)
    playhead.play()
    assert sound._player is not None
    assert sound._player.volume == pytest.approx(0.3)
    control.mute.setChecked(True)
    assert sound._player.volume == 0
    again = VolumeControl(sound, settings)
    qtbot.addWidget(again)
    assert (again.slider.value(), again.mute.isChecked()) == (30, True)
