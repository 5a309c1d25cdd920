"""Where a step of pretrain_mae.py gets its masks from: maskd, or the reference's code in PyTorch."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from mae_model import MaskedAutoencoderViT
from pictures import RandomCrops
from torch import Tensor

import maskd


class Batch(NamedTuple):
    patches: Tensor  # [N, L, P]
    sample_ids: np.ndarray  # [N]


class Masked(NamedTuple):
    batch: Batch
    kept: Tensor  # [N, K, P]
    mask: Tensor  # [N, L]
    ids_restore: Tensor  # [N, L]
    ids_keep: Tensor  # [N, K]
    epoch: int
    index: int  # of the batch in its epoch


class Patches:
    """The crops of RandomCrops as Batches."""

    def __init__(self, crops: RandomCrops, model: MaskedAutoencoderViT) -> None:
        self.crops, self.model = crops, model

    def __iter__(self) -> Iterator[Batch]:
        for images, sample_ids in self.crops:
            yield Batch(self.model.patchify(torch.from_numpy(images)).contiguous(), sample_ids)


def torch_noise(seed: int, epoch: int, index: int, shape: tuple[int, int]) -> Tensor:
    """What torch.rand draws for batch `index` of an epoch, before which the generator was seeded."""
    generator = torch.Generator().manual_seed(seed + epoch)
    for _ in range(index):
        torch.rand(shape, generator=generator)
    return torch.rand(shape, generator=generator)


def random_masking(x: Tensor, mask_ratio: float, noise: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """random_masking of models_mae.py of facebookresearch/mae; the sort is stable, which there it is by chance."""
    n, length, dim = x.shape
    len_keep = int(length * (1 - mask_ratio))
    ids_shuffle = torch.sort(noise, dim=1, stable=True)[1]
    ids_restore = torch.argsort(ids_shuffle, dim=1)
    ids_keep = ids_shuffle[:, :len_keep]
    x_masked = torch.gather(x, dim=1, index=ids_keep.unsqueeze(-1).repeat(1, 1, dim))
    mask = torch.ones([n, length])
    mask[:, :len_keep] = 0
    return x_masked, torch.gather(mask, dim=1, index=ids_restore), ids_restore, ids_keep


def masked_by_torch(flags: argparse.Namespace, loader: Patches, epoch: int, index: int) -> Iterator[Masked]:
    for epoch_now in range(epoch, flags.epochs):
        for index_now, batch in enumerate(loader):
            if epoch_now > epoch or index_now >= index:
                noise = torch_noise(flags.seed, epoch_now, index_now, batch.patches.shape[:2])
                yield Masked(batch, *random_masking(batch.patches, flags.mask_ratio, noise), epoch_now, index_now)


def masked_by_maskd(
    flags: argparse.Namespace, client: maskd.Client, loader: Patches, epoch: int, index: int
) -> Iterator[Masked]:
    def noise_of(batch: Batch, position: Any) -> dict[str, Any]:
        n, length = batch.patches.shape[:2]
        if flags.noise == "torch_cpu":
            return {
                "noise_source": "torch_cpu",
                "seed": flags.seed + position.epoch,
                "torch_skip": position.batch * n * length,
            }
        return {"noise": torch_noise(flags.seed, position.epoch, position.batch, (n, length))}

    prefetched = client.prefetch(
        loader,
        flags.prefetch_depth,
        epochs=flags.epochs - epoch,
        start_epoch=epoch,
        start_batch=index,
        tokens=0,
        sample_ids=1,
        per_batch=None if flags.noise == "seeded" else noise_of,
        mask_ratio=flags.mask_ratio,
        seed=flags.seed,
        returns=("kept", "mask", "ids_restore", "ids_keep"),
    )
    with contextlib.closing(prefetched):
        for item in prefetched:
            kept, mask, ids_restore, batch = item
            yield Masked(batch, kept, mask, ids_restore, item.masked.ids_keep, item.position.epoch, item.position.batch)
