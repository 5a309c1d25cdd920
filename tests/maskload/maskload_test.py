"""maskload as a person runs it: the program itself, real servers, real files.

Run by ctest, which passes the folder of the programs.
"""
import http.server
import json
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
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
        # A step that a busy machine fails is made again.
        done = self.maskload("search", f"--address={self.address}", "--mix=1x8x0", "--from=5", "--to=10",
                             "--duration=2s", "--warm_up=0", "--slo=p50<1m", "--format=json")
        self.assertEqual(done.returncode, FINE, done)
        report = json.loads(done.stdout)
        self.assertEqual({step["rate"] for step in report["steps"]}, {5, 10})
        self.assertIn("highest rate that meets the objectives: 10.0 calls/s", report["configuration"]["loop"])
        done = self.maskload("search", f"--address={self.address}", "--mix=1x8x0", "--from=50", "--way=ramp",
                             "--duration=100ms", "--warm_up=0", "--slo=p50<1us")
        self.assertEqual(done.returncode, NOT_MET, done)
        self.assertIn("no rate meets the objectives", done.stdout)

    def test_search_that_does_not_end(self):
        for signal_number, stopped, says in ((signal.SIGINT, True, "the search was stopped"),
                                             (None, False, "then no server answered")):
            server, address, page = self.server_with_metrics()
            run = self.start_maskload("search", f"--address={address}", "--mix=1x8x0", "--way=ramp", "--precision=0.001",
                                      "--from=20", "--duration=500ms", "--warm_up=0", "--slo=p50<10m",
                                      "--format=json")
            self.wait_for_calls(page, 40, run)
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
        for wrong in (f"{url}/other", f"http://{self.unused_address()}/metrics"):
            done = self.maskload(*run, f"--metrics={wrong}")
            self.assertEqual(done.returncode, FINE, done)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(wrong, done.stderr)
        # One of two is left out alone.
        report = self.json(*run, f"--metrics={url}/metrics", f"--metrics={url}/other")
        self.assertGreater(report["server_cpu_seconds"], 0)

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

    def test_bad_flags(self):
        for flag in ("--rate=0", "--rate=-1", "--rate=nan", "--rate=inf", "--rate=x", "--duration=0", "--duration=-1s",
                     "--duration=nan", "--count=0", "--concurrency=0", "--connections=0", "--mix=1x2", "--mix=",
                     "--slo=p99", "--slo=p99<0ms", "--address=nowhere", "--metrics=ftp://a:1/", "--verify=some",
                     "--mode=fast", "--timeout=0", "--mix_file=/nowhere", "--mask_ratio=x", "--link_gbps=0"):
            self.refuses("run", flag, says=flag.split("=")[0])
        self.refuses("run", "--mask_ratio=1.5", says="mask_ratio")
        self.refuses("run", "--mix=65536x65536x4096:f32", says="65536x65536x4096:f32 takes 88.0 TB")
        with tempfile.NamedTemporaryFile() as empty:
            self.refuses("run", f"--tls_ca={empty.name}", says=f"--tls_ca: {empty.name} is empty")
        self.refuses("run", "--mix=1x8x0", "--num_keep=9", says="num_keep")
        self.refuses("search", says="--slo")
        self.refuses("search", "--slo=p99<1s", "--from=10", "--to=5", says="--to")
        self.refuses(says="subcommand")

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
                                  "--warm_up=0", "--format=json", "--slo=errors<1%")
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

    def test_help(self):
        for command in ([], ["run"], ["search"], ["compare"]):
            done = self.maskload(*command, "--help")
            self.assertEqual(done.returncode, FINE)
            self.assertTrue(re.search(r"Example: maskload ", done.stdout))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
