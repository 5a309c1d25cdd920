"""maskd beside JAX: arrays in and out.

    kept, mask, ids_restore = maskd.jax.random_masking(client, x, mask_ratio=0.75, seed=1, epoch=epoch)

Calls cannot be traced: inside jit they would run once, at compile time. Draw masks outside, hand them to the jitted
step, and gather there:

    masked = maskd.jax.generate_mask(client, n, l, mask_ratio=0.75, seed=1, epoch=epoch)
    loss, gradient = step(parameters, images, masked.mask, masked.ids_restore, masked.ids_keep)   # keep_tokens inside
"""

from __future__ import annotations

from typing import Any, Callable

import jax
import jax.numpy as jnp
import numpy as np

from maskd._client import Client
from maskd._map_results import map_results, with_kept
from maskd._masking import MaskedBatch


def keep_tokens(x: jax.Array, ids_keep: jax.Array) -> jax.Array:
    """The kept tokens [N, K, ...] of x [N, L, ...] by ids_keep [N, K]. Can be traced and differentiated."""
    return jnp.take_along_axis(x, ids_keep.reshape(ids_keep.shape + (1,) * (x.ndim - 2)), axis=1)


def random_masking(client: Client, x: jax.Array, mask_ratio: float = 0.75, **masking: Any) -> MaskedBatch:
    """client.random_masking of an array in host memory, or on a device, from which it is copied.

    Args:
        client: Of `maskd.connect`.
        x: Tokens [N, L, ...] of any dtype. What is no array of JAX becomes one first, as by jnp.asarray.
        mask_ratio: Share of each sequence to remove.
        **masking: The other keywords of `maskd.Client.random_masking`, but for `out`.

    Returns:
        MaskedBatch of arrays on the device of `x`. ids are int32, or int64 where JAX has 64 bits switched on.

    Raises:
        TypeError: `x` is being traced by jit or grad, or lies on several devices.
    """
    if isinstance(x, jax.core.Tracer):
        raise TypeError(
            "maskd.jax.random_masking inside jit or grad: draw masks outside with generate_mask, and use "
            "keep_tokens inside"
        )
    x = jnp.asarray(x)
    devices = x.devices()
    if len(devices) != 1:
        raise TypeError(
            f"x lies on {len(devices)} devices; pass the part on one, or draw masks with generate_mask and use "
            "keep_tokens"
        )
    (device,) = devices
    masked = client.random_masking(np.asarray(x), mask_ratio, **_with_ids_dtype(masking))
    return map_results(_to_device(device), masked)


def generate_mask(
    client: Client,
    batch_size: int,
    sequence_length: int,
    mask_ratio: float = 0.75,
    *,
    device: Any = None,
    **masking: Any,
) -> MaskedBatch:
    """client.generate_mask as arrays on `device` (None: JAX's default).

    Args:
        client: Of `maskd.connect`.
        batch_size: N.
        sequence_length: L.
        mask_ratio: Share of each sequence to remove.
        device: Where results go.
        **masking: The other keywords of `maskd.Client.generate_mask`, but for `out`.

    Returns:
        MaskedBatch whose `kept` is None; ids_keep is always among the results.
    """
    masking["returns"] = tuple({"ids_keep", *masking.get("returns", ("mask", "ids_restore"))})
    drawn = client.generate_mask(batch_size, sequence_length, mask_ratio, **_with_ids_dtype(masking))
    return with_kept(None, map_results(_to_device(device), drawn))


def _to_device(device: Any) -> Callable[[Any], Any]:
    return lambda value: jax.device_put(value, device) if isinstance(value, np.ndarray) else value


def _with_ids_dtype(masking: dict[str, Any]) -> dict[str, Any]:
    return {"ids_dtype": "int64" if jax.dtypes.canonicalize_dtype(np.int64) == np.int64 else "int32", **masking}
