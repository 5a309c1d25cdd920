"""maskd with more connections than it may have.

Run by ctest, which passes what metric_list_test needs.
"""
import contextlib
import re
import socket
import time
import unittest

from metric_list_test import Server

# How an HTTP/2 client begins: the preface and an empty SETTINGS frame.
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


@contextlib.contextmanager
def connections(server, count):
    """Opens connections; gives those that the server answers and the number of the others."""
    host, port = server.address.rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(socket.create_connection((host, int(port)), timeout=60)) for _ in range(count)]
        served = []
        for connection in opened:
            with contextlib.suppress(ConnectionError):
                connection.sendall(GREETING)
                if connection.recv(9):
                    served.append(connection)
        yield served, count - len(served)


class ConnectionsTest(unittest.TestCase):
    def expect_serves(self, server):
        """Once the connections that were closed are gone there too."""
        end = time.monotonic() + 60
        while (done := server.maskctl("health")).returncode != 0 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(done.returncode, 0, done.stderr)

    def expect_refuses(self, server, count, at_least, at_most):
        with connections(server, count) as (served, refused):
            self.assertGreaterEqual(len(served), at_least)
            self.assertLessEqual(len(served), at_most)
            page = server.page()
        said = re.search(r"^maskd_refused_connections_total (\d+)$", page, re.M)
        self.assertEqual(int(said[1]), refused)
        self.expect_serves(server)

    def test_those_beyond_the_bound_are_closed(self):
        with Server("--metrics_listen=0", "--max_connections=40") as server:
            for _ in range(2):
                self.expect_serves(server)
            # Those of the clients before may not be gone yet.
            self.expect_refuses(server, 100, at_least=20, at_most=40)
        lines = server.errors.count("closed at once")
        self.assertTrue(0 < lines < 60, server.errors)  # of as many refusals: one a second

    def test_files_of_the_process_are_a_bound(self):
        with Server("--metrics_listen=0", files=150) as server:
            self.expect_refuses(server, 300, at_least=20, at_most=150)
        self.assertIn("ulimit -n", server.errors)


if __name__ == "__main__":
    unittest.main(argv=[__file__])
