"""maskload as a person runs it: the program itself, real servers, real files.

Run by ctest, which passes the folder of the programs.
"""
import http.server
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

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


def unused_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


class Metrics(http.server.BaseHTTPRequestHandler):
    """A page of metrics that grows by one call of 2 ms and 0.5 s of CPU each time."""
    scrapes = 0

    def do_GET(self):
        Metrics.scrapes += 1
        page = "".join(f"{name} {value * Metrics.scrapes}\n" for name, value in [
            ('maskd_stage_seconds_sum{stage="gather"}', 0.002), ('maskd_stage_seconds_count{stage="gather"}', 1),
            ("process_cpu_seconds_total", 0.5)]).encode()
        self.send_response(200 if self.path == "/metrics" else 404)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


class MaskloadTest(unittest.TestCase):
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

    def test_closed_loop(self):
        done = self.maskload("run", f"--address={self.address}", "--mix=4x16x8", "--count=50", "--concurrency=2",
                             "--verify=all", "--warm_up=100ms")
        self.assertEqual(done.returncode, FINE, done)
        self.assertIn("50 ok, 0 failed", done.stdout)
        self.assertIn("50 calls checked, 0 wrong", done.stdout)
        # Not a terminal: no progress.
        self.assertEqual(done.stderr, "")

    def test_open_loop_in_every_mode(self):
        for flags in (["--mode=unary"], ["--mode=stream"], ["--mode=mask"], ["--arrivals=poisson"],
                      ["--num_keep=0"], ["--order=raster", "--seed=7", "--epoch=3"]):
            report = self.json("run", f"--address={self.address},{self.unix}", "--mix=4x16x8=1,2x8x0=1", "--rate=200",
                               "--count=40", "--verify=all", "--connections=2", *flags)
            self.assertEqual((report["all"]["calls"], report["verified"], report["wrong"]), (40, 40, 0))
            self.assertTrue(report["open_loop"])
            self.assertEqual([group["calls"] for group in report["addresses"]], [20, 20])

    def test_mix_file(self):
        mix = self.path / "mix.txt"
        mix.write_text("# two\n4x16x8:f16=3\n1x8x0\n")
        report = self.json("run", f"--address={self.address}", f"--mix_file={mix}", "--count=20")
        self.assertEqual([group["label"] for group in report["shapes"]], ["4x16x8:f16", "1x8x0"])
        mix.write_text("4x16x8\nnonsense\n")
        self.refuses("run", f"--address={self.address}", f"--mix_file={mix}", says="nonsense")

    def test_formats_and_files(self):
        page, table = self.path / "report.html", self.path / "out.csv"
        done = self.maskload("run", f"--address={self.address}", "--mix=1x8x0", "--count=20", "--format=csv",
                             f"--output={table}", f"--report={page}")
        self.assertEqual((done.returncode, done.stdout), (FINE, ""), done)
        self.assertIn("<svg", page.read_text())
        head, *rows = table.read_text().splitlines()
        self.assertEqual(len(rows), 3)
        self.assertTrue(all(len(row.split(",")) == len(head.split(",")) for row in rows))

    def test_objectives(self):
        run = ["run", f"--address={self.address}", "--mix=1x8x0", "--count=20"]
        self.assertEqual(self.json(*run, "--slo=p99<1m", "--slo=errors<1%")["slos"][0]["met"], True)
        self.assertEqual(self.json(*run, "--slo=p99<1us", status=NOT_MET)["slos"][0]["met"], False)

    def test_search(self):
        done = self.maskload("search", f"--address={self.address}", "--mix=1x8x0", "--from=50", "--to=100",
                             "--duration=200ms", "--warm_up=0", "--slo=p50<1m", "--format=json")
        self.assertEqual(done.returncode, FINE, done)
        report = json.loads(done.stdout)
        self.assertEqual([step["rate"] for step in report["steps"]], [50, 100])
        self.assertIn("highest rate that meets the objectives: 100 calls/s", report["configuration"]["loop"])
        done = self.maskload("search", f"--address={self.address}", "--mix=1x8x0", "--from=50", "--way=ramp",
                             "--duration=100ms", "--warm_up=0", "--slo=p50<1us")
        self.assertEqual(done.returncode, NOT_MET, done)
        self.assertIn("no rate meets the objectives", done.stdout)

    def test_compare(self):
        first, second = self.path / "first.json", self.path / "second.json"
        report = self.json("run", f"--address={self.address}", "--mix=1x8x0", "--count=20")
        first.write_text(json.dumps(report))
        report["all"]["calls_per_second"] *= 0.8
        second.write_text(json.dumps(report))
        for flag, status in (("10%", NOT_MET), ("25%", FINE)):
            done = self.maskload("compare", first, second, f"--max_regression={flag}")
            self.assertEqual((done.returncode, done.stderr), (status, ""), done)
            self.assertRegex(done.stdout, r"calls/s .* -20\.0 %")
        second.write_text("{}")
        self.refuses("compare", first, second, says="second.json is no report of maskload")
        self.refuses("compare", first, "/nowhere", says="/nowhere")
        self.refuses("compare", first, second, "--max_regression=ten", says="ten")

    def test_metrics(self):
        page = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
        threading.Thread(target=page.serve_forever, daemon=True).start()
        self.addCleanup(page.server_close)
        self.addCleanup(page.shutdown)
        url = f"http://127.0.0.1:{page.server_port}"
        run = ["run", f"--address={self.address}", "--mix=1x8x0", "--count=20"]
        report = self.json(*run, f"--metrics={url}/metrics")
        self.assertEqual([(stage["name"], stage["calls"]) for stage in report["stages"]], [("gather", 1)])
        self.assertAlmostEqual(report["stages"][0]["seconds"], 0.002)
        self.assertAlmostEqual(report["server_cpu_seconds"], 0.5)
        # The run goes on without.
        for wrong in (f"{url}/other", f"http://{unused_address()}/metrics"):
            done = self.maskload(*run, f"--metrics={wrong}")
            self.assertEqual(done.returncode, FINE, done)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(wrong, done.stderr)

    def test_bad_flags(self):
        for flag in ("--rate=0", "--rate=-1", "--rate=nan", "--rate=inf", "--rate=x", "--duration=0", "--duration=-1s",
                     "--duration=nan", "--count=0", "--concurrency=0", "--connections=0", "--mix=1x2", "--mix=",
                     "--slo=p99", "--slo=p99<0ms", "--address=nowhere", "--metrics=ftp://a:1/", "--verify=some",
                     "--mode=fast", "--timeout=0", "--mix_file=/nowhere", "--mask_ratio=x", "--link_gbps=0"):
            self.refuses("run", flag, says=flag.split("=")[0])
        self.refuses("run", "--mask_ratio=1.5", says="mask_ratio")
        self.refuses("run", "--mix=1x8x0", "--num_keep=9", says="num_keep")
        self.refuses("search", says="--slo")
        self.refuses("search", "--slo=p99<1s", "--from=10", "--to=5", says="--to")
        self.refuses(says="subcommand")

    def test_unreachable_address(self):
        self.refuses("run", f"--address={unused_address()}", says="is maskd running there?", status=FAILED)

    def test_address_that_does_not_answer(self):
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            address = f"127.0.0.1:{deaf.getsockname()[1]}"
            self.refuses("run", f"--address={address}", "--timeout=300ms", says=address, status=FAILED)

    def test_one_address_of_two_is_gone(self):
        gone = unused_address()
        done = self.maskload("run", f"--address={self.address},{gone}", "--mix=1x8x0", "--rate=100", "--count=20",
                             "--warm_up=0")
        self.assertEqual(done.returncode, FINE, done)
        self.assertIn("10 ok, 10 failed", done.stdout)
        self.assertIn("UNAVAILABLE 10:", done.stdout)
        self.assertIn(gone, done.stderr)
        self.assertIn("the run goes on", done.stderr)

    def test_server_vanishes(self):
        server, address = start_server()
        self.addCleanup(server.stdout.close)
        run = subprocess.Popen([BIN / "maskload", "run", f"--address={address}", "--mix=1x8x0", "--rate=200",
                                "--duration=1500ms", "--warm_up=0", "--format=json", "--slo=errors<1%"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # The server has seen calls once it has used CPU for them; a second client of it says that it lives.
        self.json("run", f"--address={address}", "--mix=1x8x0", "--count=20")
        end(server)
        out, errors = run.communicate(timeout=60)
        report = json.loads(out)
        self.assertEqual(run.returncode, NOT_MET if report["all"]["calls"] else FAILED, errors)
        self.assertEqual(report["all"]["calls"] + report["all"]["errors"] + report["backlog"], 300)
        self.assertGreater(report["all"]["errors"], 0)
        self.assertEqual({error["code"] for error in report["errors"]}, {"UNAVAILABLE"})
        self.assertIn("the run goes on", errors)

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
            # What was measured is kept.
            self.assertIn("20 ok, 0 failed", done.stdout)

    def test_interrupt_keeps_what_was_measured(self):
        run = subprocess.Popen([BIN / "maskload", "run", f"--address={self.address}", "--mix=1x8x0", "--rate=100",
                                "--duration=10m", "--warm_up=0", "--format=json",
                                f"--metrics=http://{unused_address()}/metrics"],
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

    def test_help(self):
        for command in ([], ["run"], ["search"], ["compare"]):
            done = self.maskload(*command, "--help")
            self.assertEqual(done.returncode, FINE)
            self.assertTrue(re.search(r"Example: maskload ", done.stdout))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
