"""random_masking and generate_mask with numpy: every keyword, against plain numpy and the golden files."""

from __future__ import annotations

import array
import hashlib
import json
import random
import threading
import unittest
from typing import Any

import numpy as np
from serving import GOLDEN, ServedTest, with_each_client

import maskd

ALL = ("kept", "mask", "ids_restore", "ids_keep", "ids_mask", "noise")
SEED = random.SystemRandom().getrandbits(64)


def expected(x: Any, noise: Any, num_keep: int) -> dict[str, Any]:
    """What random_masking of facebookresearch/mae makes of `noise`."""
    ids_shuffle = np.argsort(noise, axis=1, kind="stable")
    ids_restore = np.argsort(ids_shuffle, axis=1, kind="stable")
    ids_keep = ids_shuffle[:, :num_keep]
    return {
        "kept": np.take_along_axis(x, ids_keep.reshape(*ids_keep.shape, *[1] * (x.ndim - 2)), axis=1),
        "mask": (ids_restore >= num_keep).astype(np.float32),
        "ids_restore": ids_restore,
        "ids_keep": ids_keep,
        "ids_mask": ids_shuffle[:, num_keep:],
        "noise": noise,
    }


def sha256(results: Any) -> str:
    return hashlib.sha256(results.tobytes()).hexdigest()


class DlpackOnly:
    def __init__(self, values: Any) -> None:
        self.values = values

    def __dlpack__(self, **keywords: Any) -> Any:
        return self.values.__dlpack__(**keywords)

    def __dlpack_device__(self) -> Any:
        return self.values.__dlpack_device__()


class MaskingTest(ServedTest):
    def setUp(self) -> None:
        self.rng = np.random.default_rng(SEED)
        self.x = self.rng.random((5, 24, 6), dtype=np.float32)

    def expect_results(self, batch: maskd.MaskedBatch, results: dict[str, Any]) -> None:
        for name, result in results.items():
            found = getattr(batch, name)
            self.assertEqual((found.dtype, found.shape), (result.dtype, result.shape), name)
            np.testing.assert_array_equal(found, result, err_msg=f"{name}, seed {SEED}")

    @with_each_client
    def test_reference_order_and_results(self, client: maskd.Client) -> None:
        batch = client.random_masking(self.x, 0.75, seed=SEED, epoch=2, sample_ids=[3, 1, 4, 1, 2**63], returns=ALL)
        kept, mask, ids_restore = batch
        self.assertIs(kept, batch.kept)
        self.assertIs(mask, batch.mask)
        self.assertIs(ids_restore, batch.ids_restore)
        self.assertEqual((batch.num_keep, batch.backend, batch.algorithm_version), (6, "cpu", 1))
        self.expect_results(batch, expected(self.x, batch.noise, 6))
        np.testing.assert_array_equal(batch.noise[1], batch.noise[3], "the same sample, the same noise")

    @with_each_client
    def test_defaults(self, client: maskd.Client) -> None:
        batch = client.random_masking(self.x)
        self.assertEqual(batch.num_keep, 6)
        self.assertIsNone(batch.noise)
        again = client.random_masking(self.x, 0.75, seed=0, epoch=0, sample_ids=range(5), mask_index=0)
        np.testing.assert_array_equal(batch.ids_restore, again.ids_restore)

    @with_each_client
    def test_dtypes_and_shapes_of_tokens(self, client: maskd.Client) -> None:
        for dtype in ("u1", "i2", "f2", "f4", "f8", "c16", "?", "M8[s]"):
            x = self.rng.integers(0, 2, (3, 8, 2, 2)).astype(dtype)
            batch = client.random_masking(x, num_keep=3, seed=SEED, returns=ALL)
            self.expect_results(batch, expected(x, batch.noise, 3))
        batch = client.random_masking(self.x[..., 0], 0.5, seed=SEED, returns=ALL)
        self.expect_results(batch, expected(self.x[..., 0], batch.noise, 12))

    @with_each_client
    def test_not_contiguous(self, client: maskd.Client) -> None:
        for x in (self.x[::2], self.x[:, ::-1], self.x.transpose(1, 0, 2), np.asfortranarray(self.x)):
            batch = client.random_masking(x, 0.5, seed=SEED, returns=ALL)
            self.expect_results(batch, expected(x, batch.noise, x.shape[1] // 2))

    def test_other_protocols(self) -> None:
        client = self.clients["served"]
        kept = client.random_masking(self.x, 0.5, seed=SEED).kept
        for x in (DlpackOnly(self.x), memoryview(self.x)):
            np.testing.assert_array_equal(client.random_masking(x, 0.5, seed=SEED).kept, kept)
        octets = memoryview(array.array("B", range(48))).cast("B", (2, 4, 6))
        batch = client.random_masking(octets, 0.5, seed=SEED, returns=ALL)
        self.expect_results(batch, expected(np.asarray(octets), batch.noise, 2))

    @with_each_client
    def test_count_rules(self, client: maskd.Client) -> None:
        for rule, count in (("keep_trunc", 0), ("mask_trunc", 1), ("mask_ceil", 0), ("keep_trunc_min_1", 1)):
            if count:
                self.assertEqual(client.random_masking(self.x[:, :10], 0.91, count_rule=rule).num_keep, count)
            else:
                with self.assertRaisesRegex(maskd.InvalidArgument, "keeps no token"):
                    client.random_masking(self.x[:, :10], 0.91, count_rule=rule)
        self.assertEqual(client.random_masking(self.x, num_keep=0).kept.shape, (5, 0, 6))

    @with_each_client
    def test_narrow_results(self, client: maskd.Client) -> None:
        wide = client.random_masking(self.x, 0.5, seed=SEED, returns=ALL)
        for ids_dtype in ("int32", "uint16"):
            batch = client.random_masking(self.x, 0.5, seed=SEED, ids_dtype=ids_dtype, returns=ALL)
            results = {name: getattr(wide, name).astype(ids_dtype) for name in ("ids_restore", "ids_keep", "ids_mask")}
            self.expect_results(batch, results)
        batch = client.random_masking(self.x, 0.5, seed=SEED, mask_dtype="uint8")
        self.expect_results(batch, {"mask": wide.mask.astype(np.uint8)})
        batch = client.random_masking(self.x, 0.5, seed=SEED, mask_dtype="packed")
        self.expect_results(batch, {"mask": np.packbits(wide.mask.astype(np.uint8), axis=1, bitorder="little")})
        batch = client.random_masking(self.x, 0.5, seed=SEED, mask_polarity="kept_is_one")
        self.expect_results(batch, {"mask": 1 - wide.mask})

    @with_each_client
    def test_raster_order(self, client: maskd.Client) -> None:
        noisy = client.random_masking(self.x, 0.5, seed=SEED, returns=ALL)
        batch = client.random_masking(self.x, 0.5, seed=SEED, order="raster", returns=ALL)
        ids = np.sort(noisy.ids_keep, axis=1)
        np.testing.assert_array_equal(batch.kept, np.take_along_axis(self.x, ids[..., None], axis=1))
        np.testing.assert_array_equal(batch.mask, noisy.mask)

    @with_each_client
    def test_provided_noise(self, client: maskd.Client) -> None:
        noise = self.rng.random((5, 24), dtype=np.float32)
        batch = client.random_masking(self.x, 0.5, noise=noise, returns=ALL)
        self.expect_results(batch, expected(self.x, noise, 12))
        batch = client.random_masking(self.x, 0.5, noise=noise, noise_direction="descending", returns=("ids_restore",))
        self.expect_results(batch, {"ids_restore": expected(self.x, -noise, 12)["ids_restore"]})
        self.assertIsNone(batch.kept)
        mixed = client.generate_mask(5, 24, 0.5, noise=noise, seeded_noise_scale=0.5, seed=SEED, returns=ALL[1:])
        self.assertFalse(np.array_equal(mixed.ids_restore, batch.ids_restore))

    @with_each_client
    def test_who_a_sample_is(self, client: maskd.Client) -> None:
        first = client.generate_mask(4, 64, seed=SEED, first_sample_id=7).ids_restore
        ids = np.arange(7, 11)
        for sample_ids in (ids, ids.astype(np.uint64), ids.astype(np.int32), list(ids), tuple(ids)):
            again = client.generate_mask(4, 64, seed=SEED, sample_ids=sample_ids).ids_restore
            np.testing.assert_array_equal(first, again)
        for changed in ({"epoch": 1}, {"mask_index": 1}, {"first_sample_id": 11}, {"seed": SEED ^ 1}):
            keywords: Any = {"seed": SEED, "first_sample_id": 7, **changed}
            self.assertFalse(np.array_equal(first, client.generate_mask(4, 64, **keywords).ids_restore), changed)

    @with_each_client
    def test_generate_mask_is_that_of_random_masking(self, client: maskd.Client) -> None:
        batch = client.random_masking(self.x, 0.5, seed=SEED, epoch=1, returns=ALL)
        generated = client.generate_mask(5, 24, 0.5, seed=SEED, epoch=1, returns=ALL[1:])
        mask, ids_restore = generated
        np.testing.assert_array_equal(mask, batch.mask)
        np.testing.assert_array_equal(ids_restore, batch.ids_restore)
        np.testing.assert_array_equal(generated.ids_keep, batch.ids_keep)
        np.testing.assert_array_equal(generated.ids_mask, batch.ids_mask)
        np.testing.assert_array_equal(generated.noise, batch.noise)
        self.assertEqual(generated.num_keep, batch.num_keep)

    @with_each_client
    def test_out(self, client: maskd.Client) -> None:
        wanted = client.random_masking(self.x, 0.5, seed=SEED)
        kept, mask = np.zeros((5, 12, 6), np.float32), np.zeros((5, 24), np.float32)
        batch = client.random_masking(self.x, 0.5, seed=SEED, out=(kept, mask))
        self.assertIs(batch.kept, kept)
        self.assertIs(batch.mask, mask)
        self.expect_results(batch, wanted._asdict())
        mask[:] = 2
        batch = client.random_masking(self.x, 0.5, seed=SEED, out={"mask": mask, "kept": None})
        self.assertIs(batch.mask, mask)
        self.expect_results(batch, wanted._asdict())

    def test_out_is_checked(self) -> None:
        client = self.clients["in-process"]
        right = np.zeros((5, 24), np.float32)
        read_only = right.copy()
        read_only.flags.writeable = False
        for error, out, words in (
            (TypeError, right.astype(np.float64), "dtype float64"),
            (maskd.InvalidArgument, right[:4], r"shape \[4, 24\]"),
            (maskd.InvalidArgument, np.zeros((5, 48), np.float32)[:, ::2], "not C-contiguous"),
            (maskd.InvalidArgument, read_only, "read-only"),
        ):
            with self.assertRaisesRegex(error, words):
                client.random_masking(self.x, out=(None, out))
        with self.assertRaisesRegex(maskd.InvalidArgument, "out has 4 arrays"):
            client.random_masking(self.x, out=(None,) * 4)
        with self.assertRaisesRegex(maskd.InvalidArgument, "noise, which `returns` does not have"):
            client.random_masking(self.x, out={"noise": right})

    @with_each_client
    def test_out_of_other_kinds(self, client: maskd.Client) -> None:
        wanted = client.random_masking(self.x, 0.5, seed=SEED).mask
        memory = bytearray(wanted.nbytes)
        mask = memoryview(memory).cast("f", wanted.shape)
        batch = client.random_masking(self.x, 0.5, seed=SEED, out={"mask": mask})
        self.assertIs(batch.mask, mask)
        self.assertEqual(bytes(memory), wanted.tobytes())
        exported = np.zeros_like(wanted)
        if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
            client.random_masking(self.x, 0.5, seed=SEED, out={"mask": DlpackOnly(exported)})
            np.testing.assert_array_equal(exported, wanted)
        else:
            with self.assertRaisesRegex(TypeError, "DLPack does not let numpy write to"):
                client.random_masking(self.x, 0.5, seed=SEED, out={"mask": DlpackOnly(exported)})

    def test_out_that_is_not_the_memory_itself(self) -> None:
        class Converted:
            """An array of its values, made anew each time."""

            def __array__(self, *arguments: Any, **keywords: Any) -> Any:
                return np.zeros((5, 24), np.float32)

        for out in (Converted(), [0.0], object()):
            with self.assertRaisesRegex(TypeError, "out: mask is a .*; a result goes to"):
                self.clients["in-process"].random_masking(self.x, out={"mask": out})
        with self.assertRaisesRegex(maskd.InvalidArgument, "read-only"):
            read_only = memoryview(bytes(5 * 24 * 4)).cast("f", (5, 24))
            self.clients["in-process"].random_masking(self.x, out={"mask": read_only})

    @with_each_client
    def test_seeded_golden(self, client: maskd.Client) -> None:
        cases = json.loads((GOLDEN / "random_masking_seeded.json").read_text())["cases"]
        for case in cases:
            batch = client.generate_mask(
                len(case["sample_ids"]),
                case["sequence_length"],
                case["mask_ratio"],
                seed=case["seed"],
                epoch=case["epoch"],
                mask_index=case["mask_index"],
                sample_ids=case["sample_ids"],
                returns=ALL[1:],
            )
            self.assertEqual(batch.num_keep, case["num_keep"])
            self.assertEqual(sha256(batch.ids_restore), case["ids_restore_sha256"])
            self.assertEqual(sha256(batch.noise), case["noise_sha256"])
            heads = [row[: len(head)] for row, head in zip(batch.ids_keep.tolist(), case["keep_head"])]
            self.assertEqual(heads, case["keep_head"])

    @with_each_client
    def test_torch_cpu_golden(self, client: maskd.Client) -> None:
        cases = json.loads((GOLDEN / "random_masking_torch.json").read_text())["cases"]
        for case in cases:
            batch = client.generate_mask(
                case["batch_size"],
                case["sequence_length"],
                case["mask_ratio"],
                seed=case["seed"],
                noise_source="torch_cpu",
                returns=ALL[1:],
            )
            for name in ("noise_f32", "ids_restore_i64", "ids_keep_i64", "mask_f32"):
                self.assertEqual(sha256(getattr(batch, name.rsplit("_", 1)[0])), case["sha256"][name], name)
            # The second half of a batch is drawn behind the first.
            half = case["batch_size"] // 2
            rest = client.generate_mask(
                case["batch_size"] - half,
                case["sequence_length"],
                case["mask_ratio"],
                seed=case["seed"],
                noise_source="torch_cpu",
                torch_skip=half * case["sequence_length"],
            )
            np.testing.assert_array_equal(rest.ids_restore, batch.ids_restore[half:])

    @with_each_client
    def test_torch_cuda(self, client: maskd.Client) -> None:
        device = maskd.TorchCuda(multi_processor_count=132, max_threads_per_multi_processor=2048)
        keywords: Any = {"seed": SEED, "noise_source": "torch_cuda", "returns": ("noise",)}
        whole = client.generate_mask(6, 40, torch_cuda=device, **keywords).noise
        part = device._replace(first_element=80, num_elements=240)
        np.testing.assert_array_equal(client.generate_mask(2, 40, torch_cuda=part, **keywords).noise, whole[2:4])
        moved = client.generate_mask(6, 40, torch_cuda=device._replace(offset=4), **keywords).noise
        self.assertFalse(np.array_equal(moved, whole))

    @with_each_client
    def test_calls_on_many_threads(self, client: maskd.Client) -> None:
        wanted = [client.random_masking(self.x, 0.5, seed=SEED, epoch=epoch).kept for epoch in range(8)]
        found: list[Any] = [None] * 8

        def mask(epoch: int, client: maskd.Client = client, found: list[Any] = found) -> None:
            for _ in range(5):
                found[epoch] = client.random_masking(self.x, 0.5, seed=SEED, epoch=epoch).kept

        threads = [threading.Thread(target=mask, args=(epoch,)) for epoch in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for epoch in range(8):
            np.testing.assert_array_equal(found[epoch], wanted[epoch])


if __name__ == "__main__":
    unittest.main()
