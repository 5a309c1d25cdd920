"""What goes wrong: values, types, servers, signals, forks."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from typing import Any

import numpy as np
from serving import ServedTest, start_server, stop_server, with_each_client

import maskd

X = np.zeros((2, 8, 3), np.float32)
# Far beyond what a test may take: what ends a call before is not the timeout.
NEVER = 3600.0


class SilentServer:
    """Takes connections, and says nothing."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.connected = threading.Event()
        self._accepted: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        try:
            while True:
                self._accepted.append(self._socket.accept()[0])
                self.connected.set()
        except OSError:
            pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in [self._socket, *self._accepted]:
            each.close()


class ErrorsTest(ServedTest):
    def silent_server(self) -> SilentServer:
        server = SilentServer()
        self.addCleanup(server.close)
        return server

    @with_each_client
    def test_values_that_break_rules(self, client: maskd.Client) -> None:
        for keywords, words in (
            ({"mask_ratio": 1.0}, r"mask_ratio is 1; it must be in \[0, 1\)"),
            ({"mask_ratio": 0.99}, "keeps no token"),
            ({"num_keep": 9}, "num_keep is 9"),
            ({"seed": -1}, "seed is -1"),
            ({"seed": 2**64}, "seed is 18446744073709551616"),
            ({"epoch": 2**24}, "epoch is 16777216"),
            ({"mask_index": 256}, "mask_index is 256"),
            ({"first_sample_id": -1}, "first_sample_id is -1"),
            ({"sample_ids": [1]}, "sample_ids has 1 ids"),
            ({"sample_ids": [1, -5]}, "sample_ids has -5"),
            ({"noise": np.zeros((2, 7), np.float32)}, r"noise has shape \[2, 7\]"),
            ({"noise_source": "provided"}, "noise has 0 bytes"),
            ({"noise_source": "dice"}, "noise_source is 'dice'; it must be one of seeded, provided"),
            ({"noise_source": "torch_cuda"}, "multi_processor_count is 0"),
            ({"torch_skip": 2**31, "noise_source": "torch_cpu"}, "skip is 2147483648"),
            ({"ids_dtype": "int8"}, "ids_dtype is 'int8'"),
            ({"returns": ("kept", "x_masked")}, "returns is 'x_masked'"),
            ({"returns": ()}, "no result is selected"),
        ):
            with self.assertRaisesRegex(maskd.InvalidArgument, words) as caught:
                client.random_masking(X, **keywords)
            self.assertIsInstance(caught.exception, ValueError)
            self.assertEqual(caught.exception.code, "INVALID_ARGUMENT")
        with self.assertRaisesRegex(maskd.InvalidArgument, "KEPT_TOKENS"):
            client.generate_mask(2, 8, returns=("kept",))
        with self.assertRaisesRegex(maskd.InvalidArgument, r"x has shape \[2\]"):
            client.random_masking(X[:, 0, 0])
        with self.assertRaisesRegex(maskd.InvalidArgument, "batch_size is 0"):
            client.random_masking(X[:0])
        with self.assertRaisesRegex(maskd.InvalidArgument, "at least one element"):
            client.random_masking(X[..., :0])

    def test_wrong_types(self) -> None:
        class OnDevice:
            def __dlpack__(self) -> Any:
                raise AssertionError("must not be asked for")

            def __dlpack_device__(self) -> tuple[int, int]:
                return (2, 0)

        client = self.clients["in-process"]
        for x, words in (
            ([[1.0]], "x is a list"),
            (X.astype(object), "dtype object"),
            (X.astype(">f4"), "byte order"),
            (OnDevice(), r"DLPack device \(2, 0\)"),
            (None, "x is a NoneType"),
        ):
            with self.assertRaisesRegex(TypeError, words):
                client.random_masking(x)
        with self.assertRaisesRegex(TypeError, "noise is of dtype float64"):
            client.random_masking(X, noise=np.zeros((2, 8)))
        with self.assertRaisesRegex(TypeError, "sample_ids is of dtype float64"):
            client.random_masking(X, sample_ids=np.zeros(2))
        for keywords in (
            {"num_keep": 2.9},
            {"seed": 3.9},
            {"seed": 3.0},
            {"epoch": 0.5},
            {"epoch": np.float64(1)},
            {"mask_index": 1.5},
            {"first_sample_id": 0.1},
            {"torch_skip": 0.1},
            {"seed": "1"},
        ):
            with self.assertRaisesRegex(TypeError, f"{next(iter(keywords))} is .*; it must be an integer"):
                client.random_masking(X, **keywords)
        with self.assertRaisesRegex(TypeError, "batch_size is 2.5"):
            client.generate_mask(2.5, 8)  # type: ignore[arg-type]
        with self.assertRaisesRegex(TypeError, "dim is 0.5"):
            client.gather(X, np.zeros((1, 1, 1), np.int64), dim=0.5)  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            client.random_masking(X, ratio=0.5)  # type: ignore[call-arg]

    def test_integers_of_other_types(self) -> None:
        client = self.clients["in-process"]
        wanted = client.random_masking(X, num_keep=3, seed=2**64 - 1, epoch=5).ids_restore
        found = client.random_masking(X, num_keep=np.int32(3), seed=np.uint64(2**64 - 1), epoch=np.array(5)).ids_restore
        np.testing.assert_array_equal(found, wanted)

    def test_connect(self) -> None:
        for address in ("nowhere", "", [], ["inproc:", "localhost:1"]):
            with self.assertRaises(maskd.InvalidArgument):
                maskd.connect(address)
        for keywords in ({"connections": 0}, {"timeout": 0}, {"max_attempts": -1}, {"fallback": "cpu"}):
            with self.assertRaisesRegex(maskd.InvalidArgument, next(iter(keywords))):
                maskd.connect("inproc:", **keywords)

    def test_no_server(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            client = maskd.connect(f"unix:{folder}/none", max_attempts=1)
            with self.assertRaises(maskd.Unavailable) as caught:
                client.random_masking(X)
            self.assertIsInstance(caught.exception, ConnectionError)
            with self.assertRaises(maskd.Unavailable):
                client.check_health()
            statistics = client.statistics()
            self.assertEqual((statistics["calls"], statistics["failed_calls"]), (1, 1))
            self.assertEqual([replica["failures"] > 0 for replica in statistics["replicas"]], [True])

    def test_fallback(self) -> None:
        wanted = self.clients["served"].random_masking(X, seed=4).ids_restore
        server, address = start_server()
        try:
            client = maskd.connect(address, fallback="inproc", max_attempts=1)
            client.random_masking(X, seed=4)
            self.assertEqual(client.statistics()["fallbacks"], 0)
        finally:
            stop_server(server)
        with self.assertLogs("maskd", "WARNING") as logged:
            for _ in range(3):
                np.testing.assert_array_equal(client.random_masking(X, seed=4).ids_restore, wanted)
        self.assertEqual(len(logged.output), 1)
        self.assertEqual(client.statistics()["fallbacks"], 3)
        self.assertIn("maskd_client_fallbacks_total 3", client.prometheus_text())

    def test_timeout(self) -> None:
        client = maskd.connect(self.silent_server().address, timeout=NEVER)
        for timeout in (0.05, 0, -1):
            with self.assertRaises((maskd.DeadlineExceeded, maskd.Unavailable)):
                client.random_masking(X, timeout=timeout)
        with self.assertRaises(maskd.DeadlineExceeded) as caught:
            self.clients["served"].random_masking(X, timeout=0)
        self.assertIsInstance(caught.exception, TimeoutError)

    def test_keyboard_interrupt(self) -> None:
        server = self.silent_server()
        client = maskd.connect(server.address, timeout=NEVER)

        def interrupt() -> None:
            server.connected.wait()
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with self.assertRaises(KeyboardInterrupt):
                client.random_masking(X)
        finally:
            signal.signal(signal.SIGINT, before)
            thread.join()
        # And the caller of the main thread takes the next call.
        self.assertEqual(self.clients["served"].random_masking(X).kept.shape, (2, 2, 3))

    def test_handlers_that_return_do_not_end_a_call(self) -> None:
        handled: list[int] = []
        before = signal.signal(signal.SIGALRM, lambda number, frame: handled.append(number))
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            while len(handled) < 20:
                wanted = self.clients["in-process"].random_masking(X, seed=1)
                found = self.clients["served"].random_masking(X, seed=1)
                np.testing.assert_array_equal(found.ids_restore, wanted.ids_restore)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def test_gil_is_released(self) -> None:
        server = self.silent_server()
        client = maskd.connect(server.address, timeout=2)
        count = 0
        errors: list[BaseException] = []

        def call() -> None:
            try:
                client.random_masking(X)
            except maskd.MaskdError as error:
                errors.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        while thread.is_alive():
            count += 1
            time.sleep(0)
        self.assertEqual(len(errors), 1)
        self.assertGreater(count, 100)

    def test_closed(self) -> None:
        with maskd.connect(self.address) as client:
            client.random_masking(X)
        for call in (
            lambda: client.random_masking(X),
            lambda: client.gather(X, np.zeros((1, 1, 1), np.int64), dim=0),
            client.check_health,
            client.server_info,
            client.statistics,
            client.prometheus_text,
        ):
            with self.assertRaisesRegex(maskd.FailedPrecondition, "closed"):
                call()
        client.close()

    def test_close_during_a_call(self) -> None:
        server = self.silent_server()
        client = maskd.connect(server.address, timeout=2)
        errors: list[BaseException] = []

        def call() -> None:
            try:
                client.random_masking(X)
            except maskd.MaskdError as error:
                errors.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        server.connected.wait()
        client.close()
        thread.join()
        self.assertNotIsInstance(errors[0], maskd.FailedPrecondition)

    def test_fork(self) -> None:
        client = self.clients["served"]
        client.random_masking(X)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for call in (lambda: client.random_masking(X), lambda: maskd.connect("localhost:1")):
                    try:
                        call()
                    except maskd.FailedPrecondition as error:
                        status = 0 if "forked" in error.message else 2
                    else:
                        status = 3
                    if status:
                        break
                # What needs no server works.
                local = maskd.connect("inproc:").random_masking(X, seed=1)
                status = status or (0 if local.num_keep == 2 else 4)
            finally:
                os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        client.random_masking(X)

    def test_spawned_workers(self) -> None:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            found = pool.starmap(_ids_restore, [(self.address, epoch) for epoch in range(4)])
        for epoch in range(4):
            wanted = self.clients["in-process"].random_masking(X, seed=1, epoch=epoch).ids_restore
            np.testing.assert_array_equal(found[epoch], wanted)

    @with_each_client
    def test_server_info(self, client: maskd.Client) -> None:
        info = client.server_info()
        self.assertEqual((info.version, info.backend, info.algorithm_version), (maskd.__version__, "cpu", 1))
        self.assertEqual([device.healthy for device in info.devices], [True])
        client.check_health()

    def test_errors_are_pickled(self) -> None:
        error = pickle.loads(pickle.dumps(maskd.Unavailable("no server answers")))
        self.assertEqual((type(error), str(error)), (maskd.Unavailable, "UNAVAILABLE: no server answers"))

    def test_missing_library(self) -> None:
        environment = dict(os.environ, MASKD_LIBRARY="/nonexistent/libmaskd.so.1")
        done = subprocess.run([sys.executable, "-c", "import maskd"], env=environment, capture_output=True, text=True)
        self.assertIn("ImportError: maskd cannot load its library /nonexistent/libmaskd.so.1", done.stderr)


def _ids_restore(address: str, epoch: int) -> Any:
    with maskd.connect(address) as client:
        return client.random_masking(X, seed=1, epoch=epoch).ids_restore


if __name__ == "__main__":
    unittest.main()
