"""Parts → the workers of a Dask cluster: a `concurrent.futures.Executor`.

Each part is pinned to one worker, which this side chooses, so that the scheduler does not move it. A worker that leaves while
it has parts raises WorkerDied for them: they may have been sent. The scheduler and the network see only bytes, so that the
scheduler needs none of our code.
"""

from __future__ import annotations

import pickle
import sys
from asyncio import gather, wait_for
from collections import deque
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from distributed import KilledWorker

from runner.bulk.cluster.seat import Call, answer_of, hurry_seat, leave_seat, take_seat
from runner.bulk.worker_messages import PROTOCOL, unpacked
from runner.bulk.workers import WorkerDied
from runner.durations import shown_duration
from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from distributed import Client
    from distributed import Future as DaskFuture

P = ParamSpec("P")
T = TypeVar("T")

_PACKAGE = "suprsend-runner"
_AHEAD = 2
"""Parts on a worker for each of its threads: one is sent, and the next one waits."""
_LOOK_S = 0.25
_ANSWER_S = 15.0
NO_WORKERS_S = 300.0


@dataclass(eq=False)
class _Worker:
    """A worker that knows the run."""

    address: str
    threads: int
    incarnation: str
    is_hurried: bool = False
    tasks: dict[int, _Task] = field(default_factory=dict)

    @property
    def room(self) -> int:
        return _AHEAD * self.threads - len(self.tasks)


@dataclass(eq=False)
class _Task:
    """A call with the future for its result. `remote` is Dask's, once it was submitted."""

    function: Callable[..., object]
    args: tuple[object, ...]
    future: Future[Any] = field(default_factory=Future)
    remote: DaskFuture | None = None


class ClusterExecutor(Executor):
    """Runs tasks of one run on the workers that `client` has, now and later. `briefing` is the run, and `seat` its name there."""

    def __init__(
        self,
        client: Client,
        seat: str,
        briefing: bytes,
        concurrency: int | None,
        no_workers_s: float = NO_WORKERS_S,
    ) -> None:
        """Brief the workers that are there. Raises MachineError if one of them can't send.

        Without any worker for `no_workers_s` seconds, the cluster is lost.
        """
        self._no_workers_s = no_workers_s
        self._concurrency = concurrency
        self._client = client
        self._seat = seat
        self._briefing = briefing
        self._lock = Lock()
        self._waiting: deque[_Task] = deque()
        self._workers: dict[str, _Worker] = {}
        self._numbers = count(1)
        self._refusal: MachineError | None = None
        self._is_shut = False
        self._ends = Event()
        self._look = Event()
        self._is_to_hurry = False
        self._alone_s = monotonic()
        self._bait: DaskFuture | None = None
        """A task that any worker can take, so that an adaptive cluster sees that workers are wanted."""
        self._watch_once()
        self._watcher = Thread(target=self._watch, name="cluster", daemon=True)
        self._watcher.start()

    @property
    def capacity(self) -> int:
        """How many parts may be in flight now: some wait on the workers, unless these have more threads than requests may be."""
        threads = sum(worker.threads for worker in list(self._workers.values()))
        most = self._concurrency
        return most if most is not None and threads > most else max(1, _AHEAD * threads)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn(*args, **kwargs)` on a worker. Raises MachineError if the cluster is lost, and RuntimeError after a shutdown."""
        task = _Task(partial(fn, **kwargs) if kwargs else fn, args)
        task.future.set_running_or_notify_cancel()
        with self._lock:
            if self._is_shut:
                raise RuntimeError("no task is taken after shutdown")
            if self._refusal is not None:
                raise self._refusal
            self._waiting.append(task)
        self._hand_over()
        return task.future

    def hurry(self) -> None:
        """Let the parts in flight end soon, on all workers."""
        self._is_to_hurry = True
        self._look.set()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more parts, and let the workers forget the run. Without `wait`, parts in flight raise WorkerDied."""
        with self._lock:
            self._is_shut = True
        self._ends.set()
        self._look.set()
        self._watcher.join(_ANSWER_S if wait else _LOOK_S)
        if cancel_futures or not wait:
            self._fail_all(WorkerDied("the run ended before it answered"))
        with self._lock:
            addresses = list(self._workers)
        is_lost = self._refusal is not None and self._refusal.problems[0].code == "cluster-lost"
        if addresses and not is_lost:
            self._run(leave_seat, self._seat, workers=addresses)

    def _hand_over(self) -> None:
        """Submit waiting parts to the workers with the most room."""
        while (chosen := self._next()) is not None:
            worker, number, task = chosen
            call = Call(self._seat, worker.incarnation, number, task.function, task.args)
            payload = pickle.dumps(_Deferred(answer_of, (call,)), PROTOCOL)
            task.remote = self._submit(payload, number, worker.address)

    def _next(self) -> tuple[_Worker, int, _Task] | None:
        with self._lock:
            worker = max(self._workers.values(), key=lambda each: each.room / each.threads, default=None)
            if worker is None or worker.room <= 0 or not self._waiting:
                return None
            number, task = next(self._numbers), self._waiting.popleft()
            worker.tasks[number] = task
            return worker, number, task

    def _submit(self, payload: bytes, number: int, address: str) -> DaskFuture:
        remote = self._client.submit(
            pickle.loads, payload,
            key=f"runner-{self._seat}-{number}", workers=[address], allow_other_workers=False, pure=False, retries=0,
        )  # fmt: skip
        self._client.loop.add_callback(self._settle, remote, number, address)
        return remote

    async def _settle(self, remote: DaskFuture, number: int, address: str) -> None:
        """Resolve the future of a part from that of Dask, which is released at once."""
        result = await remote._result(raiseit=False)  # noqa: SLF001 - as Dask's own executor does
        status = remote.status
        remote.release()
        with self._lock:
            worker = self._workers.get(address)
            task = worker.tasks.pop(number, None) if worker is not None else None
        if task is None:  # its worker was seen to leave
            return
        answer: Any = None
        error: BaseException | None = WorkerDied(f"the answer of the worker {address} can't be read")
        try:
            answer, error = self._answer(status, result, address)
        finally:
            if error is not None:
                task.future.set_exception(error)
            else:
                task.future.set_result(answer)
            self._hand_over()

    def _answer(self, status: str, result: Any, address: str) -> tuple[Any, BaseException | None]:
        """Return the result of a part, or its error, from what Dask says of it. Raises the errors of pickle."""
        if status == "error":
            return None, _raised(result[1], address)
        if status != "finished":
            return None, WorkerDied("the scheduler lost it")
        answer, error = unpacked(result)
        if error is not None:
            return None, error
        if answer is None:
            self._leave(address)  # it is briefed again
            return None, WorkerDied(f"the worker {address} had forgotten the run, and did not run it")
        return answer[0], None

    def _watch(self) -> None:
        while not self._ends.is_set():
            self._look.wait(_LOOK_S)
            self._look.clear()
            try:
                self._watch_once()
            except MachineError as error:
                self._refuse(error)
                return

    def _watch_once(self) -> None:
        """Compare the workers with those of the scheduler: fail the parts of those that left, and brief new ones."""
        there = self._there()
        for address in [each for each in list(self._workers) if each not in there]:
            self._leave(address)
        if new := [each for each in there if each not in self._workers]:
            self._brief(new, there)
        if self._is_to_hurry and (slow := [each for each in self._workers.values() if not each.is_hurried]):
            for worker in slow:
                worker.is_hurried = True
            self._run(hurry_seat, self._seat, workers=[worker.address for worker in slow])
        if self._workers:
            self._alone_s = monotonic()
            self._bait = None
        elif self._bait is None:
            self._bait = self._client.submit(sys.getrecursionlimit, pure=False)
        elif monotonic() - self._alone_s > self._no_workers_s:
            message = f"the cluster has had no workers for {shown_duration(round(self._no_workers_s))}"
            raise MachineError(Problem("cluster-lost", message, hint="start workers, and resume the run"))
        self._hand_over()

    def _there(self) -> dict[str, int]:
        """Return the workers that the scheduler has, with their threads."""
        try:
            found: dict[str, int] = self._client.nthreads(callback_timeout=_ANSWER_S)
        except (OSError, TimeoutError) as error:
            raise _lost(error) from None
        return found

    def _run(self, function: Callable[..., T], *args: object, workers: Sequence[str]) -> dict[str, Any]:
        """Call a function on workers, beside their tasks. An exception stands in the place of its result.

        Each is called on its own: one that is gone lets the scheduler wait for long.
        """

        async def answer_from(worker: str) -> Any:
            call = self._client._run  # noqa: SLF001 - the public method waits without a limit
            try:
                answers = await wait_for(call(function, *args, workers=[worker], on_error="return"), _ANSWER_S)
            except OSError as error:
                return error
            return answers.get(worker, OSError("it left"))

        async def answers() -> list[Any]:
            return await gather(*map(answer_from, workers))

        return dict(zip(workers, self._client.sync(answers), strict=True))

    def _brief(self, addresses: list[str], threads: dict[str, int]) -> None:
        """Let new workers know the run. Raises MachineError for one that can't send its parts."""
        ours, versions = version(_PACKAGE), self._run(version, _PACKAGE, workers=addresses)
        for address, theirs in versions.items():
            if isinstance(theirs, PackageNotFoundError):
                raise _unfit(address, f"the package {_PACKAGE} is not installed there")
            if isinstance(theirs, str) and theirs != ours:
                raise _unfit(address, f"it has version {theirs} of {_PACKAGE}, and this machine {ours}")
        ready = [address for address, theirs in versions.items() if theirs == ours]
        for address, answer in self._run(take_seat, self._seat, self._briefing, workers=ready).items() if ready else ():
            if isinstance(answer, OSError):  # it left meanwhile
                continue
            if isinstance(answer, BaseException):
                raise _unfit(address, f"{type(answer).__name__}: {answer}")
            incarnation, why = answer
            if why:
                raise _unfit(address, why)
            with self._lock:
                self._workers[address] = _Worker(address, threads[address], incarnation)

    def _leave(self, address: str) -> None:
        with self._lock:
            worker = self._workers.pop(address, None)
        for task in worker.tasks.values() if worker is not None else ():
            if task.remote is not None:
                task.remote.release()
            task.future.set_exception(WorkerDied(f"the worker {address} left before it answered"))

    def _refuse(self, error: MachineError) -> None:
        with self._lock:
            self._refusal = error
        self._fail_all(error)

    def _fail_all(self, error: Exception) -> None:
        with self._lock:
            tasks = [*self._waiting, *(task for worker in self._workers.values() for task in worker.tasks.values())]
            self._waiting.clear()
            for worker in self._workers.values():
                worker.tasks.clear()
        for task in tasks:
            task.future.set_exception(error)


class _Deferred:
    """A call that is made when it is unpickled: its function is not looked up before, so the scheduler need not have it."""

    def __init__(self, function: Callable[..., object], args: tuple[object, ...]) -> None:
        self._call = function, args

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


def _raised(error: BaseException, address: str) -> BaseException:
    if isinstance(error, KilledWorker):
        return WorkerDied(f"the worker {address} died before it answered")
    if isinstance(error, ImportError):
        return _unfit(address, str(error))
    return error


def _unfit(address: str, why: str) -> MachineError:
    hint = "nothing was sent by it; see: runner explain cluster-worker"
    return MachineError(
        Problem("cluster-worker", f"the worker {address} can't send parts of the run: {why}", hint=hint)
    )


def _lost(error: BaseException) -> MachineError:
    reason = f": {error}" if str(error) else ""
    message = f"the scheduler of the cluster does not answer{reason}"
    return MachineError(Problem("cluster-lost", message, hint="resume the run when it is there again"))
