"""maskload when servers vanish or keep silent, disks are full, and a person has enough.

Run by ctest, which passes the folder of the programs.
"""
import json
import resource
import signal
import socket
import subprocess
import sys
import threading
import unittest

from maskload_case import BIN, FAILED, FINE, NOT_MET, MaskloadCase, address_of, end


class MaskloadFaultsTest(MaskloadCase):
    def test_search_that_does_not_end(self):
        for signal_number, stopped, says in ((signal.SIGINT, True, "the search was stopped"),
                                             (None, False, "then no server answered")):
            server, address, page = self.server_with_metrics()
            run = self.start_maskload("search", f"--address={address}", "--mix=1x8x0", "--way=ramp", "--precision=0.001",
                                      "--from=20", "--duration=2s", "--warm_up=0", "--slo=p50<10m",
                                      "--format=json")
            self.wait_for_calls(page, 45, run)  # the second step
            if signal_number is None:
                end(server)
            else:
                run.send_signal(signal_number)
            out, errors = run.communicate(timeout=60)
            self.assertEqual(run.returncode, FAILED, errors)
            report = json.loads(out)
            self.assertEqual(report["stopped"], stopped)
            self.assertIn("highest rate that meets the objectives so far", report["configuration"]["loop"])
            self.assertIn(says, report["configuration"]["loop"])

    def test_metrics_that_drip(self):
        with socket.socket() as dripping:
            dripping.bind(("127.0.0.1", 0))
            dripping.listen()
            ended = threading.Event()

            def drip():
                peer, _ = dripping.accept()
                with peer:
                    peer.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                    while not ended.wait(0.1):
                        peer.send(b"#")

            run = ["run", f"--address={self.address}", "--mix=1x8x0", "--count=20", "--warm_up=0",
                   f"--metrics=http://{address_of(dripping)}/metrics"]
            dripper = threading.Thread(target=drip)
            dripper.start()
            done = self.maskload(*run)
            ended.set()
            dripper.join()
            self.assertEqual(done.returncode, FINE, done)
            self.assertIn("metrics: timed out", done.stderr)
            # Nor does it keep a person who wants to stop.
            run = self.start_maskload(*run)
            with dripping.accept()[0]:
                run.send_signal(signal.SIGINT)
                _, errors = run.communicate(timeout=60)
            self.assertEqual((run.returncode, errors), (FAILED, ""))

    def test_unreachable_address(self):
        self.refuses("run", f"--address={self.unused_address()}", says="is maskd running there?", status=FAILED)

    def test_address_that_does_not_answer(self):
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            address = address_of(deaf)
            self.refuses("run", f"--address={address}", "--timeout=300ms", says=address, status=FAILED)
        # Nor does it keep a person who wants to stop.
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            run = self.start_maskload("run", f"--address={address_of(deaf)}")
            with deaf.accept()[0]:
                run.send_signal(signal.SIGINT)
                _, errors = run.communicate(timeout=60)
            self.assertEqual((run.returncode, errors), (FAILED, "maskload: stopped before the first call\n"))

    def test_one_address_of_two_is_gone(self):
        gone = self.unused_address()
        done = self.maskload("run", f"--address={self.address},{gone}", "--mix=1x8x0", "--rate=100", "--count=20",
                             "--warm_up=0")
        self.assertEqual(done.returncode, FINE, done)
        self.assertIn("10 ok, 10 failed", done.stdout)
        self.assertIn("UNAVAILABLE 10:", done.stdout)
        self.assertIn(gone, done.stderr)
        self.assertIn("the run goes on", done.stderr)

    def test_server_vanishes(self):
        server, address, page = self.server_with_metrics()
        run = self.start_maskload("run", f"--address={address}", "--mix=1x8x0", "--rate=200", "--duration=10m",
                                  "--warm_up=0", "--format=json", "--slo=errors<0.001%")
        self.wait_for_calls(page, 20, run)
        end(server)
        self.assertIn("the run goes on", run.stderr.readline())
        run.send_signal(signal.SIGINT)
        out, errors = run.communicate(timeout=60)
        report = json.loads(out)
        self.assertEqual((run.returncode, report["stopped"]), (NOT_MET, True), errors)
        self.assertGreater(report["all"]["errors"], 0)
        self.assertEqual({error["code"] for error in report["errors"]}, {"UNAVAILABLE"})

    def test_files_that_cannot_be_written(self):
        run = ["run", f"--address={self.address}", "--mix=1x8x0", "--count=20", "--warm_up=0"]
        for flag in ("--report=/nowhere/report.html", "--output=/nowhere/out.json", f"--report={self.path}"):
            self.refuses(*run, flag, says=f"cannot write {flag.split('=')[1]}")

    def test_full_disk(self):
        run = ["run", f"--address={self.address}", "--mix=1x8x0", "--count=20", "--warm_up=0"]
        for flag in ("--report=/dev/full", "--output=/dev/full"):
            done = self.maskload(*run, flag)
            self.assertEqual(done.returncode, FAILED, done)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn("cannot write /dev/full: No space left on device", done.stderr)
            # What was measured is kept, once.
            self.assertEqual(done.stdout.count("20 ok, 0 failed"), 1, done)

    def test_a_full_disk_leaves_the_older_report(self):
        older = self.path / "older.html"
        older.write_text("older")
        done = self.maskload("run", f"--address={self.address}", "--mix=1x8x0", "--count=20", f"--report={older}",
                             # Python ignores SIGXFSZ.
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10)),
                             restore_signals=False)
        self.assertEqual(done.returncode, FAILED, done)
        self.assertIn(f"cannot write {older}: File too large", done.stderr)
        self.assertEqual(older.read_text(), "older")
        self.assertEqual(list(self.path.glob("older.html*")), [older])

    def test_interrupt_keeps_what_was_measured(self):
        run = subprocess.Popen([BIN / "maskload", "run", f"--address={self.address}", "--mix=1x8x0", "--rate=100",
                                "--duration=10m", "--warm_up=0", "--format=json",
                                f"--metrics=http://{self.unused_address()}/metrics"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # The run begins when the metrics could not be had.
        self.assertIn("metrics", run.stderr.readline())
        run.send_signal(signal.SIGINT)
        out, errors = run.communicate(timeout=60)
        report = json.loads(out)
        self.assertTrue(report["stopped"])
        self.assertLess(report["seconds"], 60)
        self.assertEqual(report["all"]["errors"], 0, errors)
        self.assertIn(run.returncode, (FINE, FAILED))  # FAILED if there was no call yet


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
