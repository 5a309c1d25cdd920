"""The tensor operations with numpy, against plain numpy and the golden file."""

from __future__ import annotations

import gc
import json
import random
import unittest
from typing import Any

import numpy as np
from serving import GOLDEN, ServedTest, with_each_client

import maskd

SEED = random.SystemRandom().getrandbits(64)


class TensorsTest(ServedTest):
    def setUp(self) -> None:
        self.rng = np.random.default_rng(SEED)

    def equal(self, found: Any, wanted: Any) -> None:
        self.assertEqual((found.dtype, found.shape), (wanted.dtype, wanted.shape))
        np.testing.assert_array_equal(found, wanted, err_msg=f"seed {SEED}")

    @with_each_client
    def test_restore_tokens(self, client: maskd.Client) -> None:
        x = self.rng.random((3, 12, 2, 2))
        kept, mask, ids_restore = client.random_masking(x, 0.5, seed=SEED)
        removed = mask[..., None, None] == 1
        self.equal(client.restore_tokens(kept, ids_restore), np.where(removed, 0, x))
        fill = self.rng.random((2, 2))
        self.equal(client.restore_tokens(kept, ids_restore, fill), np.where(removed, fill, x))
        prefix = self.rng.random((3, 1, 2, 2))
        restored = client.restore_tokens(np.concatenate([prefix, kept], 1), ids_restore.astype(np.uint16), num_prefix=1)
        self.equal(restored, np.concatenate([prefix, np.where(removed, 0, x)], 1))

    @with_each_client
    def test_fill_that_is_not_contiguous(self, client: maskd.Client) -> None:
        x = self.rng.random((3, 12, 512))
        kept, mask, ids_restore = client.random_masking(x, 0.5, seed=SEED)
        for fill in (self.rng.random(1024)[::2], np.broadcast_to(self.rng.random(1), 512)):
            wanted = np.where(mask[..., None] == 1, fill, x)
            self.equal(client.restore_tokens(kept, ids_restore, fill), wanted)

    @with_each_client
    def test_gather_and_scatter(self, client: maskd.Client) -> None:
        for dtype in (np.float32, np.int16, np.complex128, np.bool_):
            values = self.rng.integers(0, 2, (4, 7, 3)).astype(dtype)
            index = self.rng.permuted(np.tile(np.arange(7)[None, :, None], (4, 1, 3)), axis=1)[:, :5]
            gathered = np.take_along_axis(values, index, 1)
            self.equal(client.gather(values, index, dim=1), gathered)
            self.equal(client.gather(values, index.astype(np.int32), dim=-2), gathered)
            rows = index[:, :, 0]
            self.equal(client.gather(values, rows, dim=1, index_rank=2), np.take_along_axis(values, rows[..., None], 1))
            wanted = np.zeros_like(values)
            np.put_along_axis(wanted, index, gathered, 1)
            self.equal(client.scatter(np.zeros_like(values), index, gathered, dim=1), wanted)
        sums = client.scatter_add(np.ones((1, 2), np.float32), np.array([[0, 0, 1]]), np.float32([[1, 2, 4]]), dim=1)
        self.equal(sums, np.float32([[4, 5]]))

    @with_each_client
    def test_masked_select(self, client: maskd.Client) -> None:
        values = self.rng.random((3, 4, 5))
        for dtype in (np.bool_, np.uint8, np.float32):
            mask = self.rng.integers(0, 2, (4, 1)).astype(dtype)
            self.equal(client.masked_select(values, mask), values[np.broadcast_to(mask == 1, values.shape)])
        self.equal(client.masked_select(values, np.zeros(1, np.bool_)), np.zeros(0))

    @with_each_client
    def test_pad_sequences(self, client: maskd.Client) -> None:
        values = np.arange(12, dtype=np.int16).reshape(6, 2)
        wanted = np.full((3, 4, 2), -1, np.int16)
        wanted[0, :1], wanted[2, :5] = values[:1], values[1:5]
        wanted[1, :1] = values[5:]
        lengths = [1, 1, 4]
        values = np.concatenate([values[:1], values[5:], values[1:5]])
        mask = np.arange(4)[None] < np.array(lengths)[:, None]
        padded, real = client.pad_sequences(values, lengths, padding_value=-1)
        self.equal(padded, wanted)
        self.equal(real, mask.astype(np.float32))
        padded, real = client.pad_sequences(
            values, np.array(lengths), padding_value=-1, time_major=True, mask_dtype="uint8", padded_length=6
        )
        self.equal(padded, np.pad(wanted, ((0, 0), (0, 2), (0, 0)), constant_values=-1).transpose(1, 0, 2))
        self.equal(real, np.pad(mask, ((0, 0), (0, 2))).T.astype(np.uint8))

    @with_each_client
    def test_losses(self, client: maskd.Client) -> None:
        logits = self.rng.normal(size=(6, 5))
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        target, mask = self.rng.integers(0, 5, 6), np.array([1, 0, 1, 1, 0, 1], np.float32)
        nll = -np.log(probabilities[np.arange(6), target])[mask == 1].mean()
        prediction, image = self.rng.random((2, 4, 12)), self.rng.random((2, 4, 4, 3))
        patches = image.reshape(2, 2, 2, 2, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 4, 12)
        removed = np.array([[1, 0, 1, 1], [0, 1, 0, 0]], np.uint8)
        mean, variance = patches.mean(-1, keepdims=True), patches.var(-1, keepdims=True, ddof=1)
        normal = (patches - mean) / np.sqrt(variance + 1e-6)
        for kind, scores in (
            ("probabilities", probabilities),
            ("log_probabilities", np.log(probabilities)),
            ("logits", logits),
        ):
            loss, places = client.masked_nll_loss(scores, target, mask, kind=kind)
            self.assertEqual(places, 4)
            self.assertAlmostEqual(loss, nll)
        for keywords, wanted in (({}, patches), ({"normalize_target": True}, normal)):
            error = ((prediction - wanted) ** 2).mean(-1)[removed == 1].mean()
            for layout, given in (
                ("tokens", patches),
                ("channels_last", image),
                ("channels_first", image.transpose(0, 3, 1, 2)),
            ):
                loss, places = client.masked_reconstruction_loss(
                    prediction, given, removed, layout=layout, patch_size=0 if layout == "tokens" else 2, **keywords
                )
                self.assertEqual(places, 4)
                self.assertAlmostEqual(loss, error)

    @with_each_client
    def test_golden(self, client: maskd.Client) -> None:
        cases = json.loads((GOLDEN / "tensor_ops.json").read_text())["cases"]
        for case in cases:
            with self.subTest(case["name"]):
                self.check_case(client, case)

    def check_case(self, client: maskd.Client, case: dict[str, Any]) -> None:
        values = np.array(case.get("input", 0.0))
        if "input_arange" in case:
            values = np.arange(case["input_arange"]["count"]).reshape(case["input_arange"]["shape"])
        if "expect_error" in case:
            with self.assertRaises(maskd.MaskdError) as caught:
                client.gather(values, np.array(case["index"]), dim=case["dim"])
            self.assertEqual(caught.exception.code, case["expect_error"])
        elif case["op"] == "gather":
            np.testing.assert_array_equal(
                client.gather(values, np.array(case["index"]), dim=case["dim"]), case["expect"]
            )
        elif case["op"] == "scatter":
            scattered = client.scatter(values, np.array(case["index"]), np.array(case["src"]), dim=case["dim"])
            np.testing.assert_array_equal(scattered, case["expect"])
        elif case["op"] == "masked_select":
            selected = client.masked_select(values, np.array(case["mask"], np.uint8))
            np.testing.assert_array_equal(selected, case["expect"])
        elif case["op"] == "pad_sequences":
            padded, mask = client.pad_sequences(
                np.concatenate(case["sequences"]),
                [len(sequence) for sequence in case["sequences"]],
                padding_value=case["padding_value"],
                time_major=case["layout"] == "time_major",
            )
            np.testing.assert_array_equal(padded, case["expect_padded"])
            if "expect_mask" in case:
                np.testing.assert_array_equal(mask, case["expect_mask"])
        else:
            self.assertEqual(case["op"], "masked_nll_loss")
            loss, places = client.masked_nll_loss(
                np.array(case["probabilities"]), np.array(case["target"]), np.array(case["mask"], np.float32)
            )
            self.assertAlmostEqual(loss, case["expect_loss"], delta=case["tolerance"])
            self.assertEqual(places, case["expect_count"])

    def test_results_outlive_client_and_call(self) -> None:
        client = maskd.connect(self.address)
        values = self.rng.random((100, 1000))
        gathered = client.gather(values, np.arange(100)[::-1].copy(), dim=0, index_rank=1)
        row = gathered[1]
        client.close()
        del client, gathered
        gc.collect()
        self.equal(row, values[98])
        row += 1
        self.equal(row, values[98] + 1)

    def test_wrong_arguments(self) -> None:
        client = self.clients["in-process"]
        values = np.zeros((2, 3), np.float32)
        index = np.zeros((2, 3), np.int64)
        with self.assertRaisesRegex(TypeError, "src is of dtype float64; it must be of float32"):
            client.scatter(values, index, values.astype(np.float64), dim=1)
        with self.assertRaisesRegex(maskd.InvalidArgument, "3"):
            client.gather(values, index + 3, dim=1)
        with self.assertRaisesRegex(maskd.InvalidArgument, "layout is 'rows'"):
            client.masked_reconstruction_loss(values, values, values, layout="rows")
        with self.assertRaisesRegex(TypeError, "padding_value is 'x'"):
            client.pad_sequences(values, [2], padding_value="x")
        with self.assertRaisesRegex(TypeError, "lengths must be integers"):
            client.pad_sequences(values, [1.5])
        with self.assertRaisesRegex(maskd.InvalidArgument, "dim"):
            client.gather(values, index, dim=2**40)


if __name__ == "__main__":
    unittest.main()
