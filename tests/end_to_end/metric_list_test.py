"""docs/metrics.md, the rules and the dashboard beside what maskd exposes; and its log.

Run by ctest, which passes the folders of the programs, of docs and of docker.
"""
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import numpy as np

BIN, DOCS, DOCKER = (pathlib.Path(argument) for argument in sys.argv[1:4])

LABELS_OF_PROMETHEUS = {"instance", "job"}
# Of every target, not of this server.
METRICS_OF_PROMETHEUS = {"up"}


class Server:
    """maskd on free ports, until the end of the with statement. `files`: how many it may open."""

    def __init__(self, *flags, files=None):
        limit = f"ulimit -n {files} && " if files else ""
        self.process = subprocess.Popen(
            ["sh", "-c", limit + 'exec "$@"', "sh", BIN / "maskd", "--listen=127.0.0.1:0", "--threads=2", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip().removeprefix("listening on ")
        self.metrics = ""
        if any(flag.startswith("--metrics_listen") for flag in flags):
            self.metrics = self.process.stdout.readline().strip().removeprefix("metrics on ")
        self.errors = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        _, self.errors = self.process.communicate(timeout=60)

    def maskctl(self, *arguments):
        return subprocess.run([BIN / "maskctl", *arguments, f"--address={self.address}"], capture_output=True,
                              text=True, timeout=60)

    def page(self):
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=60) as response:
            return response.read().decode()


class Page:
    """types: type by name. labels: the values of each label, by name of the metric and of the label."""

    def __init__(self, text):
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.labels = {}
        for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.M):
            values = self.labels.setdefault(self.family(name), {})
            for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
                if label not in ("le", "quantile"):
                    values.setdefault(label, set()).add(value)

    def family(self, name):
        for suffix in ("_bucket", "_count", "_sum"):
            if name.removesuffix(suffix) in self.types:
                return name.removesuffix(suffix)
        return name


def documented(text):
    """Type and labels by name, of the table of docs/metrics.md."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*) ?\|", text, re.M)
    return {name: (kind, set(re.findall(r"\w+", labels))) for name, kind, labels in rows}


def expressions():
    """(where, expression) of the rules and the dashboard."""
    rules = (DOCKER / "prometheus/rules.yml").read_text()
    found = re.findall(r"expr: (?!>)(.*)", rules)
    found += [" ".join(lines.split()) for lines in re.findall(r"expr: >-\n((?:          .*\n)+)", rules)]
    assert len(found) == rules.count("expr:"), "an expr of the rules was not understood"
    yield from (("rules.yml", expression) for expression in found)
    dashboard = json.loads((DOCKER / "grafana/maskd.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
            yield variable["name"], f"sum by ({label}) ({metric})"


def faults(expression, page, docs):
    """What of the expression is not there."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    selectors = re.findall(r"\b([a-z_]\w*)\s*(?:\{([^}]*)\})?", re.sub(r"\b(by|on|without)\s*\([^)]*\)", "", bare))
    functions = set(re.findall(r"\b(\w+)\s*\(", bare)) | {"by", "and", "or", "le"}
    names = {name for name, _ in selectors if "_" in name or name in METRICS_OF_PROMETHEUS} - functions
    labels_in_braces = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression))
    names -= labels_in_braces
    if not names:
        return [f"no metric in {expression}"]
    found = [f"{name} is not exposed" for name in names
             if page.family(name) not in page.types and name not in METRICS_OF_PROMETHEUS]
    allowed = LABELS_OF_PROMETHEUS | {"le"} | set().union(
        *(docs.get(page.family(name), ("", set()))[1] for name in names))
    used = labels_in_braces | {label for group in re.findall(r"\bby\s*\(([^)]*)\)", expression)
                               for label in re.findall(r"\w+", group)}
    found += [f"label {label} is of none of {names}" for label in used - allowed]
    for label, values in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"$]*)"', expression):
        there = set().union(*(page.labels.get(page.family(name), {}).get(label, set()) for name in names))
        if label not in LABELS_OF_PROMETHEUS:
            found += [f"{label} is never {value}" for value in values.split("|") if value not in there]
    return found


class MetricListTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Server("--metrics_listen=0") as server, tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/x.npy", np.zeros((2, 8, 3), np.float32))
            for arguments in ("--shape=2,8", f"--tokens={folder}/x.npy"):
                run = server.maskctl("mask", arguments, f"--out={folder}/masked")
                assert run.returncode == 0, run.stderr
            cls.page = Page(server.page())
        cls.docs = documented((DOCS / "metrics.md").read_text())

    def test_the_list_is_what_is_exposed(self):
        self.assertEqual({name: kind for name, (kind, _) in self.docs.items()}, self.page.types)
        for name, (_, labels) in self.docs.items():
            if self.page.labels.get(name):  # some come with a card alone
                self.assertEqual(labels, set(self.page.labels[name]), name)
        self.assertIn("RandomMasking", self.page.labels["maskd_stage_seconds"]["method"])

    def test_values_of_labels_are_documented(self):
        text = (DOCS / "metrics.md").read_text()
        for metric, label in (("maskd_refusals_total", "reason"), ("maskd_batches_total", "noise"),
                              ("maskd_stage_seconds", "stage"), ("maskd_pool_takes_total", "pool"),
                              ("maskd_fallbacks_total", "to"), ("maskd_fallbacks_total", "work")):
            for value in self.page.labels[metric][label]:
                self.assertIn(f"`{value}`", text, metric)

    def test_rules_and_dashboard_show_what_there_is(self):
        count = 0
        for where, expression in expressions():
            self.assertEqual(faults(expression, self.page, self.docs), [], f"{where}: {expression}")
            count += 1
        self.assertGreater(count, 30)

    def test_faults_are_found(self):
        for expression in ("rate(maskd_call_total[5m])", "maskd_calls_total{methode=\"Gather\"}",
                           "sum by (stage) (maskd_calls_total)", "maskd_calls_total{code=\"EXHAUSTED\"}", "1 > 0",
                           "maskd_refusals_total{reason=~\"no_room|tired\"}", "up_maskd > 0"):
            self.assertTrue(faults(expression, self.page, self.docs), expression)

    def test_every_metric_of_calls_is_shown(self):
        shown = " ".join(expression for _, expression in expressions())
        for name in self.page.types:
            if not name.startswith("exposer_"):
                self.assertIn(name, shown)

    def test_panels_do_not_overlap(self):
        taken = set()
        for panel in json.loads((DOCKER / "grafana/maskd.json").read_text())["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(taken & cells, panel["title"])
            taken |= cells

    def test_promtool_takes_rules_and_configuration(self):
        promtool = shutil.which("promtool")
        if promtool is None:
            self.skipTest("no promtool: Debian's package prometheus has it")
        subprocess.run([promtool, "check", "config", DOCKER / "prometheus/prometheus.yml"], check=True)


class MetricsListenTest(unittest.TestCase):
    def test_addresses(self):
        for asked in ("0", "127.0.0.1:0", "localhost:0"):
            with Server(f"--metrics_listen={asked}") as server:
                self.assertRegex(server.metrics, r"^(127\.0\.0\.1|localhost):[1-9]\d*$")
                self.assertIn("maskd_build_info", server.page())
                with self.assertRaises(urllib.error.HTTPError):
                    urllib.request.urlopen(f"http://{server.metrics}/", timeout=60)

    def test_one_line_for_a_wrong_address_and_a_taken_port(self):
        for wrong in ("", "unix:/tmp/x", "127.0.0.1", "127.0.0.1:65536", "0,1", "+0", "127.0.0.1:0s"):
            run = subprocess.run([BIN / "maskd", "--listen=127.0.0.1:0", f"--metrics_listen={wrong}"],
                                 capture_output=True, text=True, timeout=60)
            self.assertEqual((run.returncode, len(run.stderr.splitlines())), (2, 1), f"{wrong}: {run.stderr}")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            run = subprocess.run([BIN / "maskd", "--listen=127.0.0.1:0",
                                  f"--metrics_listen={taken.getsockname()[1]}"],
                                 capture_output=True, text=True, timeout=60)
        self.assertEqual((run.returncode, len(run.stderr.splitlines())), (1, 1), run.stderr)
        self.assertIn("is the port taken", run.stderr)

    def test_stuck_scrapers_keep_no_call_waiting(self):
        with Server("--metrics_listen=0") as server:
            host, port = server.metrics.split(":")
            stuck = [socket.create_connection((host, int(port))) for _ in range(16)]
            for connection in stuck:
                connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
            for _ in range(10):
                self.assertEqual(server.maskctl("health").returncode, 0)
            for connection in stuck:
                connection.close()
            self.assertIn("maskd_build_info", server.page())


class LogTest(unittest.TestCase):
    def test_json_lines(self):
        with Server("--log_format=json", "--max_batch_tokens=1") as server, tempfile.TemporaryDirectory() as folder:
            run = server.maskctl("mask", "--shape=2,8", f"--out={folder}")
            self.assertNotEqual(run.returncode, 0)
        lines = [json.loads(line) for line in server.errors.splitlines()]
        self.assertTrue(all({"time", "level", "message"} <= set(line) for line in lines))
        calls = [line for line in lines if line["message"] == "call failed"]
        self.assertEqual(len(calls), 1, lines)
        self.assertEqual(calls[0]["method"], "/maskd.v1.MaskingService/GenerateMask")
        self.assertEqual(calls[0]["code"], "RESOURCE_EXHAUSTED")
        self.assertIn(calls[0]["error"], run.stderr)
        self.assertEqual(calls[0]["level"], "warning")
        self.assertRegex(calls[0]["request_id"], r"^[0-9a-f]{16}$")

    def test_slow_calls(self):
        with Server("--slow_call_seconds=1e-9") as server:
            self.assertEqual(server.maskctl("health").returncode, 0)
        lines = [line for line in server.errors.splitlines() if "call was slow" in line]
        self.assertTrue(lines)
        for line in lines:
            self.assertRegex(line, r'warning call was slow method="/[\w./]+" peer="ipv4:127\.0\.0\.1:\d+" code="OK" '
                                   r'request_id="\w{16}" seconds=\d+\.\d{6} decode=\d+\.\d{6} send=\d+\.\d{6}$')

    def test_calls_that_succeed_are_not_logged(self):
        with Server() as server:
            self.assertEqual(server.maskctl("health").returncode, 0)
        self.assertNotIn("call ", server.errors)

    # A log that nobody reads is full after 64 KiB of a pipe.
    def test_a_log_that_nobody_reads_keeps_no_call_waiting(self):
        with Server("--slow_call_seconds=1e-9", "--log_level=trace") as server:
            for _ in range(3):
                for _ in range(150):
                    probe = socket.create_connection(tuple(server.address.split(":")))
                    probe.close()
                self.assertEqual(server.maskctl("health").returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
