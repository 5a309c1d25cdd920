"""maskd and maskctl as a person runs them: the programs themselves, real sockets, real files.

Run by ctest, which passes the folder of the programs and that of the test data.
"""
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import numpy as np

BIN, DATA, GOLDEN = (pathlib.Path(argument) for argument in sys.argv[1:4])


def start_server(*flags, listens=None, environment=None):
    """Starts maskd, with variables added to its environment; returns it and the addresses it prints."""
    listens = listens or sum(flag.startswith("--listen") for flag in flags) or 1
    server = subprocess.Popen([BIN / "maskd", "--threads=2", *flags], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=os.environ | (environment or {}))
    lines = [server.stdout.readline().strip() for _ in range(listens)]
    assert all(line.startswith("listening on ") for line in lines), (lines, server.stderr.read())
    return server, [line.removeprefix("listening on ") for line in lines]


def stop_server(server, signal_number=signal.SIGTERM):
    server.send_signal(signal_number)
    _, errors = server.communicate(timeout=60)
    return server.returncode, errors


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def philox(counter, key):
    """Philox4x32-10: rows of counters [n, 4] to rows of words."""
    c = [counter[:, i].astype(np.uint64) for i in range(4)]
    low, key = np.uint64(0xFFFFFFFF), [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(key[0]), p1 & low,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(key[1]), p0 & low]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, axis=1)


def torch_cuda_rand(count, seed, offset, processors, threads):
    """TORCH_CUDA of docs/semantics.md, section 3."""
    t = 256 * min(-(-count // 256), processors * (threads // 256))
    e = np.arange(count, dtype=np.uint64)
    step = np.uint64(offset // 4) + e // np.uint64(4 * t)
    low = np.uint64(0xFFFFFFFF)
    words = philox(np.stack([step & low, step >> np.uint64(32), e % np.uint64(t), 0 * e], axis=1), seed)
    draws = words[np.arange(count), (e // np.uint64(t) % np.uint64(4)).astype(int)]
    noise = draws.astype(np.float32) * np.float32(2**-32) + np.float32(2**-33)
    return np.where(noise == 1, np.float32(0), noise)


class MaskctlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.server, (cls.address, cls.unix) = start_server("--listen=127.0.0.1:0",
                                                           f"--listen=unix:{cls.path}/maskd.sock")

    @classmethod
    def tearDownClass(cls):
        returncode, errors = stop_server(cls.server)
        cls.folder.cleanup()
        assert returncode == 0, errors

    def maskctl(self, *arguments, address=None):
        command, *rest = arguments
        return subprocess.run([BIN / "maskctl", command, f"--address={address or self.address}", *map(str, rest)],
                              capture_output=True, text=True, timeout=120, check=False)

    def results(self, *arguments):
        """Runs `maskctl mask` and returns the arrays that it wrote."""
        out = self.path / self.id()
        done = self.maskctl("mask", *arguments, f"--out={out}")
        self.assertEqual(done.returncode, 0, done.stderr)
        return {file.stem: np.load(file) for file in out.iterdir()}

    def saved(self, **arrays):
        """Saves arrays as .npy files and returns the flags that name them."""
        for name, array in arrays.items():
            np.save(self.path / f"{name}.npy", array)
        return [f"--{name}={self.path}/{name}.npy" for name in arrays]

    def output(self, command, *flags, **arrays):
        """Runs a command on arrays and returns the one that it wrote."""
        done = self.maskctl(command, *self.saved(**arrays), *flags, f"--output={self.path}/output.npy")
        self.assertEqual(done.returncode, 0, done.stderr)
        return np.load(self.path / "output.npy")

    def loss(self, command, noun, *flags, **arrays):
        done = self.maskctl(command, *self.saved(**arrays), *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        loss, count = re.fullmatch(rf"loss (\S+) over (\d+) {noun}\n", done.stdout).groups()
        return float(loss), int(count)

    def same(self, got, expected):
        self.assertEqual((got.dtype, got.shape), (expected.dtype, expected.shape))
        self.assertEqual(got.tobytes(), np.ascontiguousarray(expected).tobytes())

    def refuses(self, *arguments, says, status=1, address=None):
        done = self.maskctl(*arguments, address=address)
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for words in says:
            self.assertIn(words, done.stderr)

    def test_golden_torch_cases(self):
        for case in json.loads((GOLDEN / "random_masking_torch.json").read_text())["cases"]:
            n, l, d = case["batch_size"], case["sequence_length"], case["token_dim"]
            np.save(self.path / "x.npy", np.arange(n * l * d, dtype=np.float32).reshape(n, l, d))
            results = self.results(f"--tokens={self.path}/x.npy", f"--mask_ratio={case['mask_ratio']}",
                                   f"--seed={case['seed']}", "--noise_source=torch_cpu", "--with_noise")
            for name, kind in (("noise", "f32"), ("ids_restore", "i64"), ("ids_keep", "i64"), ("mask", "f32"),
                               ("kept_tokens", "f32")):
                self.assertEqual(sha256(results[name]), case["sha256"][f"{name}_{kind}"], (case["seed"], name))

    def test_golden_seeded_cases_without_tokens(self):
        for case in json.loads((GOLDEN / "random_masking_seeded.json").read_text())["cases"]:
            ids = np.array(case["sample_ids"], dtype=np.uint64)
            np.save(self.path / "ids.npy", ids)
            results = self.results(f"--shape={len(ids)},{case['sequence_length']}",
                                   f"--mask_ratio={case['mask_ratio']}", f"--seed={case['seed']}",
                                   f"--epoch={case['epoch']}", f"--mask_index={case['mask_index']}",
                                   f"--sample_ids={self.path}/ids.npy", "--with_noise")
            self.assertEqual(sha256(results["ids_restore"]), case["ids_restore_sha256"])
            self.assertEqual(sha256(results["noise"]), case["noise_sha256"])
            self.assertNotIn("kept_tokens", results)

    def test_torch_cuda_noise(self):
        # Fewer elements than a wave of threads, as many, more, and several steps.
        for n, l, seed, offset, processors, threads in ((3, 50, 0, 0, 132, 2048), (2, 512, 7, 4, 2, 600),
                                                         (5, 205, 2**64 - 1, 8, 1, 1024), (7, 999, 42, 2**40, 2, 256)):
            results = self.results(f"--shape={n},{l}", f"--seed={seed}", "--noise_source=torch_cuda",
                                   f"--torch_offset={offset}", f"--torch_device={processors},{threads}", "--with_noise")
            noise = torch_cuda_rand(n * l, seed, offset, processors, threads).reshape(n, l)
            self.same(results["noise"], noise)
            ids_shuffle = np.argsort(noise, axis=1, kind="stable")
            self.same(results["ids_restore"], np.argsort(ids_shuffle, axis=1))
        self.refuses("mask", "--shape=2,9", "--noise_source=torch_cuda", f"--out={self.path}/bad",
                     says=["multi_processor_count"])

    def test_provided_noise_in_raster_order(self):
        generator = np.random.default_rng()
        noise = generator.standard_normal((3, 50)).astype(np.float32)
        x = generator.integers(0, 255, (3, 50, 2, 3), dtype=np.uint8)
        np.save(self.path / "noise.npy", noise)
        np.save(self.path / "x.npy", x)
        results = self.results(f"--tokens={self.path}/x.npy", f"--noise={self.path}/noise.npy", "--num_keep=20",
                               "--order=raster", "--direction=descending", "--mask_type=uint8", "--ids_type=int32")
        ids_keep = np.sort(np.argsort(-noise, axis=1, kind="stable")[:, :20], axis=1)
        np.testing.assert_array_equal(results["ids_keep"], ids_keep)
        self.assertEqual(results["ids_keep"].dtype, np.int32)
        np.testing.assert_array_equal(results["kept_tokens"], np.take_along_axis(x, ids_keep[..., None, None], 1))
        self.assertEqual(results["kept_tokens"].shape, (3, 20, 2, 3))
        self.assertEqual(results["mask"].sum(), 3 * 30)

    def test_every_element_type_comes_back_as_it_went(self):
        for dtype in ("?", "u1", "<i2", ">i4", "<f2", "<f8", "<c16", "V3"):
            raw = np.random.default_rng(1).bytes(2 * 9 * 5 * np.dtype(dtype).itemsize)
            x = np.frombuffer(raw, dtype).reshape(2, 9, 5)
            np.save(self.path / "x.npy", x)
            results = self.results(f"--tokens={self.path}/x.npy", "--num_keep=4", "--seed=3")
            kept = np.array([x[n, results["ids_keep"][n]] for n in range(2)], dtype=x.dtype)
            self.assertEqual(results["kept_tokens"].dtype, x.dtype)
            self.assertEqual(results["kept_tokens"].tobytes(), kept.tobytes(), dtype)

    def test_image(self):
        for picture in ("astronaut", "chelsea", "coffee"):
            out = self.path / f"{picture}.png"
            done = self.maskctl("image", DATA / f"{picture}.png", "--patch=16", "--seed=1", f"--out={out}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(out.read_bytes().startswith(b"\x89PNG"))
        self.assertIn("925 patches kept", done.stdout)  # 600 x 400 in patches of 16: 37 x 25
        self.assertIn("cropped from 600 x 400 to 592 x 400", done.stdout)

    def test_gather_and_scatter(self):
        random = np.random.default_rng()
        for dtype in ("f4", "f2", "f8", "i8", "i4", "u2", "u1", "?", "c16", ">i4"):
            x = np.frombuffer(random.bytes(4 * 7 * 5 * np.dtype(dtype).itemsize), dtype).reshape(4, 7, 5)
            x = x.view("u1") % 2 == 1 if dtype == "?" else x
            index = random.integers(0, 7, (4, 3, 5), np.int64)
            taken = np.take_along_axis(x, index, 1)
            self.same(self.output("gather", "--dim=1", input=x, index=index), taken)
            self.same(self.output("gather", "--dim=-2", input=x, index=index.astype("i4")), taken)
            put = x.copy()
            for i in np.ndindex(index.shape):
                put[i[0], index[i], i[2]] = taken[i[0], 2 - i[1], i[2]]
            self.same(self.output("scatter", "--dim=1", input=x, index=index, src=taken[:, ::-1].copy()), put)
        rows = random.integers(0, 7, (4, 9), np.int64)
        x = random.standard_normal((4, 7, 5)).astype(np.float32)
        self.same(self.output("gather", "--dim=1", "--index_rank=2", input=x, index=rows),
                  np.take_along_axis(x, rows[..., None], 1))
        added = x.copy()
        src = random.standard_normal((4, 9, 5)).astype(np.float32)
        np.add.at(added, (np.arange(4)[:, None], rows), src)
        self.same(self.output("scatter", "--dim=1", "--index_rank=2", "--add", input=x, index=rows, src=src), added)

    def test_restore_undoes_mask(self):
        x = np.random.default_rng().standard_normal((3, 20, 2, 4)).astype(np.float16)
        masked = self.results(*self.saved(tokens=x), "--num_keep=6", "--ids_type=uint16")
        prefixed = np.concatenate([x[:, :1] + 1, masked["kept_tokens"]], 1)
        fill = np.full((2, 4), 7, np.float16)
        whole = np.where(masked["mask"][..., None, None] == 1, fill, x)
        self.same(self.output("restore", "--num_prefix=1", kept_tokens=prefixed, fill=fill,
                              ids_restore=masked["ids_restore"]), np.concatenate([x[:, :1] + 1, whole], 1))
        self.same(self.output("restore", kept_tokens=masked["kept_tokens"], ids_restore=masked["ids_restore"]),
                  whole * (masked["mask"][..., None, None] == 0).astype(np.float16))

    def test_select(self):
        x = np.arange(24, dtype=np.float64).reshape(2, 3, 4)
        mask = np.array([True, False, False, True])
        self.same(self.output("select", input=x, mask=mask), x[:, :, mask].reshape(-1))
        self.same(self.output("select", input=x, mask=(x % 5 == 0).astype(np.float32)), x[x % 5 == 0])
        self.same(self.output("select", input=x, mask=np.zeros((2, 1, 1), bool)), x[:0, 0, 0])

    def test_pad(self):
        v = np.arange(1, 13, dtype=np.float16).reshape(6, 2)
        for value, dtype in (("-1.5", "f2"), ("-1.5", "f4"), ("inf", "f8"), ("-9", "i4"), ("255", "u1"), ("1", "?")):
            padded = np.full((3, 4, 2), np.dtype(dtype).type(float(value)))
            for b, (start, length) in enumerate(((0, 3), (3, 1), (4, 2))):
                padded[b, :length] = v[start:start + length].astype(dtype)
            got = self.output("pad", "--lengths=3,1,2", f"--padding_value={value}", "--padded_length=4",
                              f"--mask={self.path}/m.npy", values=v.astype(dtype))
            self.same(got, padded)
        mask = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]], np.float32)
        self.same(np.load(self.path / "m.npy"), mask)
        got = self.output("pad", "--lengths=3,1,0,2", "--time_major", "--mask_type=uint8",
                          f"--mask={self.path}/m.npy", values=v)
        self.assertEqual(got.shape, (3, 4, 2))
        self.same(np.load(self.path / "m.npy"), mask[[0, 1, 1, 2], :3].T.astype("u1") * np.array([1, 1, 0, 1], "u1"))

    def test_losses(self):
        random = np.random.default_rng()
        p = random.dirichlet(np.ones(6), (2, 5))
        target = random.integers(0, 6, (2, 5))
        mask = np.arange(10).reshape(2, 5) % 3 == 0
        nll = -np.log(np.take_along_axis(p, target[..., None], -1)[mask]).mean()
        for kind, scores in (("probabilities", p), ("log_probabilities", np.log(p)), ("logits", np.log(p) + 3)):
            loss, count = self.loss("nll_loss", "positions", f"--kind={kind}", scores=scores, target=target, mask=mask)
            self.assertAlmostEqual(loss, nll, delta=1e-12)
            self.assertEqual(count, 4)
        images = random.standard_normal((2, 3, 8, 12))
        tokens = images.reshape(2, 3, 2, 4, 3, 4).transpose(0, 2, 4, 3, 5, 1).reshape(2, 6, 48)
        prediction = random.standard_normal((2, 6, 48))
        mask = (np.arange(12).reshape(2, 6) % 2).astype(np.float32)
        normal = (tokens - tokens.mean(-1, keepdims=True)) / np.sqrt(tokens.var(-1, keepdims=True, ddof=1) + 1e-6)
        for target, layout in ((tokens, ()), (images, ("--patch_size=4", "--target_layout=channels_first")),
                               (images.transpose(0, 2, 3, 1).copy(), ("--patch_size=4", "--target_layout=channels_last"))):
            for compared, flags in ((tokens, layout), (normal, (*layout, "--normalize_target"))):
                loss, count = self.loss("reconstruction_loss", "tokens", *flags, prediction=prediction, target=target,
                                        mask=mask)
                self.assertAlmostEqual(loss, ((prediction - compared)**2)[mask == 1].mean(), delta=1e-12)
                self.assertEqual(count, 6)

    def test_reconstruct(self):
        for fill in ("gray", "mean"):
            done = self.maskctl("reconstruct", DATA / "chelsea.png", "--seed=1", f"--fill={fill}",
                                f"--output={self.path}/{fill}.png")
            self.assertIn("126 of 504 patches kept", done.stdout, done.stderr)
        pictures = [(self.path / f"{fill}.png").read_bytes() for fill in ("gray", "mean")]
        self.assertEqual(pictures[0][:24], pictures[1][:24])  # the width and height are in them
        self.assertNotEqual(*pictures)
        self.refuses("reconstruct", DATA / "chelsea.png", "--patch_size=301", f"--output={self.path}/o.png",
                     says=["--patch_size=301"])

    def test_bad_tensors_get_one_line(self):
        out = f"--output={self.path}/bad.npy"
        x = np.zeros((2, 9), np.float32)
        i = np.zeros((2, 3), np.int64)
        mask = np.zeros((2, 9), bool)
        save = self.saved
        self.refuses("gather", *save(input=x, index=i + 9), "--dim=1", out, says=["index[0, 0] is 9", "[0, 9)"])
        self.refuses("gather", *save(input=x, index=i), "--dim=2", out, says=["dim is 2"])
        self.refuses("gather", *save(input=x, index=i[0]), "--dim=0", out, says=["index_rank"])
        self.refuses("gather", *save(input=x, index=x), "--dim=1", out, says=["index.npy", "numpy.int64"])
        self.refuses("gather", *save(input=x, index=i.astype(">i8")), "--dim=1", out, says=["little-endian"])
        self.refuses("gather", *save(input=x, index=i), out, says=["--dim"], status=2)
        self.refuses("scatter", *save(input=x, index=i, src=x), "--dim=1", out, says=["src", "[2, 3]"])
        self.refuses("scatter", *save(input=i, index=i, src=i), "--dim=1", "--add", out, says=["--add", "float32"])
        self.refuses("restore", *save(kept_tokens=x, ids_restore=np.zeros((2, 9), int)), out, says=["ids_restore"])
        self.refuses("restore", *save(kept_tokens=x, ids_restore=i), out, says=["num_prefix", "[2, 9]", "[2, 3]"])
        self.refuses("select", *save(input=x, mask=mask[:, :5]), out, says=["broadcast", "[2, 5]"])
        self.refuses("select", *save(input=x, mask=np.full((2, 9), 2, "u1")), out, says=["mask", "2"])
        self.refuses("pad", *save(values=i), "--lengths=1,2", out, says=["add up to 3", "[2, 3]"])
        self.refuses("pad", *save(values=i), "--lengths=2", "--padding_value=1.5", out, says=["1.5", "<i8"])
        self.refuses("pad", *save(values=i.astype("u1")), "--lengths=2", "--padding_value=256", out, says=["256"])
        self.refuses("pad", *save(values=i), "--lengths=3,-1", out, says=["lengths[0] is 3", "[0, 2]"])
        self.refuses("pad", *save(values=i), "--lengths=2,-1", out, says=["lengths[1] is -1"])
        self.refuses("pad", *save(values=i), "--lengths=2,x", out, says=["--lengths"], status=2)
        self.refuses("pad", *save(values=i), "--lengths=2", f"--output={self.path}/no/y.npy", says=["cannot write"])
        self.refuses("nll_loss", *save(scores=x, target=i[:, 0], mask=mask[:, 0]), says=["mask"])
        self.refuses("nll_loss", *save(scores=x, target=i[:, 0] - 1, mask=~mask[:, 0]), says=["target", "-1"])
        self.refuses("nll_loss", *save(scores=i, target=i[:, 0], mask=mask[:, 0]), says=["scores.npy", "float64"])
        images = save(prediction=x[None], target=x[None], mask=~mask[None, :, 0])
        self.refuses("reconstruction_loss", *images, "--patch_size=2", says=["--target_layout"], status=2)
        self.refuses("reconstruction_loss", *images, "--target_layout=channels_last", says=["--patch_size"], status=2)
        self.refuses("reconstruction_loss", *images, "--target_layout=channels_last", "--patch_size=2",
                     says=["[N, H, W, C]", "[1, 2, 9]"])
        self.refuses("select", *save(input=x, mask=mask), out, says=["is maskd running"], address="127.0.0.1:1")

    def test_tensors_over_a_bound_get_one_line(self):
        server, addresses = start_server("--listen=127.0.0.1:0", "--max_message_bytes=65536")
        try:
            large = self.saved(input=np.zeros(65536, "u1"), index=np.zeros(1, int))
            self.refuses("gather", *large, "--dim=0", f"--output={self.path}/bad.npy", address=addresses[0],
                         says=["send smaller tensors", "65536"])
            self.refuses("pad", *self.saved(values=np.zeros(1, "u1")), "--lengths=1", "--padded_length=65536",
                         f"--output={self.path}/bad.npy", address=addresses[0], says=["response", "send smaller tensors"])
        finally:
            self.assertEqual(stop_server(server)[0], 0)
        self.refuses("pad", *self.saved(values=np.zeros(1, "u1")), "--lengths=1", "--padded_length=1099511627776",
                     f"--output={self.path}/bad.npy", says=["--max_inflight_bytes", "send less at a time"])

    def test_info_and_health_over_tcp_and_unix_sockets(self):
        for address in (self.address, self.unix):
            self.assertEqual(self.maskctl("health", address=address).stdout, "serving\n")
            info = self.maskctl("info", address=address).stdout
            for words in ("version", "backend              cpu", "algorithm version    1"):
                self.assertIn(words, info)

    def test_bad_calls_get_one_line(self):
        shape = "--shape=2,196"
        out = f"--out={self.path}/bad"
        self.refuses("mask", shape, "--mask_ratio=1", out, says=["mask_ratio is 1"])
        self.refuses("mask", shape, "--mask_ratio=nan", out, says=["mask_ratio"])
        self.refuses("mask", shape, "--num_keep=197", out, says=["num_keep is 197", "196"])
        self.refuses("mask", "--shape=2,4", "--mask_ratio=0.9", out, says=["keeps no token", "num_keep = 0"])
        self.refuses("mask", shape, "--seed=-1", out, says=["--seed"], status=2)
        self.refuses("mask", shape, "--first_sample_id=3", "--sample_ids=x.npy", out, says=["excludes"], status=2)
        self.refuses("mask", shape, "--direction=descending", out, says=["--noise"], status=2)
        self.refuses("mask", shape, "--epoch=16777216", out, says=["epoch is 16777216"])
        self.refuses("mask", "--shape=1099511627776,16", out, says=["batch_size", "RESOURCE_EXHAUSTED"])
        self.refuses("mask", shape, "--keep_rule=most", out, says=["keep_rule", "mask_ceil"], status=2)
        self.refuses("mask", out, says=["--tokens or --shape"], status=2)
        self.refuses("mask", shape, out, says=["is maskd running"], address="127.0.0.1:1")
        self.refuses("mask", shape, out, says=["host:port"], address="nowhere")
        self.refuses("health", says=["UNAVAILABLE"], address=f"unix:{self.path}/none.sock")

    def test_bad_files_get_one_line(self):
        out = f"--out={self.path}/bad"
        np.save(self.path / "x.npy", np.zeros((2, 9, 4), np.float32))
        whole = (self.path / "x.npy").read_bytes()
        (self.path / "cut.npy").write_bytes(whole[:-1])
        np.save(self.path / "vector.npy", np.zeros(3, np.float32))
        np.save(self.path / "f8.npy", np.zeros((2, 9)))
        np.save(self.path / "negative.npy", np.array([1, -1]))
        self.refuses("mask", f"--tokens={self.path}/none.npy", out, says=["none.npy", "No such file"])
        self.refuses("mask", f"--tokens={self.path}/cut.npy", out, says=["cut.npy", "287", "288"])
        self.refuses("mask", f"--tokens={self.path}", out, says=["not a regular file"])
        self.refuses("mask", f"--tokens={self.path}/vector.npy", out, says=["[N, L, ...]"])
        self.refuses("mask", "--shape=2,9", f"--noise={self.path}/f8.npy", out, says=["float32"])
        np.save(self.path / "transposed.npy", np.zeros((9, 2), np.float32))
        self.refuses("mask", "--shape=2,9", f"--noise={self.path}/transposed.npy", out, says=["[9, 2]", "[2, 9]"])
        self.refuses("mask", "--shape=2,9", f"--noise={self.path}/x.npy", "--noise_source=torch_cpu", out,
                     says=["excludes"], status=2)
        self.refuses("mask", "--shape=2,9", f"--sample_ids={self.path}/negative.npy", out, says=["negative"])
        self.refuses("mask", f"--tokens={self.path}/x.npy", "--out=/dev/null/folder", says=["/dev/null/folder"])
        picture = (DATA / "chelsea.png").read_bytes()
        (self.path / "cut.png").write_bytes(picture[: len(picture) // 2])
        self.refuses("image", self.path / "cut.png", f"--out={self.path}/o.png", says=["cut.png"])
        self.refuses("image", self.path / "x.npy", f"--out={self.path}/o.png", says=["not a readable PNG"])
        self.refuses("image", DATA / "chelsea.png", "--patch=301", f"--out={self.path}/o.png", says=["--patch=301"])
        self.assertEqual(self.maskctl("health").returncode, 0)


class MaskdTest(unittest.TestCase):
    def fails_to_start(self, *flags, says):
        done = subprocess.run([BIN / "maskd", *flags], capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        self.assertIn(says, done.stderr)
        return done

    def test_wrong_flags_get_one_line(self):
        for flag, says in (("--listen=nowhere", "host:port"), ("--listen=127.0.0.1:65536", "65535"),
                           ("--listen=unix:", "unix"), ("--device=tpu", "cuda:N"), ("--threads=-1", "--threads"),
                           ("--max_message_bytes=0", "--max_message_bytes"), ("--log_level=loud", "--log_level"),
                           ("--no_such_flag", "no_such_flag"), ("--device=cuda:99", "--device=cuda:99"),
                           ("--gather=card", "--gather")):
            done = self.fails_to_start(flag, says=says)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_gather_on_a_device_needs_one(self):
        done = self.fails_to_start("--device=cpu", "--gather=device", "--listen=127.0.0.1:0",
                                   says="--gather=device needs a card, and maskd is on cpu")
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_taken_port_is_an_error(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.fails_to_start(f"--listen=127.0.0.1:{taken.getsockname()[1]}", says="cannot listen on")

    def test_taken_unix_socket_is_an_error_and_a_left_over_one_is_not(self):
        with tempfile.TemporaryDirectory() as folder:
            address = f"unix:{folder}/maskd.sock"
            server, _ = start_server(f"--listen={address}")
            self.fails_to_start(f"--listen={address}", says="another server listens there")
            server.kill()
            server.communicate()
            server, _ = start_server(f"--listen={address}")
            self.assertEqual(stop_server(server)[0], 0)
            pathlib.Path(folder, "file").write_text("precious")
            self.fails_to_start(f"--listen=unix:{folder}/file", says="not a socket")
            self.assertEqual(pathlib.Path(folder, "file").read_text(), "precious")

    def test_address_of_another_machine_is_an_error(self):
        self.fails_to_start("--listen=192.0.2.1:0", says="cannot listen on")

    def test_signals_drain_and_exit_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server, _ = start_server("--listen=127.0.0.1:0")
            returncode, errors = stop_server(server, number)
            self.assertEqual(returncode, 0)
            self.assertIn("drained", errors)

    def test_help_shows_an_example(self):
        commands = ("mask", "image", "reconstruct", "gather", "scatter", "restore", "select", "pad", "nll_loss",
                    "reconstruction_loss", "info", "health")
        for program, *command in (["maskd"], ["maskctl"], *(["maskctl", command] for command in commands)):
            done = subprocess.run([BIN / program, *command, "--help"], capture_output=True, text=True, check=True)
            self.assertRegex(done.stdout, f"Examples?: {' '.join(['maskctl' if command else program, *command])} ")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
