"""Masks of coming batches, drawn while the training step runs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from numbers import Integral
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Union

from maskd._interruption import Stop, stoppable

if TYPE_CHECKING:
    from maskd._client import Client

Pick = Union[Callable[[Any], Any], Hashable]


class Position(NamedTuple):
    """Where in the training a batch is: what a checkpoint needs for prefetch to go on there."""

    epoch: int
    batch: int  # within its epoch, as are the samples
    first_sample: int  # how many samples of the epoch came before


class _Unpacked(NamedTuple):
    kept: Any
    mask: Any
    ids_restore: Any
    batch: Any


class PrefetchedBatch(_Unpacked):
    """What prefetch yields; unpacks as kept, mask, ids_restore, batch.

    `masked` has all results, those of `returns=` among them. `kept` is None where masks alone were drawn.
    """

    masked: Any
    position: Position


class _InFlight(NamedTuple):
    """A batch whose masks are under way. Holds the tokens, which the call reads where they are."""

    masked: Future[Any]
    batch: Any
    position: Position


def prefetch(
    client: Client,
    loader: Iterable[Any],
    depth: int = 4,
    *,
    epochs: int = 1,
    start_epoch: int = 0,
    start_batch: int = 0,
    tokens: Pick | None = None,
    sample_ids: Pick | None = None,
    sequence_length: int | None = None,
    per_batch: Callable[[Any, Position], Mapping[str, Any]] | None = None,
    **masking: Any,
) -> Generator[PrefetchedBatch, None, None]:
    """Masks the batches of `loader` in their order, up to `depth` of them ahead of the training step.

    The loader is iterated in the caller's thread, `epochs` times; only the calls of maskd run in threads of their
    own. Let the loader draw its random numbers from a generator of its own: it runs up to `depth` batches ahead.

    Shuffling: before each pass, set_epoch(epoch) of the loader's `sampler` and `batch_sampler` is called where there
    is one, as of DistributedSampler.

    Resuming: a batch's masks depend on its epoch and its sample ids. With the `position` of the first batch that is
    not trained on yet as `start_epoch` and `start_batch`, the first `start_batch` batches of the loader are taken from
    it and passed over, and all others get the masks that they would have got.

    Memory: a batch is held until it has been yielded. maskd reads its tokens, in place, until then: what is written
    into them meanwhile may or may not be in the kept tokens. So a loader that fills the same memory again for each
    batch must not be prefetched from.

    An error, of a call or of the loader, is raised where its batch would have come, after all batches before it; the
    iterator has then ended. To leave the loop early, close the iterator, as contextlib.closing does, or drop the last
    reference to it: that cancels the calls under way, and returns when no thread and no buffer is left.

    The time for which a step waits for its masks is counted in client.statistics(), once a batch.

    Args:
        client: Of `connect`.
        loader: Gives batches; whatever it gives comes back as `batch`.
        depth: How many calls are under way at most, 1 or more.
        epochs: How many times the loader is gone through, from `start_epoch` on.
        start_epoch: The `epoch` of the masks in the first pass, counted up in each further one.
        start_batch: How many batches of the first pass are passed over.
        tokens: Which part of a batch is masked, [N, L, ...]: a key (or index) of it, or a function of it. Default: the
            batch itself, or its first element if it is a tuple or list.
        sample_ids: Where a batch has its sample ids, [N], or the first one as an int: a key or a function. Default:
            they are counted in the loader's order, from 0 in each epoch.
        sequence_length: L, if masks alone are wanted: no tokens travel, and `kept` is None.
        per_batch: More keywords of random_masking as a function of batch and position, such as provided noise.
        **masking: Those of random_masking (or generate_mask), but for epoch, first_sample_id and out.

    Yields:
        PrefetchedBatch, which unpacks as kept, mask, ids_restore, batch.

    Raises:
        ValueError: `depth` or `start_batch` is too small; when iterated: `start_batch` is more than the batches of an
            epoch, or the loader gives none in a further one.
        TypeError: a keyword is one that prefetch sets itself, or `loader` is an iterator, which gives its batches
            once, and `epochs` is more than 1; when iterated: a batch is a dict, and `tokens` does not say what of it.
    """
    if depth < 1:
        raise ValueError(f"depth is {depth}; it must be 1 or more")
    if start_batch < 0:
        raise ValueError(f"start_batch is {start_batch}; it must be 0 or more")
    for name in ("epoch", "first_sample_id", "out"):
        if name in masking:
            raise TypeError(f"prefetch sets {name} itself; see start_epoch, start_batch and sample_ids")

    if epochs > 1 and isinstance(loader, Iterator):
        raise TypeError(
            f"loader is a {type(loader).__name__}, which gives its batches once, and epochs is {epochs}; pass what can "
            "be iterated again, such as a list or a DataLoader"
        )

    def masking_of(batch: Any, position: Position) -> Callable[[], Any]:
        keywords = {**masking, "epoch": position.epoch}
        if sample_ids is None:
            keywords["first_sample_id"] = position.first_sample
        else:
            ids = _pick(sample_ids, batch)
            keywords["first_sample_id" if isinstance(ids, Integral) else "sample_ids"] = ids
        if per_batch is not None:
            keywords.update(per_batch(batch, position))
        x = _tokens_of(batch, tokens)
        if sequence_length is None:
            return lambda: client.random_masking(x, **keywords)
        return lambda: client.generate_mask(len(x), sequence_length, **keywords)

    def positions() -> Iterator[tuple[Any, Position]]:
        for epoch in range(start_epoch, start_epoch + epochs):
            _set_epoch(loader, epoch)
            first_sample = count = 0
            for index, batch in enumerate(loader):
                if epoch > start_epoch or index >= start_batch:
                    yield batch, Position(epoch, index, first_sample)
                first_sample += len(_tokens_of(batch, tokens))
                count = index + 1
            if epoch == start_epoch and count < start_batch:
                raise ValueError(f"start_batch is {start_batch}; epoch {epoch} of the loader has {count} batches")
            if epoch > start_epoch and count == 0:
                raise ValueError(f"the loader gave no batch in epoch {epoch}; it must be iterable again and again")

    return _run(client, positions(), depth, masking_of)


def _run(
    client: Client,
    batches: Iterator[tuple[Any, Position]],
    depth: int,
    masking_of: Callable[[Any, Position], Callable[[], Any]],
) -> Generator[PrefetchedBatch, None, None]:
    stop = Stop()
    threads = ThreadPoolExecutor(depth, thread_name_prefix="maskd-prefetch")

    def begin() -> _InFlight | None:
        """Begins the call of the next batch. None: there is none."""
        try:
            following = next(batches, None)
            if following is None:
                return None
            batch, position = following
            return _InFlight(threads.submit(_stoppable_call, masking_of(batch, position), stop), batch, position)
        except Exception as error:  # of the loader, after which `batches` has ended, or of a function of the caller's
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return _InFlight(failed, None, Position(0, 0, 0))

    try:
        in_flight = deque(islice(iter(begin, None), depth))
        while True:
            following = begin()
            if following is not None:
                in_flight.append(following)
            if not in_flight:
                return
            # No name here keeps the batch: it is the caller's alone when it has been yielded.
            yield _wait_for(in_flight, client)
    finally:
        stop.request()
        threads.shutdown(wait=True)


def _wait_for(in_flight: deque[_InFlight], client: Client) -> PrefetchedBatch:
    begin = time.perf_counter()
    results = in_flight[0].masked.result()
    client._add_wait(time.perf_counter() - begin)
    _, batch, position = in_flight.popleft()
    item = PrefetchedBatch(getattr(results, "kept", None), results.mask, results.ids_restore, batch)
    item.masked, item.position = results, position
    return item


def _stoppable_call(call: Callable[[], Any], stop: Stop) -> Any:
    with stoppable(stop):
        return call()


def _pick(pick: Pick, batch: Any) -> Any:
    return pick(batch) if callable(pick) else batch[pick]


def _tokens_of(batch: Any, pick: Pick | None) -> Any:
    part = _pick(_first if pick is None else pick, batch)
    if isinstance(part, Mapping):
        raise TypeError(f"a batch has a {type(part).__name__} where tokens are expected; say which part with tokens=")
    return part


def _first(batch: Any) -> Any:
    return batch[0] if isinstance(batch, (tuple, list)) else batch


def _set_epoch(loader: Iterable[Any], epoch: int) -> None:
    """Tells the samplers of a DataLoader that shuffle by it, such as DistributedSampler, which epoch comes."""
    for name in ("sampler", "batch_sampler"):
        set_epoch = getattr(getattr(loader, name, None), "set_epoch", None)
        if callable(set_epoch):
            set_epoch(epoch)
