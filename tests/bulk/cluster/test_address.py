"""The address of a cluster: its forms, and what they say of who can read along."""

from __future__ import annotations

import pytest

from runner.bulk.cluster.address import ClusterAddress, cluster_address
from runner.errors import Problem, UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("local", ClusterAddress(None)),
        ("local:1", ClusterAddress(None, 1)),
        ("local:64", ClusterAddress(None, 64)),
        ("tcp://127.0.0.1:8786", ClusterAddress("tcp://127.0.0.1:8786")),
        ("tcp://127.0.0.1:8786/", ClusterAddress("tcp://127.0.0.1:8786")),
        ("tls://scheduler.example.com:1", ClusterAddress("tls://scheduler.example.com:1")),
        ("tls://a-b_c.example:65535", ClusterAddress("tls://a-b_c.example:65535")),
        ("tcp://[::1]:8786", ClusterAddress("tcp://[::1]:8786")),
        ("tls://[2001:DB8::1]:8786", ClusterAddress("tls://[2001:DB8::1]:8786")),
    ],
)
def test_a_cluster_is_named_by_its_scheduler_or_as_one_of_this_machine(text: str, address: ClusterAddress) -> None:
    assert cluster_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "none", "Local", "local:", "local:0", "local:65", "local:-1", "local:2/", "127.0.0.1:8786", "tcp://127.0.0.1",
        "tcp://127.0.0.1:", "tcp://:8786", "tcp://127.0.0.1:0", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:8786/x",
        "tcp://user@host:8786", "ws://127.0.0.1:8786", "inproc://127.0.0.1:1", "http://127.0.0.1:8786", "tcp://::1:8786",
        "tcp://host:8786\n", " tcp://host:8786", "TCP://host:8786", "tcp://host:8786?x", "tcp://h\u00f6st:8786",
    ],
)  # fmt: skip
def test_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        cluster_address(text)
    [problem] = refused.value.problems
    assert (problem.code, problem.hint) == (
        "usage",
        "tls://HOST:PORT, tcp://HOST:PORT, local, or local:N with 1 to 64 processes",
    )


def test_the_refused_form_is_shown() -> None:
    with pytest.raises(UsageError) as refused:
        cluster_address("tcp://host")
    hint = "tls://HOST:PORT, tcp://HOST:PORT, local, or local:N with 1 to 64 processes"
    message = "--cluster expects the address of a Dask scheduler, got tcp://host"
    assert refused.value.problems == (Problem("usage", message, hint=hint),)


@pytest.mark.parametrize(
    ("text", "is_local", "is_private", "is_open"),
    [
        ("local:2", True, True, False),
        ("tls://scheduler.example.com:8786", False, True, False),
        ("tcp://scheduler.example.com:8786", False, False, True),
        ("tcp://10.0.0.1:8786", False, False, True),
        ("tcp://0.0.0.0:8786", False, False, True),
        ("tcp://[2001:db8::1]:8786", False, False, True),
        ("tcp://127.example.com:8786", False, False, True),
        ("tcp://localhost.example.com:8786", False, False, True),
        ("tcp://localhost:8786", False, False, False),
        ("tcp://LOCALHOST:8786", False, False, False),
        ("tcp://127.0.0.1:8786", False, False, False),
        ("tcp://127.9.9.9:8786", False, False, False),
        ("tcp://[::1]:8786", False, False, False),
    ],
)
def test_without_tls_only_loopback_is_closed_to_others(
    text: str, is_local: bool, is_private: bool, is_open: bool
) -> None:
    address = cluster_address(text)
    assert (address.is_local, address.is_private, address.is_open) == (is_local, is_private, is_open)


def test_a_cluster_has_a_name_for_messages() -> None:
    assert cluster_address("tcp://127.0.0.1:1/").name == "tcp://127.0.0.1:1"
    assert cluster_address("local").name == "the cluster of this run"
