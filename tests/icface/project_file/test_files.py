"""Project files: documents come back unchanged; invalid ones are refused with the place named."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icface.document import MixRule, Project, edits
from icface.document.curves import Key, Track
from icface.face.controls import ControlVector
from icface.motion.store import motion_to_arrays
from icface.project_file import (
    ProjectFileError,
    load_project,
    read_project,
    save_folder,
    save_project,
)
from icface.project_file import files as project_files
from icface.project_file import tree as tree_module
from icface.project_file.arrays import write_arrays
from icface.project_file.container import MOST_ENTRIES, ZipEntries
from icface.project_file.migrations import MIGRATIONS, migrated
from icface.project_file.tree import parsed, project_of, text_of, tree_of
from tests.documents import documents
from tests.strategies import a_clip, a_clip_project, a_driver, a_motion, a_project

STORED = Path(__file__).parent / "projects"
SMILE = ControlVector.of({"yaw": 4.0, "mouthSmile_L": 0.5})


def a_document(folder: Path) -> Project:
    """A photo with two faces, a clip that drives, keys, a rule, markers."""
    project = a_project(SMILE, ControlVector())
    project = replace(project, source=replace(project.source, path=str(folder / "portrait.png")))
    driver = a_driver("A", a_motion([SMILE, None, ControlVector()]))
    driver = replace(driver, medium=replace(a_clip(3), path=str(folder / "clips" / "walk.mp4")))
    project = edits.add_driver(project, driver)
    project = edits.set_rule(project, MixRule(group="mouth", driver="A", gain=0.5))
    project = keyed(
        project, Key(frame=0, value=0.25), Key(frame=9, value=0.5, interpolation_out="hold")
    )
    return edits.set_marker(edits.set_control(project, "yaw", 11.0), 3, "ouch")


def keyed(project: Project, *keys: Key) -> Project:
    """AU12L of the first face with these keys."""
    own = replace(project.edits[0], tracks=(Track.of("AU12L", keys),))
    return replace(project, edits=(own, *project.edits[1:]))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "take one.icface"
    save_project(path, a_document(tmp_path))
    return path


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The file with another tree in it."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    tree = json.loads(entries["project.json"])
    changed = change(tree)
    entries["project.json"] = (changed if isinstance(changed, str) else json.dumps(tree)).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def packed(arrays: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    write_arrays(stream, arrays)
    return stream.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(ProjectFileError) as caught:
        load_project(path)
    return str(caught.value)


# --------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(documents())
def test_every_document_comes_back_as_it_was(project: Project) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_project(folder / "x.icface", project)
        assert load_project(folder / "x.icface") == project
        save_folder(folder / "copy", project)
        assert load_project(folder / "copy") == project


def test_the_same_document_gives_the_same_bytes_and_each_set_of_arrays_once(tmp_path: Path) -> None:
    project = a_document(tmp_path)
    twin = replace(project.drivers[0], name="B")
    project = edits.add_driver(project, twin)
    save_project(tmp_path / "a.icface", project)
    save_project(tmp_path / "b.icface", load_project(tmp_path / "a.icface"))
    assert (tmp_path / "a.icface").read_bytes() == (tmp_path / "b.icface").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.icface") as archive:
        assert len(archive.namelist()) == 1 + 2 + 1  # two faces' landmarks, one motion
        assert archive.namelist()[0] == "project.json"


def test_the_json_can_be_read_and_one_edit_changes_one_line(tmp_path: Path, saved: Path) -> None:
    def lines(path: Path) -> list[str]:
        with zipfile.ZipFile(path) as archive:
            return archive.read("project.json").decode().splitlines()

    before = lines(saved)
    save_project(
        saved,
        keyed(
            load_project(saved),
            Key(frame=0, value=0.25),
            Key(frame=9, value=0.75, interpolation_out="hold"),
        ),
    )
    after = lines(saved)
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 1
    assert '"value": 0.75' in changed[0][1]
    assert '"frame": 9' in changed[0][1]


def test_media_are_named_from_the_projects_folder_on_and_move_with_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "projects").mkdir(parents=True)
    save_project(tmp_path / "a" / "projects" / "x.icface", a_document(tmp_path / "a"))
    with zipfile.ZipFile(tmp_path / "a" / "projects" / "x.icface") as archive:
        tree = json.loads(archive.read("project.json"))
    assert tree["source"]["path"] == "../portrait.png"
    assert tree["drivers"][0]["medium"]["path"] == "../clips/walk.mp4"
    (tmp_path / "a").rename(tmp_path / "b")
    assert load_project(tmp_path / "b" / "projects" / "x.icface") == a_document(tmp_path / "b")


def test_names_in_no_encoding_come_back(tmp_path: Path) -> None:
    project = a_document(tmp_path)
    odd = os.fsdecode(os.fsencode(str(tmp_path)) + b"/caf\xe9 \xc3\xa9.png")
    project = replace(project, source=replace(project.source, path=odd))
    save_project(tmp_path / "x.icface", project)
    assert load_project(tmp_path / "x.icface") == project


def test_a_folder_keeps_arrays_that_are_there_and_drops_those_nobody_speaks_of(
    tmp_path: Path,
) -> None:
    project, folder = a_document(tmp_path), tmp_path / "copy"
    save_folder(folder, project)
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "arrays").iterdir()}
    save_folder(folder, edits.set_control(project, "yaw", -20.0))
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "arrays").iterdir()} == before
    save_folder(folder, edits.remove_driver(project, "A"))
    assert len(list((folder / "arrays").iterdir())) == len(before) - 1
    assert load_project(folder) == edits.remove_driver(project, "A")


def test_what_a_killed_process_left_in_a_folder_does_not_keep_it_from_being_read(
    tmp_path: Path,
) -> None:
    project, folder = a_document(tmp_path), tmp_path / "copy"
    save_folder(folder, project)
    (folder / "arrays" / ".0123456789abcdef.unfinished").write_bytes(b"half")
    assert load_project(folder) == project
    (folder / "arrays" / "strange.npz").write_bytes(b"half")
    assert "which no project has" in refusal(folder)


def test_long_motions_are_written_in_pieces_so_that_other_threads_get_their_turn() -> None:
    class Watched(io.BytesIO):
        largest = 0

        def write(self, data: Any) -> int:
            self.largest = max(self.largest, len(data))
            return super().write(data)

    stream = Watched()
    landmarks = np.zeros((1000, 478, 3), np.float32)
    write_arrays(stream, {"landmarks": landmarks})
    assert stream.tell() > landmarks.nbytes
    assert stream.largest <= 1 << 20


# --------------------------------------------------------------------------------------------------


def test_a_project_that_version_1_wrote_still_opens() -> None:
    found = read_project(STORED / "version-1")
    assert "written by an older program" in found.notes[0]
    project = found.project
    assert (project.length, project.n_frames) == (None, 10), "as long as what is in it, as it was"
    assert [face.controls["yaw"] for face in project.faces] == [4.0, 0.0]
    track = project.edits[0].track("AU12L")
    assert track is not None
    assert [key.value for key in track.keys] == pytest.approx([0.25 / 0.6, 0.5 / 0.6])
    assert project.drivers[0].motion is not None
    assert len(project.drivers[0].motion) == 3
    assert project.markers[0].text == "ouch"
    assert project.edits[0].rule("mouth") == MixRule(group="mouth", driver="A", gain=0.5)


def test_a_project_that_version_2_wrote_has_the_length_of_its_photo() -> None:
    found = read_project(STORED / "version-2")
    assert "written by an older program" in found.notes[0]
    assert (found.project.length, found.project.n_frames) == (75, 75)
    assert found.project == replace(read_project(STORED / "version-1").project, length=75)


def test_a_project_of_today_is_in_the_amounts_of_today() -> None:
    found = read_project(STORED / "version-3")
    assert found.notes == ()
    before, now = (read_project(STORED / f"version-{v}").project.edits[0] for v in (2, 3))
    assert [k.value for k in now.tracks[0].keys] == pytest.approx(
        [k.value for k in before.tracks[0].keys]
    )
    assert (now.deltas, now.mix) == (before.deltas, before.mix)


def test_migrations_lead_from_version_to_version_without_touching_what_they_are_given() -> None:
    def first(tree: dict[str, Any]) -> dict[str, Any]:
        return {**tree, "speed": tree["fps"] * 2}

    def second(tree: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in tree.items() if name != "fps"}

    old = {"format": "icface-project", "version": 1, "fps": 25}
    steps = {1: first, 2: second}
    assert migrated(old, steps, 3) == ({"speed": 50}, 1)
    assert migrated({**old, "version": 3}, steps, 3) == ({"fps": 25}, 3)
    assert old == {"format": "icface-project", "version": 1, "fps": 25}
    with pytest.raises(
        ProjectFileError, match=r"version 4, and this program reads up to 3.*newer program"
    ):
        migrated({**old, "version": 4}, steps, 3)
    with pytest.raises(ProjectFileError, match="version 0 is not known"):
        migrated({**old, "version": 0}, steps, 3)
    with pytest.raises(ProjectFileError, match="version 1 that does not hold together"):
        migrated({"format": "icface-project", "version": 1}, steps, 3)


def test_an_older_project_says_that_saving_makes_it_newer(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renames(tree: dict[str, Any]) -> dict[str, Any]:
        return {("source" if name == "photo" else name): value for name, value in tree.items()}

    expected = load_project(saved)

    def to_version_0(tree: dict[str, Any]) -> None:
        tree["version"] = 0
        tree["photo"] = tree.pop("source")

    rewritten(saved, to_version_0)
    assert "$.version: version 0 is not known" in refusal(saved)
    monkeypatch.setattr(
        project_files, "migrated", lambda tree: migrated(tree, {0: renames, **MIGRATIONS})
    )
    found = read_project(saved)
    assert found.project.source == expected.source
    assert "written by an older program" in found.notes[0]


# --------------------------------------------------------------------------------------------------


def setting(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Puts a value where a path such as ``edits.0.tracks`` leads."""

    def change(tree: Any) -> None:
        *way, last = path.split(".")
        for step in way:
            tree = tree[int(step)] if isinstance(tree, list) else tree[step]
        tree[int(last) if isinstance(tree, list) else last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "edits.0.tracks.0.keys.1.value",
            "x",
            "$.edits[0].tracks[0].keys[1].value: expected a number, not 'x'.",
        ),
        (
            "edits.0.tracks.0.keys.1.value",
            True,
            "$.edits[0].tracks[0].keys[1].value: expected a number, not True.",
        ),
        (
            "edits.0.tracks.0.keys.1.value",
            float("nan"),
            "tracks[0].keys[1].value: expected a finite number, not nan.",
        ),
        (
            "edits.0.tracks.0.keys.1.value",
            float("inf"),
            "tracks[0].keys[1].value: expected a finite number, not inf.",
        ),
        (
            "edits.0.tracks.0.keys.1.frame",
            1.5,
            "$.edits[0].tracks[0].keys[1].frame: expected a whole number, not 1.5.",
        ),
        (
            "edits.0.tracks.0.keys.1.frame",
            1 << 60,
            "$.edits[0].tracks[0].keys[1].frame: 1152921504606846976 is too large.",
        ),
        (
            "edits.0.tracks.0.keys.1.frame",
            0,
            "$.edits[0].tracks[0]: The keys of AU12L are not in order",
        ),
        (
            "edits.0.tracks.0.keys.1.left",
            "hold",
            "$.edits[0].tracks[0].keys[1]: The key on frame 9 holds to the left",
        ),
        (
            "edits.0.tracks.0.keys.1.left",
            ["ease"],
            "$.edits[0].tracks[0].keys[1].left: expected one of 'hold', 'linear'",
        ),
        (
            "edits.0.tracks.0.keys.1.left_handle",
            [0.0],
            "keys[1].left_handle: expected a list of 2, not of 1.",
        ),
        (
            "edits.0.tracks.0.keys.1.tension",
            1,
            "$.edits[0].tracks[0].keys[1]: unknown field 'tension'.",
        ),
        ("edits.0.tracks.0.keys", {}, "$.edits[0].tracks[0].keys: expected a list, not {}."),
        ("edits.0.tracks.0.keys", "abc", "$.edits[0].tracks[0].keys: expected a list, not 'abc'."),
        ("edits.0.tracks.0", [], "$.edits[0].tracks[0]: expected an object, not []."),
        ("edits.0.deltas.0.0", "AU99", "$.edits[0]: Unknown control 'AU99'"),
        ("edits.0.deltas.0.1", 0.0, "$.edits[0]: yaw cannot change by 0"),
        ("edits.0.unlinked", [99], "$.edits[0]: AU99 has no left and right"),
        ("edits.0.mix.0.driver", "Z", "$: mouth is driven by 'Z', which is not among the drivers"),
        ("edits.0.mix.0.gain", 1e9, "$.edits[0].mix[0]: The gain of mouth is 1e+09"),
        ("source", 7, "$.source: expected a photo, clip or table, not 7."),
        ("source.kind", "table", "$.source: the kind is one of photo, clip, not 'table'."),
        ("source.kind", [], "$.source: the kind is one of photo, clip, not []."),
        ("source.width", -1, "$.source: "),
        ("source.path", "a\0b", "$.source: 'a\\x00b' is not a path."),
        (
            "drivers.0.medium",
            None,
            "$.drivers[0].medium: expected a photo, clip or table, not None.",
        ),
        (
            "drivers.0.medium.rate",
            "25/0",
            'medium.rate: expected a fraction as "25" or "30000/1001", not \'25/0\'.',
        ),
        ("drivers.0.medium.rate", 25, "$.drivers[0].medium.rate: expected a fraction"),
        (
            "drivers.0.motion",
            "0" * 32,
            "$.drivers[0].motion: '00000000000000000000000000000000' is not the digest of a motion",
        ),
        ("drivers.0.motion", ["x"], "$.drivers[0].motion: ['x'] is not the digest of a motion"),
        ("faces.0.landmarks", None, "$.faces[0].landmarks: None is not the digest of landmarks"),
        (
            "faces.0.controls.yaw",
            "left",
            "$.faces[0].controls: yaw: expected a number, not 'left'.",
        ),
        ("faces.0.controls.ears", 1.0, "$.faces[0].controls: unknown channel 'ears'."),
        (
            "faces.0.controls",
            [1.0],
            "$.faces[0].controls: expected an object of channels, not [1.0].",
        ),
        ("faces.0.box.right", -5.0, "$.faces[0].box: A box needs a width and a height"),
        ("faces.0.confidence", 3.0, "$.faces[0]: A face's confidence is 0..1, not 3"),
        ("face_index", 5, "$: Face 5 is not one of the 2"),
        ("rate", "0", "$: A project has more than 0"),
        (
            "rate",
            "1/100000000000000000000000000000",
            "$: A project has more than 0 frames a second, 1e-06 to 1000",
        ),
        (
            "faces.0.controls.yaw",
            float(1 << 53),
            "yaw: 9007199254740992.0 is beyond what a face can show; at most 1000.",
        ),
        (
            "edits.0.tracks.0.keys.1.value",
            1e300,
            "keys[1]: The key on frame 9 has the value 1e+300; give a",
        ),
        ("edits.0.deltas.0.1", 1e300, "$.edits[0]: yaw cannot change by 1e+300"),
        ("drivers.0.medium.duration_s", 1e300, "at most 10000000 frames and 1e+08 s"),
        ("markers.0.frame", -1, "$.markers[0]: A marker stands on a frame"),
        ("author", "me", "$: unknown field 'author'."),
        (
            "format",
            "blend",
            'not a project of ICface Studio; "format": "icface-project" is not there.',
        ),
        ("version", "1", "$.version: a version is a whole number, not '1'."),
        ("version", 4, "$.version: the project has version 4, and this program reads up to 3."),
        ("length", 0, "$: A photo lasts 1 to 100000001 frames, not 0."),
        ("length", "5s", "$.length: expected a whole number, not '5s'."),
    ],
)
def test_what_no_document_holds_is_refused_with_its_place(
    saved: Path, path: str, value: Any, message: str
) -> None:
    told = refusal(rewritten(saved, setting(path, value)))
    assert message in told
    assert told.startswith("take one.icface cannot be opened. ")


def test_a_missing_field_is_named(saved: Path) -> None:
    def without(tree: dict[str, Any]) -> None:
        del tree["edits"][0]["tracks"][0]["keys"][1]["value"]

    assert "$.edits[0].tracks[0].keys[1].value: this field is missing." in refusal(
        rewritten(saved, without)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2", "line 1, character 6: not JSON"),
        ("[" * 200_000, "nested deeper than any file"),
        ('{"a":' * 200_000, "nested deeper than any file"),
        ("[]", "$.format: this is not a project"),
        ("1" * 5000, "a number of 5000 digits; at most 100 are read."),
    ],
)
def test_what_is_no_json_of_a_document_is_refused(saved: Path, text: str, message: str) -> None:
    assert message in refusal(rewritten(saved, lambda _: text))


def test_a_field_that_is_given_twice_is_refused(saved: Path) -> None:
    def twice(tree: dict[str, Any]) -> str:
        return json.dumps(tree).replace('"yaw": 4.0', '"yaw": 4.0, "yaw": 1.0', 1)

    assert "$.faces[0].controls: unknown channel 'yaw (given twice)'." in refusal(
        rewritten(saved, twice)
    )


def test_many_names_of_which_the_last_is_given_twice_are_refused_at_once(saved: Path) -> None:
    def twice(tree: dict[str, Any]) -> str:
        names = ", ".join(f'"n{i}": 0' for i in range(150_000))
        return json.dumps(tree).replace('"rate":', f'{names}, "n149999": 0, "rate":', 1)

    assert "unknown field" in refusal(rewritten(saved, twice))


def test_more_faces_than_a_document_has_are_refused(saved: Path) -> None:
    def crowd(tree: dict[str, Any]) -> None:
        tree["faces"], tree["edits"] = tree["faces"][:1] * 3000, tree["edits"][:1] * 3000

    assert "3000 faces are too many; a document has at most 256." in refusal(
        rewritten(saved, crowd)
    )


def test_hundreds_of_thousands_of_keys_are_structured_one_by_one_without_detours(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detours: list[object] = []

    def counted(value: Any, kind: Any) -> Any:
        detours.append(value)
        return plain(value, kind)

    plain = tree_module._plain
    monkeypatch.setattr(tree_module, "_plain", counted)

    def many(tree: dict[str, Any]) -> None:
        key = tree["edits"][0]["tracks"][0]["keys"][0]
        tree["edits"][0]["tracks"][0]["keys"] = [{**key, "frame": frame} for frame in range(30_000)]

    project = load_project(rewritten(saved, many))
    assert len(project.edits[0].tracks[0].keys) == 30_000
    assert len(detours) < 2000


def test_a_deep_value_in_the_place_of_a_number_is_refused(saved: Path) -> None:
    def deep(tree: dict[str, Any]) -> str:
        tree["edits"][0]["deltas"] = "HERE"
        return json.dumps(tree).replace('"HERE"', "[" * 900 + "]" * 900)

    assert "$.edits[0].deltas[0]: expected a list of 2, not of 1." in refusal(
        rewritten(saved, deep)
    )


def test_text_in_another_encoding_is_refused(saved: Path) -> None:
    def latin(tree: dict[str, Any]) -> None:
        tree["markers"][0]["text"] = "@@"

    rewritten(saved, latin)
    saved.write_bytes(recoded(saved, "project.json", lambda data: data.replace(b"@@", b"\xe9\xe9")))
    assert "not text in UTF-8" in refusal(saved)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every node of a tree as its parent and its key."""
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    return [place for key, value in items for place in ((tree, key), *places(value))]


@settings(max_examples=60)
@given(documents(), st.data())
def test_whatever_stands_in_a_place_is_refused_in_words_or_makes_a_document(
    project: Project, data: st.DataObject
) -> None:
    motions = [
        m
        for m in (*(f.motion for f in project.faces), *(d.motion for d in project.drivers))
        if m is not None
    ]
    tree = json.loads(text_of(tree_of(project)))
    parent, key = data.draw(st.sampled_from(places(tree)))
    parent[key] = data.draw(JSONS)
    try:
        document, _ = migrated(parsed(json.dumps(tree).encode()))
        found = project_of(
            document,
            {m.digest: m for m in motions},
            {f.landmarks_digest: f.landmarks for f in project.faces},
        )
    except ProjectFileError as error:
        assert str(error).startswith("$")  # noqa: PT017  (it need not be raised)
    else:
        assert isinstance(found, Project)
        assert (
            project_of(
                migrated(parsed(text_of(tree_of(found)).encode()))[0],
                {m.digest: m for m in motions},
                {f.landmarks_digest: f.landmarks for f in project.faces},
            )
            == found
        )


# --------------------------------------------------------------------------------------------------


def recoded(path: Path, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The file's bytes with one entry changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w") as made:
        for entry in archive.namelist():
            data = archive.read(entry)
            made.writestr(entry, change(data) if entry == name else data)
    return target.getvalue()


def motion_entry(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return f"arrays/{json.loads(archive.read('project.json'))['drivers'][0]['motion']}.npz"


def test_a_file_cut_off_anywhere_or_changed_anywhere_is_refused_or_the_same(saved: Path) -> None:
    whole, expected = saved.read_bytes(), load_project(saved)
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        saved.write_bytes(whole[:length])
        refusal(saved)
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 150):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(rng.integers(0, 8))
        saved.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = load_project(saved)
        except ProjectFileError:
            continue
        assert found == expected  # the bit was in a date, or in what nobody reads


@pytest.mark.parametrize(
    "name",
    [
        "../evil.npz",
        "/etc/passwd",
        "C:\\evil",
        "arrays/../../x.npz",
        "arrays/x.npz",
        "a/",
        "sub/project.json",
    ],
)
def test_names_that_no_project_has_are_refused(saved: Path, name: str) -> None:
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr(name, b"evil")
    assert "which no project has" in refusal(saved)


def test_entries_that_are_there_twice_are_refused(saved: Path) -> None:
    with zipfile.ZipFile(saved, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("project.json", b"{}")
    assert "has the entry 'project.json' twice" in refusal(saved)


def test_links_are_refused(saved: Path) -> None:
    info = zipfile.ZipInfo("arrays/" + "0" * 32 + ".npz")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "is a link" in refusal(saved)


def test_links_in_a_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    save_folder(folder, a_document(tmp_path))
    (folder / "project.json").rename(tmp_path / "elsewhere.json")
    (folder / "project.json").symlink_to(tmp_path / "elsewhere.json")
    assert "lacks the file project.json" in refusal(folder)


def test_a_bomb_is_refused_before_it_is_unpacked(saved: Path) -> None:
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.json", b" " * 200_000_000)
    assert saved.stat().st_size < 1_000_000
    assert "That is more than a project packs" in refusal(saved)


def test_sizes_that_are_claimed_and_not_there_are_refused(saved: Path) -> None:
    data = bytearray(saved.read_bytes())
    at = data.rindex(b"PK\x01\x02")  # the last one in the table of contents
    for field in (20, 24):
        struct.pack_into("<I", data, at + field, 1 << 31)
    saved.write_bytes(data)
    assert "claims" in refusal(saved) or "damaged" in refusal(saved)


def test_too_large_a_document_is_refused_when_read_and_when_written(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, before = load_project(saved), saved.read_bytes()
    monkeypatch.setattr(project_files, "MOST_JSON_BYTES", 100)
    assert "at most 100 are read" in refusal(saved)
    with pytest.raises(ProjectFileError, match="at most 100 can be saved"):
        save_project(saved, project)
    assert saved.read_bytes() == before


def test_too_many_entries_are_refused(saved: Path) -> None:
    with zipfile.ZipFile(saved, "a") as archive:
        for number in range(MOST_ENTRIES):
            archive.writestr(f"arrays/{number:032x}.npz", b"")
    assert "a project has at most 4096" in refusal(saved)


def test_a_packed_project_is_read_as_well(saved: Path) -> None:
    expected = load_project(saved)
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    assert load_project(saved) == expected


def test_a_packed_zip_in_a_packed_zip_is_refused_before_it_is_unpacked(saved: Path) -> None:
    entry = motion_entry(saved)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in range(40):
            archive.writestr(f"seconds{'x' * part}.npy", b"\0" * 900_000)
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()} | {
            entry: inner.getvalue()
        }
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    assert (
        "packs 36000000 bytes, and at most 1048576 are unpacked. Pack it again without"
        in refusal(saved)
    )


def test_more_than_is_unpacked_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    monkeypatch.setattr(ZipEntries.__init__, "__kwdefaults__", {"most_packed": 1000})
    assert "at most 1000 are unpacked" in refusal(saved)


def test_large_arrays_are_kept_in_temporary_files(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_project(saved)
    monkeypatch.setattr("icface.project_file.arrays.IN_MEMORY_BYTES", 0)
    after = load_project(saved)
    assert after == before
    motion = next(driver.motion for driver in after.drivers if driver.motion is not None)
    assert isinstance(motion.controls, np.memmap)


def test_damage_in_a_packed_project_is_told(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    whole = saved.read_bytes()
    for at in range(60, 400, 7):  # in the JSON
        saved.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        assert "project.json is damaged" in refusal(saved)


def test_other_ways_of_packing_are_refused(saved: Path) -> None:
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("project.json", b"{}")
    assert "packed in an unknown way" in refusal(saved)


def test_an_encrypted_entry_is_refused(saved: Path) -> None:
    data = bytearray(saved.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    saved.write_bytes(data)
    assert "is encrypted" in refusal(saved)


def an_npy(array: np.ndarray[Any, Any], allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=(1, 0), allow_pickle=allow_pickle)
    return stream.getvalue()


def an_npz(**entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("npz", "message"),
    [
        (b"no zip", "is not a whole zip file"),
        (
            an_npz(seconds=an_npy(np.array([{}]), allow_pickle=True)),
            "holds object; a project holds plain numbers",
        ),
        (an_npz(seconds=an_npy(np.zeros(3, ">f8"))), "holds >f8"),
        (an_npz(seconds=an_npy(np.asfortranarray(np.zeros((3, 2))))), "in C order"),
        (
            an_npz(seconds=an_npy(np.zeros(4)).replace(b"(4,)", b"(99,)"[:5], 1)[:-1]),
            "claims the shape (99,)",
        ),
        (an_npz(seconds=an_npy(np.zeros(4)).replace(b"(4,)", b"4**9", 1)), "is not an array"),
        (an_npz(seconds=an_npy(np.zeros(4)).replace(b"(4,)", b"[-4]", 1)), "is not an array"),
        (an_npz(seconds=b"\x93NUMPY\x02\x00" + b"\0" * 20), "is not an array"),
        (an_npz(seconds=b""), "is not an array"),
        (an_npz(**{"../seconds": an_npy(np.zeros(4))}), "which is not the name of an array"),
        (packed({"seconds": np.zeros(1)}), "is missing"),
        (packed({"landmarks": np.zeros((478, 3), np.float32)}), "is missing"),
    ],
)
def test_arrays_that_are_not_those_of_a_motion_are_refused(
    saved: Path, npz: bytes, message: str
) -> None:
    entry = motion_entry(saved)
    saved.write_bytes(recoded(saved, entry, lambda _: npz))
    told = refusal(saved)
    assert message in told
    assert entry in told


def test_an_array_that_claims_to_be_huge_takes_no_memory(saved: Path) -> None:
    head = an_npy(np.zeros(4)).replace(
        b"'shape': (4,), }              ", b"'shape': (400000000000000,), }", 1
    )
    assert b"400000000000000" in head
    saved.write_bytes(recoded(saved, motion_entry(saved), lambda _: an_npz(seconds=head)))
    assert "claims the shape (400000000000000,) of float64, and holds 32 bytes" in refusal(saved)


def test_another_motion_or_face_under_the_same_name_is_refused(saved: Path) -> None:
    other = packed(motion_to_arrays(a_motion([SMILE] * 3)))
    saved.write_bytes(recoded(saved, motion_entry(saved), lambda _: other))
    assert "holds another motion than its name says" in refusal(saved)


@pytest.mark.parametrize(
    ("landmarks", "message"),
    [
        (np.ones((478, 3), np.float32), "holds other landmarks than its name says"),
        (np.ones((478, 2), np.float32), "does not hold the 478 landmarks of a face"),
        (np.ones((478, 3), np.float64), "does not hold the 478 landmarks of a face"),
    ],
)
def test_landmarks_that_are_not_those_of_the_face_are_refused(
    saved: Path, landmarks: Any, message: str
) -> None:
    entry = f"arrays/{load_project(saved).faces[1].landmarks_digest}.npz"
    saved.write_bytes(recoded(saved, entry, lambda _: packed({"landmarks": landmarks})))
    assert message in refusal(saved)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_landmarks_of_a_clip_that_are_not_finite_are_refused(tmp_path: Path, bad: float) -> None:
    project = a_clip_project(a_motion([SMILE, SMILE, SMILE]))
    save_project(tmp_path / "x.icface", project)
    motion = project.faces[0].motion
    assert motion is not None
    assert motion.landmarks is not None
    landmarks = motion.landmarks.copy()
    landmarks[2, 7, 1] = bad
    torn = replace(motion, landmarks=landmarks)

    def other(tree: dict[str, Any]) -> None:
        tree["faces"][0]["motion"] = torn.digest

    rewritten(tmp_path / "x.icface", other)
    with zipfile.ZipFile(tmp_path / "x.icface", "a") as archive:
        archive.writestr(f"arrays/{torn.digest}.npz", packed(motion_to_arrays(torn)))
    assert "$.faces[0]: In frame 2 a face is read without its landmarks" in refusal(
        tmp_path / "x.icface"
    )


def test_arrays_that_are_missing_are_told_with_the_place_that_needs_them(saved: Path) -> None:
    entry = motion_entry(saved)
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name != entry}
    with zipfile.ZipFile(saved, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    assert "$.drivers[0].motion: " in refusal(saved)


def test_a_full_memory_is_told(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(project_files, "parsed", full)
    assert "memory is full" in refusal(saved)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.icface")
    assert "It is not a file" in refusal(tmp_path / "pipe.icface")
    assert "there is no such file" in refusal(tmp_path / "gone.icface")
    assert "lacks the file project.json" in refusal(tmp_path)
    (tmp_path / "empty.icface").touch()
    assert "is not a whole zip file" in refusal(tmp_path / "empty.icface")


# --------------------------------------------------------------------------------------------------


def test_the_old_project_stands_when_saving_fails(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, expected = saved.read_bytes(), load_project(saved)

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project_files.arrays, "write_arrays", fails)
    with pytest.raises(
        ProjectFileError, match=r"take one\.icface could not be saved: the disk is full; make room"
    ):
        save_project(saved, edits.set_control(expected, "yaw", 1.0))
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
    with pytest.raises(ProjectFileError, match="could not be written: the disk is full"):
        save_folder(saved.parent / "copy", expected)


def test_saving_over_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.icface").mkdir()
    with pytest.raises(ProjectFileError, match="there is a folder of that name"):
        save_project(tmp_path / "x.icface", a_document(tmp_path))
