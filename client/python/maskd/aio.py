"""The client for asyncio.

    async with maskd.aio.connect("localhost:50051") as client:
        kept, mask, ids_restore = await client.random_masking(x, mask_ratio=0.75, seed=1)

Cancelling a task that awaits a call cancels the call; CancelledError arrives when no buffer of it is in use any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import maskd
from maskd._client import Client
from maskd._connection import closed_error
from maskd._interruption import Stop, stoppable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")

R = TypeVar("R")


def _coroutine(
    method: Callable[Concatenate[Client, P], R],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, R]]:
    async def call(self: AsyncClient, /, *arguments: P.args, **keywords: P.kwargs) -> R:
        return await self._run(functools.partial(method, self._client, *arguments, **keywords))

    functools.update_wrapper(call, method)
    return call


class AsyncClient:
    """The methods of maskd.Client as coroutines, with the same arguments, results and errors.

    At most `concurrency` calls are under way at a time; further ones wait. Belongs to one event loop.
    """

    def __init__(self, client: Client, concurrency: int) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="maskd-aio")
        self._closed = False

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Waits for the calls under way, then closes the client. Later calls fail, also those made meanwhile."""
        self._closed = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, functools.partial(self._threads.shutdown, wait=True))
        self._client.close()

    async def _run(self, call: Callable[[], R]) -> R:
        if self._closed:
            raise closed_error()
        stop = Stop()

        def stoppable_call() -> R:
            with stoppable(stop):
                return call()

        running = self._threads.submit(stoppable_call)
        result = asyncio.wrap_future(running)
        try:
            return await asyncio.shield(result)
        except asyncio.CancelledError:
            stop.request()
            running.cancel()  # if no thread has taken it yet
            while not result.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([result])
            if not result.cancelled():
                result.exception()  # asyncio logs errors that nobody has looked at
            raise

    random_masking = _coroutine(Client.random_masking)
    generate_mask = _coroutine(Client.generate_mask)
    restore_tokens = _coroutine(Client.restore_tokens)
    gather = _coroutine(Client.gather)
    scatter = _coroutine(Client.scatter)
    scatter_add = _coroutine(Client.scatter_add)
    masked_select = _coroutine(Client.masked_select)
    pad_sequences = _coroutine(Client.pad_sequences)
    masked_nll_loss = _coroutine(Client.masked_nll_loss)
    masked_reconstruction_loss = _coroutine(Client.masked_reconstruction_loss)
    server_info = _coroutine(Client.server_info)
    check_health = _coroutine(Client.check_health)

    def statistics(self) -> dict[str, Any]:
        """As Client.statistics: makes no call."""
        return self._client.statistics()

    def prometheus_text(self) -> str:
        """As Client.prometheus_text: makes no call."""
        return self._client.prometheus_text()


def connect(address: str | Sequence[str], *, concurrency: int = 8, **options: Any) -> AsyncClient:
    """Connects as `maskd.connect` does, with the same options; does not wait for a server.

    Args:
        address: As of `maskd.connect`.
        concurrency: How many calls are under way at a time.
        **options: The other keywords of `maskd.connect`.
    """
    return AsyncClient(maskd.connect(address, **options), concurrency)
