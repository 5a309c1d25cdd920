"""Prefetching: order, overlap, errors, resuming, and leaving early."""

from __future__ import annotations

import contextlib
import gc
import threading
import unittest
import weakref
from typing import Any, Callable
from unittest import mock

import numpy as np
from servers import Server

import maskd

N, L, D = 3, 8, 4


def batches(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.random((N, L, D), np.float32) for _ in range(count)]


def prefetch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("maskd-prefetch")]


class Intercepted:
    """A client whose calls first do something of the test's."""

    def __init__(self, client: maskd.Client, before: Callable[[dict[str, Any]], None]) -> None:
        self._client, self._before = client, before
        self._add_wait = client._add_wait

    def random_masking(self, x: np.ndarray, **keywords: Any) -> maskd.MaskedBatch:
        self._before(keywords)
        return self._client.random_masking(x, **keywords)


class PrefetchTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = maskd.connect("inproc:", threads=1)
        self.addCleanup(self.client.close)

    def assert_masked(self, item: Any, x: np.ndarray, **keywords: Any) -> None:
        expected = self.client.random_masking(x, **keywords)
        for name in ("kept", "mask", "ids_restore"):
            np.testing.assert_array_equal(getattr(item, name), getattr(expected, name))

    def test_yields_what_direct_calls_return_in_order(self) -> None:
        loader = batches(7)
        for depth in (1, 2, 10):
            items = list(self.client.prefetch(loader, depth, mask_ratio=0.5, seed=3, epochs=2, start_epoch=5))
            self.assertEqual([item.position[:2] for item in items], [(e, b) for e in (5, 6) for b in range(7)])
            for item, x in zip(items, loader * 2):
                kept, mask, ids_restore, batch = item
                self.assertIs(batch, x)
                self.assert_masked(
                    item, x, mask_ratio=0.5, seed=3, epoch=item.position.epoch, first_sample_id=item.position.batch * N
                )
                self.assertEqual((kept.shape, mask.shape, ids_restore.shape), ((N, L // 2, D), (N, L), (N, L)))

    def test_resumes_with_the_same_masks(self) -> None:
        loader = batches(5)
        whole = list(self.client.prefetch(loader, epochs=3, seed=1))
        for resumed_at in (0, 3, 5, 9, 14):
            epoch, batch = divmod(resumed_at, 5)
            rest = list(self.client.prefetch(loader, epochs=3 - epoch, start_epoch=epoch, start_batch=batch, seed=1))
            self.assertEqual(len(rest), 15 - resumed_at)
            for item, uninterrupted in zip(rest, whole[resumed_at:]):
                self.assertEqual(item.position, uninterrupted.position)
                np.testing.assert_array_equal(item.mask, uninterrupted.mask)

    def test_sample_ids_come_from_the_batch(self) -> None:
        x, ids = batches(1)[0], np.array([7, 1, 1 << 40], np.uint64)
        loader = [{"x": x, "ids": ids, "first": 9}]
        (by_key,) = self.client.prefetch(loader, tokens="x", sample_ids="ids")
        self.assert_masked(by_key, x, sample_ids=ids)
        (by_function,) = self.client.prefetch(loader, tokens=lambda b: b["x"], sample_ids=lambda b: b["ids"][::-1])
        self.assert_masked(by_function, x, sample_ids=ids[::-1])
        (first,) = self.client.prefetch(loader, tokens="x", sample_ids="first")
        self.assert_masked(first, x, first_sample_id=9)

    def test_the_first_of_a_tuple_is_masked(self) -> None:
        x = batches(1)[0]
        ((kept, _, _, (tokens, label)),) = self.client.prefetch([(x, "label")], num_keep=L, order="raster")
        np.testing.assert_array_equal(kept, x)
        self.assertIs(tokens, x)
        self.assertEqual(label, "label")

    def test_masks_alone(self) -> None:
        (item,) = self.client.prefetch(batches(1), sequence_length=20, mask_ratio=0.5, returns=("mask", "ids_keep"))
        expected = self.client.generate_mask(N, 20, 0.5)
        self.assertIsNone(item.kept)
        np.testing.assert_array_equal(item.mask, expected.mask)
        self.assertEqual(item.masked.ids_keep.shape, (N, 10))

    def test_keywords_of_a_batch(self) -> None:
        noise = np.random.default_rng(1).random((2, N, L), np.float32)
        loader = batches(2)
        items = self.client.prefetch(loader, per_batch=lambda _, position: {"noise": noise[position.batch]})
        for item, x, of_batch in zip(items, loader, noise):
            self.assert_masked(item, x, noise=of_batch)

    def test_calls_overlap_the_step(self) -> None:
        begun = [threading.Event() for _ in range(5)]
        intercepted = Intercepted(self.client, lambda keywords: begun[keywords["first_sample_id"] // N].set())
        with contextlib.closing(maskd.prefetch(intercepted, batches(5), depth=4)) as items:  # type: ignore[arg-type]
            next(items)
            # This is the step of the first batch: the calls of the four behind it begin without the loop going on.
            self.assertTrue(all(event.wait(60) for event in begun))

    def test_the_loader_is_not_read_further_ahead_than_depth(self) -> None:
        taken = []
        loader = (taken.append(index) or x for index, x in enumerate(batches(9)))  # type: ignore[func-returns-value]
        with contextlib.closing(self.client.prefetch(loader, depth=2)) as items:
            next(items)
            self.assertEqual(taken, [0, 1, 2])

    def test_an_error_is_raised_at_its_batch(self) -> None:
        def refuse(keywords: dict[str, Any]) -> None:
            if keywords["first_sample_id"] == 3 * N:
                raise maskd.Unavailable("no server")

        items = maskd.prefetch(Intercepted(self.client, refuse), batches(6))  # type: ignore[arg-type]
        self.assertEqual([next(items).position.batch for _ in range(3)], [0, 1, 2])
        with self.assertRaises(maskd.Unavailable):
            next(items)
        self.assertEqual(list(items), [])
        self.assertEqual(prefetch_threads(), [])

    def test_an_error_of_the_loader_is_raised_at_its_batch(self) -> None:
        def loader() -> Any:
            yield from batches(2)
            raise OSError("disk")

        items = self.client.prefetch(loader())
        self.assertEqual([next(items).position.batch for _ in range(2)], [0, 1])
        with self.assertRaisesRegex(OSError, "disk"):
            next(items)

    def test_leaving_the_loop_cancels_what_is_under_way(self) -> None:
        with Server() as server, maskd.connect(server.address) as paused:
            paused.check_health()
            server.pause()
            begun, errors = threading.Semaphore(0), []

            def random_masking(x: np.ndarray, **keywords: Any) -> maskd.MaskedBatch:
                if keywords["first_sample_id"] == 0:
                    return self.client.random_masking(x, **keywords)
                begun.release()
                try:
                    return paused.random_masking(x, **keywords)
                except maskd.MaskdError as error:
                    errors.append(type(error))
                    raise

            client = mock.Mock(random_masking=random_masking)
            for leave in (lambda items: items.close(), lambda items: None):
                items = maskd.prefetch(client, batches(6), depth=3)
                next(items)
                for _ in range(3):
                    begun.acquire()
                leave(items)
                del items  # the last reference
                self.assertEqual(prefetch_threads(), [])
                self.assertEqual(errors, [maskd.Cancelled] * 3)
                errors.clear()

    def test_holds_a_batch_until_it_is_yielded(self) -> None:
        alive: list[weakref.ref[np.ndarray]] = []

        def loader() -> Any:
            for x in batches(3):
                copy = x.copy()
                alive.append(weakref.ref(copy))
                yield copy
                del copy

        items = self.client.prefetch(loader(), depth=1)
        item = next(items)
        gc.collect()
        self.assertTrue(all(array() is not None for array in alive))
        del item
        self.assertEqual(len(list(items)), 2)
        gc.collect()
        self.assertTrue(all(array() is None for array in alive))

    def test_counts_waits(self) -> None:
        list(self.client.prefetch(batches(5)))
        statistics = self.client.statistics()
        self.assertEqual(statistics["waits"], 5)
        self.assertGreater(statistics["wait_seconds"], 0)

    def test_refuses_an_iterator_for_several_epochs(self) -> None:
        with self.assertRaisesRegex(TypeError, "gives its batches once, and epochs is 3"):
            self.client.prefetch(iter(batches(2)), epochs=3)
        self.assertEqual(len(list(self.client.prefetch(iter(batches(2))))), 2)

        class GivesOnce:
            """An iterable, and no iterator, of one."""

            def __init__(self) -> None:
                self._batches = iter(batches(2))

            def __iter__(self) -> Any:
                return self._batches

        items = self.client.prefetch(GivesOnce(), epochs=3)
        self.assertEqual([next(items).position.batch for _ in range(2)], [0, 1])
        with self.assertRaisesRegex(ValueError, "no batch in epoch 1"):
            next(items)

    def test_refuses_to_begin_behind_the_epoch(self) -> None:
        for epochs in (1, 2):
            with self.assertRaisesRegex(ValueError, "start_batch is 3; epoch 7 of the loader has 2 batches"):
                next(self.client.prefetch(batches(2), start_epoch=7, start_batch=3, epochs=epochs))
        # At its end is where a training resumes that was stopped between two epochs.
        self.assertEqual(list(self.client.prefetch(batches(2), start_batch=2)), [])
        items = self.client.prefetch(batches(2), start_batch=2, epochs=2)
        self.assertEqual([item.position[:2] for item in items], [(1, 0), (1, 1)])

    def test_refuses_a_dict_for_tokens(self) -> None:
        batch = {"x": batches(1)[0], "y": 1}
        for loader in ([batch], [(batch, "label")]):
            for keywords in ({}, {"sequence_length": 20}):
                with self.assertRaisesRegex(TypeError, "dict where tokens are expected; say which part with tokens="):
                    list(self.client.prefetch(loader, **keywords))
        (item,) = self.client.prefetch([batch], sequence_length=20, tokens="x")
        self.assertEqual(item.mask.shape, (N, 20))

    def test_a_function_that_has_no_more_keywords_does_not_end_the_epoch(self) -> None:
        noise = iter(np.random.default_rng(1).random((1, N, L), np.float32))
        items = self.client.prefetch(batches(3), per_batch=lambda batch, position: {"noise": next(noise)})
        next(items)
        with self.assertRaises(RuntimeError):
            next(items)

    def test_tells_samplers_the_epoch(self) -> None:
        class Loader:
            def __init__(self, **samplers: Any) -> None:
                vars(self).update(samplers)

            def __iter__(self) -> Any:
                return iter(batches(1))

        sampler, other = mock.Mock(spec=["set_epoch"]), object()
        for loader in (Loader(sampler=sampler, batch_sampler=other), Loader(sampler=other, batch_sampler=sampler)):
            list(self.client.prefetch(loader, epochs=2, start_epoch=5))
            self.assertEqual(sampler.set_epoch.call_args_list, [mock.call(5), mock.call(6)])
            sampler.reset_mock()

    def test_refuses_what_it_sets_itself(self) -> None:
        for keywords in ({"epoch": 1}, {"first_sample_id": 1}, {"out": None}):
            with self.assertRaises(TypeError):
                self.client.prefetch([], **keywords)
        with self.assertRaises(ValueError):
            self.client.prefetch([], depth=0)
        with self.assertRaises(ValueError):
            self.client.prefetch([], start_batch=-1)


if __name__ == "__main__":
    unittest.main()
