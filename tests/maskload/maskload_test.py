"""maskload as a person runs it: the program itself, real servers, real files.

Run by ctest, which passes the folder of the programs.
"""
import http.server
import json
import re
import sys
import tempfile
import threading
import unittest

from maskload_case import FINE, NOT_MET, MaskloadCase


class Metrics(http.server.BaseHTTPRequestHandler):
    """A page of metrics that grows by one call of 2 ms and 0.5 s of CPU each time, of half a core."""
    scrapes = 0

    def do_GET(self):
        Metrics.scrapes += 1
        page = "".join(f"{name} {value * Metrics.scrapes}\n" for name, value in [
            ('maskd_stage_seconds_sum{stage="gather"}', 0.002), ('maskd_stage_seconds_count{stage="gather"}', 1),
            ("process_cpu_seconds_total", 0.5)])
        page = (page + "maskd_cores 0.5\n").encode()
        self.send_response(200 if self.path == "/metrics" else 404)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


class MaskloadTest(MaskloadCase):
    def test_closed_loop(self):
        done = self.maskload("run", f"--address={self.address}", "--mix=4x16x8", "--count=50", "--concurrency=2",
                             "--verify=all", "--warm_up=100ms")
        self.assertEqual(done.returncode, FINE, done)
        self.assertIn("50 ok, 0 failed", done.stdout)
        self.assertIn("50 calls checked, 0 wrong", done.stdout)
        # Not a terminal: no progress.
        self.assertEqual(done.stderr, "")
        done = self.maskload("run", f"--address={self.address}", "--mix=1x8x0", "--count=5", "--warm_up=0s")
        self.assertEqual(done.returncode, FINE, done)

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
        other = self.json("run", f"--address={self.address}", "--mix=1x8x0", "--count=20", "--num_keep=1", "--seed=7",
                          "--timeout=30s")
        second.write_text(json.dumps(other))
        differences = self.maskload("compare", first, second).stdout
        self.assertIn("not the same masks: none and num_keep=1, seed=7\n", differences)
        self.assertIn("not the same timeout: none and 30.0 s\n", differences)
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
        self.assertRegex(report["limit"], r"^The server's CPU is the limit: .* of 0\.5 cores\.$")
        # The run goes on without.
        for wrong in (f"{url}/other", f"http://{self.unused_address()}/metrics"):
            done = self.maskload(*run, f"--metrics={wrong}")
            self.assertEqual(done.returncode, FINE, done)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(wrong, done.stderr)
        # One of two is left out alone.
        report = self.json(*run, f"--metrics={url}/metrics", f"--metrics={url}/other")
        self.assertGreater(report["server_cpu_seconds"], 0)

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
        for flag in ("--seed", "--first_sample_id", "--arrivals_seed"):
            for number in ("-1", "18446744073709551616", "1.5", "x"):
                self.refuses("run", f"{flag}={number}", says=f'{flag}: "{number}" is no whole number')
        self.refuses("run", "--address=127.0.0.1:65536", says="65535")
        self.refuses("search", says="--slo")
        self.refuses("search", "--slo=p99<1s", "--from=10", "--to=5", says="--to")
        self.refuses(says="subcommand")
        self.refuses("compere", says="there is no command compere")

    def test_help(self):
        for command in ([], ["run"], ["search"], ["compare"]):
            done = self.maskload(*command, "--help")
            self.assertEqual(done.returncode, FINE)
            self.assertTrue(re.search(r"Example: maskload ", done.stdout))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
