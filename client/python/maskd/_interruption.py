"""Calls that a signal can end, such as the KeyboardInterrupt of Ctrl-C.

Python runs signal handlers on the main thread, and only between its own instructions: never while that thread is in a
call of the library. So the main thread has its calls made by another one and waits for that, which signals interrupt;
then it requests the call to stop, and waits until no buffer is in use any more. Calls of other threads, which get no
signals, are made directly, and so are those that are computed in-process.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Iterator
from typing import Any, Callable

from maskd._library import library


class Stop:
    """A request to end calls, which can come from any thread. Requested once, it stays so."""

    def __init__(self) -> None:
        self.pointer: int | None = library.maskd_stop_new()
        if self.pointer is None:
            raise MemoryError("no memory for a maskd_stop")

    def request(self) -> None:
        """Ends the calls that have this stop with CANCELLED."""
        library.maskd_stop_request(self.pointer)

    def __del__(self, free: Any = library.maskd_stop_free) -> None:
        free(self.pointer)


class _Task:
    """One call, made by whoever claims it first: the caller claims it to have it not made at all."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._claim = threading.Lock()
        self._done = threading.Lock()
        self._done.acquire()
        self.result: Any = None
        self.error: BaseException | None = None
        self.finished = False

    def claim(self) -> bool:
        return self._claim.acquire(blocking=False)

    def run(self) -> None:
        try:
            self.result = self._call()
        except BaseException as error:
            self.error = error
        finally:
            self.finished = True
            self._done.release()

    def wait(self) -> None:
        self._done.acquire()


class _Caller:
    """The thread that makes the calls of the main thread, one after another."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        threading.Thread(target=self._make_calls, name="maskd-caller", daemon=True).start()

    def put(self, task: _Task) -> None:
        self._tasks.put(task)

    def _make_calls(self) -> None:
        while True:
            task = self._tasks.get()
            if task.claim():
                task.run()
            del task  # its arrays are the caller's alone again


_current = threading.local()
_caller: _Caller | None = None


def _forget_caller() -> None:
    """In a forked child, which has no such thread."""
    global _caller
    _caller = None


os.register_at_fork(after_in_child=_forget_caller)


@contextlib.contextmanager
def stoppable(stop: Stop) -> Iterator[None]:
    """Calls of this thread meanwhile end when `stop` is requested. Not for the main thread."""
    _current.stop = stop
    try:
        yield
    finally:
        _current.stop = None


def make_call(call: Callable[[int | None], Any], waits: bool) -> Any:
    """Returns `call(stop)`, where `stop` is the maskd_stop pointer that ends it, or None.

    A call that waits for nobody is made directly on the main thread too: the way to another one and back takes a tenth
    of a millisecond, and signals can wait for the call.
    """
    if not waits or threading.current_thread() is not threading.main_thread():
        stop: Stop | None = getattr(_current, "stop", None)
        return call(stop.pointer if stop is not None else None)

    global _caller
    if _caller is None:
        _caller = _Caller()
    stop = Stop()
    task = _Task(lambda: call(stop.pointer))
    try:
        _caller.put(task)
        task.wait()
    except BaseException:
        if not task.claim():
            stop.request()
            _wait_in_any_case(task)
        raise
    if task.error is not None:
        raise task.error
    return task.result


def _wait_in_any_case(task: _Task) -> None:
    """A second Ctrl-C does not leave a call behind that still writes to the caller's arrays."""
    while not task.finished:
        with contextlib.suppress(BaseException):
            task.wait()
