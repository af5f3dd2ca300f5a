from __future__ import annotations

import pytest

from runner.bulk.columns import assign
from runner.errors import InvalidInput

VARIABLES = ["user", "amount", "order_id"]


def refusals(columns: list[str] | None, renamed: dict[str, str] | None = None) -> list[tuple[str, str, str | None]]:
    with pytest.raises(InvalidInput) as caught:
        assign(columns, VARIABLES, renamed or {}, ignore_extra=False)
    return [(problem.code, problem.message, problem.hint) for problem in caught.value.problems]


def test_a_column_gives_the_variable_of_its_name() -> None:
    assert assign(["amount", "user"], VARIABLES, {}, ignore_extra=False) == {"amount": "amount", "user": "user"}


def test_a_column_that_is_renamed_gives_another_variable() -> None:
    columns = ["customer", "amount"]
    assert assign(columns, VARIABLES, {"user": "customer"}, ignore_extra=False) == {
        "customer": "user",
        "amount": "amount",
    }


def test_a_column_that_gives_another_variable_does_not_give_that_of_its_name() -> None:
    columns = ["amount", "user"]
    assert assign(columns, VARIABLES, {"order_id": "user"}, ignore_extra=False) == {
        "user": "order_id",
        "amount": "amount",
    }


def test_rows_with_keys_of_their_own_may_give_each_variable() -> None:
    assert assign(None, VARIABLES, {"user": "customer"}, ignore_extra=False) == {
        "customer": "user",
        "amount": "amount",
        "order_id": "order_id",
    }


def test_a_column_that_no_variable_takes_is_refused_with_a_suggestion() -> None:
    ways = "rename it with --map VARIABLE=COLUMN, or ignore it with --ignore-extra"
    assert refusals(["usr", "amount", "zip"]) == [
        ("unknown-column", "there is no variable for the column 'usr'", f"did you mean 'user'?\nor {ways}"),
        (
            "unknown-column",
            "there is no variable for the column 'zip'",
            f"known here: user, amount, order_id\nor {ways}",
        ),
    ]


def test_columns_that_no_variable_takes_may_be_allowed() -> None:
    assert assign(["user", "zip"], VARIABLES, {}, ignore_extra=True) == {"user": "user"}


def test_a_renaming_of_what_is_not_there_is_refused() -> None:
    assert refusals(["user", "amount"], {"usr": "user", "order_id": "order"}) == [
        ("unknown-variable", "no variable 'usr' (--map usr=user)", "did you mean 'user'?"),
        ("unknown-column", "the file has no column 'order' (--map order_id=order)", "known here: user, amount"),
    ]
