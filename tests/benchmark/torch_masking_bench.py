#!/usr/bin/env python3
"""Times random masking in PyTorch on a CUDA device beside maskd's in the same run, and prints the ratios.

Example: tests/benchmark/torch_masking_bench.py build/bundle/bin
         tests/benchmark/torch_masking_bench.py build/bundle/bin --json=torch.json

The argument is the folder of masker_bench, maskd and maskctl. Both sides are timed alike: between two events, after a
copy that keeps the device busy until all is enqueued and clears the L2; medians of 31. First every PyTorch variant is
given the noise that maskd is given, and must return the same bytes.

Exits with 1 if results differ, and with 77 and one line where there is no torch with CUDA.
"""
import argparse
import ctypes
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

LENGTH, DIM, NUM_KEEP = 196, 768, 49
BATCH_SIZES = (64, 256, 1024)
REPEATS, WARM_UPS = 31, 5
COPY_BYTES = 512 << 20


def variants(torch):
    """Name -> masking of x [N, L, D] by noise [N, L]: kept tokens, mask, ids_restore."""

    def reference(x, noise):
        # What random_masking of facebookresearch/mae does: two argsorts, two gathers.
        ids_shuffle = torch.argsort(noise, dim=1)
        ids_restore = torch.argsort(ids_shuffle, dim=1)
        ids_keep = ids_shuffle[:, :NUM_KEEP]
        kept = torch.gather(x, dim=1, index=ids_keep.unsqueeze(-1).expand(-1, -1, x.shape[2]))
        mask = torch.ones(noise.shape, device=x.device)
        mask[:, :NUM_KEEP] = 0
        return kept, torch.gather(mask, dim=1, index=ids_restore), ids_restore

    def index_select(x, noise):
        # One argsort, the inverse by a scatter, whole rows by index_select.
        n, l, d = x.shape
        ids_shuffle = torch.argsort(noise, dim=1)
        places = torch.arange(l, device=x.device).expand(n, l)
        ids_restore = torch.empty_like(ids_shuffle).scatter_(1, ids_shuffle, places)
        rows = ids_shuffle[:, :NUM_KEEP] + l * torch.arange(n, device=x.device).unsqueeze(1)
        kept = x.reshape(n * l, d).index_select(0, rows.flatten()).reshape(n, NUM_KEEP, d)
        return kept, (ids_restore >= NUM_KEEP).float(), ids_restore

    masking = {"eager, reference": reference, "eager, index_select": index_select}
    if hasattr(torch, "compile"):
        masking["torch.compile, reference"] = torch.compile(reference, dynamic=False)
        masking["torch.compile, index_select"] = torch.compile(index_select, dynamic=False)
    return masking


def noise_without_ties(torch, n):
    """Noise whose order no sort can get differently: torch.argsort is not stable."""
    ranks = torch.rand(n, LENGTH, device="cuda").argsort(dim=1)
    return (ranks.float() + torch.rand(n, 1, device="cuda") * 0.5) / LENGTH


def write_npy(path, array_bytes, descr, shape):
    header = repr({"descr": descr, "fortran_order": False, "shape": tuple(shape)}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + array_bytes)


def read_npy(path):
    """The data alone."""
    content = path.read_bytes()
    return content[10 + int.from_bytes(content[8:10], "little"):]


def tensor_bytes(tensor):
    tensor = tensor.cpu().contiguous()
    return ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size())


def check_results(torch, masking, folder, dtype):
    """Ends the benchmark if a variant gives other bytes than maskd; removes one that torch cannot compile here."""
    n = 64
    x = torch.randn(n, LENGTH, DIM, device="cuda").to(dtype)
    noise = noise_without_ties(torch, n)
    with tempfile.TemporaryDirectory() as name:
        files = pathlib.Path(name)
        write_npy(files / "x.npy", tensor_bytes(x), f"<u{x.element_size()}", x.shape)
        write_npy(files / "noise.npy", tensor_bytes(noise), "<f4", noise.shape)
        server = subprocess.Popen([folder / "maskd", "--device=cuda", "--listen=127.0.0.1:0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = server.stdout.readline().strip().removeprefix("listening on ")
            subprocess.run([folder / "maskctl", "mask", f"--address={address}", f"--tokens={files}/x.npy",
                            f"--noise={files}/noise.npy", f"--num_keep={NUM_KEEP}", f"--out={files}/out"],
                           check=True, stdout=subprocess.DEVNULL)
        finally:
            server.terminate()
            server.wait()
        expected = [read_npy(files / "out" / f"{result}.npy") for result in ("kept_tokens", "mask", "ids_restore")]
    for name in list(masking):
        try:
            actual = [tensor_bytes(result) for result in masking[name](x, noise)]
        except Exception as error:  # of the many kinds that torch.compile has
            if not name.startswith("torch.compile"):
                raise
            print(f"{name}: left out, torch cannot compile here: {str(error).splitlines()[0]}")
            del masking[name]
            continue
        if actual != expected:
            sys.exit(f"torch_masking_bench: {name}, {dtype}: results differ from maskd's")


def time_us(torch, work):
    """Median and spread (distance of the quartiles over the median)."""
    copy_from, copy_to = (torch.empty(COPY_BYTES, dtype=torch.uint8, device="cuda") for _ in range(2))
    times = []
    for repeat in range(WARM_UPS + REPEATS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        copy_to.copy_(copy_from)
        begin.record()
        work(repeat)
        end.record()
        end.synchronize()
        if repeat >= WARM_UPS:
            times.append(1e3 * begin.elapsed_time(end))
    low, median, high = statistics.quantiles(times, n=4)
    return median, (high - low) / median


def time_torch(torch, mask, n, dtype):
    xs = [torch.randn(n, LENGTH, DIM, device="cuda").to(dtype) for _ in range(2)]
    return time_us(torch, lambda repeat: mask(xs[repeat % 2], torch.rand(n, LENGTH, device="cuda")))


def time_maskd(folder):
    """masker_bench's rows in device memory, by (N, token_bytes)."""
    rows = []
    for token_bytes in (2 * DIM, 4 * DIM):
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name) / "masker.json"
            subprocess.run([folder / "masker_bench", f"--filter=L={LENGTH} K={NUM_KEEP} B={token_bytes} ",
                            f"--json={path}", "--host_gib=0.001"], check=True, stdout=subprocess.DEVNULL)
            rows += json.loads(path.read_text())["rows"]
    return {(row["batch_size"], row["token_bytes"]): row for row in rows
            if row["section"] == "device" and "us" in row}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where masker_bench, maskd and maskctl are")
    parser.add_argument("--json", type=pathlib.Path, help="file to write the figures to")
    flags = parser.parse_args()
    try:
        import torch
    except ImportError as error:
        print(f"skipped: no torch here: {error}")
        return 77
    if not torch.cuda.is_available():
        print(f"skipped: torch {torch.__version__} finds no CUDA device")
        return 77

    masking = variants(torch)
    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    for dtype in dtypes.values():
        check_results(torch, masking, flags.folder, dtype)
    ours = time_maskd(flags.folder)
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}; L={LENGTH}, D={DIM}, K={NUM_KEEP}; "
          "results equal maskd's\n")
    print(f"{'':<24} {'':<28} {'us':>9} {'spread':>7} {'maskd us':>9} {'torch / maskd':>14}")
    rows = []
    for n in BATCH_SIZES:
        for dtype_name, dtype in dtypes.items():
            row = ours[n, DIM * (4 if dtype == torch.float32 else 2)]
            for name, mask in masking.items():
                us, spread = time_torch(torch, mask, n, dtype)
                rows.append({"batch_size": n, "dtype": dtype_name, "variant": name, "us": us, "spread": spread,
                             "maskd_us": row["us"], "torch_over_maskd": us / row["us"]})
                print(f"{f'N={n} {dtype_name}':<24} {name:<28} {us:9.1f} {spread:7.2f} {row['us']:9.2f} "
                      f"{us / row['us']:14.2f}", flush=True)
    if flags.json:
        flags.json.write_text(json.dumps({"torch": torch.__version__, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
