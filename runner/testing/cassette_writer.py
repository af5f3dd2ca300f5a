"""A Cassette → a file in vcrpy's format, which vcrpy can read in any project."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING

from runner import __version__
from runner.errors import Problem
from runner.testing.cassette import Cassette, CassetteError, Interaction
from runner.testing.cassette_reader import read
from runner.testing.leaks import leaks
from runner.testing.masked import masked_interaction
from runner.writing import overwrite

if TYPE_CHECKING:
    from pathlib import Path

    from runner.secrets import Mask


def save(path: Path, cassette: Cassette, mask: Mask, project: Path, shown: str | None = None) -> None:
    """Write a masked cassette atomically: after a failure, the file is unchanged.

    The new file is read back. Raises CassetteError: `cassette-leak` if it still contains a secret, `cassette-unrecorded`
    if it reads differently, `cassette-empty` if there is nothing to write. Raises the errors of `writing.overwrite`.
    """
    name = shown or str(path)
    if not cassette.interactions:
        raise CassetteError(Problem("cassette-empty", f"nothing was recorded for {name}"))
    masked = replace(
        cassette,
        source=cassette.source and mask.text(cassette.source),
        interactions=tuple(_spread(masked_interaction(each, mask)) for each in cassette.interactions),
    )

    def check(fresh: Path) -> None:
        if found := leaks(fresh, mask, name):
            hint = "an event's names and structure must not contain a secret; nothing was written"
            raise CassetteError(*(replace(problem, hint=hint) for problem in found))
        if read(fresh, name, None) != masked:
            raise CassetteError(_unrecorded(name, "the written file reads differently"))

    overwrite(path, _written(masked, name).encode(), project, check=check, shown=name)


def _unrecorded(name: str, why: str) -> Problem:
    return Problem("cassette-unrecorded", f"{name} can't be recorded: {why}")


def _written(cassette: Cassette, name: str) -> str:
    # Imported here because replaying needs neither, and the import takes longer than replaying thirty cases.
    from vcr.request import Request as VcrRequest  # type: ignore[import-untyped] # noqa: PLC0415
    from vcr.serialize import serialize  # type: ignore[import-untyped] # noqa: PLC0415

    from runner.source.yaml_writer import write_yaml  # noqa: PLC0415

    requests, responses = [], []
    for interaction in cassette.interactions:
        request, answer = interaction.request, interaction.answer
        for body in (request.body, answer.body):
            try:
                body.decode()
            except UnicodeDecodeError:
                raise CassetteError(_unrecorded(name, "a request or its answer is not UTF-8 text")) from None
        headers = {} if request.content_type is None else {"Content-Type": request.content_type}
        requests.append(VcrRequest(request.method, request.uri, request.body, headers))
        headers_of_answer = {"Content-Type": answer.content_type, "Retry-After": answer.retry_after}
        responses.append(
            {
                "status": {"code": answer.status_code, "message": _reason(answer.status_code)},
                "headers": {name: [value] for name, value in headers_of_answer.items() if value is not None},
                "body": {"string": answer.body},
            }
        )
    written = SimpleNamespace(serialize=write_yaml)
    text: str = serialize({"requests": requests, "responses": responses}, written)
    run = f" as {cassette.run}" if cassette.run is not None else ""
    recorded_at = "unknown" if cassette.recorded_at is None else cassette.recorded_at
    return f"# recorded {recorded_at} from {cassette.source} by suprsend-runner {__version__}{run}\n{text}"


def _reason(status_code: int) -> str:
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return ""


def _spread(interaction: Interaction) -> Interaction:
    """Indent JSON bodies, so that a diff shows what changed. Only white space differs."""
    request, answer = interaction.request, interaction.answer
    return replace(
        interaction,
        request=request._replace(body=_spread_body(request.body)),
        answer=replace(answer, body=_spread_body(answer.body)),
    )


def _spread_body(body: bytes) -> bytes:
    try:
        text = body.decode()
        spread = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        same = _TOKENS.findall(text) == _TOKENS.findall(spread)
    except (ValueError, RecursionError):
        return body
    return spread.encode() if same else body


_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s"\[\]{},:]+')
