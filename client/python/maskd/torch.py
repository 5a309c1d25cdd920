"""maskd inside a PyTorch model: differentiable masking, and modules in the place of the usual ones.

>>> masking = maskd.torch.RandomMasking(client, 0.75, seed=1)  # random_masking of MAE
>>> x, mask, ids_restore = masking(x, sample_ids=ids)
>>> model.patch_drop = maskd.torch.PatchDropout(client, prob=0.5, seed=1)  # PatchDropout of timm
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, TypeVar

import numpy as np
import torch
import torch.utils.checkpoint
from torch import Tensor, nn

from maskd._client import Client
from maskd._map_results import map_results, with_kept
from maskd._masking import MaskedBatch

T = TypeVar("T")


def to_device_async(results: T, device: torch.device | str) -> T:
    """Copies a tensor, or those in a tuple such as MaskedBatch, to `device` without waiting for the copy.

    For a CUDA device the tensors go through pinned memory, if they are not in it already, and the copies are
    enqueued on the current stream: work enqueued there later finds them done. What is no tensor, and what is on the
    device already, is passed on.
    """
    target = torch.device(device)

    def move(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if target.type == "cuda" and value.device.type == "cpu":
            return (value if value.is_pinned() else value.pin_memory()).to(target, non_blocking=True)
        return value.to(target)

    moved: T = map_results(move, results) if isinstance(results, tuple) else move(results)
    return moved


def _rows(ids_keep: Tensor, length: int) -> Tensor:
    """Where the kept tokens lie in [N * L, ...]."""
    first = torch.arange(ids_keep.shape[0], device=ids_keep.device).unsqueeze(1) * length
    rows: Tensor = (first + ids_keep.long()).flatten()  # torch promotes no uint16
    return rows


def _keep(x: Tensor, ids_keep: Tensor) -> Tensor:
    rows = x.flatten(0, 1).index_select(0, _rows(ids_keep, x.shape[1]))
    kept: Tensor = rows.reshape(*ids_keep.shape, *x.shape[2:])
    return kept


class _KeptTokens(torch.autograd.Function):
    """Kept tokens [N, K, ...] of x [N, L, ...]; their gradient goes back to their places, zeros elsewhere."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ids_keep: Tensor, kept: Tensor | None) -> Tensor:
        ctx.save_for_backward(ids_keep)
        ctx.length = x.shape[1]
        return _keep(x, ids_keep) if kept is None else kept

    @staticmethod
    def backward(ctx: Any, grad_kept: Tensor) -> tuple[Tensor, None, None]:
        (ids_keep,) = ctx.saved_tensors
        n, _, *token_shape = grad_kept.shape
        zeros = grad_kept.new_zeros(n * ctx.length, *token_shape)
        grad = zeros.index_put((_rows(ids_keep, ctx.length),), grad_kept.flatten(0, 1))
        return grad.reshape(n, ctx.length, *token_shape), None, None


def random_masking(client: Client, x: Tensor, mask_ratio: float = 0.75, **masking: Any) -> MaskedBatch:
    """client.random_masking of a tensor on any device, differentiable in `x`.

    A tensor in host memory is sent. Of one on another device only the shape is: maskd draws the masks, and the tokens
    are gathered where they are. The bits are the same. The gradient is computed here, from ids_keep.

    Args:
        client: Of `maskd.connect`.
        x: Tokens [N, L, ...] of any dtype.
        mask_ratio: Share of each sequence to remove.
        **masking: The other keywords of `maskd.Client.random_masking`, but for `out`.

    Returns:
        MaskedBatch of tensors on the device of `x`; ids_keep is always among them.
    """
    returns = {"ids_keep", *masking.pop("returns", ("kept", "mask", "ids_restore"))}
    if x.device.type == "cpu":
        masked = client.random_masking(x.detach(), mask_ratio, returns=tuple(returns), **masking)
    else:
        drawn = client.generate_mask(x.shape[0], x.shape[1], mask_ratio, returns=tuple(returns - {"kept"}), **masking)
        masked = with_kept(None, to_device_async(map_results(_to_tensor, drawn), x.device))
    return with_kept(_KeptTokens.apply(x, masked.ids_keep, masked.kept), masked)


def _to_tensor(value: Any) -> Any:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def _in_backward() -> bool:
    """Whether this thread is in a backward pass, where torch.utils.checkpoint computes forward again."""
    graph_task = getattr(torch._C, "_current_graph_task_id", None)
    if graph_task is not None:
        return bool(graph_task() != -1)
    frame: FrameType | None = sys._getframe()  # torch 1 does not say
    while frame is not None:
        code = frame.f_code
        if code.co_filename == torch.utils.checkpoint.__file__ and code.co_name in ("backward", "unpack"):
            return True
        frame = frame.f_back
    return False


class RandomMasking(nn.Module):
    """random_masking of models_mae.py as a module: forward(x) gives kept, mask, ids_restore.

    Masks depend on `seed`, the epoch and the sample ids. Ids that forward is not given are counted: `first_sample_id`
    and on in each epoch, which set_epoch begins. Epoch and count are in state_dict, so that a resumed training goes
    on with the masks that it would have had. Processes that train on shares of one batch each need a range of ids of
    their own: first_sample_id=rank << 40.

    Inside torch.utils.checkpoint give forward sample_ids: counted ids would be others when it computes forward again.

    Args:
        client: Of `maskd.connect`. Copies of the module share it.
        mask_ratio: Share of each sequence to remove.
        seed: Of the masks.
        first_sample_id: Where counting begins in each epoch.
        **masking: The other keywords of `maskd.Client.random_masking`, but for `out`.
    """

    def __init__(
        self, client: Client, mask_ratio: float = 0.75, *, seed: int = 0, first_sample_id: int = 0, **masking: Any
    ) -> None:
        super().__init__()
        self.client, self.mask_ratio, self.seed, self.masking = client, mask_ratio, seed, masking
        self.first_sample_id = first_sample_id
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Begins an epoch, and its count of samples."""
        self.epoch, self.next_sample_id = epoch, self.first_sample_id

    def get_extra_state(self) -> dict[str, int]:
        """Returns what state_dict has of this module."""
        return {"epoch": self.epoch, "next_sample_id": self.next_sample_id}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Takes what get_extra_state returned."""
        self.epoch, self.next_sample_id = state["epoch"], state["next_sample_id"]

    def forward(self, x: Tensor, sample_ids: Any = None) -> MaskedBatch:
        """Masks x [N, L, ...]; sample_ids [N], or None to count them.

        Raises:
            RuntimeError: ids are to be counted in a backward pass, as by torch.utils.checkpoint: masks would be others.
        """
        if sample_ids is not None:
            ids = {"sample_ids": sample_ids}
        elif _in_backward():
            raise RuntimeError(
                "RandomMasking is computed again in a backward pass, as by torch.utils.checkpoint, where counted "
                "sample ids, and so the masks, would be others; pass sample_ids to forward"
            )
        else:
            ids = {"first_sample_id": self.next_sample_id}
            self.next_sample_id += x.shape[0]
        return random_masking(self.client, x, self.mask_ratio, seed=self.seed, epoch=self.epoch, **ids, **self.masking)

    def extra_repr(self) -> str:
        """Says what it masks by, in the representation of a model."""
        return f"mask_ratio={self.mask_ratio}, seed={self.seed}"


class PatchDropout(nn.Module):
    """PatchDropout of timm: the same arguments, and the same counts.

    In training, forward(x [N, P + L, D]) keeps max(1, int(L * (1 - prob))) random tokens of each sample, behind the P
    prefix tokens; else it returns x. With return_indices it gives the pair of that and ids_keep [N, K], or None.
    Masks, ids and `set_epoch` are those of RandomMasking, which is `masking` here.
    """

    def __init__(
        self,
        client: Client,
        prob: float = 0.5,
        num_prefix_tokens: int = 1,
        ordered: bool = False,
        return_indices: bool = False,
        *,
        seed: int = 0,
        **masking: Any,
    ) -> None:
        super().__init__()
        if not 0 <= prob < 1:
            raise ValueError(f"prob is {prob}; it must be in [0, 1)")
        self.prob, self.num_prefix_tokens, self.return_indices = prob, num_prefix_tokens, return_indices
        self.masking = RandomMasking(
            client, prob, seed=seed, count_rule="keep_trunc_min_1", order="raster" if ordered else "noise", **masking
        )

    def set_epoch(self, epoch: int) -> None:
        """Begins an epoch, as of RandomMasking."""
        self.masking.set_epoch(epoch)

    def forward(self, x: Tensor, sample_ids: Any = None) -> Tensor | tuple[Tensor, Tensor | None]:
        """Drops tokens of x [N, P + L, D]; sample_ids [N], or None to count them."""
        ids_keep = None
        if self.training and self.prob > 0:
            prefix, patches = x[:, : self.num_prefix_tokens], x[:, self.num_prefix_tokens :]
            masked = self.masking(patches, sample_ids)
            x, ids_keep = torch.cat([prefix, masked.kept], dim=1), masked.ids_keep
        return (x, ids_keep) if self.return_indices else x
