"""Random masking for masked autoencoders: the client of maskd.

>>> import maskd
>>> client = maskd.connect("localhost:50051")  # or "unix:path", "inproc:", or a list of servers
>>> kept, mask, ids_restore = client.random_masking(x, 0.75, seed=1, epoch=epoch, sample_ids=ids)
"""

from maskd._client import Client, connect
from maskd._connection import DeviceState, ServerInfo
from maskd._errors import (
    Cancelled,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    MaskdError,
    ResourceExhausted,
    Unavailable,
    Unimplemented,
)
from maskd._library import library
from maskd._masking import GeneratedMask, MaskedBatch, MaskingOptions, TorchCuda
from maskd._prefetch import Position, PrefetchedBatch, prefetch
from maskd._tensors import MaskedMean

__version__: str = library.maskd_version().decode()

__all__ = [
    "Cancelled",
    "Client",
    "DeadlineExceeded",
    "DeviceState",
    "FailedPrecondition",
    "GeneratedMask",
    "Internal",
    "InvalidArgument",
    "MaskdError",
    "MaskedBatch",
    "MaskedMean",
    "MaskingOptions",
    "Position",
    "PrefetchedBatch",
    "ResourceExhausted",
    "ServerInfo",
    "TorchCuda",
    "Unavailable",
    "Unimplemented",
    "connect",
    "prefetch",
]
