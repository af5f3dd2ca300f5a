"""A ledger on a network share is refused: what Linux says of the mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.bulk.network_share import refuse_network_share
from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from pathlib import Path

# Fields of proc_pid_mountinfo(5): id, parent, device, root, mount point, options, optional fields, "-", type, source, options.
ROOT = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"


def mount(point: Path | str, kind: str, optional: str = "shared:9 master:1") -> str:
    return f"90 21 0:44 / {point} rw,nosuid {optional} - {kind} server:/export rw\n"


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    return tmp_path / "mountinfo"


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "lustre", "ceph"])
def test_a_folder_on_a_share_is_refused(kind: str, tmp_path: Path, mounts: Path) -> None:
    mounts.write_text(ROOT + mount(tmp_path, kind))
    with pytest.raises(MachineError) as refused:
        refuse_network_share(tmp_path / "deep" / ".runner", mounts)
    message = (
        f"the ledger's folder {tmp_path}/deep/.runner is on a network share ({kind}), and a run of a cluster must not "
        "write there"
    )
    hint = "name a folder of this machine with --state-dir; to resume on another machine, copy it there"
    assert refused.value.problems == (Problem("ledger-refused", message, hint=hint),)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "fuse.something", "zfs"])
def test_a_folder_of_this_machine_is_not(kind: str, tmp_path: Path, mounts: Path) -> None:
    mounts.write_text(ROOT + mount(tmp_path, kind))
    refuse_network_share(tmp_path / ".runner", mounts)


def test_the_mount_that_is_deepest_counts(tmp_path: Path, mounts: Path) -> None:
    mounts.write_text(mount(tmp_path / "a", "ext4") + ROOT + mount(tmp_path, "nfs"))
    refuse_network_share(tmp_path / "a" / "b", mounts)
    with pytest.raises(MachineError):
        refuse_network_share(tmp_path / "ab", mounts)


def test_of_two_mounts_at_one_place_the_last_one_counts(tmp_path: Path, mounts: Path) -> None:
    mounts.write_text(ROOT + mount(tmp_path, "nfs") + mount(tmp_path, "ext4"))
    refuse_network_share(tmp_path, mounts)
    mounts.write_text(ROOT + mount(tmp_path, "ext4") + mount(tmp_path, "nfs"))
    with pytest.raises(MachineError):
        refuse_network_share(tmp_path, mounts)


def test_a_root_on_a_share_is_a_share(tmp_path: Path, mounts: Path) -> None:
    mounts.write_text(mount("/", "nfs"))
    with pytest.raises(MachineError):
        refuse_network_share(tmp_path, mounts)


def test_blanks_and_letters_of_all_kinds_in_a_mount_point_are_read(tmp_path: Path, mounts: Path) -> None:
    folder = tmp_path / "my sh\u00e4re\tx\\ \u2028y"
    folder.mkdir()
    point = str(folder).replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")
    mounts.write_text(ROOT + mount(point, "nfs"), "utf-8")
    with pytest.raises(MachineError):
        refuse_network_share(folder / ".runner", mounts)
    refuse_network_share(tmp_path, mounts)


def test_a_link_leads_to_the_share(tmp_path: Path, mounts: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "here").symlink_to("share")
    mounts.write_text(ROOT + mount(tmp_path / "share", "nfs"))
    with pytest.raises(MachineError):
        refuse_network_share(tmp_path / "here", mounts)


def test_fields_may_be_missing_and_lines_strange(tmp_path: Path, mounts: Path) -> None:
    mounts.write_text("\n1 2 3\n - \n" + ROOT + f"90 21 0:44 / {tmp_path} rw - nfs server:/export rw\n")
    with pytest.raises(MachineError):
        refuse_network_share(tmp_path, mounts)


def test_a_system_without_this_table_refuses_nothing(tmp_path: Path, mounts: Path) -> None:
    refuse_network_share(tmp_path, mounts)


def test_this_machine_says_nothing_of_a_folder_of_its_own(tmp_path: Path) -> None:
    refuse_network_share(tmp_path)
