#!/usr/bin/env python3
"""Compares torch.rand on a CUDA device with maskd's TORCH_CUDA noise, bit for bit.

Example: tests/golden/torch_cuda_noise_check.py build/default/bin

Draws tensors of less than a wave of the device's threads, of a wave, of more and of several steps, one after another
from one generator, so that the offset moves on, and one at a large offset. Asks maskd on the cuda and the cpu backend.
Exits with 1 at a difference, and with 77 and one line where there is no torch with CUDA.
"""
import ast
import pathlib
import subprocess
import sys
import tempfile


def read_npy(path):
    """Shape and data of a version 1 .npy file, without numpy."""
    content = path.read_bytes()
    end = 10 + int.from_bytes(content[8:10], "little")
    return ast.literal_eval(content[10:end].decode())["shape"], content[end:]


def generator_state(generator):
    """Seed and offset: the last 16 bytes of the state of a CUDA generator."""
    state = bytes(generator.get_state().tolist())[-16:]
    return int.from_bytes(state[:8], "little"), int.from_bytes(state[8:], "little")


def shapes_around(wave):
    return [(1, 1), (64, 196), (1, wave - 1), (1, wave), (1, wave + 1), (3, wave), (1, 4 * wave), (4, wave + 1),
            (9, wave + 77)]


def compare(torch, maskctl, address, folder):
    """Returns how many draws were compared; exits at the first that differs."""
    device = torch.cuda.get_device_properties(0)
    threads = device.max_threads_per_multi_processor
    wave = device.multi_processor_count * (threads // 256) * 256
    count = 0
    for seed in (0, 42, 2**63 + 12345):
        generator = torch.Generator("cuda").manual_seed(seed)
        shapes = [(shape, None) for shape in shapes_around(wave)]
        if hasattr(generator, "set_offset"):
            shapes.append(((64, 196), 2**40))
        for (n, l), offset in shapes:
            if offset is not None:
                generator.set_offset(offset)
            seed_now, offset_now = generator_state(generator)
            expected = torch.rand(n, l, generator=generator, device="cuda").cpu().contiguous()
            subprocess.run([maskctl, "mask", f"--address={address}", f"--shape={n},{l}", "--noise_source=torch_cuda",
                            f"--seed={seed_now}", f"--torch_offset={offset_now}",
                            f"--torch_device={device.multi_processor_count},{threads}", "--with_noise",
                            "--num_keep=1", "--ids_type=int32", "--mask_type=uint8", f"--out={folder}"],
                           check=True, stdout=subprocess.DEVNULL)
            shape, noise = read_npy(folder / "noise.npy")
            actual = torch.frombuffer(bytearray(noise), dtype=torch.float32).reshape(shape)
            where = f"N={n} L={l} seed={seed_now} offset={offset_now}"
            if actual.shape != expected.shape or not torch.equal(actual, expected):
                differ = (actual.flatten() != expected.flatten()).nonzero().flatten()
                sys.exit(f"{where}: {len(differ)} of {n * l} numbers differ, first element {differ[:1].tolist()}")
            count += 1
    print(f"{device.name}, {device.multi_processor_count} multiprocessors of {threads} threads, a wave is {wave}")
    return count


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    try:
        import torch
    except ImportError as error:
        print(f"skipped: no torch here: {error}")
        return 77
    if not torch.cuda.is_available():
        print(f"skipped: torch {torch.__version__} finds no CUDA device")
        return 77
    folder = pathlib.Path(sys.argv[1])
    for backend in ("cuda", "cpu"):
        with tempfile.TemporaryDirectory() as out:
            server = subprocess.Popen([folder / "maskd", f"--device={backend}", "--listen=127.0.0.1:0"],
                                      stdout=subprocess.PIPE, text=True)
            try:
                address = server.stdout.readline().strip().removeprefix("listening on ")
                count = compare(torch, folder / "maskctl", address, pathlib.Path(out))
            finally:
                server.terminate()
                server.wait()
        print(f"torch {torch.__version__}: {count} draws equal, bit for bit, on backend {backend}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
