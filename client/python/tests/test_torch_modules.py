"""maskd.torch: gradients, and the modules beside what they replace. Skipped where there is no torch."""

from __future__ import annotations

import copy
import io
import unittest
from typing import Any

from serving import without

import maskd

try:
    import torch
    from torch.utils.checkpoint import checkpoint

    import maskd.torch
except ImportError as error:
    raise without("torch", error) from None

N, L, D = 3, 12, 5


def reference_gather(x: torch.Tensor, ids_keep: torch.Tensor) -> torch.Tensor:
    return torch.gather(x, 1, ids_keep.unsqueeze(-1).expand(-1, -1, x.shape[2]))


class TorchTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = maskd.connect("inproc:", threads=1)
        self.addCleanup(self.client.close)
        self.x = torch.rand(N, L, D, generator=torch.Generator().manual_seed(0))


class RandomMaskingFunctionTest(TorchTest):
    def test_gradient_is_that_of_gather(self) -> None:
        x, y = (self.x.clone().requires_grad_() for _ in range(2))
        masked = maskd.torch.random_masking(self.client, x, 0.75, seed=1)
        weights = torch.rand(masked.kept.shape)
        (masked.kept * weights).sum().backward()
        expected = reference_gather(y, masked.ids_keep)
        (expected * weights).sum().backward()
        self.assertTrue(torch.equal(masked.kept, expected))
        self.assertTrue(torch.equal(x.grad, y.grad))
        self.assertFalse(masked.mask.requires_grad or masked.ids_restore.requires_grad)

    def test_gradients_of_first_and_second_order(self) -> None:
        x = self.x.double().requires_grad_()

        def kept(x: torch.Tensor) -> torch.Tensor:
            return maskd.torch.random_masking(self.client, x, 0.5, seed=2).kept ** 2

        self.assertTrue(torch.autograd.gradcheck(kept, x))
        self.assertTrue(torch.autograd.gradgradcheck(kept, x))

    def test_gathers_tokens_where_they_are(self) -> None:
        """As of a tensor on a device, whose tokens do not travel."""
        masked = maskd.torch.random_masking(self.client, self.x, 0.5, seed=3)
        x = self.x.clone().requires_grad_()
        kept = maskd.torch._KeptTokens.apply(x, masked.ids_keep, None)
        self.assertTrue(torch.equal(kept, masked.kept))
        kept.sum().backward()
        self.assertTrue(torch.equal(x.grad[..., 0], 1 - masked.mask))

    def test_shapes_and_dtypes(self) -> None:
        for shape in ((N, L), (N, L, D), (N, L, 2, 3)):
            for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
                x = torch.rand(shape).to(dtype).requires_grad_()
                masked = maskd.torch.random_masking(self.client, x, num_keep=4, returns=("kept", "ids_mask"))
                self.assertEqual((masked.kept.shape, masked.kept.dtype), ((N, 4, *shape[2:]), dtype))
                self.assertEqual(masked.ids_mask.shape, (N, L - 4))
                masked.kept.sum().backward()
                self.assertEqual(x.grad.sum().item(), masked.kept.numel())

    def test_narrow_ids(self) -> None:
        wanted = maskd.torch.random_masking(self.client, self.x, 0.5, seed=1).kept
        for ids_dtype in ("int32", "uint16"):
            x = self.x.clone().requires_grad_()
            if not hasattr(torch, ids_dtype):  # uint16 before torch 2.3
                with self.assertRaisesRegex(TypeError, "no dtype uint16"):
                    maskd.torch.random_masking(self.client, x, 0.5, seed=1, ids_dtype=ids_dtype)
                continue
            masked = maskd.torch.random_masking(self.client, x, 0.5, seed=1, ids_dtype=ids_dtype)
            self.assertEqual(masked.ids_keep.dtype, getattr(torch, ids_dtype))
            self.assertTrue(torch.equal(masked.kept, wanted))
            self.assertTrue(torch.equal(maskd.torch._keep(self.x, masked.ids_keep), wanted))
            masked.kept.sum().backward()
            self.assertTrue(torch.equal(x.grad[..., 0], 1 - masked.mask))

    def test_on_a_device(self) -> None:
        if not torch.cuda.is_available():
            self.skipTest("no CUDA device")
        x = self.x.cuda().requires_grad_()
        masked = maskd.torch.random_masking(self.client, x, 0.5, seed=4)
        expected = maskd.torch.random_masking(self.client, self.x, 0.5, seed=4)
        for name in ("kept", "mask", "ids_restore", "ids_keep"):
            self.assertEqual(getattr(masked, name).device, x.device)
            self.assertTrue(torch.equal(getattr(masked, name).cpu(), getattr(expected, name)))
        masked.kept.sum().backward()
        self.assertTrue(torch.equal(x.grad[..., 0], 1 - masked.mask))


class ToDeviceTest(TorchTest):
    def test_keeps_the_form_of_results(self) -> None:
        masked = self.client.random_masking(self.x, returns=("kept", "mask", "ids_restore", "noise"))
        device = "cuda" if torch.cuda.is_available() else "cpu"
        moved = maskd.torch.to_device_async(masked, device)
        self.assertIsInstance(moved, maskd.MaskedBatch)
        kept, mask, ids_restore = moved
        for a, b in ((kept, masked.kept), (mask, masked.mask), (ids_restore, masked.ids_restore)):
            self.assertEqual(a.device.type, device)
            self.assertTrue(torch.equal(a.cpu(), b))
        self.assertEqual(moved.noise.device.type, device)
        self.assertEqual((moved.num_keep, moved.backend, moved.ids_keep), (masked.num_keep, masked.backend, None))
        self.assertEqual(maskd.torch.to_device_async((self.x, "label"), device)[1], "label")


class RandomMaskingModuleTest(TorchTest):
    def test_counts_samples_and_epochs(self) -> None:
        module = maskd.torch.RandomMasking(self.client, 0.5, seed=7)
        for epoch in (0, 4):
            module.set_epoch(epoch)
            for first in (0, N, 2 * N):
                expected = self.client.random_masking(self.x, 0.5, seed=7, epoch=epoch, first_sample_id=first)
                kept, mask, ids_restore = module(self.x)
                self.assertTrue(torch.equal(kept, expected.kept))
                self.assertTrue(torch.equal(mask, expected.mask))
                self.assertTrue(torch.equal(ids_restore, expected.ids_restore))

    def test_takes_sample_ids(self) -> None:
        module = maskd.torch.RandomMasking(self.client, 0.5)
        ids = torch.tensor([5, 3, 5])
        mask = module(self.x, ids).mask
        self.assertTrue(torch.equal(mask, self.client.random_masking(self.x, 0.5, sample_ids=ids).mask))
        self.assertTrue(torch.equal(mask[0], mask[2]))

    def test_goes_on_from_a_checkpoint(self) -> None:
        module = maskd.torch.RandomMasking(self.client, 0.5, seed=7)
        module.set_epoch(3)
        module(self.x)
        file = io.BytesIO()
        torch.save(module.state_dict(), file)
        expected = module(self.x).mask
        resumed = maskd.torch.RandomMasking(self.client, 0.5, seed=7)
        file.seek(0)
        resumed.load_state_dict(torch.load(file))
        self.assertTrue(torch.equal(resumed(self.x).mask, expected))

    def test_checkpointing(self) -> None:
        """What is computed again in the backward pass has the masks of the forward pass, or is refused."""
        ids = torch.tensor([5, 3, 8])
        for module, tokens in (
            (maskd.torch.RandomMasking(self.client, 0.5, seed=7), lambda results: results.kept),
            (maskd.torch.PatchDropout(self.client, 0.5, num_prefix_tokens=0, seed=7), lambda results: results),
        ):
            for use_reentrant in (True, False):

                def loss(x: torch.Tensor, ids: Any = None, module: Any = module, tokens: Any = tokens) -> torch.Tensor:
                    return (tokens(module(x, ids)) ** 3).sum()

                x, y = (self.x.clone().requires_grad_() for _ in range(2))
                checkpoint(loss, x, ids, use_reentrant=use_reentrant).backward()
                loss(y, ids).backward()
                self.assertTrue(torch.equal(x.grad, y.grad))
                counted = checkpoint(loss, x, use_reentrant=use_reentrant)
                with self.assertRaisesRegex(RuntimeError, "pass sample_ids"):
                    counted.backward()
                loss(x).backward()  # the refusal leaves nothing behind

    def test_copies_share_the_client(self) -> None:
        module = maskd.torch.RandomMasking(self.client, 0.5)
        self.assertIs(copy.deepcopy(module).client, self.client)


class PatchDropoutTest(TorchTest):
    def test_keeps_what_timm_keeps(self) -> None:
        for prob, keep in ((0.5, 6), (0.75, 3), (0.9, 1), (0.99, 1)):
            module = maskd.torch.PatchDropout(self.client, prob, num_prefix_tokens=2, return_indices=True)
            x = torch.rand(N, 2 + L, D)
            dropped, ids_keep = module(x)
            self.assertEqual(ids_keep.shape, (N, keep))
            self.assertTrue(torch.equal(dropped[:, :2], x[:, :2]))
            self.assertTrue(torch.equal(dropped[:, 2:], reference_gather(x[:, 2:], ids_keep)))

    def test_ordered(self) -> None:
        _, ids_keep = maskd.torch.PatchDropout(self.client, 0.5, ordered=True, return_indices=True)(self.x)
        self.assertTrue(torch.equal(ids_keep, ids_keep.sort(dim=1)[0]))

    def test_drops_nothing_in_evaluation(self) -> None:
        module = maskd.torch.PatchDropout(self.client, 0.5)
        self.assertEqual(module(self.x).shape, (N, 1 + (L - 1) // 2, D))
        self.assertIs(module.eval()(self.x), self.x)
        always = maskd.torch.PatchDropout(self.client, 0.0, return_indices=True)
        self.assertEqual(always(self.x), (self.x, None))

    def test_refuses_a_prob_that_drops_all(self) -> None:
        with self.assertRaises(ValueError):
            maskd.torch.PatchDropout(self.client, 1.0)


if __name__ == "__main__":
    unittest.main()
