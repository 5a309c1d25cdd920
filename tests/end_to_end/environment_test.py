"""maskd as a container runs it: configured by its environment, as the table of docs/operations.md has it.

Run by ctest, which passes what maskctl_test needs and the document.
"""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from maskctl_test import BIN, start_server, stop_server

DOCUMENT = pathlib.Path(sys.argv[4])

# Of --help: "--name TYPE:RANGE=DEFAULT ... (Env:MASKD_NAME)".
OPTION = re.compile(r"^  --(\w+)(?: [A-Z]+(?::[^=\n]*?)?(?:=(\S+))?(?: \.\.\.)?)? \(Env:(\w+)\)", re.MULTILINE)


def flags_of_help():
    """Rows of (flag, variable, default) as `maskd --help` lists them."""
    done = subprocess.run([BIN / "maskd", "--help"], capture_output=True, text=True, check=True)
    options = set(re.findall(r"^  (?:-\w,)?--(\w+)", done.stdout, re.MULTILINE)) - {"help", "version"}
    rows = [(flag, variable, default.strip("[]")) for flag, default, variable in OPTION.findall(done.stdout)]
    assert options == {flag for flag, _, _ in rows}, options
    return rows


class EnvironmentTest(unittest.TestCase):
    def serves(self, *flags, listens=1, **variables):
        """Starts and stops maskd; returns its addresses and its log."""
        server, addresses = start_server(*flags, listens=listens, environment=variables)
        returncode, errors = stop_server(server)
        self.assertEqual(returncode, 0, errors)
        return addresses, errors

    def refuses(self, *flags, says, status, **variables):
        done = subprocess.run([BIN / "maskd", *flags], capture_output=True, text=True, timeout=60, check=False,
                              env=os.environ | variables)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for words in says:
            self.assertIn(words, done.stderr)

    def test_the_table_lists_every_flag(self):
        table = "\n".join(f"| `--{flag}` | `{variable}` | {f'`{default}`' if default else ''} |"
                          for flag, variable, default in flags_of_help())
        self.assertIn(table, DOCUMENT.read_text(), f"{DOCUMENT.name} needs these rows:\n{table}")

    def test_every_variable_is_read(self):
        for flag, variable, default in flags_of_help():
            if default or flag == "reflection":
                self.refuses(says=[f"--{flag}"], status=1 if flag == "device" else 2, **{variable: "wrong"})
            else:
                self.refuses(says=[f"--{flag}", "wrong"], status=2, **{variable: "wrong"})

    def test_tls_files_without_pem_are_refused(self):
        with (tempfile.NamedTemporaryFile() as empty, tempfile.NamedTemporaryFile("w") as text,
              tempfile.NamedTemporaryFile("w") as pem):
            text.write("a text")
            text.flush()
            pem.write("-----BEGIN CERTIFICATE-----")
            pem.flush()
            files = {"tls_cert": pem.name, "tls_key": pem.name, "tls_client_ca": pem.name}
            for flag in files:
                for name, says in ((empty.name, "is empty"), (text.name, "is not in PEM")):
                    variables = {f"MASKD_{of.upper()}": file for of, file in (files | {flag: name}).items()}
                    self.refuses("--listen=127.0.0.1:0", says=[f"--{flag}: ", f"{name} {says}"], status=2, **variables)

    def test_lists_and_switches(self):
        with tempfile.TemporaryDirectory() as folder:
            addresses, _ = self.serves(listens=2, MASKD_LISTEN=f"127.0.0.1:0,unix:{folder}/maskd.sock",
                                       MASKD_REFLECTION="true")
            self.assertEqual(addresses[1], f"unix:{folder}/maskd.sock")

    def test_a_flag_wins(self):
        self.serves("--listen=127.0.0.1:0", MASKD_LISTEN="nowhere:wrong")

    def test_an_empty_variable_is_none(self):
        self.serves("--listen=127.0.0.1:0", MASKD_DRAIN_SECONDS="", MASKD_DEVICE="")

    def test_an_unknown_variable_is_refused(self):
        self.refuses(says=["MASKD_DRAIN_SECOND ", "the nearest is MASKD_DRAIN_SECONDS"], status=2,
                     MASKD_DRAIN_SECOND="5")

    def test_a_budget_that_does_not_fit_is_refused(self):
        self.refuses("--listen=127.0.0.1:0", says=["do not fit", "set --max_inflight_bytes to at most"], status=1,
                     MASKD_MAX_INFLIGHT_BYTES=str(2**50))

    @unittest.skipIf(pathlib.Path("/dev/nvidiactl").exists(), "there is a GPU")
    def test_cuda_without_a_gpu(self):
        self.refuses("--listen=127.0.0.1:0", says=["--device=cuda: "], status=1, MASKD_DEVICE="cuda")
        _, log = self.serves("--listen=127.0.0.1:0", MASKD_DEVICE="auto")
        self.assertIn("auto: no CUDA device, ", log)

    def test_a_second_signal_ends_at_once(self):
        server, [address] = start_server("--listen=127.0.0.1:0", "--device=reference", "--drain_seconds=3600")
        self.addCleanup(server.kill)
        stat = pathlib.Path(f"/proc/{server.pid}/stat")

        def ticks():
            """Of user time."""
            return int(stat.read_text().rsplit(")", 1)[1].split()[11])

        before = ticks()
        with tempfile.TemporaryDirectory() as out:
            # Takes the reference seconds.
            call = subprocess.Popen([BIN / "maskctl", "mask", f"--address={address}", "--shape=1,16777216", "--timeout=600",
                                     f"--out={out}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while ticks() < before + 20:
                self.assertIsNone(call.poll())
            server.send_signal(signal.SIGTERM)
            while "draining" not in server.stderr.readline():
                self.assertIsNone(server.poll())
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
            self.assertEqual(server.returncode, 128 + signal.SIGINT)
            call.wait(timeout=600)

    def test_a_log_that_nobody_reads_does_not_keep_it(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"#")
        os.set_blocking(writer, True)
        server = subprocess.Popen([BIN / "maskd", "--listen=127.0.0.1:0", "--device=cpu"], stdout=subprocess.PIPE,
                                  stderr=writer, text=True)
        os.close(writer)
        self.addCleanup(server.kill)
        self.assertIn("listening on", server.stdout.readline())
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
        self.assertEqual(server.returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
