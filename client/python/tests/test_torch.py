"""torch CPU tensors in, torch CPU tensors out."""

from __future__ import annotations

import random
import unittest
from typing import Any

import numpy as np
from serving import ServedTest, with_each_client, without

import maskd

try:
    import torch
except ImportError as error:
    raise without("torch", error) from None

SEED = random.SystemRandom().getrandbits(63)
ALL = ("kept", "mask", "ids_restore", "ids_keep", "ids_mask", "noise")


def random_masking(x: Any, noise: Any, num_keep: int) -> tuple[Any, Any, Any]:
    """random_masking of facebookresearch/mae, with `noise` given."""
    n, length, dim = x.shape
    ids_shuffle = torch.argsort(noise, dim=1, stable=True)
    ids_restore = torch.argsort(ids_shuffle, dim=1)
    ids_keep = ids_shuffle[:, :num_keep]
    kept = torch.gather(x, dim=1, index=ids_keep.unsqueeze(-1).repeat(1, 1, dim))
    mask = torch.ones([n, length])
    mask[:, :num_keep] = 0
    return kept, torch.gather(mask, dim=1, index=ids_restore), ids_restore


class TorchTest(ServedTest):
    @with_each_client
    def test_results_are_those_of_the_reference(self, client: maskd.Client) -> None:
        for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.uint8, torch.bool):
            x = (torch.rand(4, 20, 6) * 2).to(dtype)
            batch = client.random_masking(x, 0.75, seed=SEED, returns=ALL)
            for found, wanted in zip(batch, random_masking(x, batch.noise, 5)):
                self.assertEqual(found.dtype, wanted.dtype)
                self.assertTrue(torch.equal(found, wanted))

    @with_each_client
    def test_noise_of_torch(self, client: maskd.Client) -> None:
        x = torch.rand(4, 20, 6)
        torch.manual_seed(SEED)
        wanted = random_masking(x, torch.rand(4, 20), 5)
        for found, reference in zip(client.random_masking(x, seed=SEED, noise_source="torch_cpu"), wanted):
            self.assertTrue(torch.equal(found, reference))
        torch.manual_seed(SEED)
        for found, reference in zip(client.random_masking(x, noise=torch.rand(4, 20)), wanted):
            self.assertTrue(torch.equal(found, reference))

    @with_each_client
    def test_inputs_as_they_are(self, client: maskd.Client) -> None:
        x = torch.rand(4, 20, 6)
        kept = client.random_masking(x, seed=SEED).kept
        for same in (x.clone().requires_grad_(), x.transpose(0, 1).contiguous().transpose(0, 1)):
            found = client.random_masking(same, seed=SEED).kept
            self.assertTrue(torch.equal(found, kept))
            self.assertFalse(found.requires_grad)
        out = torch.zeros_like(kept)
        batch = client.random_masking(x, seed=SEED, out=(out,))
        self.assertIs(batch.kept, out)
        self.assertTrue(torch.equal(out, kept))
        ids = torch.arange(4)
        self.assertTrue(torch.equal(client.random_masking(x, seed=SEED, sample_ids=ids).kept, kept))
        mask, _ = client.generate_mask(4, 20, seed=SEED, sample_ids=ids)
        self.assertIsInstance(mask, torch.Tensor)

    @with_each_client
    def test_tensor_operations(self, client: maskd.Client) -> None:
        for dtype in (torch.float32, torch.bfloat16):
            x = torch.rand(4, 20, 6).to(dtype)
            kept, mask, ids_restore = client.random_masking(x, seed=SEED)
            token = torch.rand(6).to(dtype)
            restored = client.restore_tokens(kept, ids_restore, token)
            self.assertTrue(torch.equal(restored, torch.where(mask[..., None] == 1, token, x)))
            index = torch.randint(0, 20, (4, 3, 6))
            self.assertTrue(torch.equal(client.gather(x, index, dim=1), torch.gather(x, 1, index)))
            chosen = client.masked_select(x, mask[..., None].bool())
            self.assertTrue(torch.equal(chosen, torch.masked_select(x, mask[..., None].bool())))
            sequences = [torch.rand(3, 2).to(dtype), torch.rand(5, 2).to(dtype)]
            padded, _ = client.pad_sequences(torch.cat(sequences), [3, 5], padding_value=0.5)
            wanted = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True, padding_value=0.5)
            self.assertTrue(torch.equal(padded, wanted))

    @with_each_client
    def test_fill_that_is_not_contiguous(self, client: maskd.Client) -> None:
        x = torch.rand(3, 12, 512)
        kept, mask, ids_restore = client.random_masking(x, 0.5, seed=SEED)
        for fill in (torch.rand(1024)[::2], torch.rand(1).expand(512)):
            wanted = torch.where(mask[..., None] == 1, fill, x)
            self.assertTrue(torch.equal(client.restore_tokens(kept, ids_restore, fill), wanted))

    def test_refused(self) -> None:
        client = self.clients["in-process"]
        x = torch.rand(2, 8, 3)
        with self.assertRaisesRegex(TypeError, "x is on meta"):
            client.random_masking(x.to("meta"))
        with self.assertRaisesRegex(TypeError, "sparse"):
            client.random_masking(x.to_sparse())
        with self.assertRaisesRegex(TypeError, "dtype float64"):
            client.random_masking(x, out=(torch.zeros(2, 2, 3, dtype=torch.float64),))
        lazy = torch.zeros(2, 2, 3, dtype=torch.complex64)
        for out in (lazy.conj(), torch._neg_view(lazy)):
            with self.assertRaisesRegex(TypeError, "lazily conjugated or negated"):
                client.random_masking(x.to(torch.complex64), out=(out,))
        self.assertEqual(client.random_masking(x, num_keep=torch.tensor(2), seed=torch.tensor(3)).num_keep, 2)
        with self.assertRaisesRegex(TypeError, r"seed is tensor\(3\.\); it must be an integer"):
            client.random_masking(x, seed=torch.tensor(3.0))
        if not hasattr(torch, "uint16"):
            with self.assertRaisesRegex(TypeError, "no dtype uint16"):
                client.random_masking(x, ids_dtype="uint16")

    @with_each_client
    def test_numpy_and_torch_see_the_same(self, client: maskd.Client) -> None:
        x = torch.rand(4, 20, 6)
        from_numpy = client.random_masking(x.numpy(), seed=SEED)
        for found, wanted in zip(client.random_masking(x, seed=SEED), from_numpy):
            np.testing.assert_array_equal(found.numpy(), wanted)


if __name__ == "__main__":
    unittest.main()
