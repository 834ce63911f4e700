from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from app.settings import Settings


def reopened(settings: Settings, tmp_path: Path) -> Settings:
    settings._store.sync()
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


def test_a_first_start_is_dark_and_empty(settings: Settings) -> None:
    assert settings.theme == "dark"
    assert settings.recent == ()
    assert settings.folded == frozenset()
    assert settings.shows_faces
    assert settings.folder == Path.home()
    assert settings.state("window").isEmpty()


def test_what_was_set_is_there_at_the_next_start(settings: Settings, tmp_path: Path) -> None:
    settings.theme = "light"
    settings.folded = {"mouth", "jaw"}
    settings.shows_faces = False
    settings.folder = tmp_path
    settings.set_state("window", QByteArray(b"abc"))
    again = reopened(settings, tmp_path)
    assert (again.theme, again.folded, again.shows_faces, again.folder) == (
        "light",
        {"mouth", "jaw"},
        False,
        tmp_path,
    )
    assert again.state("window") == QByteArray(b"abc")


def test_one_closed_region_is_remembered_as_well_as_several(
    settings: Settings, tmp_path: Path
) -> None:
    settings.folded = {"gaze"}
    assert reopened(settings, tmp_path).folded == {"gaze"}


def test_recent_photos_are_few_newest_first_and_exist(settings: Settings, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(12)]
    for path in paths:
        path.touch()
        settings.add_recent(path)
    settings.add_recent(paths[8])
    paths[9].unlink()
    recent = reopened(settings, tmp_path).recent
    assert recent[0] == paths[8]
    assert paths[9] not in recent
    assert len(recent) == len(set(recent)) == 7


def test_nonsense_in_the_file_is_as_good_as_nothing(settings: Settings) -> None:
    settings._store.setValue("theme", "purple")
    settings._store.setValue("folder", "/no/such/folder")
    settings._store.setValue("state/window", "text")
    assert settings.theme == "dark"
    assert settings.folder == Path.home()
    assert settings.state("window").isEmpty()
