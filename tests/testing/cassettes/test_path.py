"""The path of a cassette follows from its spec and case, and differs between cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.testing.cassette_path import cassette_path

PROJECT = Path("/project")


def name_of(spec: str, case: str) -> str:
    return cassette_path(PROJECT, PROJECT / spec, case).relative_to(PROJECT).as_posix()


@pytest.mark.parametrize(
    ("spec", "case", "path"),
    [
        ("specs/purchase.yaml", "a premium purchase", "cassettes/purchase/a-premium-purchase.yaml"),
        ("specs/shop/order.v2.yml", "Zoë's 1st — order!", "cassettes/shop/order.v2/zoe-s-1st-order.yaml"),
        ("other/specs/a.yaml", "x[1.5]", "cassettes/other/specs/a/x-1-5.yaml"),
        ("specs.yaml", "x", "cassettes/specs/x.yaml"),
        ("specs/a.yaml", "../../etc/passwd", "cassettes/a/etc-passwd.yaml"),
        ("specs/a.yaml", "x" * 60, f"cassettes/a/{'x' * 60}.yaml"),
        ("specs/a.yaml", "x" * 100, f"cassettes/a/{'x' * 51}-09ecb6eb.yaml"),
        ("specs/a.yaml", "x" * 59 + " y", f"cassettes/a/{'x' * 51}-b2e54827.yaml"),
        ("specs/a.yaml", "paid 2026-01-02, 10:30 (#1)", "cassettes/a/paid-2026-01-02-10-30-1.yaml"),
        ("specs/a.yaml", "x[1]", "cassettes/a/x-1.yaml"),
        ("specs/a.yaml", "注文", "cassettes/a/266125dd.yaml"),
    ],
)
def test_a_cassette_is_named_by_its_spec_and_case(spec: str, case: str, path: str) -> None:
    assert name_of(spec, case) == path


@pytest.mark.parametrize(
    "names",
    [
        ("x" * 60, "x" * 61, "x" * 100, "x" * 101),
        ("x" * 59 + " y", "x" * 59 + " z", "x" * 59),
        ("x[1]", "x[-1]", "x[u--1]", "x[u-1]", "x[+1]"),
        ("注文", "支払", "order 注文", "order 支払", "order"),
        ("amount < 10", "amount > 10", "amount 10", "amount 10%", "amount 10 €"),
    ],
    ids=lambda names: names[0][:20],
)
def test_a_slug_that_is_cut_or_leaves_out_what_tells_names_apart_has_a_hash(names: tuple[str, ...]) -> None:
    found = [name_of("specs/a.yaml", name) for name in names]
    assert len(set(found)) == len(names)
    assert all(len(Path(path).stem) <= 60 for path in found)
