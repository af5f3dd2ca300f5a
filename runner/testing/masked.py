"""Requests and answers with their secrets masked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.source import parse_json
from runner.testing.request_diff import Request

if TYPE_CHECKING:
    from runner.secrets import Mask
    from runner.testing.cassette import Interaction


def masked_interaction(interaction: Interaction, mask: Mask) -> Interaction:
    """Return an interaction with its secrets masked. JSON stays valid."""
    answer = interaction.answer
    return replace(
        interaction,
        request=masked_request(interaction.request, mask),
        answer=replace(
            answer,
            body=_masked_body(answer.body, mask),
            retry_after=answer.retry_after and mask.text(answer.retry_after),
            content_type=answer.content_type and mask.text(answer.content_type),
        ),
    )


def masked_request(request: Request, mask: Mask) -> Request:
    """Return a request with its secrets masked, as it is recorded."""
    content_type = request.content_type and mask.text(request.content_type)
    return Request(request.method, mask.text(request.uri), content_type, _masked_body(request.body, mask))


def _masked_body(body: bytes, mask: Mask) -> bytes:
    """Mask a body; one without secrets stays the same, byte for byte."""
    text = body.decode("utf-8", "surrogateescape")
    try:
        value = parse_json(body)
        masked = mask.json(value)
    except (ValueError, RecursionError):
        return mask.data(text).encode("utf-8", "surrogateescape")
    if masked == value and not mask.spans(text):
        return body
    # The JSON may hide a secret in a duplicate key, of which the parser keeps only the last value.
    return json.dumps(masked, separators=(",", ":")).encode()
