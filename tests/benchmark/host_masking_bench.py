#!/usr/bin/env python3
"""The CPU backend beside memcpy and beside the reference recipe in PyTorch.

Every round times, one after the other and on the same memory: one memcpy of the
kept bytes, maskd, and `random_masking` of facebookresearch/mae in PyTorch. Twice:
with batches that lie in the cache, as one does that has just been received or
computed, and with 512 MiB of batches in turn, which come from memory. Results
are checked in the same run, bit for bit; a wrong one makes the exit status 1.

Columns: time is the median over the rounds, spread the distance between its
quartiles over the median; "of memcpy" is the memcpy's median time over the
row's, for the same bytes moved; "torch / row" is PyTorch's median time over
the row's.

Example: scripts/benchmark
         scripts/benchmark --batch_size=256 --threads=2 --json=out.json
"""
import argparse
import ctypes
import json
import platform
import statistics
import sys
import time

import numpy as np
import torch

SEEDED, TORCH_CPU = 0, 2


def random_masking(x, mask_ratio, stable=False):
    """`random_masking` of models_mae.py, facebookresearch/mae: its steps."""
    n, l, d = x.shape
    len_keep = int(l * (1 - mask_ratio))
    noise = torch.rand(n, l)
    ids_shuffle = torch.sort(noise, dim=1, stable=True)[1] if stable else torch.argsort(noise, dim=1)
    ids_restore = torch.argsort(ids_shuffle, dim=1)
    ids_keep = ids_shuffle[:, :len_keep]
    kept = torch.gather(x, dim=1, index=ids_keep.unsqueeze(-1).repeat(1, 1, d))
    mask = torch.ones([n, l])
    mask[:, :len_keep] = 0
    mask = torch.gather(mask, dim=1, index=ids_restore)
    return kept, mask, ids_restore


def load_library(path):
    library = ctypes.CDLL(path)
    pointer, i64 = ctypes.c_void_p, ctypes.c_int64
    library.MaskdBenchNewMasker.restype = pointer
    library.MaskdBenchNewMasker.argtypes = [ctypes.c_int]
    library.MaskdBenchMask.argtypes = [pointer, i64, i64, i64, ctypes.c_double, ctypes.c_uint64, ctypes.c_int,
                                       pointer, pointer, pointer, pointer, pointer]
    library.MaskdBenchCopy.argtypes = [pointer, pointer, ctypes.c_size_t]
    return library


class Maskd:
    """The CPU backend on preallocated outputs."""

    def __init__(self, library, threads, n, l, d, ratio):
        self.library, self.masker = library, library.MaskdBenchNewMasker(threads)
        self.shape, self.ratio = (n, l, d), ratio
        self.kept = np.ones((n, int(l * (1 - ratio)), d), np.float32)
        self.mask = np.ones((n, l), np.float32)
        self.ids_restore = np.ones((n, l), np.int64)

    def __call__(self, x, seed, source, noise=None):
        n, l, d = self.shape
        failed = self.library.MaskdBenchMask(self.masker, n, l, d * 4, self.ratio, seed, source, x.ctypes.data,
                                             self.kept.ctypes.data, self.mask.ctypes.data,
                                             self.ids_restore.ctypes.data,
                                             None if noise is None else noise.ctypes.data)
        if failed:
            sys.exit("maskd returned an error")


def check(maskd, x, seed):
    """Exits with 1 unless maskd's results are the reference's."""
    torch.manual_seed(seed)
    kept, mask, ids_restore = random_masking(torch.from_numpy(x), maskd.ratio, stable=True)
    maskd(x, seed, TORCH_CPU)
    if not (np.array_equal(maskd.kept, kept.numpy()) and np.array_equal(maskd.mask, mask.numpy())
            and np.array_equal(maskd.ids_restore, ids_restore.numpy())):
        sys.exit("maskd with TORCH_CPU noise differs from PyTorch")
    noise = np.ones(maskd.mask.shape, np.float32)
    maskd(x, seed, SEEDED, noise)
    ids_shuffle = np.argsort(noise, axis=1, kind="stable")
    keep = maskd.kept.shape[1]
    if not (np.array_equal(np.take_along_axis(maskd.ids_restore, ids_shuffle, 1),
                           np.broadcast_to(np.arange(noise.shape[1]), noise.shape))
            and np.array_equal(maskd.mask, (maskd.ids_restore >= keep).astype(np.float32))
            and np.array_equal(maskd.kept, np.take_along_axis(x, ids_shuffle[:, :keep, None], 1))):
        sys.exit("maskd with SEEDED noise is not the argsort of its noise")


def timed(function):
    begin = time.perf_counter_ns()
    function()
    return (time.perf_counter_ns() - begin) * 1e-3


def spread(times):
    low, _, high = statistics.quantiles(times, n=4)
    return (high - low) / statistics.median(times)


def measure(maskd, inputs, rounds):
    """Figures of every row on `inputs`, whose results are checked before and after."""
    for seed in (1, 2, 3):
        check(maskd, inputs[seed % len(inputs)], seed)
    copy_to = np.ones(maskd.kept.shape, np.float32)
    rows = {
        "memcpy of the kept bytes": lambda x, seed:
            maskd.library.MaskdBenchCopy(copy_to.ctypes.data, x.ctypes.data, copy_to.nbytes),
        "maskd, seeded": lambda x, seed: maskd(x, seed, SEEDED),
        "maskd, torch_cpu": lambda x, seed: maskd(x, seed, TORCH_CPU),
        "torch, reference recipe": lambda x, seed: random_masking(torch.from_numpy(x), maskd.ratio),
    }
    times = {name: [] for name in rows}
    turn = 0
    for round_number in range(rounds + 2):
        for name, row in rows.items():
            x = inputs[turn % len(inputs)]
            turn += 1
            elapsed = timed(lambda: row(x, round_number))
            if round_number >= 2:  # two rounds to warm up
                times[name].append(elapsed)
    for seed in (4, 5):
        check(maskd, inputs[seed % len(inputs)], seed)
    medians = {name: statistics.median(values) for name, values in times.items()}
    copy, recipe = medians["memcpy of the kept bytes"], medians["torch, reference recipe"]
    return {name: {"us": medians[name], "spread": spread(times[name]), "of_memcpy": copy / medians[name],
                   "torch_over_row": recipe / medians[name]} for name in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True, help="libhost_masking_library.so of a build")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--sequence_length", type=int, default=196)
    parser.add_argument("--token_dim", type=int, default=768, help="float32 elements a token")
    parser.add_argument("--mask_ratio", type=float, default=0.75)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=51)
    parser.add_argument("--json", help="file to write the figures to")
    flags = parser.parse_args()
    n, l, d = flags.batch_size, flags.sequence_length, flags.token_dim
    torch.set_num_threads(flags.threads)
    torch.set_grad_enabled(False)

    library = load_library(flags.library)
    generator = np.random.default_rng()
    batch_bytes = n * l * d * 4
    figures = {}
    print(f"[{n}, {l}, {d}] float32, mask_ratio {flags.mask_ratio}, {flags.threads} thread(s), {flags.rounds} rounds, "
          f"torch {torch.__version__}")
    for where, batches in (("in cache", 2), ("from memory", max(2, (512 << 20) // batch_bytes + 1))):
        inputs = [generator.random((n, l, d), np.float32) for _ in range(batches)]
        maskd = Maskd(library, flags.threads, n, l, d, flags.mask_ratio)
        figures[where] = measure(maskd, inputs, flags.rounds)
        print(f"\ntokens {where:19}{'time':>11}{'spread':>9}{'of memcpy':>11}{'torch / row':>13}")
        for name, row in figures[where].items():
            print(f"{name:26}{row['us']:8.0f} us{row['spread']:9.2f}{row['of_memcpy']:11.2f}"
                  f"{row['torch_over_row']:13.1f}")
    print("\nresults equal")
    if flags.json:
        with open(flags.json, "w", encoding="utf-8") as file:
            json.dump({"shape": [n, l, d], "threads": flags.threads, "rounds": flags.rounds,
                       "torch": torch.__version__, "machine": platform.processor() or platform.machine(),
                       "figures": figures}, file, indent=1)


if __name__ == "__main__":
    main()
