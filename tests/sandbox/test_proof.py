from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.sandbox.proof import KeyRefused, Proof, ensure_key, new_key, new_nonce, read_key

if TYPE_CHECKING:
    from collections.abc import Callable

NONCE = "0123456789abcdef" * 4


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def key_file(environ: dict[str, str]) -> Path:
    return Path(environ["HOME"]) / ".local/state/suprsend-runner/sandbox.key"


# The key


def test_a_key_is_made_once_and_only_its_user_can_read_it(home: dict[str, str]) -> None:
    key = ensure_key(home)
    assert (read_key(home), ensure_key(home)) == (key, key)
    assert (key_file(home).stat().st_mode & 0o777, key_file(home).parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [path.name for path in key_file(home).parent.iterdir()] == ["sandbox.key"]


def test_two_users_have_two_keys(tmp_path: Path) -> None:
    assert ensure_key({"HOME": str(tmp_path / "one")}) != ensure_key({"HOME": str(tmp_path / "other")})


def test_the_key_lies_where_the_user_keeps_state(tmp_path: Path) -> None:
    ensure_key({"HOME": "/nonexistent", "XDG_STATE_HOME": str(tmp_path)})
    assert (tmp_path / "suprsend-runner" / "sandbox.key").is_file()


def test_a_relative_state_home_is_ignored(home: dict[str, str], in_tmp: Path) -> None:
    ensure_key(home | {"XDG_STATE_HOME": "state"})
    assert key_file(home).is_file()
    assert not (in_tmp / "state").exists()


def test_sandboxes_that_start_at_once_agree_on_one_key(home: dict[str, str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({key.reveal() for key in pool.map(lambda _: ensure_key(home), range(64))}) == 1


def test_without_a_key_there_is_none_to_read(home: dict[str, str]) -> None:
    with pytest.raises(KeyRefused, match="No such file or directory"):
        read_key(home)
    assert not key_file(home).parent.exists()


def readable_by_others(path: Path) -> None:
    path.chmod(0o640)


def in_a_folder_that_others_write(path: Path) -> None:
    path.parent.chmod(0o770)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another_text(path: Path) -> None:
    path.write_text("password\n")


def too_long(path: Path) -> None:
    path.write_text("0" * 64 + "\n\n")


def linked(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")


def in_a_linked_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("other"))
    path.parent.symlink_to("other")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def of_another_user(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(path, 1, 1)


def in_a_folder_of_another_user(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(path.parent, 1, 1)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (readable_by_others, "sandbox.key: others can read it"),
        (in_a_folder_that_others_write, "suprsend-runner: others can write to it"),
        (empty, "sandbox.key is not a key: remove it"),
        (another_text, "sandbox.key is not a key: remove it"),
        (too_long, "sandbox.key is not a key: remove it"),
        (linked, "Too many levels of symbolic links"),
        (in_a_linked_folder, "Not a directory"),
        (a_pipe, "sandbox.key is not a key: remove it"),
        (a_folder, "Is a directory"),
        (of_another_user, "sandbox.key belongs to another user"),
        (in_a_folder_of_another_user, "suprsend-runner belongs to another user"),
    ],
)
def test_a_key_that_others_may_know_is_refused(home: dict[str, str], spoil: Callable[[Path], None], why: str) -> None:
    ensure_key(home)
    spoil(key_file(home))
    for take in (read_key, ensure_key):
        with pytest.raises(KeyRefused) as caught:
            take(home)
        assert str(caught.value).endswith(why)


def test_a_home_that_takes_no_files_has_no_key(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(KeyRefused, match=r"can't keep a key in .*: Not a directory"):
        ensure_key({"HOME": str(tmp_path / "home")})


def test_the_key_is_not_shown() -> None:
    key = new_key()
    assert key.reveal() not in repr(Proof(key, 7788))


# The proof


def test_a_proof_holds_for_its_nonce_key_and_port_alone() -> None:
    proof = Proof(new_key(), 7788)
    answer = proof.of(NONCE)
    assert proof.holds(NONCE, answer)
    assert not proof.holds(new_nonce(), answer)
    assert not replace(proof, port=7789).holds(NONCE, answer)
    assert not replace(proof, key=new_key()).holds(NONCE, answer)


@pytest.mark.parametrize("answer", [None, "", "0" * 64, 7, ["0"], "\ud800", "é" * 64])
def test_anything_else_is_no_proof(answer: object) -> None:
    assert not Proof(new_key(), 7788).holds(NONCE, answer)


@pytest.mark.parametrize("nonce", ["", "0", NONCE[:-1], NONCE + "0", NONCE.upper(), NONCE[:-1] + "\n", "é" * 64])
def test_nothing_is_proved_for_what_is_no_nonce(nonce: str) -> None:
    proof = Proof(new_key(), 7788)
    assert proof.of(nonce) is None
    assert not proof.holds(nonce, None)


def test_a_proof_is_that_of_the_network_it_was_made_in() -> None:
    program = (
        "from runner.sandbox.proof import Proof; from runner.secrets import Secret; "
        f"print(Proof(Secret('k'), 7788).of({NONCE!r}))"
    )
    here = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    network = ["unshare", "--map-root-user", "--net"]
    try:
        there = subprocess.run([*network, sys.executable, "-c", program], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine gives no network of one's own")
    assert len(here) == len(there.stdout) == 65
    assert here != there.stdout
