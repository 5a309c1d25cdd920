"""A real server for tests, on a free port of loopback."""

from __future__ import annotations

import functools
import os
import pathlib
import subprocess
import unittest
from typing import Any, Callable

import maskd

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = REPOSITORY / "tests" / "golden"
BIN = pathlib.Path(os.environ.get("MASKD_BIN", REPOSITORY / "build" / "default" / "bin"))


def without(package: str, error: ImportError) -> Exception:
    """What to raise where `package` is missing: a skip, but `error` if MASKD_REQUIRE_TORCH=1 is set."""
    if os.environ.get("MASKD_REQUIRE_TORCH") == "1":
        return error
    return unittest.SkipTest(f"no {package} here: {error}")


def start_server(*flags: str, listen: str = "127.0.0.1:0") -> tuple[subprocess.Popen[str], str]:
    """Starts maskd; returns it and its address."""
    server = subprocess.Popen(
        [BIN / "maskd", f"--listen={listen}", "--device=cpu", "--threads=2", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    line = server.stdout.readline().strip()
    assert line.startswith("listening on "), line
    return server, line[len("listening on ") :]


class ServedTest(unittest.TestCase):
    """Tests with a server, and every way to reach the same results."""

    @classmethod
    def setUpClass(cls) -> None:
        server, cls.address = start_server()
        cls.addClassCleanup(stop_server, server)
        cls.clients: dict[str, maskd.Client] = {
            "served": maskd.connect(cls.address),
            "streamed": maskd.connect(cls.address, stream_from_bytes=1, connections=2),
            "in-process": maskd.connect("inproc:", threads=2),
        }
        for client in cls.clients.values():
            cls.addClassCleanup(client.close)


def with_each_client(test: Callable[[Any, maskd.Client], None]) -> Callable[[Any], None]:
    """Runs the test of a ServedTest with each of its clients."""

    @functools.wraps(test)
    def run(self: ServedTest) -> None:
        for name, client in self.clients.items():
            with self.subTest(client=name):
                test(self, client)

    return run


def stop_server(server: subprocess.Popen[str]) -> None:
    """Ends what start_server started."""
    server.terminate()
    server.communicate(timeout=60)
