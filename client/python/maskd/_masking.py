"""What random_masking and generate_mask have in common: keywords to a spec, and places for results."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import numpy as np

from maskd import _arrays, _structs
from maskd._errors import InvalidArgument
from maskd._library import library


class TorchCuda(NamedTuple):
    """Which ``torch.rand`` on a CUDA device the noise is, beside the seed; for ``noise_source="torch_cuda"``."""

    multi_processor_count: int
    max_threads_per_multi_processor: int
    offset: int = 0  #: of torch's generator before the draw, a multiple of 4
    first_element: int = 0  #: where the batch begins in the tensor that is drawn
    num_elements: int = 0  #: of that tensor; 0: N * L


class MaskingOptions(TypedDict, total=False):
    """The rarer keywords of masking; docs/semantics.md says what each computes.

    Attributes:
        count_rule: How mask_ratio becomes K: ``"keep_trunc"`` (default; MAE: K = trunc(L * (1 - r))), ``"mask_trunc"``
            (VideoMAE), ``"mask_ceil"`` (SimMIM) or ``"keep_trunc_min_1"`` (PatchDropout).
        mask_index: Which of a sample's independent masks, 0 to 255.
        noise_source: ``"seeded"`` (default), ``"provided"`` (as `noise` is given), ``"torch_cpu"`` (the bits of
            ``torch.manual_seed(seed); torch.rand(N, L)``) or ``"torch_cuda"``.
        noise_direction: Of provided noise: ``"ascending"`` (default: the lowest is kept) or ``"descending"``.
        seeded_noise_scale: How much seeded noise is added to provided noise.
        torch_skip: Draws that torch_cpu passes over first.
        torch_cuda: A `TorchCuda`, for torch_cuda.
        order: Of kept tokens: ``"noise"`` (default, the reference's) or ``"raster"`` (ascending index).
        ids_dtype: ``"int64"`` (default), ``"int32"`` or ``"uint16"``.
        mask_dtype: ``"float32"`` (default), ``"uint8"`` or ``"packed"`` (bits, as uint8 [N, (L + 7) // 8]).
        mask_polarity: ``"masked_is_one"`` (default, the reference's) or ``"kept_is_one"``.
    """

    count_rule: str
    mask_index: int
    noise_source: str
    noise_direction: str
    seeded_noise_scale: float
    torch_skip: int
    torch_cuda: TorchCuda
    order: str
    ids_dtype: str
    mask_dtype: str
    mask_polarity: str


class _Masked(NamedTuple):
    kept: Any
    mask: Any
    ids_restore: Any


class MaskedBatch(_Masked):
    """Results of random_masking: ``kept, mask, ids_restore = batch``, and more by name. None of what `returns` lacks.

    Attributes:
        kept: [N, K, ...] of the dtype of the tokens.
        mask: [N, L], 1 where a token was removed.
        ids_restore: [N, L]: the place of each token in the order of noise; below K it was kept.
        ids_keep: [N, K], the tokens that were kept.
        ids_mask: [N, L - K], those that were not.
        noise: [N, L] float32, whose stable argsort is that order.
        num_keep: K.
        algorithm_version: Of seeded noise; the same version gives the same masks.
        backend: ``"cpu"``, ``"cuda"`` or ``"reference"``.
    """

    ids_keep: Any = None
    ids_mask: Any = None
    noise: Any = None
    num_keep: int = 0
    algorithm_version: int = 0
    backend: str = ""


class _Generated(NamedTuple):
    mask: Any
    ids_restore: Any


class GeneratedMask(_Generated):
    """Results of generate_mask: ``mask, ids_restore = generated``, and more by name, as of `MaskedBatch`."""

    ids_keep: Any = None
    ids_mask: Any = None
    noise: Any = None
    num_keep: int = 0
    algorithm_version: int = 0
    backend: str = ""


_RESULTS = {"kept": 1, "mask": 2, "ids_restore": 4, "ids_keep": 8, "ids_mask": 16, "noise": 32}
_COUNT_RULES = {"keep_trunc": 0, "mask_trunc": 1, "mask_ceil": 2, "keep_trunc_min_1": 3}
_NOISE_SOURCES = {"seeded": 0, "provided": 1, "torch_cpu": 2, "torch_cuda": 3}
_NOISE_DIRECTIONS = {"ascending": 0, "descending": 1}
_ORDERS = {"noise": 0, "raster": 1}
_IDS_DTYPES = {"int64": 0, "int32": 1, "uint16": 2}
_MASK_DTYPES = {"float32": 0, "uint8": 1, "packed": 2}
_MASK_POLARITIES = {"masked_is_one": 0, "kept_is_one": 1}


def choose(name: str, value: str, choices: Mapping[str, int]) -> int:
    """The library's number of a choice."""
    if value not in choices:
        raise InvalidArgument(f"{name} is {value!r}; it must be one of {', '.join(choices)}")
    return choices[value]


def integer(name: str, value: int, low: int, high: int) -> int:
    """`value`, an integer of any type, which ctypes would cut to its size without a word.

    Raises:
        TypeError: it is none.
        InvalidArgument: it is out of range.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; it must be an integer") from None
    if not low <= number <= high:
        raise InvalidArgument(f"{name} is {number}; it must be in [{low}, {high}]")
    return number


def _unsigned(name: str, value: int, bits: int) -> int:
    return integer(name, value, 0, 2**bits - 1)


def _size(name: str, value: int) -> int:
    return integer(name, value, -(2**63), 2**63 - 1)


@dataclass
class Spec:
    """A checked spec. `alive` has the arrays that it points to."""

    struct: _structs.MaskingSpec
    returns: tuple[str, ...]
    ids_dtype: str
    mask_dtype: str
    alive: tuple[Any, ...]
    num_keep: int = 0

    def result_form(self, result: str, tokens: _arrays.View | None) -> tuple[tuple[int, ...], Any]:
        """Shape and dtype of one result."""
        n, length, k = self.struct.batch_size, self.struct.sequence_length, self.num_keep
        if result == "kept":
            assert tokens is not None
            return (n, k, *tokens.shape[2:]), tokens.dtype
        if result == "mask" and self.mask_dtype == "packed":
            return (n, (length + 7) // 8), "uint8"
        if result == "mask":
            return (n, length), self.mask_dtype
        if result == "noise":
            return (n, length), "float32"
        return (n, {"ids_restore": length, "ids_keep": k, "ids_mask": length - k}[result]), self.ids_dtype


def make_spec(
    batch_size: int,
    sequence_length: int,
    tokens: _arrays.View | None,
    returns: Sequence[str],
    *,
    mask_ratio: float,
    num_keep: int | None,
    seed: int,
    epoch: int,
    sample_ids: Any,
    first_sample_id: int,
    noise: Any,
    count_rule: str = "keep_trunc",
    mask_index: int = 0,
    noise_source: str | None = None,
    noise_direction: str = "ascending",
    seeded_noise_scale: float = 0.0,
    torch_skip: int = 0,
    torch_cuda: TorchCuda | None = None,
    order: str = "noise",
    ids_dtype: str = "int64",
    mask_dtype: str = "float32",
    mask_polarity: str = "masked_is_one",
) -> Spec:
    """A spec of the keywords, which the library has found right: K is known."""
    selection = 0
    for result in returns:
        selection |= choose("returns", result, _RESULTS)
    if noise_source is None:
        noise_source = "seeded" if noise is None else "provided"
    cuda = torch_cuda if torch_cuda is not None else TorchCuda(0, 0)
    struct = _structs.MaskingSpec(
        selection=selection,
        has_mask_ratio=num_keep is None,
        mask_ratio=mask_ratio,
        has_num_keep=num_keep is not None,
        num_keep=_size("num_keep", 0 if num_keep is None else num_keep),
        keep_count_rule=choose("count_rule", count_rule, _COUNT_RULES),
        batch_size=_size("batch_size", batch_size),
        sequence_length=_size("sequence_length", sequence_length),
        token_dim=_token_dim(tokens),
        element_bytes=tokens.itemsize if tokens is not None else 0,
        noise_source=choose("noise_source", noise_source, _NOISE_SOURCES),
        epoch=_unsigned("epoch", epoch, 32),
        mask_index=_unsigned("mask_index", mask_index, 32),
        noise_direction=choose("noise_direction", noise_direction, _NOISE_DIRECTIONS),
        seed=_unsigned("seed", seed, 64),
        first_sample_id=_unsigned("first_sample_id", first_sample_id, 64),
        seeded_noise_scale=seeded_noise_scale,
        kept_order=choose("order", order, _ORDERS),
        torch_skip=_unsigned("torch_skip", torch_skip, 64),
        torch_cuda_offset=_unsigned("torch_cuda.offset", cuda.offset, 64),
        torch_cuda_multi_processor_count=_size("multi_processor_count", cuda.multi_processor_count),
        torch_cuda_max_threads_per_multi_processor=_size(
            "max_threads_per_multi_processor", cuda.max_threads_per_multi_processor
        ),
        torch_cuda_first_element=_size("first_element", cuda.first_element),
        torch_cuda_num_elements=_size("num_elements", cuda.num_elements),
        ids_type=choose("ids_dtype", ids_dtype, _IDS_DTYPES),
        mask_type=choose("mask_dtype", mask_dtype, _MASK_DTYPES),
        mask_polarity=choose("mask_polarity", mask_polarity, _MASK_POLARITIES),
    )
    alive: list[Any] = []
    if sample_ids is not None:
        ids = _sample_ids(sample_ids, batch_size)
        struct.sample_ids = ids.ctypes.data
        alive.append(ids)
    if noise is not None:
        provided = _arrays.view("noise", noise)
        if provided.dtype_name != "float32":
            raise TypeError(f"noise is of dtype {provided.dtype_name}; it must be float32")
        if provided.shape != (batch_size, sequence_length):
            raise InvalidArgument(
                f"noise has shape {list(provided.shape)}; it must be [N, L] = [{batch_size}, {sequence_length}]"
            )
        struct.provided_noise = provided.pointer
        alive.append(provided)
    sizes = _structs.MaskingSizes()
    library.maskd_plan_masking(ctypes.byref(struct), ctypes.byref(sizes))
    return Spec(struct, tuple(returns), ids_dtype, mask_dtype, tuple(alive), sizes.num_keep)


def _token_dim(tokens: _arrays.View | None) -> int:
    if tokens is None:
        return 0
    dim = 1
    for size in tokens.shape[2:]:
        dim *= size
    if dim == 0 or tokens.itemsize == 0:
        raise InvalidArgument(f"x has shape {list(tokens.shape)}; a token must have at least one element")
    return dim


def _sample_ids(sample_ids: Any, batch_size: int) -> np.ndarray[Any, Any]:
    ids = np.ascontiguousarray(_arrays.integers("sample_ids", sample_ids))
    if ids.size != batch_size:
        raise InvalidArgument(f"sample_ids has {ids.size} ids; it must have one a sample, and N is {batch_size}")
    if ids.dtype != np.uint64:
        if ids.size and ids.min() < 0:
            raise InvalidArgument(f"sample_ids has {ids.min()}; an id must be in [0, 2^64)")
        ids = ids.view(np.uint64)
    return ids


class Results:
    """Places for the results of a spec: new arrays, or those of `out`, which has one or None for each of `returns`."""

    def __init__(
        self,
        spec: Spec,
        tokens: _arrays.View | None,
        like: _arrays.View,
        out: Sequence[Any] | Mapping[str, Any] | None,
    ) -> None:
        self.arrays: dict[str, Any] = {}
        self.struct = _structs.MaskingResults()
        self.alive: list[_arrays.View] = []  # what the struct points to, of arrays of `out`
        given = _by_name(spec.returns, out)
        for name in spec.returns:
            shape, dtype = spec.result_form(name, tokens)
            array = given.get(name)
            if array is None:
                array = _arrays.empty(shape, dtype, like)
                pointer = _arrays.address(array)
            else:
                dtype_name = dtype if isinstance(dtype, str) else tokens.dtype_name if tokens else ""
                place = _arrays.check_out(f"out: {name}", array, shape, dtype_name)
                self.alive.append(place)
                pointer = place.pointer
            self.arrays[name] = array
            setattr(self.struct, "kept_tokens" if name == "kept" else name, pointer)


def _by_name(returns: tuple[str, ...], out: Sequence[Any] | Mapping[str, Any] | None) -> Mapping[str, Any]:
    if out is None:
        return {}
    if not isinstance(out, Mapping):
        if len(out) > len(returns):
            raise InvalidArgument(f"out has {len(out)} arrays; `returns` has {len(returns)} results")
        return dict(zip(returns, out))
    unknown = set(out) - set(returns)
    if unknown:
        raise InvalidArgument(f"out has {', '.join(sorted(unknown))}, which `returns` does not have")
    return out
