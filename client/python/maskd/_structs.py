"""The structs of client/maskd.h, maskd_statistics.h and maskd_tensors.h, with their fields and their order."""

from __future__ import annotations

import ctypes
from ctypes import c_char, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

LogFunction = ctypes.CFUNCTYPE(None, c_char_p, c_void_p)


class SizedStruct(ctypes.Structure):
    """A struct that begins with struct_size, which is filled in."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(struct_size=ctypes.sizeof(self), **fields)


class ClientOptions(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("timeout_milliseconds", c_int64),
        ("max_message_bytes", c_int64),
        ("stream_from_bytes", c_int64),
        ("connections", c_int32),
        ("max_attempts", c_int32),
        ("fallback_in_process", c_int32),
        ("in_process_threads", c_int32),
        ("tls_root_certificates", c_char_p),
        ("tls_certificate_chain", c_char_p),
        ("tls_private_key", c_char_p),
        ("log", LogFunction),
        ("log_data", c_void_p),
    ]


class CallLimits(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("timeout_milliseconds", c_int64),
        ("stop", c_void_p),
    ]


class MaskingSpec(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("selection", c_uint32),
        ("has_mask_ratio", c_int32),
        ("has_num_keep", c_int32),
        ("keep_count_rule", c_int32),
        ("batch_size", c_int64),
        ("sequence_length", c_int64),
        ("token_dim", c_int64),
        ("element_bytes", c_int64),
        ("mask_ratio", c_double),
        ("num_keep", c_int64),
        ("noise_source", c_int32),
        ("epoch", c_uint32),
        ("mask_index", c_uint32),
        ("noise_direction", c_int32),
        ("seed", c_uint64),
        ("first_sample_id", c_uint64),
        ("sample_ids", c_void_p),
        ("provided_noise", c_void_p),
        ("seeded_noise_scale", c_float),
        ("kept_order", c_int32),
        ("torch_skip", c_uint64),
        ("torch_cuda_offset", c_uint64),
        ("torch_cuda_multi_processor_count", c_int64),
        ("torch_cuda_max_threads_per_multi_processor", c_int64),
        ("torch_cuda_first_element", c_int64),
        ("torch_cuda_num_elements", c_int64),
        ("ids_type", c_int32),
        ("mask_type", c_int32),
        ("mask_polarity", c_int32),
        ("reserved", c_int32),
    ]


class MaskingSizes(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("num_keep", c_int64),
        ("tokens_bytes", c_int64),
        ("kept_tokens_bytes", c_int64),
        ("mask_bytes", c_int64),
        ("ids_restore_bytes", c_int64),
        ("ids_keep_bytes", c_int64),
        ("ids_mask_bytes", c_int64),
        ("noise_bytes", c_int64),
    ]


class MaskingResults(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kept_tokens", c_void_p),
        ("mask", c_void_p),
        ("ids_restore", c_void_p),
        ("ids_keep", c_void_p),
        ("ids_mask", c_void_p),
        ("noise", c_void_p),
    ]


class MaskingFacts(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("num_keep", c_int64),
        ("algorithm_version", c_uint32),
        ("backend", c_char * 28),
    ]


class Replica(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("address", c_char_p),
        ("healthy", c_int32),
        ("calls", c_int64),
        ("samples", c_int64),
        ("failures", c_int64),
        ("samples_per_second", c_double),
    ]


class Statistics(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("calls", c_int64),
        ("failed_calls", c_int64),
        ("retries", c_int64),
        ("fallbacks", c_int64),
        ("bytes_sent", c_int64),
        ("bytes_received", c_int64),
        ("wait_seconds", c_double),
        ("waits", c_int64),
        ("num_replicas", c_size_t),
        ("replicas", ctypes.POINTER(ctypes.POINTER(Replica))),
    ]


class Device(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("id", c_char_p),
        ("backend", c_char_p),
        ("name", c_char_p),
        ("healthy", c_int32),
        ("error", c_char_p),
    ]


class ServerInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("version", c_char_p),
        ("backend", c_char_p),
        ("device_name", c_char_p),
        ("algorithm_version", c_uint32),
        ("max_message_bytes", c_int64),
        ("max_sequence_length", c_int64),
        ("max_batch_tokens", c_int64),
        ("max_element_bytes", c_int64),
        ("max_inflight_bytes", c_int64),
        ("num_devices", c_size_t),
        ("devices", ctypes.POINTER(ctypes.POINTER(Device))),
    ]


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", c_void_p),
        ("data_bytes", c_size_t),
        ("shape", ctypes.POINTER(c_int64)),
        ("rank", c_int32),
        ("type", c_int32),
        ("other_bytes", c_int64),
    ]


class RestoreTokensArguments(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kept_tokens", Tensor),
        ("ids_restore", Tensor),
        ("fill", ctypes.POINTER(Tensor)),
        ("num_prefix", c_int64),
    ]


class IndexArguments(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("input", Tensor),
        ("index", Tensor),
        ("src", Tensor),
        ("dim", c_int64),
        ("index_rank", c_int64),
    ]


class MaskedSelectArguments(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("input", Tensor),
        ("mask", Tensor),
    ]


class PadSequencesArguments(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("values", Tensor),
        ("lengths", ctypes.POINTER(c_int64)),
        ("num_lengths", c_size_t),
        ("padding_value", c_void_p),
        ("time_major", c_int32),
        ("mask_type", c_int32),
        ("padded_length", c_int64),
    ]


class MaskedMean(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("loss", c_double),
        ("count", c_int64),
    ]


class MaskedNllLossArguments(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("scores", Tensor),
        ("target", Tensor),
        ("mask", Tensor),
        ("score_kind", c_int32),
        ("reserved", c_int32),
    ]


class MaskedReconstructionLossArguments(SizedStruct):
    _fields_ = [
        ("struct_size", c_size_t),
        ("prediction", Tensor),
        ("target", Tensor),
        ("mask", Tensor),
        ("target_layout", c_int32),
        ("normalize_target", c_int32),
        ("patch_size", c_int64),
    ]
