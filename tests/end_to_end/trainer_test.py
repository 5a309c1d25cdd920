"""The example trainer with one server, with three of which one is killed and started again, and without any:
the same losses to the last bit.

Run by ctest, which passes the folder of the programs.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(sys.argv[1])


def start_server(address):
    server = subprocess.Popen([BIN / "maskd", "--threads=1", f"--listen={address}"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    assert server.stdout.readline().startswith("listening on ")
    return server


def kill(server):
    server.kill()
    server.communicate(timeout=60)


class TrainerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.addresses = [f"unix:{self.folder.name}/{i}.sock" for i in range(3)]

    def train(self, addresses, *flags, on_line=lambda line: None):
        """Returns the losses of the steps, and the metrics."""
        trainer = subprocess.Popen([BIN / "trainer", *(f"--address={a}" for a in addresses), "--epochs=2", "--steps=8",
                                    "--batch_size=32", "--metrics", *flags],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        losses, metrics = [], {}
        for line in trainer.stdout:
            if match := re.fullmatch(r"epoch \d+ step \d+ loss (\S+) waited \d+\.\d+ ms\n", line):
                losses.append(match[1])
                on_line(len(losses))
            elif match := re.fullmatch(r"maskd_client_(\S+) (\S+)\n", line):
                metrics[match[1]] = float(match[2])
        _, errors = trainer.communicate(timeout=60)
        self.assertEqual(trainer.returncode, 0, errors)
        self.assertEqual(len(losses), 16)
        return losses, metrics, errors

    def test_losses_are_those_of_this_process(self):
        expected, metrics, _ = self.train(["inproc:"])
        self.assertEqual(metrics["calls_total"], 16)
        self.assertEqual(metrics["waits_total"], 16)
        self.assertGreater(len(set(expected)), 8)

        servers = [start_server(address) for address in self.addresses]
        self.addCleanup(lambda: [kill(server) for server in servers])
        losses, metrics, _ = self.train(self.addresses[:1])
        self.assertEqual(losses, expected)
        self.assertEqual(metrics[f'replica_samples_total{{address="{self.addresses[0]}"}}'], 16 * 32)

        def kill_and_restart(step):
            if step == 3:
                kill(servers[1])
            if step == 10:
                servers[1] = start_server(self.addresses[1])

        losses, metrics, _ = self.train(self.addresses, "--step_ms=10", on_line=kill_and_restart)
        self.assertEqual(losses, expected)
        self.assertEqual(metrics["failed_calls_total"], 0)
        self.assertEqual(sum(metrics[f'replica_samples_total{{address="{a}"}}'] for a in self.addresses), 16 * 32)

    def test_without_servers_it_computes_here_or_says_so(self):
        expected, _, _ = self.train(["inproc:"])
        losses, metrics, errors = self.train(self.addresses, "--fallback")
        self.assertEqual(losses, expected)
        self.assertEqual(metrics["fallbacks_total"], 16)
        self.assertEqual(errors.count("no server answers"), 1)
        done = subprocess.run([BIN / "trainer", f"--address={self.addresses[0]}"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.addresses[0], done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
