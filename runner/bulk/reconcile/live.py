"""Keys → their messages, asked of the messages API one key after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.bulk.reconcile.sightings import entries_of, message_of
from runner.suprsend.message_poll import poll
from runner.suprsend.messages_api import messages_of_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.bulk.reconcile.join import Join
    from runner.suprsend.connection import Connection
    from runner.suprsend.messages_api import ListFailure

_PATIENCE_S = 120.0
"""A list that fails is asked for again for this long, with the pauses that the platform asks for."""
_LOOK_TIMEOUT_S = 10.0


def look_for(
    connection: Connection,
    keys: Sequence[str],
    join: Join,
    *,
    clock: Callable[[], float],
    now_s: Callable[[], float],
    sleep: Callable[[float], None],
    random: Callable[[], float],
    on_look: Callable[[int], None],
) -> ListFailure | None:
    """Look for the messages of each key. Return the failure that ended it, if one did: the keys after it are not asked.

    `clock` is monotonic, `now_s` the time of day. `on_look` gets the number of keys so far.
    """
    for number, key in enumerate(keys, 1):
        polled = poll(
            lambda key=key: messages_of_key(connection, key, now_s(), _LOOK_TIMEOUT_S),  # type: ignore[misc]
            lambda *_: True,
            _PATIENCE_S,
            clock=clock,
            sleep=sleep,
            random=random,
        )
        if polled.failure is not None:
            return polled.failure
        join.ask(key)
        join.add(message_of({**entries_of(message.raw), "idempotency_key": key}) for message in polled.messages)
        on_look(number)
    return None
