#!/usr/bin/env python3
"""gather of kept tokens on the CPU beside memcpy and beside PyTorch.

Every round times, one after the other and on the same memory: one memcpy of the
gathered bytes; maskd's gather in its row form (index [N, K]), with that index
expanded ([N, K, D]), and with an index of its own for every element; loops that read
ahead as maskd does and trust the index; plain loops; and torch.gather. Results are compared bit for bit in the
same run; a wrong one makes the exit status 1.

Columns: time is the median over the rounds, spread the distance between its
quartiles over the median; "of memcpy" is the memcpy's median over the row's;
"torch / row" is the median of torch with the same index over the row's.

Example: scripts/benchmark --tensor_ops
         scripts/benchmark --tensor_ops --rounds=101 --threads=2
"""
import argparse
import ctypes
import json
import statistics
import sys

import numpy as np
import torch

from host_masking_bench import spread, timed


def load_library(path):
    library = ctypes.CDLL(path)
    pointer, i64 = ctypes.c_void_p, ctypes.c_int64
    library.MaskdBenchNewTensorOps.restype = pointer
    library.MaskdBenchNewTensorOps.argtypes = [ctypes.c_int]
    library.MaskdBenchGather.argtypes = [pointer, i64, i64, i64, i64, ctypes.c_int, pointer, pointer, pointer]
    for name in ("MaskdBenchGatherPlain", "MaskdBenchGatherTrusting"):
        getattr(library, name).argtypes = [i64] * 4 + [ctypes.c_int] + [pointer] * 3
    library.MaskdBenchCopy.argtypes = [pointer, pointer, ctypes.c_size_t]
    return library


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True, help="libtensor_ops_library.so of a build")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--sequence_length", type=int, default=196)
    parser.add_argument("--token_dim", type=int, default=768, help="float32 elements a token")
    parser.add_argument("--num_keep", type=int, default=49)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=51)
    parser.add_argument("--json", help="file to write the figures to")
    flags = parser.parse_args()
    n, l, d, k = flags.batch_size, flags.sequence_length, flags.token_dim, flags.num_keep
    torch.set_num_threads(flags.threads)
    torch.set_grad_enabled(False)

    library = load_library(flags.library)
    ops = library.MaskdBenchNewTensorOps(flags.threads)
    generator = np.random.default_rng()
    x = generator.random((n, l, d), np.float32)
    rows = np.ascontiguousarray(np.argsort(generator.random((n, l)), axis=1)[:, :k]).astype(np.int64)
    expanded = np.ascontiguousarray(np.broadcast_to(rows[:, :, None], (n, k, d)))
    elements = generator.integers(0, l, (n, k, d), np.int64)
    by_rows, by_expanded, by_elements, copied, rows_trusted, elements_trusted, rows_plain, elements_plain = (
        np.ones((n, k, d), np.float32) for _ in range(8))
    torch_x, torch_output = torch.from_numpy(x), torch.empty((n, k, d))

    def gather(index, output, row_form=0):
        if library.MaskdBenchGather(ops, n, l, d, k, row_form, x.ctypes.data, index.ctypes.data, output.ctypes.data):
            sys.exit("maskd returned an error")

    def loops(loop, index, output, row_form=0):
        loop(n, l, d, k, row_form, x.ctypes.data, index.ctypes.data, output.ctypes.data)

    def torch_gather(index):
        return torch.gather(torch_x, 1, torch.from_numpy(index), out=torch_output).numpy()

    def check():
        for output, index in ((by_rows, expanded), (by_expanded, expanded), (by_elements, elements),
                              (rows_trusted, expanded), (elements_trusted, elements),
                              (rows_plain, expanded), (elements_plain, elements)):
            if not np.array_equal(output, torch_gather(index)):
                sys.exit("maskd's gather differs from torch.gather")

    kinds = {
        "memcpy of the output": lambda: library.MaskdBenchCopy(copied.ctypes.data, x.ctypes.data, copied.nbytes),
        "gather, row form": lambda: gather(rows, by_rows, 1),
        "gather, expanded index": lambda: gather(expanded, by_expanded),
        "gather, any index": lambda: gather(elements, by_elements),
        "trusting, row form": lambda: loops(library.MaskdBenchGatherTrusting, rows, rows_trusted, 1),
        "trusting, any index": lambda: loops(library.MaskdBenchGatherTrusting, elements, elements_trusted),
        "plain loops, row form": lambda: loops(library.MaskdBenchGatherPlain, rows, rows_plain, 1),
        "plain loops, any index": lambda: loops(library.MaskdBenchGatherPlain, elements, elements_plain),
        "torch.gather, expanded index": lambda: torch_gather(expanded),
        "torch.gather, any index": lambda: torch_gather(elements),
    }
    times = {name: [] for name in kinds}
    for round_number in range(flags.rounds + 2):
        for name, run in kinds.items():
            elapsed = timed(run)
            if round_number >= 2:  # two rounds to warm up
                times[name].append(elapsed)
        if round_number in (0, flags.rounds + 1):
            check()
    medians = {name: statistics.median(values) for name, values in times.items()}
    copy = medians["memcpy of the output"]
    peers = {name: medians[f"torch.gather, {'any' if 'any' in name else 'expanded'} index"] for name in kinds}
    print(f"[{n}, {l}, {d}] float32, K={k}, {flags.threads} thread(s), {flags.rounds} rounds, torch {torch.__version__}\n")
    print(f"{'':30}{'time':>11}{'spread':>9}{'of memcpy':>11}{'torch / row':>13}")
    for name in kinds:
        print(f"{name:30}{medians[name]:8.0f} us{spread(times[name]):9.2f}{copy / medians[name]:11.2f}"
              f"{peers[name] / medians[name]:13.1f}")
    cost = {form: 1 - medians[f"trusting, {form}"] / medians[f"gather, {form}"]
            for form in ("row form", "any index")}
    print(f"\nof the gather, more than loops that trust the index: row form {cost['row form']:.0%}, "
          f"any index {cost['any index']:.0%}; results equal")
    if flags.json:
        with open(flags.json, "w", encoding="utf-8") as file:
            json.dump({"shape": [n, l, d, k], "threads": flags.threads, "rounds": flags.rounds,
                       "torch": torch.__version__, "us": medians, "check_cost": cost}, file, indent=1)


if __name__ == "__main__":
    main()
