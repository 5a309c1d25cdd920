#!/usr/bin/env python3
"""Pre-trains a small masked autoencoder on the photographs of a folder, with masks from maskd.

Draws the loss curve and reconstructions into --output_dir, and writes every loss, exactly, to losses.json there, and a
checkpoint to go on from. The hyperparameters have the names of main_pretrain.py of facebookresearch/mae; sizes and
rates are those of a model that trains in about two minutes. The same flags give the same losses to the last
bit, whatever --masks says: in this process, on one server, on several of which some go away, or resumed in the middle.

Example: client/python/examples/pretrain_mae.py --masks=inproc:
         client/python/examples/pretrain_mae.py --masks=gpu1:50051,gpu2:50051 --fallback=inproc
         client/python/examples/pretrain_mae.py --resume=mae_output/checkpoint.pth
         client/python/examples/pretrain_mae.py --masks=torch --noise=torch_cpu   # the reference's masking, no maskd
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import sys
import time
from collections.abc import Iterable
from typing import Any, Callable

import torch
from mae_masks import Masked, Patches, masked_by_maskd, masked_by_torch, random_masking, torch_noise
from mae_model import MaskedAutoencoderViT
from pictures import RandomCrops, center_square, normalize, read_pictures, write_curve, write_rows

import maskd

FIRST_DRAWN_ID = 1 << 40  # sample ids that no crop has


def parse_flags(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--masks", default="inproc:", help="inproc:, unix:path, host:port or several with commas, or torch")
    add(
        "--noise",
        default="seeded",
        choices=("seeded", "torch_cpu", "provided"),
        help="whose bits: maskd's own, torch.rand's drawn by maskd, or torch.rand's sent to maskd",
    )
    add("--fallback", choices=("inproc",), help="go on in this process while no server answers")
    add("--prefetch_depth", type=int, default=4, help="batches that masks are drawn ahead for")
    add(
        "--data_path",
        type=pathlib.Path,
        default=pathlib.Path(__file__).parents[3] / "tests/data",
        help="folder of pictures; random crops are cut out of them",
    )
    add("--output_dir", type=pathlib.Path, default=pathlib.Path("mae_output"))
    add("--resume", type=pathlib.Path, help="checkpoint to go on from")
    add("--stop_after", type=int, help="steps after which to write the checkpoint and stop")
    add("--epochs", type=int, default=16)
    add("--samples", type=int, default=1536, help="crops in an epoch")
    add("--batch_size", type=int, default=32)
    add("--mask_ratio", type=float, default=0.75)
    add("--norm_pix_loss", action="store_true", help="the loss of patches normalized by their mean and variance")
    add("--weight_decay", type=float, default=0.05)
    add("--blr", type=float, default=1.6e-2, help="base learning rate; the rate is blr * batch_size / 256")
    add("--min_lr", type=float, default=0.0)
    add("--warmup_epochs", type=int, default=2)
    add("--input_size", type=int, default=64)
    add("--patch_size", type=int, default=8)
    add("--embed_dim", type=int, default=96)
    add("--depth", type=int, default=4)
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=1, help="of torch; a core is left to maskd")
    flags = parser.parse_args(arguments)
    if flags.masks == "torch" and flags.noise == "seeded":
        flags.noise = "torch_cpu"
    return flags


class Training:
    """Model, optimizer, and how far they are."""

    def __init__(self, flags: argparse.Namespace) -> None:
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(flags.threads)
        torch.manual_seed(flags.seed)
        self.flags = flags
        self.model = MaskedAutoencoderViT(
            flags.input_size, flags.patch_size, flags.embed_dim, flags.depth, norm_pix_loss=flags.norm_pix_loss
        )
        parameters = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in parameters if p.ndim > 1], "weight_decay": flags.weight_decay},
                {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ],
            betas=(0.9, 0.95),
        )
        self.epoch, self.index = 0, 0  # of the next batch
        self.losses: list[float] = []
        if flags.resume:
            self._load(flags.resume)

    def _load(self, path: pathlib.Path) -> None:
        checkpoint = torch.load(path)
        self.model.load_state_dict(checkpoint["model"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.epoch, self.index, self.losses = checkpoint["epoch"], checkpoint["index"], checkpoint["losses"]

    def save(self, path: pathlib.Path) -> None:
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "epoch": self.epoch,
                "index": self.index,
                "losses": self.losses,
            },
            path,
        )

    def learning_rate(self, epoch: float) -> float:
        """Warm-up, then half a cosine: util/lr_sched.py of the reference."""
        flags = self.flags
        lr: float = flags.blr * flags.batch_size / 256
        if epoch < flags.warmup_epochs:
            return lr * epoch / flags.warmup_epochs
        progress = (epoch - flags.warmup_epochs) / (flags.epochs - flags.warmup_epochs)
        return flags.min_lr + (lr - flags.min_lr) * 0.5 * (1 + math.cos(math.pi * progress))

    def step(self, masked: Masked) -> float:
        steps_in_epoch = self.flags.samples // self.flags.batch_size
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(masked.epoch + masked.index / steps_in_epoch)
        loss, _ = self.model(masked.batch.patches, masked.kept, masked.mask, masked.ids_restore, masked.ids_keep)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())
        self.epoch, self.index = masked.epoch, masked.index + 1
        return self.losses[-1]

    def run(self, batches: Iterable[Masked], on_step: Callable[[Training], None]) -> None:
        for masked in batches:
            self.step(masked)
            on_step(self)
            if self.flags.stop_after and len(self.losses) >= self.flags.stop_after:
                return


def train(
    flags: argparse.Namespace, client: maskd.Client | None, on_step: Callable[[Training], None] = lambda training: None
) -> Training:
    """Trains as `flags` say; without a client PyTorch draws the masks. Calls on_step after each step."""
    training = Training(flags)
    crops = RandomCrops(
        read_pictures(flags.data_path), flags.input_size, flags.samples, flags.batch_size, flags.seed, training.epoch
    )
    loader = Patches(crops, training.model)
    if client is None:
        training.run(masked_by_torch(flags, loader, training.epoch, training.index), on_step)
    else:
        training.run(masked_by_maskd(flags, client, loader, training.epoch, training.index), on_step)
    return training


@torch.no_grad()
def draw_reconstructions(training: Training, client: maskd.Client | None, path: pathlib.Path) -> None:
    """Of each photograph, its middle: as it is, what the encoder sees, and that completed by the decoder."""
    flags, model = training.flags, training.model
    photographs = [center_square(picture, flags.input_size) for picture in read_pictures(flags.data_path)]
    images = torch.stack([torch.from_numpy(normalize(photograph)) for photograph in photographs])
    patches = model.patchify(images).contiguous()
    if client is None:
        noise = torch_noise(flags.seed, flags.epochs, 0, patches.shape[:2])
        kept, mask, ids_restore, ids_keep = random_masking(patches, flags.mask_ratio, noise)
    else:
        masked = client.random_masking(
            patches,
            flags.mask_ratio,
            seed=flags.seed,
            first_sample_id=FIRST_DRAWN_ID,
            returns=("kept", "mask", "ids_restore", "ids_keep"),
        )
        (kept, mask, ids_restore), ids_keep = masked, masked.ids_keep
    _, pred = model(patches, kept, mask, ids_restore, ids_keep)
    if flags.norm_pix_loss:
        pred = pred * (patches.var(dim=-1, keepdim=True) + 1e-6) ** 0.5 + patches.mean(dim=-1, keepdim=True)
    removed = mask.unsqueeze(-1)
    columns = [
        images,
        model.unpatchify(patches * (1 - removed)),
        model.unpatchify(patches * (1 - removed) + pred * removed),
    ]
    write_rows(path, [[column[i].numpy() for column in columns] for i in range(len(images))])


def print_progress(client: maskd.Client | None) -> Callable[[Training], None]:
    begin, trained = time.monotonic(), 0

    def on_step(training: Training) -> None:
        nonlocal trained
        flags = training.flags
        trained += 1
        waited = ""
        if client is not None:
            statistics = client.statistics()
            waited = f"  waited {1e3 * statistics['wait_seconds'] / max(1, statistics['waits']):.2f} ms/step"
            waited += f"  {statistics['fallbacks']} fallbacks" if statistics["fallbacks"] else ""
        line = (
            f"epoch {training.epoch + 1}/{flags.epochs}  step {len(training.losses)}  "
            f"loss {training.losses[-1]:.4f}  {trained * flags.batch_size / (time.monotonic() - begin):.0f} "
            f"samples/s{waited}"
        )
        last = training.index == flags.samples // flags.batch_size
        if sys.stderr.isatty():
            print(f"\r{line}\033[K", end="\n" if last else "", file=sys.stderr, flush=True)
        elif last:
            print(line, file=sys.stderr, flush=True)

    return on_step


def main() -> None:
    flags = parse_flags()
    client = None
    if flags.masks != "torch":
        client = maskd.connect(flags.masks.split(","), fallback=flags.fallback)
    flags.output_dir.mkdir(parents=True, exist_ok=True)
    training = train(flags, client, print_progress(client))
    training.save(flags.output_dir / "checkpoint.pth")
    write_curve(flags.output_dir / "losses.png", training.losses)
    draw_reconstructions(training, client, flags.output_dir / "reconstructions.png")
    record: dict[str, Any] = {
        "losses": [loss.hex() for loss in training.losses],
        "flags": {name: str(value) for name, value in vars(flags).items()},
    }
    if client is not None:
        record["statistics"] = client.statistics()
    (flags.output_dir / "losses.json").write_text(json.dumps(record, indent=1) + "\n")
    print(
        f"{len(training.losses)} steps, loss {training.losses[0]:.4f} to {training.losses[-1]:.4f}; "
        f"{flags.output_dir}/losses.png, reconstructions.png, losses.json, checkpoint.pth"
    )


if __name__ == "__main__":
    main()
