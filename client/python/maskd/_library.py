"""Loads libmaskd.so.1 and declares its functions (client/maskd.h).

The library is beside this file in an installed package. The environment variable MASKD_LIBRARY names another, such as
that of a build folder.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_size_t, c_void_p
from typing import Any

from maskd import _structs
from maskd._errors import make_error

_ABI_VERSION = 1


def _find() -> pathlib.Path:
    named = os.environ.get("MASKD_LIBRARY")
    if named:
        return pathlib.Path(named)
    return pathlib.Path(__file__).parent / "lib" / "libmaskd.so.1"


def _load() -> ctypes.CDLL:
    path = _find()
    try:
        # Its symbols, and those of the gRPC that it brings, stay out of the way of others in this process.
        loaded = ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL)
    except OSError as error:
        raise ImportError(
            f"maskd cannot load its library {path}: {error}. Install the wheel that scripts/wheel makes, or set "
            "MASKD_LIBRARY to a libmaskd.so.1 that scripts/build has built"
        ) from error
    version = loaded.maskd_abi_version()
    if version != _ABI_VERSION:
        raise ImportError(f"{path} has version {version} of maskd's C ABI; this package needs version {_ABI_VERSION}")
    return loaded


library = _load()


def _check(error: Any, function: Any, arguments: Any) -> None:
    if error is None:
        return
    code = library.maskd_error_code_name(error).decode()
    message = library.maskd_error_message(error).decode(errors="replace")
    library.maskd_error_free(error)
    raise make_error(code, message)


def _declare(result: Any, name: str, *arguments: Any) -> None:
    function = getattr(library, f"maskd_{name}")
    function.restype = result
    function.argtypes = arguments


def _declare_fallible(name: str, *arguments: Any) -> None:
    """One that returns an error, which is raised as the exception of its code."""
    _declare(c_void_p, name, *arguments)
    getattr(library, f"maskd_{name}").errcheck = _check


_CLIENT, _TENSORS, _OUT = c_void_p, POINTER(c_void_p), POINTER(c_void_p)
_LIMITS = POINTER(_structs.CallLimits)
_SPEC, _RESULTS = POINTER(_structs.MaskingSpec), POINTER(_structs.MaskingResults)
_FACTS, _MEAN = POINTER(_structs.MaskingFacts), POINTER(_structs.MaskedMean)

_declare(c_char_p, "version")
_declare(c_int32, "error_code", c_void_p)
_declare(c_char_p, "error_code_name", c_void_p)
_declare(c_char_p, "error_message", c_void_p)
_declare(None, "error_free", c_void_p)
_declare_fallible("connect", POINTER(c_char_p), c_size_t, POINTER(_structs.ClientOptions), _OUT)
_declare(None, "client_free", _CLIENT)
_declare_fallible("check_health", _CLIENT, _LIMITS)
_declare(c_void_p, "stop_new")
_declare(None, "stop_request", c_void_p)
_declare(None, "stop_free", c_void_p)
_declare_fallible("plan_masking", _SPEC, POINTER(_structs.MaskingSizes))
_declare_fallible("random_masking", _CLIENT, _SPEC, c_void_p, c_size_t, _RESULTS, _LIMITS, _FACTS)
_declare_fallible("generate_mask", _CLIENT, _SPEC, _RESULTS, _LIMITS, _FACTS)

_declare_fallible("get_statistics", _CLIENT, POINTER(POINTER(_structs.Statistics)))
_declare(None, "statistics_free", POINTER(_structs.Statistics))
_declare_fallible("get_prometheus_text", _CLIENT, _OUT)
_declare(None, "text_free", c_void_p)
_declare(None, "add_wait", _CLIENT, c_int64)
_declare_fallible("get_server_info", _CLIENT, _LIMITS, POINTER(POINTER(_structs.ServerInfo)))
_declare(None, "server_info_free", POINTER(_structs.ServerInfo))

_declare(c_size_t, "tensors_count", c_void_p)
_declare(POINTER(_structs.Tensor), "tensors_at", c_void_p, c_size_t)
_declare(None, "tensors_free", c_void_p)
_declare_fallible("restore_tokens", _CLIENT, POINTER(_structs.RestoreTokensArguments), _LIMITS, _TENSORS)
_declare_fallible("gather", _CLIENT, POINTER(_structs.IndexArguments), _LIMITS, _TENSORS)
_declare_fallible("scatter", _CLIENT, POINTER(_structs.IndexArguments), _LIMITS, _TENSORS)
_declare_fallible("scatter_add", _CLIENT, POINTER(_structs.IndexArguments), _LIMITS, _TENSORS)
_declare_fallible("masked_select", _CLIENT, POINTER(_structs.MaskedSelectArguments), _LIMITS, _TENSORS)
_declare_fallible("pad_sequences", _CLIENT, POINTER(_structs.PadSequencesArguments), _LIMITS, _TENSORS)
_declare_fallible("masked_nll_loss", _CLIENT, POINTER(_structs.MaskedNllLossArguments), _LIMITS, _MEAN)
_declare_fallible(
    "masked_reconstruction_loss", _CLIENT, POINTER(_structs.MaskedReconstructionLossArguments), _LIMITS, _MEAN
)
