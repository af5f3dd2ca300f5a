"""Rows in Google Cloud Storage: the same command lines, in processes of their own, against a server of its API."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.cli.bulk.conftest import SPEC
from tests.processes import run_preloaded
from tests.servers.cloud_storage import CloudStorage, cloud_storage

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

HINT = "credentials come from the environment, as for gcloud: GOOGLE_APPLICATION_CREDENTIALS"


@pytest.fixture
def storage(in_tmp: Path) -> Iterator[CloudStorage]:
    (in_tmp / "purchase.yaml").write_text(SPEC)
    with cloud_storage() as running:
        yield running


def render(storage: CloudStorage, url: str) -> subprocess.CompletedProcess[str]:
    command = ["runner", "render", "purchase.yaml", "--rows", url]
    return run_preloaded(command, env={**os.environ, **storage.environ}, capture_output=True, text=True)


def test_a_folder_a_pattern_and_a_file_are_read(storage: CloudStorage) -> None:
    storage.write("exports/_SUCCESS", b"")
    storage.write("exports/amount=5/a.csv", b"user,order\nu1,1\n")
    storage.write("exports/amount=6/b.csv", b"user,order\nu2,2\nu3,x\n")
    for url, users in (
        ("gs://bucket/exports/", ["u1", "u2"]),
        ("gs://bucket/exports/*/b.csv", ["u2"]),
        ("gs://bucket/exports/amount=5/a.csv", ["u1"]),
    ):
        ended = render(storage, url)
        assert [json.loads(line)["distinct_id"] for line in ended.stdout.splitlines()] == users
        assert ended.returncode == (0 if users == ["u1"] else 2), ended.stderr
        assert ("gs://bucket/exports/amount=6/b.csv line 3" in ended.stderr) == (ended.returncode == 2)


def test_no_row_of_another_generation_is_read(storage: CloudStorage) -> None:
    content = b"user,order\n" + b"u1,1111111\n" * 300_000
    url = storage.write("a.csv", content)

    def replace_before_the_third_range() -> None:
        if len(storage.ranges) == 3:
            storage.write("a.csv", content.replace(b"u1", b"u2"))

    storage.before_range = replace_before_the_third_range
    ended = render(storage, url)
    assert storage.ranges == ["bytes=0-1048575", "bytes=1048576-2097151", "bytes=2097152-3145727"]
    assert ended.returncode == 2
    assert f"error[rows-changed]: {url} changed while it was read: it was replaced\n" in ended.stderr
    assert '"u1"' in ended.stdout
    assert '"u2"' not in ended.stdout


def test_what_the_store_refuses_is_one_clear_problem(storage: CloudStorage) -> None:
    url = storage.write("a.csv", b"user\nu1\n")
    gone = render(storage, "gs://bucket/b.csv")
    assert (gone.returncode, gone.stderr) == (4, "error[file-not-found]: no such file: gs://bucket/b.csv\n")
    for status in (401, 403):
        storage.status = status
        refused = render(storage, url)
        assert (refused.returncode, refused.stdout) == (74, "")
        assert refused.stderr == f"error[file-unreadable]: can't read {url}: the store refuses access\n  = {HINT}\n"
