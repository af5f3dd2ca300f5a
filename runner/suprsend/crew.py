"""Many deliveries → the same, done: several at once, in threads; can be stopped at any instant."""

from __future__ import annotations

from threading import Condition, Thread
from typing import TYPE_CHECKING

from runner.suprsend.delivery import Gate

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from runner.suprsend.delivery import Courier, Delivery


def deliver_all(courier: Courier, deliveries: Sequence[Delivery], concurrency: int) -> Generator[Delivery]:
    """Send deliveries, `concurrency` at once; yields each in order when it is done, or will not be sent at all.

    Once the platform refuses the credentials, nothing more is begun. When this is closed, or interrupted, nothing more
    is begun either, and what is under way is not waited for: the results of each delivery say what is known of it.
    """
    gate = Gate()
    try:
        if concurrency == 1 or len(deliveries) <= 1:
            for delivery in deliveries:
                courier.deliver(delivery, gate)
                yield delivery
        else:
            yield from _Crew(courier, deliveries, gate).work(min(concurrency, len(deliveries)))
    finally:
        gate.shut()


class _Crew:
    def __init__(self, courier: Courier, deliveries: Sequence[Delivery], gate: Gate) -> None:
        self._courier = courier
        self._deliveries = deliveries
        self._gate = gate
        self._queue = iter(deliveries)
        self._done: set[Delivery] = set()
        self._at_work = 0
        self._error: BaseException | None = None
        self._changed = Condition()

    def work(self, hands: int) -> Generator[Delivery]:
        """Let some threads do the work; yields what is done, in the order of the queue."""
        for _ in range(hands):
            with self._changed:
                self._at_work += 1
            try:
                # A pool of the standard library would keep the interpreter from ending while a request is under way.
                Thread(target=self._work, daemon=True).start()
            except RuntimeError:  # no more threads here, or the interpreter is ending
                with self._changed:
                    self._at_work -= 1
                break
        if not self._at_work:
            self._at_work = 1
            self._work()
        for delivery in self._deliveries:
            with self._changed:
                while delivery not in self._done and self._at_work:
                    self._changed.wait()
            if self._error is not None:
                raise self._error
            yield delivery

    def _work(self) -> None:
        try:
            while (delivery := self._next()) is not None:
                self._courier.deliver(delivery, self._gate)
                with self._changed:
                    self._done.add(delivery)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of the caller
            self._error = error
            self._gate.shut()
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def _next(self) -> Delivery | None:
        with self._changed:
            return None if self._gate.is_shut else next(self._queue, None)
