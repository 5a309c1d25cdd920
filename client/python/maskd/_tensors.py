"""The tensor operations: those of torch that masked training needs (docs/tensor_operations.md)."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

from maskd import _arrays, _structs
from maskd._connection import Connection
from maskd._library import library
from maskd._masking import choose, integer

_SCORE_KINDS = {"probabilities": 0, "log_probabilities": 1, "logits": 2}
_LAYOUTS = {"tokens": 0, "channels_first": 1, "channels_last": 2}
_MASK_DTYPES = {"float32": 0, "uint8": 1}


class MaskedMean(NamedTuple):
    """A mean over masked places, and how many these are: ``loss, places = mean``."""

    loss: float
    places: int


class _Results:
    """The maskd_tensors that arrays of results lie in."""

    def __init__(self, pointer: int | None) -> None:
        self.pointer = pointer

    def __del__(self, free: Any = library.maskd_tensors_free) -> None:
        free(self.pointer)

    def array(self, index: int, dtype: Any, like: _arrays.View) -> Any:
        tensor = library.maskd_tensors_at(self.pointer, index).contents
        shape = tuple(tensor.shape[: tensor.rank])
        return _arrays.adopt(tensor.data, tensor.data_bytes, shape, dtype, like, self)


def _tensor(view: _arrays.View) -> _structs.Tensor:
    return _structs.Tensor(
        data=view.pointer,
        data_bytes=view.nbytes,
        shape=(ctypes.c_int64 * len(view.shape))(*view.shape),
        rank=len(view.shape),
        type=view.element_type,
        other_bytes=0 if view.element_type else view.itemsize,
    )


class TensorOperations(Connection):
    """Arrays are numpy arrays, torch CPU tensors, or have DLPack or the buffer protocol.

    Results are of the kind of the first array, in memory of their own that nothing else refers to. Elements that are
    moved may be of any type of 1 to 16 bytes; those that are computed with are float32, float16, bfloat16 or float64.
    A mask is uint8, bool or float32, 0 or 1. An array that is not C-contiguous is copied once. `timeout` is in seconds
    and over all attempts; None takes that of `connect`.

    All raise TypeError for what is no array in CPU memory, and the errors of `Client.random_masking`.
    """

    def restore_tokens(
        self,
        kept: Any,
        ids_restore: Any,
        fill: Any = None,
        *,
        num_prefix: int = 0,
        timeout: float | None = None,
    ) -> Any:
        """Puts kept tokens back: the decoder's unshuffle, and with zeros the gradient of the gather.

        Args:
            kept: [N, P + K, ...], P prefix tokens in front, which stay there.
            ids_restore: [N, L] int64, int32 or uint16, as of `Client.random_masking`.
            fill: [...], one token, for those that were removed. None: zeros.
            num_prefix: P.

        Returns:
            [N, P + L, ...] of the dtype of `kept`.

        Example:
            >>> tokens = client.restore_tokens(kept, ids_restore, fill=mask_token)
        """
        views = [_arrays.view("kept", kept), _arrays.view("ids_restore", ids_restore)]
        token = None
        if fill is not None:
            views.append(_same_dtype("fill", _arrays.view("fill", fill), views[0]))
            token = _tensor(views[2])
        arguments = _structs.RestoreTokensArguments(
            kept_tokens=_tensor(views[0]),
            ids_restore=_tensor(views[1]),
            fill=None if token is None else ctypes.pointer(token),
            num_prefix=integer("num_prefix", num_prefix, 0, 2**62),
        )
        return self._operate(library.maskd_restore_tokens, arguments, views[0], timeout)

    def gather(self, input: Any, index: Any, *, dim: int, index_rank: int = 0, timeout: float | None = None) -> Any:
        """Returns ``torch.gather(input, dim, index)``.

        Args:
            input: Any number of sizes up to 8.
            index: int64 or int32, as many sizes as `input`, none larger but that of `dim`; values in
                [0, input.shape[dim]).
            dim: Negative: counted from the end of the index.
            index_rank: Not 0: the number of sizes of the index, fewer than the input's; whole rows move.

        Example:
            >>> patches = client.gather(x, ids_keep, dim=1, index_rank=2)  # [N, L, D], [N, K] -> [N, K, D]
        """
        return self._index(library.maskd_gather, input, index, None, dim, index_rank, timeout)

    def scatter(
        self, input: Any, index: Any, src: Any, *, dim: int, index_rank: int = 0, timeout: float | None = None
    ) -> Any:
        """Returns ``torch.scatter(input, dim, index, src)``; of several writes to a place the last one wins.

        Args:
            input: As of `gather`, and `index`, `dim` and `index_rank` too.
            src: Of the dtype of `input` and the shape that `gather` returns.
        """
        return self._index(library.maskd_scatter, input, index, src, dim, index_rank, timeout)

    def scatter_add(
        self, input: Any, index: Any, src: Any, *, dim: int, index_rank: int = 0, timeout: float | None = None
    ) -> Any:
        """Returns ``torch.scatter_add(input, dim, index, src)``, added up in row-major order; as `scatter`."""
        return self._index(library.maskd_scatter_add, input, index, src, dim, index_rank, timeout)

    def masked_select(self, input: Any, mask: Any, *, timeout: float | None = None) -> Any:
        """Returns ``torch.masked_select(input, mask)``: [count], the elements where `mask`, which broadcasts, is 1."""
        views = [_arrays.view("input", input), _arrays.view("mask", mask)]
        arguments = _structs.MaskedSelectArguments(input=_tensor(views[0]), mask=_tensor(views[1]))
        return self._operate(library.maskd_masked_select, arguments, views[0], timeout)

    def pad_sequences(
        self,
        values: Any,
        lengths: Any,
        *,
        padding_value: Any = 0,
        time_major: bool = False,
        mask_dtype: str = "float32",
        padded_length: int = 0,
        timeout: float | None = None,
    ) -> tuple[Any, Any]:
        """Pads sequences of several lengths to one.

        Args:
            values: [sum of lengths, ...]: the sequences, one behind the other.
            lengths: [B] integers.
            padding_value: One element, behind the end of each sequence.
            time_major: [T, B, ...] instead of [B, T, ...].
            mask_dtype: ``"float32"`` or ``"uint8"``.
            padded_length: T; 0: the longest.

        Returns:
            padded [B, T, ...] of the dtype of `values`, and mask [B, T], 1 where a step is real.
        """
        view = _arrays.view("values", values)
        counts = [int(length) for length in _arrays.integers("lengths", lengths)]
        element = ctypes.create_string_buffer(_arrays.element_bytes("padding_value", padding_value, view))
        arguments = _structs.PadSequencesArguments(
            values=_tensor(view),
            lengths=(ctypes.c_int64 * len(counts))(*counts),
            num_lengths=len(counts),
            padding_value=ctypes.addressof(element),
            time_major=time_major,
            mask_type=choose("mask_dtype", mask_dtype, _MASK_DTYPES),
            padded_length=integer("padded_length", padded_length, 0, 2**62),
        )
        results = self._call_for_tensors(library.maskd_pad_sequences, arguments, timeout)
        return results.array(0, view.dtype, view), results.array(1, mask_dtype, view)

    def masked_nll_loss(
        self, scores: Any, target: Any, mask: Any, *, kind: str = "probabilities", timeout: float | None = None
    ) -> MaskedMean:
        """The mean of -log p[target] over places whose mask is 1, and their number.

        Args:
            scores: [..., V].
            target: [...] int64 or int32, in [0, V) where the mask is 1.
            mask: [...].
            kind: Of scores: ``"probabilities"``, ``"log_probabilities"`` or ``"logits"``.

        Raises:
            InvalidArgument: the mask is 1 nowhere, or a target is out of range.
        """
        views = [_arrays.view("scores", scores), _arrays.view("target", target), _arrays.view("mask", mask)]
        arguments = _structs.MaskedNllLossArguments(
            scores=_tensor(views[0]),
            target=_tensor(views[1]),
            mask=_tensor(views[2]),
            score_kind=choose("kind", kind, _SCORE_KINDS),
        )
        return self._call_for_mean(library.maskd_masked_nll_loss, arguments, timeout)

    def masked_reconstruction_loss(
        self,
        prediction: Any,
        target: Any,
        mask: Any,
        *,
        layout: str = "tokens",
        patch_size: int = 0,
        normalize_target: bool = False,
        timeout: float | None = None,
    ) -> MaskedMean:
        """The loss of MAE: the mean over removed tokens of the mean of (prediction - target)^2, and their number.

        Args:
            prediction: [N, L, P].
            target: [N, L, P], or with `layout` an image [N, C, H, W] or [N, H, W, C].
            mask: [N, L], 1 for a removed token.
            layout: Of `target`: ``"tokens"``, ``"channels_first"`` or ``"channels_last"``.
            patch_size: Of an image.
            normalize_target: By each patch's mean and variance (norm_pix_loss).

        Raises:
            InvalidArgument: no token is removed.
        """
        views = [_arrays.view("prediction", prediction), _arrays.view("target", target), _arrays.view("mask", mask)]
        arguments = _structs.MaskedReconstructionLossArguments(
            prediction=_tensor(views[0]),
            target=_tensor(views[1]),
            mask=_tensor(views[2]),
            target_layout=choose("layout", layout, _LAYOUTS),
            normalize_target=normalize_target,
            patch_size=integer("patch_size", patch_size, 0, 2**31 - 1),
        )
        return self._call_for_mean(library.maskd_masked_reconstruction_loss, arguments, timeout)

    def _index(
        self, operation: Any, input: Any, index: Any, src: Any, dim: int, index_rank: int, timeout: float | None
    ) -> Any:
        views = [_arrays.view("input", input), _arrays.view("index", index)]
        arguments = _structs.IndexArguments(
            input=_tensor(views[0]),
            index=_tensor(views[1]),
            dim=integer("dim", dim, -(2**31), 2**31 - 1),
            index_rank=integer("index_rank", index_rank, 0, 8),
        )
        if src is not None:
            views.append(_same_dtype("src", _arrays.view("src", src), views[0]))
            arguments.src = _tensor(views[2])
        return self._operate(operation, arguments, views[0], timeout)

    def _operate(self, operation: Any, arguments: Any, like: _arrays.View, timeout: float | None) -> Any:
        """The one result of `operation`, of the dtype of `like`."""
        return self._call_for_tensors(operation, arguments, timeout).array(0, like.dtype, like)

    def _call_for_tensors(self, operation: Any, arguments: Any, timeout: float | None) -> _Results:
        pointer = ctypes.c_void_p()
        self._call(
            lambda client, limits: operation(client, ctypes.byref(arguments), limits, ctypes.byref(pointer)), timeout
        )
        return _Results(pointer.value)

    def _call_for_mean(self, operation: Any, arguments: Any, timeout: float | None) -> MaskedMean:
        mean = _structs.MaskedMean()
        self._call(
            lambda client, limits: operation(client, ctypes.byref(arguments), limits, ctypes.byref(mean)), timeout
        )
        return MaskedMean(mean.loss, mean.count)


def _same_dtype(name: str, view: _arrays.View, other: _arrays.View) -> _arrays.View:
    if view.dtype_name != other.dtype_name:
        raise TypeError(f"{name} is of dtype {view.dtype_name}; it must be of {other.dtype_name}, as its other side is")
    return view
