"""Paths on the command line → the spec files among and below them."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG, S_ISVTX, S_IWOTH
from typing import TYPE_CHECKING, Literal

from runner.errors import InvalidInput, MachineError, NotFound, Problem, nearest, shown_argument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CONFIG_NAME = "runner.yaml"
SPECS = "specs"
"""The default folder of specs."""
SUFFIXES = (".yaml", ".yml")
"""Suffixes of specs."""
CASSETTES = "cassettes"
"""The project's folder of recorded answers, which contains no specs."""
_LONG_NAME = 200


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the specs at `paths`: each file, and for each folder its `*.yaml` and `*.yml` at all levels, sorted.

    Files whose names begin with `_` or `.`, `runner.yaml`, and files in the project's `cassettes/` are not specs. Raises
    NotFound, before it yields any, for a path that does not exist, a file without the name of a spec, and a folder without
    specs. Bases among other paths, as a shell lists them for `specs/*.yaml`, are ignored.
    """
    listed = list(paths)
    given = [path for path in listed if not is_base(path)] or listed
    for path in given:
        if not _is_folder(path):
            _check_file(path)
        elif next(_below(path), None) is None:
            hint = f"specs end in {' or '.join(SUFFIXES)}; names that begin with _ or . don't count"
            raise NotFound(Problem("no-specs", f"no specs in {path}", hint=hint))
    return _each_once(given)


def is_base(path: Path) -> bool:
    """Return whether a file has the name of a base for specs."""
    return path.name.startswith("_") and path.suffix in SUFFIXES and path.is_file()


def _each_once(given: Sequence[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in given:
        for found in _below(path) if _is_folder(path) else [path]:
            if found not in seen:
                yield found
            if len(given) > 1:  # a single folder has no duplicates, and may have any number of specs
                seen.add(found)


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - unlike Path.is_dir, it takes a name of any length


def project_of(start: Path) -> Path:
    """Return the project's folder. A spec's files must be in it, and the names of cassettes and cases are relative to it.

    It is the nearest folder above with a `.git`; without one, as in a container image, the outermost with a
    `runner.yaml` (the parent, if that folder is called `specs`); without either, the working directory if `start` is in
    it, else the folder of `start`.
    """
    if (marked := marked_project(start)) is not None:
        return marked
    folder, working = folder_of(start), Path.cwd()
    return working if folder.is_relative_to(working) else folder


def marked_project(start: Path) -> Path | None:
    """Return the project of a path, if a `.git` or a `runner.yaml` marks it."""
    folder = folder_of(start)
    marked = None
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
        if (candidate / CONFIG_NAME).is_file() and not _is_shared(candidate):
            marked = beside_specs(candidate)
    return marked


def beside_specs(folder: Path) -> Path:
    """Return the folder that a `runner.yaml` in `folder` marks as a project."""
    return folder.parent if folder.name == SPECS else folder


def home_of(start: Path) -> Path:
    """Return the folder of the `runner.yaml` that applies to `start`; without one, the project's folder."""
    config = find_config(start)
    return config.parent if config is not None else project_of(start)


def _is_shared(folder: Path) -> bool:
    """Return whether every user of a machine may write to a folder, such as /tmp. A file in it can't mark a project."""
    return folder.stat().st_mode & _SHARED == _SHARED


_SHARED = S_ISVTX | S_IWOTH


def as_unicode(path: str) -> str:
    """Return a path as text that can be encoded, with bytes that are not UTF-8 as escapes."""
    return path.encode("utf-8", "backslashreplace").decode()


def link_out(path: Path, project: Path, shown: str, rule: str) -> Problem | None:
    """Return the problem of a path that leads out of its project through a link. `rule` begins the hint: "specs must lie"."""
    if Path(os.path.realpath(path)).is_relative_to(project):
        return None
    hint = f"{rule} in the project's folder '{project.name}'"
    return Problem("path-outside", f"{shown} is a link out of the project", hint=hint)


def is_named(path: Path, resolved: Path, project: Path, suffixes: Sequence[str]) -> bool:
    """Return whether a file in a project, and the target of a link, have a name with one of the suffixes.

    Reports quote lines of the files that are read: a link must not lead to a `.env` or into a hidden folder.
    """
    hidden = {part for part in resolved.relative_to(project).parts if part.startswith(".")}
    return not hidden.difference(Path(os.path.abspath(path)).parts) and all(  # noqa: PTH100 - links are not followed
        name.suffix in suffixes and not name.name.startswith(".") and name.name != CONFIG_NAME
        for name in (path, resolved)
    )


def find_config(start: Path, project: Path | None = None) -> Path | None:
    """Return the nearest `runner.yaml` in the folder of `start` or above, up to the project's folder."""
    return next(find_configs(start, project), None)


def find_configs(start: Path, project: Path | None = None) -> Iterator[Path]:
    """Yield each `runner.yaml` in the folder of `start` and above, up to the project's folder, the nearest first.

    `project` is that of `start`, where it is known. Raises InvalidInput for one that is a link out of the project.
    """
    project = project or project_of(start)
    folder = folder_of(start)
    for candidate in (folder, *folder.parents):
        if os.path.isfile(name := f"{candidate}/{CONFIG_NAME}"):  # noqa: PTH113 - every spec asks for it
            found = Path(name)
            # The folder is resolved: only the file itself may be a link.
            if found.is_symlink() and (
                problem := link_out(found, project, os.path.relpath(found), f"{CONFIG_NAME} must lie")
            ):
                raise InvalidInput(problem)
            yield found
        if candidate == project:
            return


def configs_above(start: Path) -> Iterator[Path]:
    """Yield each `runner.yaml` above the project of `start`, such as that of a repository with the project as a submodule."""
    return filter(Path.is_file, (folder / CONFIG_NAME for folder in project_of(start).parents))


def folder_of(start: Path) -> Path:
    """Return the folder that contains a path, or is the path. For a link, that is the folder of the link."""
    folder = start if start.is_dir() else start.parent
    return folder.resolve()


_SUFFIXES_OF_ROWS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
"""Those of `rows.formats`, which this package can't import."""


def _check_file(path: Path) -> None:
    try:
        path.lstat()
    except OSError:
        shown = shown_argument(str(path))
        if shown != str(path):
            hint = f"set a variable with --var {shown}" if "=" in shown else None
            raise NotFound(Problem("file-not-found", f"no such file or folder: {shown}", hint=hint)) from None
        raise NotFound(Problem("file-not-found", f"no such file or folder: {path}", hint=_nearby(path))) from None
    if path.suffix not in SUFFIXES or path.name.startswith("."):
        hint = f"specs end in {' or '.join(SUFFIXES)}, and do not begin with a dot"
        if path.suffix in _SUFFIXES_OF_ROWS:
            hint = "pass a file of rows along with a spec: runner send SPEC --rows FILE"
        raise NotFound(Problem("not-a-spec", f"{path} does not have the name of a spec", hint=hint))
    if path.name == CONFIG_NAME:
        raise NotFound(Problem("not-a-spec", f"{path} holds profiles; it is not a spec"))
    if path.name.startswith("_"):
        hint = "name a spec that extends it"
        raise NotFound(Problem("not-a-spec", f"{path} is a base for specs, not a spec itself", hint=hint))


def _below(folder: Path) -> Iterator[Path]:
    """Yield the specs below a folder, sorted. Only the names in the folders on the current path are in memory."""
    levels = [paths_in(folder)]
    while levels:
        path = next(levels[-1], None)
        if path is None:
            levels.pop()
        elif (kind := kind_of(path)) == "folder":
            levels.append(paths_in(path))
        elif kind == "spec":
            yield path


def kind_of(path: Path) -> Literal["spec", "folder"] | None:
    """Return whether a path in a folder of specs is a spec, or a folder that may contain some; None if neither."""
    name = path.name
    if name[0] in "_.":
        return None
    mode = path.lstat().st_mode
    if S_ISDIR(mode):
        return None if name == CASSETTES and path.resolve() == project_of(path) / CASSETTES else "folder"
    if not name.endswith(SUFFIXES) or name == CONFIG_NAME:
        return None
    # A link to nothing, or out of the project, is reported when it is read. Reading a pipe might never end.
    return "spec" if S_ISREG(mode) or (S_ISLNK(mode) and not path.is_dir()) else None


def paths_in(folder: Path) -> Iterator[Path]:
    """Return the paths in a folder, sorted. Raises MachineError if it can't be read."""
    try:
        return (folder / name for name in sorted(os.listdir(folder)))  # noqa: PTH208 - names take less memory than paths
    except OSError as error:
        raise unreadable(error) from None


def unreadable(error: OSError) -> MachineError:
    """Return the failure of a folder that can't be read."""
    return MachineError(Problem("file-unreadable", f"can't read {error.filename}: {error.strerror}"))


def _nearby(path: Path) -> str | None:
    """Return a hint with the file that was probably meant."""
    if not path.name or len(path.name) > _LONG_NAME:
        return None
    for suffix in SUFFIXES:
        if path.with_name(path.name + suffix).exists():
            return f"did you mean {path}{suffix}?"
        if path.suffix and path.with_suffix(suffix).exists():
            return f"did you mean {path.with_suffix(suffix)}?"
        for name in (path, path.with_name(path.name + suffix)):
            if not path.is_absolute() and (found := SPECS / name).is_file():
                return f"did you mean {found}?"
    return misspelt(path) or (None if path.is_absolute() else misspelt(SPECS / path))


def misspelt(path: Path) -> str | None:
    """Return a hint with the existing path that was probably meant, if a name in the path has a typo or is cut short."""
    if os.path.lexists(path):
        return None
    missing = next((part for part in (*reversed(path.parents), path) if not os.path.lexists(part)), path)
    try:
        names = os.listdir(missing.parent)  # noqa: PTH208 - names, not paths
    except (OSError, ValueError):
        return None
    near = nearest(missing.name, names)
    if near is None:  # `order.yaml` for `order-placed.yaml`
        suffix = missing.suffix or SUFFIXES[0]
        stems = {name.removesuffix(suffix): name for name in names if name.endswith(suffix)}
        near = stems.get(nearest(missing.stem, stems) or "")
    if near is None:
        return None
    meant = missing.parent / near / path.relative_to(missing)
    return f"did you mean {meant}?" if os.path.lexists(meant) else None
