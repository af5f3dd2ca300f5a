"""Variables of many rows: what is fixed is resolved once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.variables import Given, RowResolver, Variable, resolve_fixed

if TYPE_CHECKING:
    from runner.source import Json


def resolver(fixed: dict[str, object], header: str | None = "user amount note token") -> RowResolver:
    """Take rows whose cells are those of the header; without one, rows of JSON."""
    declared: dict[str, dict[str, Json]] = {
        "user": {"type": "string"},
        "amount": {"type": "number", "minimum": 0},
        "note": {"type": "string", "maxLength": 3, "default": ""},
        "token": {"type": "string", "secret": True, "default": "none"},
    }
    names = header.split() if header is not None else None
    columns = {name: name for name in names or declared}
    return RowResolver([Variable(name, declaration) for name, declaration in declared.items()], fixed, columns, names)


def test_a_row_stands_above_what_all_rows_share() -> None:
    values = resolver({"note": "a", "amount": 5}, "amount user").resolve(["7.5", "u1"])
    assert (values.values, values.problems) == ({"note": "a", "amount": 7.5, "user": "u1"}, ())


def test_an_empty_cell_is_empty_text_or_no_value() -> None:
    values = resolver({"amount": 5}, "user amount note").resolve(["", "", ""])
    assert values.values == {"amount": 5, "user": "", "note": ""}


def test_a_row_without_a_value_that_it_needs_is_told_of() -> None:
    [problem] = resolver({"amount": 5}, "note").resolve(["a"]).problems
    assert (problem.code, problem.message, problem.hint) == (
        "var-missing",
        "variable 'user' has no value",
        "add a value to the column 'user', or set --var user=… for all rows",
    )


def test_each_wrong_cell_of_a_row_is_told_of() -> None:
    problems = resolver({}, "user amount note").resolve(["u1", "-1", "long"]).problems
    assert [(problem.code, problem.message, problem.context) for problem in problems] == [
        ("var-schema", "variable 'amount': -1 is less than the minimum of 0", "the value comes from column 'amount'"),
        ("var-schema", "variable 'note': the value has more than 3 characters", "the value comes from column 'note'"),
    ]


def test_a_value_of_json_keeps_its_type() -> None:
    values = resolver({}, None).resolve({"user": "7", "amount": 7})
    assert values.values == {"user": "7", "amount": 7}
    [problem] = resolver({}, None).resolve({"user": 7, "amount": 7}).problems
    assert problem.message == "variable 'user': the value must be text, not a number"


def test_secrets_of_a_row_come_with_it() -> None:
    assert resolver({"amount": 1}, "user token").resolve(["u1", "s3cr3t"]).secrets == ("s3cr3t",)


def test_what_rows_give_need_not_have_a_value_for_all() -> None:
    variables = [Variable("user", {"type": "string"}), Variable("amount", {"type": "number"})]
    fixed = resolve_fixed(variables, ({"amount": Given("5", "--var amount", is_text=True)},), {}, {}, {"user"})
    assert (fixed.values, fixed.problems) == ({"amount": 5}, ())
    assert [problem.at for problem in resolve_fixed(variables, (), {}, {}, {"user"}).problems] == ["vars.amount"]
