#!/usr/bin/env python3
"""The Python client beside the C++ one, beside the bare kernels, and beside a server of grpcio and PyTorch.

Rows are interleaved round by round, in random order; ratios are those of the medians. Every result of every row is
compared with PyTorch's random_masking of the same noise (torch_cpu); a wrong one makes the exit status 1.

Calls are unary and over TCP on loopback, from processes that scripts/benchmark tells to keep freed memory. They write
into arrays that exist, but for "new arrays", which a caller gets who passes no `out`. "bare kernels" is the CPU backend
without client and server. "grpcio and torch" is grpcio_client.py calling grpcio_torch_server.py, as one would write
and start them; with "tuned malloc" they keep freed memory too.

Then a training loop whose step takes --step_ms, in which the trainer's process has nothing to do (as while a GPU
computes): the stall is the time from asking for the next batch until it is there.

Example: scripts/benchmark --python
         scripts/benchmark --python --rounds=51 --json=out.json
"""
import argparse
import contextlib
import ctypes
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np
import torch

from started_server import started

import maskd

FOLDER = pathlib.Path(__file__).parent
TORCH_CPU = 2  # kernels/masking_spec.h
NEVER = 1 << 40  # stream_from_bytes
DEFAULT_MALLOC, TUNED_MALLOC = "grpcio and torch", "grpcio and torch, tuned malloc"


class Batch:
    """The input, and what must come out of it for a seed."""

    def __init__(self, shape, ratio, file):
        self.shape, self.ratio, self.file = shape, ratio, file
        self.keep = int(shape[1] * (1 - ratio))
        self.x = np.random.default_rng().random(shape, np.float32)
        self.x.tofile(file)
        self._expected = {}

    def expected(self, seed):
        if seed not in self._expected:
            torch.manual_seed(seed)
            noise = torch.rand(self.shape[:2]).numpy()
            ids_shuffle = np.argsort(noise, axis=1, kind="stable")
            ids_restore = np.argsort(ids_shuffle, axis=1)
            kept = np.take_along_axis(self.x, ids_shuffle[:, :self.keep, None], 1)
            self._expected = {seed: (kept, (ids_restore >= self.keep).astype(np.float32), ids_restore)}
        return self._expected[seed]

    def check(self, row, seed, results):
        if not all(np.array_equal(a, b) for a, b in zip(results, self.expected(seed))):
            sys.exit(f"{row}: results differ from those of PyTorch")


def succeed(row, failed):
    if failed:
        sys.exit(f"{row} returned an error")


class BareKernels:
    def __init__(self, folder, threads, batch):
        library, i64 = ctypes.CDLL(folder / "libhost_masking_library.so"), ctypes.c_int64
        library.MaskdBenchNewMasker.restype = ctypes.c_void_p
        library.MaskdBenchMask.argtypes = [ctypes.c_void_p, i64, i64, i64, ctypes.c_double, ctypes.c_uint64,
                                           ctypes.c_int, *[ctypes.c_void_p] * 5]
        self.mask, self.masker = library.MaskdBenchMask, library.MaskdBenchNewMasker(threads)
        self.batch, self.out = batch, new_results(batch)

    def __call__(self, seed):
        (n, length, dim), batch = self.batch.shape, self.batch
        begin = time.perf_counter()
        failed = self.mask(self.masker, n, length, dim * 4, batch.ratio, seed, TORCH_CPU, batch.x.ctypes.data,
                           *(array.ctypes.data for array in self.out), None)
        elapsed = time.perf_counter() - begin
        succeed("bare kernels", failed)
        batch.check("bare kernels", seed, self.out)
        return elapsed


class PythonClient:
    def __init__(self, address, batch, new_arrays=False, threads=0):
        self.client = maskd.connect(address, threads=threads, stream_from_bytes=NEVER)
        self.batch, self.out = batch, None if new_arrays else new_results(batch)

    def __call__(self, seed):
        batch = self.batch
        begin = time.perf_counter()
        results = self.client.random_masking(batch.x, batch.ratio, seed=seed, noise_source="torch_cpu", out=self.out)
        elapsed = time.perf_counter() - begin
        batch.check("Python client", seed, results)
        return elapsed


class ClientProcess:
    """A client that is a program: it times a call for each seed that it reads."""

    def __init__(self, name, command, address, batch, environment=None):
        self.name, self.batch = name, batch
        arguments = [address, *map(str, batch.shape), str(batch.ratio), batch.file]
        self.process = subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment)

    def __call__(self, seed):
        print(seed, file=self.process.stdin, flush=True)
        elapsed, checksum = self.process.stdout.readline().split() or sys.exit(f"{self.name} failed")
        if int(checksum) != zlib.crc32(b"".join(result.tobytes() for result in self.batch.expected(seed))):
            sys.exit(f"{self.name}: results differ from those of PyTorch")
        return float(elapsed)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def new_results(batch):
    n, length, dim = batch.shape
    return np.ones((n, batch.keep, dim), np.float32), np.ones((n, length), np.float32), np.ones((n, length), np.int64)


def time_rows(rows, rounds):
    """Seconds of each call, by row, in another order each round. Two rounds warm up."""
    times, names = {name: [] for name in rows}, list(rows)
    for round_number in range(rounds + 2):
        random.shuffle(names)
        for name in names:
            elapsed = rows[name](round_number)
            if round_number >= 2:
                times[name].append(elapsed)
    return times


def stalls(address, batch, flags, depth):
    """Seconds of each step's wait for its batch; at depth 0 it is asked for when it is needed."""
    client = maskd.connect(address)
    masking = {"mask_ratio": batch.ratio, "seed": 1}
    n = len(batch.x)
    if depth:
        batches = client.prefetch((batch.x for _ in range(flags.steps)), depth, **masking)
    else:
        batches = (client.random_masking(batch.x, first_sample_id=step * n, **masking) for step in range(flags.steps))
    waits, results = [], []
    begin = time.perf_counter()
    for step, masked in enumerate(batches):
        waits.append(time.perf_counter() - begin)
        results.append([masked.kept if step % 10 == 0 else None, masked.mask, masked.ids_restore])
        time.sleep(flags.step_ms * 1e-3)
        begin = time.perf_counter()
    for step, (kept, mask, ids_restore) in enumerate(results):
        expected = client.random_masking(batch.x, first_sample_id=step * n, **masking)
        if not (np.array_equal(mask, expected.mask) and np.array_equal(ids_restore, expected.ids_restore)
                and (kept is None or np.array_equal(kept, expected.kept))):
            sys.exit(f"training loop, depth {depth}: results differ from those of a call")
    return waits[1:]  # nothing could be there before the first step


def show(name, seconds, over=None):
    low, median, high = statistics.quantiles(seconds, n=4)
    ratio = "" if over is None else f"{median / statistics.median(over):9.2f}"
    print(f"{name:46}{median * 1e3:9.2f} ms{(high - low) / median:9.2f}{ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of maskd and the libraries of a build")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--sequence_length", type=int, default=196)
    parser.add_argument("--token_dim", type=int, default=768, help="float32 elements a token")
    parser.add_argument("--mask_ratio", type=float, default=0.75)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--step_ms", type=float, default=50)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--json", type=pathlib.Path, help="file to write the seconds of every call to")
    flags = parser.parse_args()
    shape = (flags.batch_size, flags.sequence_length, flags.token_dim)
    print(f"{list(shape)} float32, mask_ratio {flags.mask_ratio}, {flags.rounds} rounds, {flags.steps} steps, "
          f"congestion control {os.environ.get('BENCH_CONGESTION', 'of the host')}\n")

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        batch = Batch(shape, flags.mask_ratio, pathlib.Path(folder) / "tokens.bin")
        server = stack.enter_context(started([flags.bin / "maskd", "--device=cpu", "--listen=127.0.0.1:0"]))
        rows = {
            "C++ client": ClientProcess("C++ client", [flags.bin / "cpp_client"], server, batch),
            "Python client": PythonClient(server, batch),
            "Python client, new arrays": PythonClient(server, batch, new_arrays=True),
            "bare kernels, 1 thread": BareKernels(flags.bin, 1, batch),
            "inproc:, 1 thread": PythonClient("inproc:", batch, threads=1),
        }
        default_malloc = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        for name, environment in ((DEFAULT_MALLOC, default_malloc), (TUNED_MALLOC, None)):
            peer = stack.enter_context(started([sys.executable, FOLDER / "grpcio_torch_server.py"], environment))
            rows[name] = ClientProcess(name, [sys.executable, FOLDER / "grpcio_client.py"], peer, batch, environment)
        for row in rows.values():
            if isinstance(row, ClientProcess):
                stack.callback(row.close)
        seconds = time_rows(rows, flags.rounds)
        for depth in (0, 4):
            seconds[f"stall at depth {depth}"] = stalls(server, batch, flags, depth)

    print(f"{'call':46}{'time':>12}{'spread':>9}{'ratio':>9}  of")
    for name, over in (("C++ client", None), ("Python client", "C++ client"),
                       ("Python client, new arrays", "C++ client"), ("bare kernels, 1 thread", None),
                       ("inproc:, 1 thread", "bare kernels, 1 thread"),
                       (DEFAULT_MALLOC, "Python client"), (TUNED_MALLOC, "Python client")):
        show(name, seconds[name], over and seconds[over])
    print(f"\n{f'stall of a step of {flags.step_ms:g} ms':46}{'median':>12}{'p90':>12}{'max':>12}")
    for depth, name in ((0, "asked for when needed"), (4, "prefetch, depth 4")):
        waits = [1e3 * wait for wait in seconds[f"stall at depth {depth}"]]
        print(f"{name:46}{statistics.median(waits):9.3f} ms{statistics.quantiles(waits, n=10)[-1]:9.3f} ms"
              f"{max(waits):9.3f} ms")
    print("\nresults equal")
    if flags.json:
        flags.json.write_text(json.dumps({"shape": shape, "torch": torch.__version__, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
