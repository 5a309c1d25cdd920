"""What tests of maskload as a program share: real servers, real processes.

The first argument is the folder of the programs.
"""
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.request

BIN = pathlib.Path(sys.argv[1])

FINE, WRONG, USAGE, NOT_MET, FAILED = range(5)


def start_server(*flags):
    """Starts maskd; returns it and the address it prints."""
    server = subprocess.Popen([BIN / "maskd", "--threads=1", "--device=cpu", "--listen=127.0.0.1:0", *flags],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return server, server.stdout.readline().strip().removeprefix("listening on ")


def end(server, signal_number=signal.SIGKILL):
    server.send_signal(signal_number)
    server.communicate(timeout=60)


def address_of(a_socket):
    return f"127.0.0.1:{a_socket.getsockname()[1]}"


def calls_of(page):
    """How many calls a server has answered, by its page of metrics."""
    with urllib.request.urlopen(f"http://{page}/metrics", timeout=60) as answer:
        counts = re.findall(r'^maskd_calls_total\{.*code="OK".*\} (\S+)$', answer.read().decode(), re.MULTILINE)
    return sum(map(float, counts))


class MaskloadCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.unix = f"unix:{cls.path}/maskd.sock"
        cls.server, cls.address = start_server(f"--listen={cls.unix}")

    @classmethod
    def tearDownClass(cls):
        end(cls.server, signal.SIGTERM)
        cls.folder.cleanup()

    def unused_address(self):
        """Of a socket that nobody listens on, and nobody else gets while the test runs."""
        unused = socket.socket()
        self.addCleanup(unused.close)
        unused.bind(("127.0.0.1", 0))
        return address_of(unused)

    def server_with_metrics(self):
        """Starts maskd; returns it, its address and that of its metrics."""
        server, address = start_server("--metrics_listen=127.0.0.1:0")
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        return server, address, server.stdout.readline().strip().removeprefix("metrics on ")

    def start_maskload(self, *arguments):
        run = subprocess.Popen([BIN / "maskload", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run

    def wait_for_calls(self, page, count, run):
        while calls_of(page) < count:
            self.assertIsNone(run.poll())

    def maskload(self, *arguments, **options):
        return subprocess.run([BIN / "maskload", *map(str, arguments)], capture_output=True, text=True, timeout=120,
                              check=False, **options)

    def json(self, command, *arguments, status=FINE):
        done = self.maskload(command, "--format=json", "--warm_up=0", *arguments)
        self.assertEqual(done.returncode, status, done)
        return json.loads(done.stdout)

    def refuses(self, *arguments, says, status=USAGE):
        done = self.maskload(*arguments)
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stdout, "")
