"""Which files are specs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.errors import NotFound, Problem
from runner.project import find
from runner.project.files import misspelt


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return root


def test_a_folder_gives_its_specs_sorted_at_all_levels(tmp_path: Path) -> None:
    root = tree(tmp_path, "b.yaml", "a.yml", "sub/c.yaml", "sub/deep/d.yml", "z.yaml")
    assert [str(path.relative_to(root)) for path in find([root])] == [
        "a.yml", "b.yaml", "sub/c.yaml", "sub/deep/d.yml", "z.yaml",
    ]  # fmt: skip


def test_other_names_below_a_folder_are_no_specs(tmp_path: Path) -> None:
    root = tree(
        tmp_path, "a.yaml", "runner.yaml", "sub/runner.yaml", "_base.yaml", ".hidden.yaml", "_shared/b.yaml",
        ".git/c.yaml", "d.json", "e.yaml.bak", "f.YAML", "yaml",
    )  # fmt: skip
    assert list(find([root])) == [root / "a.yaml"]


def test_a_file_that_is_named_is_taken_as_it_is(tmp_path: Path) -> None:
    root = tree(tmp_path, "x.yml", "b.yaml")
    assert list(find([root / "x.yml", root / "b.yaml"])) == [root / "x.yml", root / "b.yaml"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("_base.yaml", "is a base for specs, not a spec itself (name a spec that extends it)"),
        ("notes.txt", "does not have the name of a spec (specs end in .yaml or .yml, and do not begin with a dot)"),
        (
            "rows.csv",
            "does not have the name of a spec (pass a file of rows along with a spec: runner send SPEC --rows FILE)",
        ),
        (".env", "does not have the name of a spec (specs end in .yaml or .yml, and do not begin with a dot)"),
        (".hidden.yaml", "does not have the name of a spec (specs end in .yaml or .yml, and do not begin with a dot)"),
        ("runner.yaml", "holds profiles; it is not a spec"),
    ],
)
def test_a_base_and_the_configuration_are_told_from_specs(tmp_path: Path, name: str, told: str) -> None:
    root = tree(tmp_path, name)
    with pytest.raises(NotFound) as caught:
        find([root / name])
    assert str(caught.value) == f"{root / name} {told}"


def test_what_is_no_file_is_left_out_and_a_link_that_leads_nowhere_is_not(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.yaml")
    os.mkfifo(root / "pipe.yaml")
    (root / "nowhere.yaml").symlink_to("gone.yaml")
    (root / "loop.yaml").symlink_to("loop.yaml")
    assert list(find([root])) == [root / "a.yaml", root / "loop.yaml", root / "nowhere.yaml"]


def test_a_forgotten_var_is_suggested_and_its_value_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        find([tree(tmp_path, "a.yaml"), Path("token=s3cr3t")])
    assert str(caught.value) == "no such file or folder: token=… (set a variable with --var token=…)"


def test_a_file_that_is_given_twice_is_listed_once(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.yaml", "b.yaml")
    assert list(find([root / "b.yaml", root, root])) == [root / "b.yaml", root / "a.yaml"]


def test_a_folder_whose_own_name_is_hidden_is_searched_when_named(tmp_path: Path) -> None:
    root = tree(tmp_path / ".specs", "a.yaml")
    assert list(find([root])) == [root / "a.yaml"]


def test_a_folder_without_specs_is_not_found(tmp_path: Path) -> None:
    root = tree(tmp_path, "_base.yaml")
    with pytest.raises(NotFound) as caught:
        find([root])
    hint = "specs end in .yaml or .yml; names that begin with _ or . don't count"
    assert caught.value.problems == (Problem("no-specs", f"no specs in {root}", hint=hint),)


@pytest.mark.parametrize(("given", "hint"), [("a", "a.yaml"), ("a.yml", "a.yaml"), ("b", "b.yml"), ("c", None)])
def test_a_path_that_does_not_exist_comes_with_the_file_probably_meant(
    tmp_path: Path, given: str, hint: str | None
) -> None:
    root = tree(tmp_path, "a.yaml", "b.yml")
    with pytest.raises(NotFound) as caught:
        find([root / given])
    wanted = f"did you mean {root / hint}?" if hint else None
    assert caught.value.problems == (Problem("file-not-found", f"no such file or folder: {root / given}", hint=wanted),)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("specs/purchse.yaml", "specs/purchase.yaml"),
        ("specs/Purchase.yaml", "specs/purchase.yaml"),
        ("specs/purchase", "specs/purchase.yaml"),
        ("spces/purchase.yaml", "specs/purchase.yaml"),
        ("specs/shop/ordr/refund.yaml", "specs/shop/order/refund.yaml"),
        ("specs/shp", "specs/shop"),
        ("specs/zzz.yaml", None),
        ("spces/purchse.yaml", None),
        ("nowhere/at/all.yaml", None),
        ("specs/purchase.yaml/x", None),
    ],
)
def test_a_path_with_one_misspelt_name_comes_with_the_one_that_exists(
    in_tmp: Path, given: str, meant: str | None
) -> None:
    tree(in_tmp, "specs/purchase.yaml", "specs/shop/order/refund.yaml")
    assert misspelt(Path(given)) == (f"did you mean {meant}?" if meant else None)
    assert misspelt(in_tmp / given) == (f"did you mean {in_tmp / meant}?" if meant else None)


def test_a_misspelt_path_of_the_command_line_comes_with_the_one_that_exists(in_tmp: Path) -> None:
    tree(in_tmp, "specs/purchase.yaml")
    for given, meant in (("spcs", "specs"), ("specs/prchase.yaml", "specs/purchase.yaml")):
        with pytest.raises(NotFound) as caught:
            find([Path(given)])
        assert caught.value.problems == (
            Problem("file-not-found", f"no such file or folder: {given}", hint=f"did you mean {meant}?"),
        )


def test_another_suffix_comes_before_another_name(in_tmp: Path) -> None:
    tree(in_tmp, "a.yaml", "b.yml")
    with pytest.raises(NotFound) as caught:
        find([Path("b.yaml")])
    assert caught.value.problems[0].hint == "did you mean b.yml?"


@pytest.mark.parametrize(
    "name",
    ["x" * 100, "x" * 5000 + "/a.yaml", "\0", "/", "a.yaml/x"],
    ids=["long", "too long", "a NUL", "root", "file"],
)
def test_for_a_path_that_no_file_can_have_nothing_is_suggested(in_tmp: Path, name: str) -> None:
    tree(in_tmp, "a.yaml")
    assert misspelt(Path(name)) is None


def test_the_cassettes_of_a_project_are_no_specs(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in ("cassettes/purchase/a-case.yaml", "specs/purchase.yaml", "specs/cassettes/tape.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(find([tmp_path])) == [tmp_path / "specs/cassettes/tape.yaml", tmp_path / "specs/purchase.yaml"]
    assert list(find([tmp_path / "cassettes"])) == [tmp_path / "cassettes/purchase/a-case.yaml"]
