"""maskd.jax. Skipped where there is no jax."""

from __future__ import annotations

import os
import unittest

import numpy as np

import maskd

# Read when jax is first imported: two devices, both of the CPU.
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
try:
    import jax
    import jax.numpy as jnp

    import maskd.jax
except ImportError as error:
    raise unittest.SkipTest(f"no jax here: {error}") from None

N, L, D = 3, 12, 5


class JaxTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = maskd.connect("inproc:", threads=1)
        self.addCleanup(self.client.close)
        self.x = np.random.default_rng(0).random((N, L, D), np.float32)

    def test_arrays_in_and_out(self) -> None:
        for dtype in (jnp.float32, jnp.bfloat16, jnp.int8):
            x = jnp.asarray(self.x * 100, dtype)
            masked = maskd.jax.random_masking(self.client, x, 0.5, seed=1, returns=("kept", "mask", "ids_keep"))
            expected = self.client.random_masking(self.x, 0.5, seed=1, returns=("mask", "ids_keep"))
            self.assertEqual((masked.kept.dtype, masked.kept.devices()), (x.dtype, x.devices()))
            np.testing.assert_array_equal(masked.mask, expected.mask)
            np.testing.assert_array_equal(masked.ids_keep, expected.ids_keep)
            np.testing.assert_array_equal(masked.kept, maskd.jax.keep_tokens(x, masked.ids_keep))

    def test_masks_for_a_traced_step(self) -> None:
        masked = maskd.jax.generate_mask(self.client, N, L, 0.75, seed=2, epoch=1)
        self.assertIsNone(masked.kept)

        @jax.jit
        def loss(x: jax.Array, ids_keep: jax.Array) -> jax.Array:
            return maskd.jax.keep_tokens(x, ids_keep).sum()

        gradient = jax.grad(loss)(jnp.asarray(self.x), masked.ids_keep)
        np.testing.assert_array_equal(gradient[..., 0], 1 - masked.mask)
        kept = self.client.random_masking(self.x, 0.75, seed=2, epoch=1).kept
        np.testing.assert_array_equal(maskd.jax.keep_tokens(jnp.asarray(self.x), masked.ids_keep), kept)

    def test_arrays_of_numpy(self) -> None:
        masked = maskd.jax.random_masking(self.client, self.x, 0.5, seed=1)  # type: ignore[arg-type]
        self.assertIsInstance(masked.kept, jax.Array)
        np.testing.assert_array_equal(masked.kept, self.client.random_masking(self.x, 0.5, seed=1).kept)

    def test_refuses_several_devices(self) -> None:
        if len(jax.devices()) < 2:
            self.skipTest("one device alone")
        mesh = jax.sharding.Mesh(jax.devices()[:2], "d")
        sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(None, "d"))
        with self.assertRaisesRegex(TypeError, "x lies on 2 devices"):
            maskd.jax.random_masking(self.client, jax.device_put(self.x, sharding))

    def test_refuses_to_be_traced(self) -> None:
        with self.assertRaisesRegex(TypeError, "generate_mask"):
            jax.jit(lambda x: maskd.jax.random_masking(self.client, x).kept)(self.x)


if __name__ == "__main__":
    unittest.main()
