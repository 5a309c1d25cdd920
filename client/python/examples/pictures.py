"""Pictures in: random crops of photographs. Pictures out: rows of images, and a curve. With numpy and Pillow."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw

# Of ImageNet, as main_pretrain.py of facebookresearch/mae normalizes with.
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def read_pictures(folder: pathlib.Path) -> list[Image.Image]:
    """Every picture in `folder`, by name, RGB."""
    extensions = Image.registered_extensions()
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in extensions]
    if not paths:
        raise SystemExit(f"no pictures in {folder}")
    return [Image.open(path).convert("RGB") for path in paths]


def normalize(picture: Image.Image) -> np.ndarray:
    """To [3, H, W] float32."""
    return np.ascontiguousarray(((np.asarray(picture, np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1))


def denormalize(image: np.ndarray) -> np.ndarray:
    """[3, H, W] float32 back to [H, W, 3] bytes."""
    return np.clip((image.transpose(1, 2, 0) * STD + MEAN) * 255 + 0.5, 0, 255).astype(np.uint8)


def center_square(picture: Image.Image, size: int) -> Image.Image:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.resize((size, size), Image.BICUBIC, box=(left, top, left + side, top + side))


class RandomCrops:
    """A loader of (images [N, 3, size, size], sample ids [N]); each iteration is the next epoch.

    A crop is a function of (seed, epoch, sample id), so that a training that resumes sees the same ones. As
    RandomResizedCrop(scale=(0.2, 1)) and RandomHorizontalFlip of the reference.
    """

    def __init__(
        self, pictures: Sequence[Image.Image], size: int, samples: int, batch_size: int, seed: int, start_epoch: int
    ) -> None:
        self.pictures, self.size, self.samples, self.batch_size = pictures, size, samples, batch_size
        self.seed, self.epoch = seed, start_epoch

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        epoch = self.epoch
        self.epoch += 1
        order = np.random.default_rng([self.seed, epoch]).permutation(self.samples)
        for first in range(0, self.samples - self.batch_size + 1, self.batch_size):
            ids = order[first : first + self.batch_size].astype(np.uint64)
            yield np.stack([self._crop(epoch, int(sample)) for sample in ids]), ids

    def _crop(self, epoch: int, sample: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, epoch, sample])
        picture = self.pictures[sample % len(self.pictures)]
        area = picture.width * picture.height * rng.uniform(0.2, 1)
        aspect = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        width = min(picture.width, max(1, round((area * aspect) ** 0.5)))
        height = min(picture.height, max(1, round((area / aspect) ** 0.5)))
        left, top = rng.integers(picture.width - width + 1), rng.integers(picture.height - height + 1)
        crop = picture.resize((self.size, self.size), Image.BICUBIC, box=(left, top, left + width, top + height))
        return normalize(crop.transpose(Image.FLIP_LEFT_RIGHT) if rng.integers(2) else crop)


def write_rows(path: pathlib.Path, rows: Sequence[Sequence[np.ndarray]], scale: int = 3, gap: int = 4) -> None:
    """Images [3, H, W] in rows and columns, each pixel `scale` wide."""
    height, width = rows[0][0].shape[1] * scale + gap, rows[0][0].shape[2] * scale + gap
    sheet = Image.new("RGB", (width * len(rows[0]) - gap, height * len(rows) - gap), "white")
    for top, row in enumerate(rows):
        for left, image in enumerate(row):
            tile = Image.fromarray(denormalize(image))
            sheet.paste(tile.resize((width - gap, height - gap), Image.NEAREST), (left * width, top * height))
    sheet.save(path, optimize=True)


def write_curve(path: pathlib.Path, losses: Sequence[float], width: int = 640, height: int = 320) -> None:
    """The losses, one a step, on a logarithmic axis with its powers and halves marked."""
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    left, right, top, bottom = 48, width - 12, 12, height - 28
    logs = np.log2(np.asarray(losses))
    low, high = np.floor(logs.min() * 2) / 2, np.ceil(logs.max() * 2) / 2
    for mark in np.arange(low, max(high, low + 0.5) + 0.25, 0.5):
        y = bottom - (mark - low) / max(high - low, 0.5) * (bottom - top)
        draw.line((left, y, right, y), "#dddddd")
        draw.text((8, y - 5), f"{2**mark:.3f}", "#444444")
    xs = left + np.arange(len(logs)) / max(1, len(logs) - 1) * (right - left)
    ys = bottom - (logs - low) / max(high - low, 0.5) * (bottom - top)
    draw.line(list(zip(xs.tolist(), ys.tolist())), "#1f5fa8")
    draw.text((left, bottom + 8), f"loss over {len(losses)} steps", "#444444")
    sheet.save(path, optimize=True)
