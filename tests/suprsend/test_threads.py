from __future__ import annotations

from threading import Event as Flag

import pytest

from runner.suprsend.threads import Threads


def test_tasks_run_at_the_same_time_and_give_their_results() -> None:
    go, begun = Flag(), [Flag(), Flag()]

    def wait(number: int) -> int:
        begun[number].set()
        assert go.wait(10)
        return number

    with Threads(2) as threads:
        futures = [threads.submit(wait, number) for number in range(2)]
        assert all(flag.wait(10) for flag in begun)
        go.set()
        assert [future.result(10) for future in futures] == [0, 1]


def test_what_a_task_raises_is_raised_where_its_result_is_asked_for() -> None:
    with Threads(1) as threads:
        future = threads.submit(int, "x")
        with pytest.raises(ValueError, match="invalid literal"):
            future.result(10)
        assert threads.submit(int, "7").result(10) == 7


def test_what_no_thread_has_begun_can_be_forgotten() -> None:
    go, begun = Flag(), Flag()

    def wait() -> None:
        begun.set()
        go.wait(10)

    threads = Threads(1)
    first, second = threads.submit(wait), threads.submit(wait)
    assert begun.wait(10)
    threads.shutdown(wait=False, cancel_futures=True)
    go.set()
    first.result(10)
    assert not second.done()
