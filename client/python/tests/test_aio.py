"""The asyncio client: results, overlap, and cancellation."""

from __future__ import annotations

import asyncio
import threading
import unittest

import numpy as np
from servers import Server

import maskd
import maskd.aio

X = np.random.default_rng(0).random((4, 16, 8), np.float32)


class AsyncClientTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()
        cls.addClassCleanup(cls.server.kill)

    async def test_returns_what_the_client_returns(self) -> None:
        with maskd.connect("inproc:") as local:
            async with maskd.aio.connect(self.server.address) as client:
                batches = await asyncio.gather(*(client.random_masking(X, 0.5, seed=seed) for seed in range(20)))
                for seed, (kept, mask, ids_restore) in enumerate(batches):
                    expected = local.random_masking(X, 0.5, seed=seed)
                    np.testing.assert_array_equal(kept, expected.kept)
                    np.testing.assert_array_equal(mask, expected.mask)
                    np.testing.assert_array_equal(ids_restore, expected.ids_restore)
                kept, _, ids_restore = batches[0]
                np.testing.assert_array_equal(
                    await client.restore_tokens(kept, ids_restore), local.restore_tokens(kept, ids_restore)
                )
                self.assertEqual((await client.server_info()).backend, "cpu")
                await client.check_health()
                self.assertEqual(client.statistics()["failed_calls"], 0)
                self.assertIn("maskd_client_calls_total", client.prometheus_text())

    async def test_errors_are_those_of_the_client(self) -> None:
        async with maskd.aio.connect("inproc:") as client:
            with self.assertRaises(maskd.InvalidArgument):
                await client.random_masking(X, 1.5)
        with self.assertRaises(maskd.FailedPrecondition):
            client.statistics()

    async def test_calls_after_close(self) -> None:
        client = maskd.aio.connect("inproc:", concurrency=1)
        go_on, begun = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def call() -> None:
            begun.set()
            go_on.wait()

        under_way = asyncio.ensure_future(client._run(call))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)
        closing = asyncio.ensure_future(client.close())
        await asyncio.sleep(0)  # closing now waits for the call
        with self.assertRaisesRegex(maskd.FailedPrecondition, "closed"):
            await client.random_masking(X)
        self.assertFalse(closing.done())
        go_on.set()
        await asyncio.gather(under_way, closing)
        for method in (client.server_info, client.check_health):
            with self.assertRaisesRegex(maskd.FailedPrecondition, "closed"):
                await method()
        await client.close()

    async def test_cancelling_a_task_ends_its_call(self) -> None:
        with Server() as server:
            async with maskd.aio.connect(server.address, concurrency=2) as client:
                await client.check_health()
                server.pause()
                begun, errors = threading.Semaphore(0), []

                def call() -> maskd.MaskedBatch:
                    begun.release()
                    try:
                        return client._client.random_masking(X)
                    except maskd.MaskdError as error:
                        errors.append(type(error))
                        raise

                tasks = [asyncio.ensure_future(client._run(call)) for _ in range(4)]
                for _ in range(2):
                    await asyncio.get_running_loop().run_in_executor(None, begun.acquire)
                for task in tasks:
                    task.cancel()
                results = await asyncio.gather(*tasks, return_exceptions=True)
                self.assertEqual([type(result) for result in results], [asyncio.CancelledError] * 4)
                # Of the calls that waited for a thread, one that has come free may have taken some before their turn.
                self.assertGreaterEqual(len(errors), 2)
                self.assertEqual(set(errors), {maskd.Cancelled})


if __name__ == "__main__":
    unittest.main()
