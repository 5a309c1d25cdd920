"""Another gRPC in the process, such as grpcio's, and maskd's do not see each other."""

from __future__ import annotations

import unittest
from concurrent import futures
from typing import Any

import numpy as np
from serving import ServedTest

try:
    import grpc
except ImportError as error:
    raise unittest.SkipTest(f"no grpcio here: {error}") from None


class CoexistenceTest(ServedTest):
    def test_calls_of_both(self) -> None:
        def echo(request: bytes, context: Any) -> bytes:
            return request

        handler = grpc.method_handlers_generic_handler("Echo", {"Call": grpc.unary_unary_rpc_method_handler(echo)})
        server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[handler])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        x = np.random.default_rng(1).random((8, 196, 64), dtype=np.float32)
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                call = channel.unary_unary("/Echo/Call")
                health = grpc.insecure_channel(self.address).unary_unary("/grpc.health.v1.Health/Check")
                for step in range(20):
                    for client in self.clients.values():
                        kept, _, ids_restore = client.random_masking(x, seed=step)
                        self.assertEqual(call(kept.tobytes()), kept.tobytes())
                        self.assertEqual(health(b""), b"\x08\x01")
                        self.assertEqual(client.restore_tokens(kept, ids_restore).shape, x.shape)
        finally:
            server.stop(None).wait()


if __name__ == "__main__":
    unittest.main()
