"""Arrays of the caller: where their bytes are, and new ones for results.

Taken are numpy arrays, torch tensors in CPU memory (pinned or not), and anything else with DLPack (``__dlpack__``), the
array or the buffer protocol, such as jax arrays, memoryviews and bytearrays. Nothing is copied, except that an array
which is not C-contiguous is copied once. What is made follows the input: torch tensors for torch tensors, numpy arrays
for all else.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskd._errors import InvalidArgument

# Of client/maskd_tensors.h. Other types are moved as elements of a size.
_ELEMENT_TYPES = {
    "float32": 1,
    "int64": 2,
    "int32": 3,
    "uint16": 4,
    "uint8": 5,
    "bool": 5,
    "float16": 7,
    "bfloat16": 8,
    "float64": 9,
}
_DLPACK_CPU_DEVICES = (1, 3, 11)  # kDLCPU, kDLCUDAHost and kDLROCMHost: ordinary and pinned memory


@dataclass(frozen=True)
class View:
    """An array as the library sees it: C-contiguous bytes in CPU memory, kept alive by `array`."""

    array: Any
    pointer: int
    shape: tuple[int, ...]
    itemsize: int
    dtype: Any  # numpy's or torch's
    dtype_name: str

    @property
    def is_torch(self) -> bool:
        return not isinstance(self.array, np.ndarray)

    @property
    def nbytes(self) -> int:
        count = self.itemsize
        for size in self.shape:
            count *= size
        return count

    @property
    def element_type(self) -> int:
        return _ELEMENT_TYPES.get(self.dtype_name, 0)


def view(name: str, array: Any) -> View:
    """The bytes of `array`, of which messages speak as `name`.

    Raises:
        TypeError: it is no array, on another device, sparse, of Python objects or of foreign byte order.
    """
    if is_torch(array):
        return _view_torch(name, array)
    if not isinstance(array, np.ndarray):
        array = _to_numpy(name, array)
    if array.dtype.hasobject or not array.dtype.isnative:
        raise TypeError(f"{name} is of dtype {array.dtype}; it must be of numbers in this machine's byte order")
    if not array.flags.c_contiguous:
        array = np.ascontiguousarray(array)
    return View(array, array.ctypes.data, array.shape, array.dtype.itemsize, array.dtype, _name_of(array.dtype))


@functools.lru_cache(maxsize=64)  # numpy makes the name anew each time, which takes microseconds
def _name_of(dtype: np.dtype[Any]) -> str:
    return dtype.name


def is_torch(array: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def _view_torch(name: str, tensor: Any) -> View:
    torch = sys.modules["torch"]
    if tensor.device.type != "cpu":
        raise TypeError(f"{name} is on {tensor.device}; it must be on the CPU: pass {name}.cpu()")
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise TypeError(f"{name} is a sparse or quantized tensor; it must be dense: pass {name}.to_dense()")
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return View(
        tensor,
        tensor.data_ptr(),
        tuple(tensor.shape),
        tensor.element_size(),
        tensor.dtype,
        str(tensor.dtype).split(".")[-1],
    )


def _to_numpy(name: str, array: Any) -> np.ndarray[Any, Any]:
    device = getattr(array, "__dlpack_device__", None)
    if device is not None:
        if device()[0] not in _DLPACK_CPU_DEVICES:
            raise TypeError(f"{name} is on DLPack device {tuple(map(int, device()))}; it must be in CPU memory")
        try:
            return np.from_dlpack(array)
        except (BufferError, RuntimeError, TypeError):
            pass  # a type that numpy's DLPack does not have, such as bfloat16: the array protocol may
    if hasattr(array, "__array__") or hasattr(array, "__array_interface__"):
        return np.asarray(array)
    try:
        return np.asarray(memoryview(array))
    except TypeError:
        raise TypeError(
            f"{name} is a {type(array).__name__}; it must be a numpy array, a torch tensor, or have DLPack or the "
            "buffer protocol"
        ) from None


def integers(name: str, values: Any) -> np.ndarray[Any, Any]:
    """`values`, an array or a sequence of one size, as int64 or uint64: without a copy if it is an array of that."""
    if isinstance(values, (list, tuple, range)):
        try:
            items = [operator.index(value) for value in values]
        except TypeError as error:
            raise TypeError(f"{name} must be integers: {error}") from None
        large = max(items, default=0) >= 2**63
        try:
            return np.array(items, np.uint64 if large else np.int64)
        except OverflowError as error:
            raise InvalidArgument(f"{name} has integers that 64 bits do not hold: {error}") from None
    given = view(name, values)
    array = given.array.numpy() if given.is_torch else given.array
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise TypeError(
            f"{name} is of dtype {array.dtype} and shape {list(array.shape)}; it must be integers of one size"
        )
    wide: np.ndarray[Any, Any] = array.astype(np.uint64 if array.dtype == np.uint64 else np.int64, copy=False)
    return wide


def _native_dtype(dtype: Any, like: View) -> Any:
    """`dtype`, a name or the dtype of a view of the kind of `like`, as that kind has it."""
    if not isinstance(dtype, str):
        return dtype
    if not like.is_torch:
        return np.dtype(dtype)
    found = getattr(sys.modules["torch"], dtype, None)
    if found is None:
        raise TypeError(f"this version of torch has no dtype {dtype}; take another")
    return found


def empty(shape: Sequence[int], dtype: Any, like: View) -> Any:
    """A new array of the kind of `like`. `dtype` is a name, or the dtype of a view of that kind."""
    dtype = _native_dtype(dtype, like)
    if like.is_torch:
        return sys.modules["torch"].empty(tuple(shape), dtype=dtype)
    return np.empty(shape, dtype)


def address(array: Any) -> int:
    """Where the elements of a numpy array or a torch tensor begin."""
    pointer: int = array.ctypes.data if isinstance(array, np.ndarray) else array.data_ptr()
    return pointer


def _memory_of(name: str, array: Any) -> np.ndarray[Any, Any]:
    """`array` as a numpy array of the same memory. Not by the array protocol, which may make a copy."""
    if isinstance(array, np.ndarray):
        return array
    try:
        return np.asarray(memoryview(array))
    except TypeError:
        pass  # no buffer
    if not hasattr(array, "__dlpack__") or not hasattr(array, "__dlpack_device__"):
        raise TypeError(
            f"{name} is a {type(array).__name__}; a result goes to a numpy array, a torch tensor, a writable buffer or "
            "an array with DLPack"
        )
    if array.__dlpack_device__()[0] not in _DLPACK_CPU_DEVICES:
        raise TypeError(f"{name} is on DLPack device {tuple(map(int, array.__dlpack_device__()))}; not in CPU memory")
    try:
        return np.from_dlpack(array, copy=False)  # what an older numpy or exporter gives cannot be written to
    except (BufferError, RuntimeError, TypeError) as error:
        raise TypeError(
            f"{name} is a {type(array).__name__} that DLPack does not let numpy write to (as of numpy 2.1): {error}"
        ) from None


def check_out(name: str, array: Any, shape: Sequence[int], dtype: str) -> View:
    """`array` as the place of a result, which is written in place.

    Raises:
        TypeError: it is no such array, lazily conjugated or negated, or of another dtype.
        InvalidArgument: it is of another shape, not C-contiguous or read-only.
    """
    if is_torch(array):
        if array.is_conj() or array.is_neg():
            raise TypeError(f"{name} is a lazily conjugated or negated tensor; a result goes to one that is not")
        contiguous, writable = array.is_contiguous(), True
    else:
        array = _memory_of(name, array)
        contiguous, writable = array.flags.c_contiguous, array.flags.writeable
    if not contiguous or not writable:
        raise InvalidArgument(f"{name} is {'read-only' if contiguous else 'not C-contiguous'}; a result goes there")
    place = view(name, array)
    if place.dtype_name != dtype:
        raise TypeError(f"{name} is of dtype {place.dtype_name}; the result is of {dtype}")
    if place.shape != tuple(shape):
        raise InvalidArgument(f"{name} has shape {list(place.shape)}; the result has {list(shape)}")
    return place


class _Memory:
    """Bytes of the library for numpy, which keeps this alive, and this their owner."""

    def __init__(self, pointer: int, nbytes: int, owner: object) -> None:
        self.owner = owner
        self.__array_interface__ = {"data": (pointer, False), "shape": (nbytes,), "typestr": "|u1", "version": 3}


def adopt(pointer: int | None, nbytes: int, shape: Sequence[int], dtype: Any, like: View, owner: object) -> Any:
    """The `nbytes` at `pointer` as an array of the kind of `like`, without a copy; `owner` lives as long as it."""
    if not pointer or 0 in shape:
        return empty(shape, dtype, like)
    dtype = _native_dtype(dtype, like)
    octets = np.asarray(_Memory(pointer, nbytes, owner))
    if like.is_torch:
        return sys.modules["torch"].from_numpy(octets).view(dtype).reshape(tuple(shape))
    return octets.view(dtype).reshape(shape)


def element_bytes(name: str, value: Any, like: View) -> bytes:
    """One element of the type of `like`."""
    if like.is_torch:
        torch = sys.modules["torch"]
        element = torch.tensor([value], dtype=like.dtype)
        return bytes(element.view(torch.uint8).numpy())
    try:
        return np.asarray(value, like.dtype).reshape(1).tobytes()
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"{name} is {value!r}; it must be one element of {like.dtype}: {error}") from None
