"""Files of a project are written inside it, also when somebody swaps a folder for a link meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.errors import InvalidInput, MachineError, Problem
from runner.writing import create, overwrite, remove, rewrite


@pytest.fixture
def project(in_tmp: Path) -> Path:
    for name in ("project/folder", "outside"):
        (in_tmp / name).mkdir(parents=True)
    return in_tmp / "project"


def test_folders_that_are_missing_are_made(project: Path) -> None:
    overwrite(project / "a" / "b" / "c.json", b"one", project)
    overwrite(project / "a" / "b" / "c.json", b"two", project)
    assert [(path.name, path.read_bytes()) for path in (project / "a" / "b").iterdir()] == [("c.json", b"two")]


def test_a_pipe_stays_a_pipe(project: Path) -> None:
    """With enough rights, a command could otherwise replace /dev/null."""
    os.mkfifo(project / "pipe")
    with pytest.raises(MachineError) as refused:
        overwrite(project / "pipe", b"one", project)
    [problem] = refused.value.problems
    assert problem.message == f"can't write {project / 'pipe'}: it is not a regular file"
    assert (project / "pipe").is_fifo()
    assert [path.name for path in project.iterdir()] in (["pipe", "folder"], ["folder", "pipe"])


def test_a_file_that_is_there_is_not_created(project: Path) -> None:
    assert create(project / "folder" / "c.json", b"one", project)
    assert not create(project / "folder" / "c.json", b"two", project)
    (project / "d.json").symlink_to("../outside/made")
    assert not create(project / "d.json", b"one", project)
    assert (project / "folder" / "c.json").read_bytes() == b"one"
    assert list(Path("outside").iterdir()) == []


@pytest.mark.parametrize("target", ["../../outside", str(Path("/"))])
def test_a_link_out_of_the_project_is_named(project: Path, target: str) -> None:
    (project / "folder" / "link").symlink_to(target)
    hint = "replace the link with a folder inside 'project'"
    message = "the link project/folder/link leads out of the project: nothing is written there"
    for write in (overwrite, create):
        with pytest.raises(InvalidInput) as refused:
            write(project / "folder" / "link" / "deep" / "c.json", b"", project)
        assert refused.value.problems == (Problem("path-outside", message, hint=hint),)
    with pytest.raises(InvalidInput):
        remove(project / "folder" / "link" / "c.json", project)
    assert list(Path("outside").iterdir()) == []


def test_a_folder_that_is_swapped_for_a_link_leads_nothing_outside(project: Path) -> None:
    folder = project / "folder"

    def swap(_: Path) -> None:
        folder.rename(project / "aside")
        folder.symlink_to("../outside")

    overwrite(folder / "c.json", b"one", project, check=swap)
    assert (list(Path("outside").iterdir()), (project / "aside" / "c.json").read_bytes()) == ([], b"one")


def test_what_a_check_refuses_leaves_everything_as_it_was(project: Path) -> None:
    overwrite(project / "c.json", b"one", project)
    seen = []

    def refuse(fresh: Path) -> None:
        seen.append(fresh.read_bytes())
        raise InvalidInput

    with pytest.raises(InvalidInput):
        overwrite(project / "c.json", b"two", project, check=refuse)
    assert (seen, (project / "c.json").read_bytes()) == ([b"two"], b"one")
    assert sorted(path.name for path in project.iterdir()) == ["c.json", "folder"]


def test_a_file_is_removed_with_the_folders_that_it_leaves_empty(project: Path) -> None:
    for name in ("folder/a/b/c.json", "folder/d.json"):
        overwrite(project / name, b"", project)
    remove(project / "folder" / "a" / "b" / "c.json", project)
    assert [path.name for path in (project / "folder").iterdir()] == ["d.json"]
    remove(project / "folder" / "d.json", project)
    assert list(project.iterdir()) == []


def test_what_this_machine_refuses_is_told_with_the_files_name(project: Path) -> None:
    (project / "file").write_text("")
    with pytest.raises(MachineError) as refused:
        overwrite(project / "file" / "c.json", b"", project, shown="file/c.json")
    assert refused.value.problems == (Problem("output-refused", "can't write file/c.json: File exists"),)
    with pytest.raises(MachineError) as refused:
        remove(project / "folder" / "c.json", project)
    message = f"can't remove {project}/folder/c.json: No such file or directory"
    assert refused.value.problems == (Problem("output-refused", message),)


def test_a_file_that_is_rewritten_keeps_its_permissions_and_its_owner(project: Path) -> None:
    path = project / "c.yaml"
    path.write_bytes(b"one")
    path.chmod(0o640)
    owner = (4321, 4321) if os.getuid() == 0 else (os.getuid(), os.getgid())
    os.chown(path, *owner)
    rewrite(path, b"two", project, shown="c.yaml", is_current=lambda raw: raw == b"one")
    found = path.stat()
    assert (path.read_bytes(), found.st_mode & 0o777, (found.st_uid, found.st_gid)) == (b"two", 0o640, owner)


def test_a_read_only_file_is_not_rewritten(project: Path) -> None:
    path = project / "c.yaml"
    path.write_bytes(b"one")
    path.chmod(0o444)
    with pytest.raises(MachineError) as refused:
        rewrite(path, b"two", project, shown="c.yaml", is_current=lambda _: True)
    assert refused.value.problems == (Problem("output-refused", "can't write c.yaml: the file is read-only"),)
    assert path.read_bytes() == b"one"


def test_a_file_that_another_program_changed_is_not_rewritten(project: Path) -> None:
    path = project / "c.yaml"
    path.write_bytes(b"of an editor")
    with pytest.raises(MachineError) as refused:
        rewrite(path, b"two", project, shown="c.yaml", is_current=lambda raw: raw == b"one")
    message = "c.yaml has changed meanwhile: it is left as it is now"
    assert refused.value.problems == (Problem("output-refused", message, hint="run the command again"),)
    assert [(each.name, each.read_bytes()) for each in project.iterdir() if each.is_file()] == [
        ("c.yaml", b"of an editor")
    ]
