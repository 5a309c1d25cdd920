"""A connected client: its handle, its calls, and what it says of itself and its servers."""

from __future__ import annotations

import ctypes
import math
from types import TracebackType
from typing import Any, Callable, NamedTuple, NoReturn, TypeVar

from maskd import _structs
from maskd._errors import FailedPrecondition
from maskd._interruption import make_call
from maskd._library import library

Self = TypeVar("Self", bound="Connection")


class DeviceState(NamedTuple):
    """A device of a server."""

    id: str  #: as ``maskd --device`` takes it, such as ``"cpu"`` or ``"cuda:0"``
    backend: str
    name: str
    healthy: bool
    error: str  #: why not healthy


class ServerInfo(NamedTuple):
    """What a server is, and what it takes; all limits are inclusive."""

    version: str
    backend: str
    device_name: str
    algorithm_version: int
    max_message_bytes: int
    max_sequence_length: int
    max_batch_tokens: int
    max_element_bytes: int
    max_inflight_bytes: int
    devices: tuple[DeviceState, ...]


def closed_error() -> FailedPrecondition:
    """What calls of a closed client raise."""
    return FailedPrecondition("this client is closed; connect another")


class _Handle:
    """A maskd_client, which is freed when the last call that uses it has returned."""

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer

    def __del__(self, free: Any = library.maskd_client_free) -> None:
        free(self.pointer)


class Connection:
    """What every client has. Made by `connect`; thread-safe."""

    def __init__(self, pointer: int, has_servers: bool) -> None:
        self._handle: _Handle | None = _Handle(pointer)
        self._has_servers = has_servers

    def close(self) -> None:
        """Ends the client; calls that are under way on other threads finish first. Later ones fail."""
        self._handle = None

    def __deepcopy__(self: Self, memo: dict[int, Any]) -> Self:
        """Itself: copies of a model that has a client, such as its moving average, share it."""
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client cannot be pickled; connect in the process that needs one")

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def check_health(self, *, timeout: float | None = None) -> None:
        """Returns if a server says that it serves, and always in-process.

        Raises:
            Unavailable: none does.
        """
        self._call(lambda client, limits: library.maskd_check_health(client, limits), timeout)

    def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the first server that answers says of itself; of this process for ``"inproc:"``."""
        info = ctypes.POINTER(_structs.ServerInfo)()
        self._call(lambda client, limits: library.maskd_get_server_info(client, limits, ctypes.byref(info)), timeout)
        try:
            found = info.contents
            return ServerInfo(
                version=found.version.decode(),
                backend=found.backend.decode(),
                device_name=found.device_name.decode(errors="replace"),
                algorithm_version=found.algorithm_version,
                max_message_bytes=found.max_message_bytes,
                max_sequence_length=found.max_sequence_length,
                max_batch_tokens=found.max_batch_tokens,
                max_element_bytes=found.max_element_bytes,
                max_inflight_bytes=found.max_inflight_bytes,
                devices=tuple(_device_state(found.devices[i].contents) for i in range(found.num_devices)),
            )
        finally:
            library.maskd_server_info_free(info)

    def statistics(self) -> dict[str, Any]:
        """What this client has counted since `connect`.

        Returns:
            ``calls``, ``failed_calls``, ``retries``, ``fallbacks`` (computed in-process because no server answered),
            ``bytes_sent``, ``bytes_received``, ``wait_seconds`` and ``waits`` (of training steps for their masks), and
            ``replicas``: for each address a dict of ``address``, ``healthy``, ``calls``, ``samples``, ``failures`` and
            ``samples_per_second``.
        """
        counted = ctypes.POINTER(_structs.Statistics)()
        library.maskd_get_statistics(self._open_handle().pointer, ctypes.byref(counted))
        try:
            found = counted.contents
            result: dict[str, Any] = _fields(found, without=("struct_size", "num_replicas", "replicas"))
            result["replicas"] = [
                _fields(found.replicas[i].contents, without=("struct_size",)) for i in range(found.num_replicas)
            ]
            return result
        finally:
            library.maskd_statistics_free(counted)

    def prometheus_text(self) -> str:
        """The statistics in the text format of Prometheus."""
        text = ctypes.c_void_p()
        library.maskd_get_prometheus_text(self._open_handle().pointer, ctypes.byref(text))
        try:
            return ctypes.string_at(text.value or 0).decode()
        finally:
            library.maskd_text_free(text)

    def _add_wait(self, seconds: float) -> None:
        """Counts one wait of a training step for its masks."""
        library.maskd_add_wait(self._open_handle().pointer, round(seconds * 1e9))

    def _open_handle(self) -> _Handle:
        handle = self._handle
        if handle is None:
            raise closed_error()
        return handle

    def _call(self, call: Callable[[int, Any], Any], timeout: float | None = None) -> None:
        """Makes `call(client, limits)` so that signals, and the Stop of this thread, can end it."""
        handle = self._open_handle()
        milliseconds = 0 if timeout is None else _milliseconds(timeout)

        def limited(stop: int | None) -> Any:
            limits = _structs.CallLimits(timeout_milliseconds=milliseconds, stop=stop)
            return call(handle.pointer, ctypes.byref(limits))

        make_call(limited, waits=self._has_servers)


def _milliseconds(timeout: float) -> int:
    """`timeout` in seconds, rounded up; a timeout that has passed is -1."""
    if timeout <= 0:
        return -1
    return min(math.ceil(timeout * 1000), 2**40) if timeout < 2**30 else 2**40


def _device_state(device: Any) -> DeviceState:
    return DeviceState(
        device.id.decode(),
        device.backend.decode(),
        device.name.decode(errors="replace"),
        bool(device.healthy),
        device.error.decode(errors="replace"),
    )


def _fields(struct: ctypes.Structure, without: tuple[str, ...]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, *_ in struct._fields_:
        if name not in without:
            value = getattr(struct, name)
            fields[name] = value.decode() if isinstance(value, bytes) else value
    if "healthy" in fields:
        fields["healthy"] = bool(fields["healthy"])
    return fields
