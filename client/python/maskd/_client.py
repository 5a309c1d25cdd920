"""connect, and the client that masks."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from maskd import _arrays, _structs
from maskd._errors import InvalidArgument
from maskd._library import library
from maskd._masking import GeneratedMask, MaskedBatch, MaskingOptions, Results, choose, integer, make_spec
from maskd._prefetch import PrefetchedBatch, prefetch
from maskd._tensors import TensorOperations

if TYPE_CHECKING:
    from typing_extensions import Unpack

_FALLBACKS = {"inproc": 1}
_logger = logging.getLogger("maskd")
_log_line = _structs.LogFunction(lambda line, data: _logger.warning("%s", line.decode(errors="replace")))
_NUMPY = _arrays.view("", np.zeros(0))


def connect(
    address: str | Sequence[str],
    *,
    timeout: float = 60.0,
    connections: int = 1,
    fallback: str | None = None,
    threads: int = 0,
    max_message_bytes: int = 1 << 30,
    stream_from_bytes: int = 16 << 20,
    max_attempts: int = 4,
    tls_root_certificates: str | bytes = b"",
    tls_certificate_chain: str | bytes = b"",
    tls_private_key: str | bytes = b"",
) -> Client:
    """Connects to one or more servers, or to none. Does not wait for them: the first call does.

    Args:
        address: ``"host:port"`` or ``"unix:path"``, a list of those, over which batches are split, or ``"inproc:"``,
            which computes the same bits in this process.
        timeout: Of each call in seconds, over all its attempts.
        connections: To each server, over which a streamed batch is split.
        fallback: ``"inproc"``: compute in this process what no server answers in time. The logger ``maskd`` warns when
            that begins, and `Client.statistics` counts it.
        threads: Of ``"inproc:"`` and of the fallback; 0: one a core.
        max_message_bytes: Bound of one response.
        stream_from_bytes: Calls with so many bytes of tokens and results, or more, are streamed.
        max_attempts: Of a call that finds no server, the first included.
        tls_root_certificates: PEM of those that the server's certificate must be signed by. Empty: no TLS.
        tls_certificate_chain: PEM of the caller's certificate, for a server that asks for one.
        tls_private_key: PEM of its key.

    Raises:
        InvalidArgument: an address or an option is none of these.
        FailedPrecondition: this process was forked from one that had connected to a server. Start workers with
            ``spawn`` or ``forkserver``; ``"inproc:"`` works in any.

    Example:
        >>> with maskd.connect("localhost:50051") as client:
        ...     kept, mask, ids_restore = client.random_masking(x, 0.75, seed=1, epoch=epoch, sample_ids=ids)
    """
    if timeout <= 0:
        raise InvalidArgument(f"timeout is {timeout}; it must be more than 0 seconds")
    addresses = [address] if isinstance(address, str) else list(address)
    options = _structs.ClientOptions(
        timeout_milliseconds=max(1, round(min(timeout, 2.0**30) * 1000)),
        max_message_bytes=integer("max_message_bytes", max_message_bytes, 1, 2**62),
        stream_from_bytes=integer("stream_from_bytes", stream_from_bytes, 1, 2**62),
        connections=integer("connections", connections, 1, 1024),
        max_attempts=integer("max_attempts", max_attempts, 1, 2**31 - 1),
        fallback_in_process=0 if fallback is None else choose("fallback", fallback, _FALLBACKS),
        in_process_threads=integer("threads", threads, 0, 2**16),
        tls_root_certificates=_pem(tls_root_certificates),
        tls_certificate_chain=_pem(tls_certificate_chain),
        tls_private_key=_pem(tls_private_key),
        log=_log_line,
    )
    names = (ctypes.c_char_p * len(addresses))(*(name.encode() for name in addresses))
    pointer = ctypes.c_void_p()
    library.maskd_connect(names, len(addresses), ctypes.byref(options), ctypes.byref(pointer))
    assert pointer.value is not None
    return Client(pointer.value, has_servers=addresses != ["inproc:"])


def _pem(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


class Client(TensorOperations):
    """A client of maskd, as `connect` makes it: masking, and the tensor operations.

    Thread-safe: calls may overlap, and release the GIL. A call to servers on the main thread ends when a signal handler
    raises, such as with KeyboardInterrupt; what it was to write is then unspecified. One of ``"inproc:"`` is finished
    first. The arrays of a call must not change
    before it returns. After fork, calls in the child raise FailedPrecondition.
    """

    def random_masking(
        self,
        x: Any,
        mask_ratio: float = 0.75,
        *,
        num_keep: int | None = None,
        seed: int = 0,
        epoch: int = 0,
        sample_ids: Any = None,
        first_sample_id: int = 0,
        noise: Any = None,
        returns: Sequence[str] = ("kept", "mask", "ids_restore"),
        out: Sequence[Any] | Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **options: Unpack[MaskingOptions],
    ) -> MaskedBatch:
        """Masks tokens as ``random_masking`` of facebookresearch/mae does.

        A sample's mask is a function of (seed, epoch, sample id, mask_index) alone: the same arguments give the same
        masks, so say which samples these are, or at least count `epoch` or `first_sample_id` up.

        Args:
            x: Tokens [N, L, ...] of any dtype of 1 to 16 bytes: a numpy array, a torch CPU tensor, or anything with
                DLPack or the buffer protocol. Read in place; copied once if it is not C-contiguous.
            mask_ratio: Share of each sequence to remove, in [0, 1).
            num_keep: K, tokens to keep; overrides mask_ratio.
            seed: In [0, 2^64).
            epoch: In [0, 2^24).
            sample_ids: [N] integers in [0, 2^64): who the samples are, such as their index in the data set.
            first_sample_id: Instead of sample_ids: they are counted up from here.
            noise: [N, L] float32 to order tokens by, instead of drawn noise: the lowest are kept.
            returns: Which results are computed, of ``"kept"``, ``"mask"``, ``"ids_restore"``, ``"ids_keep"``,
                ``"ids_mask"`` and ``"noise"``. The others are None.
            out: Arrays for results, which are written in place: a sequence in the order of `returns`, or a dict by its
                names; None for a new one. They are numpy arrays, torch CPU tensors, writable buffers or, with numpy
                2.1, arrays with DLPack; they must have the result's shape and dtype and be C-contiguous, and not
                overlap with `x`.
            timeout: In seconds, over all attempts. None: that of `connect`.
            **options: See `MaskingOptions`.

        Returns:
            kept [N, K, ...] of the dtype of `x`, mask [N, L] float32 (1 is removed), ids_restore [N, L] int64, and more
            by name (`MaskedBatch`): torch tensors if `x` is one, else numpy arrays.

        Raises:
            TypeError: an array is on another device, or of a dtype that is not taken.
            InvalidArgument: a value breaks a rule, which the message says.
            Unavailable: no server answers, or it drains.
            DeadlineExceeded: the timeout passed.
            ResourceExhausted: the server has no room, also after waiting for the timeout.
            FailedPrecondition: the client is closed, or this process was forked after `connect`.
            Internal: the server failed.

        Example:
            >>> kept, mask, ids_restore = client.random_masking(x, 0.75, seed=1, epoch=3, sample_ids=ids)
        """
        tokens = _arrays.view("x", x)
        if len(tokens.shape) < 2:
            raise InvalidArgument(f"x has shape {list(tokens.shape)}; it must be [N, L, ...]")
        spec = make_spec(
            tokens.shape[0],
            tokens.shape[1],
            tokens,
            returns,
            mask_ratio=mask_ratio,
            num_keep=num_keep,
            seed=seed,
            epoch=epoch,
            sample_ids=sample_ids,
            first_sample_id=first_sample_id,
            noise=noise,
            **options,
        )
        results = Results(spec, tokens, tokens, out)
        facts = _structs.MaskingFacts()
        self._call(
            lambda client, limits: library.maskd_random_masking(
                client,
                ctypes.byref(spec.struct),
                tokens.pointer,
                tokens.nbytes,
                ctypes.byref(results.struct),
                limits,
                ctypes.byref(facts),
            ),
            timeout,
        )
        arrays = results.arrays
        batch = MaskedBatch(arrays.get("kept"), arrays.get("mask"), arrays.get("ids_restore"))
        _add_facts(batch, arrays, facts)
        return batch

    def generate_mask(
        self,
        batch_size: int,
        sequence_length: int,
        mask_ratio: float = 0.75,
        *,
        num_keep: int | None = None,
        seed: int = 0,
        epoch: int = 0,
        sample_ids: Any = None,
        first_sample_id: int = 0,
        noise: Any = None,
        returns: Sequence[str] = ("mask", "ids_restore"),
        out: Sequence[Any] | Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **options: Unpack[MaskingOptions],
    ) -> GeneratedMask:
        """Draws masks alone: those that `random_masking` returns for the same keywords; no tokens travel.

        Args:
            batch_size: N.
            sequence_length: L.
            mask_ratio: And the rest, as of `random_masking`.

        Returns:
            mask [N, L] float32 and ids_restore [N, L] int64, and more by name (`GeneratedMask`): torch tensors if
            `noise` or `sample_ids` is one, else numpy arrays.

        Raises:
            MaskdError: as `random_masking` does.

        Example:
            >>> mask, ids_restore = client.generate_mask(64, 196, 0.75, seed=1, epoch=3, sample_ids=ids)
        """
        spec = make_spec(
            batch_size,
            sequence_length,
            None,
            returns,
            mask_ratio=mask_ratio,
            num_keep=num_keep,
            seed=seed,
            epoch=epoch,
            sample_ids=sample_ids,
            first_sample_id=first_sample_id,
            noise=noise,
            **options,
        )
        results = Results(spec, None, _kind_of(noise, sample_ids), out)
        facts = _structs.MaskingFacts()
        self._call(
            lambda client, limits: library.maskd_generate_mask(
                client, ctypes.byref(spec.struct), ctypes.byref(results.struct), limits, ctypes.byref(facts)
            ),
            timeout,
        )
        arrays = results.arrays
        generated = GeneratedMask(arrays.get("mask"), arrays.get("ids_restore"))
        _add_facts(generated, arrays, facts)
        return generated

    def prefetch(
        self, loader: Iterable[Any], depth: int = 4, **keywords: Any
    ) -> Generator[PrefetchedBatch, None, None]:
        """Masks the batches of `loader` while the training step runs, up to `depth` of them ahead of it.

        Args:
            loader: Gives batches.
            depth: How many calls are under way at most.
            **keywords: Those of `maskd.prefetch`, which has the whole description.

        Example:
            >>> for kept, mask, ids_restore, batch in client.prefetch(loader, mask_ratio=0.75, seed=1, epochs=800):
            ...     step(kept, mask, ids_restore, batch)
        """
        return prefetch(self, loader, depth, **keywords)


def _kind_of(*arrays: Any) -> _arrays.View:
    """A view of the kind that results are of: torch if one of `arrays` is."""
    for array in arrays:
        if _arrays.is_torch(array):
            return _arrays.view("", array)
    return _NUMPY


def _add_facts(batch: MaskedBatch | GeneratedMask, arrays: Mapping[str, Any], facts: _structs.MaskingFacts) -> None:
    batch.ids_keep = arrays.get("ids_keep")
    batch.ids_mask = arrays.get("ids_mask")
    batch.noise = arrays.get("noise")
    batch.num_keep = facts.num_keep
    batch.algorithm_version = facts.algorithm_version
    batch.backend = facts.backend.decode()
