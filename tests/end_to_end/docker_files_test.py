"""docker/ agrees with the programs: flags, variables, ports, paths, limits. Nothing is built or run in a container.

Run by ctest, which passes what maskctl_test needs and the root of the tree.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

import yaml

from maskctl_test import BIN, start_server, stop_server

ROOT = pathlib.Path(sys.argv[4])
MIB = 2**20
UNITS = {"m": MIB, "g": 1024 * MIB}


def output(*command):
    return subprocess.run([BIN / command[0], *command[1:]], capture_output=True, text=True, check=True).stdout


def compose(name):
    return yaml.safe_load((ROOT / "docker" / name).read_text())


class DockerFilesTest(unittest.TestCase):
    dockerfile = (ROOT / "docker/Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile, re.MULTILINE)
    service = compose("compose.yaml")["services"]["maskd"]
    load = compose("compose.yaml")["services"]["maskload"]
    gpu = compose("compose.gpu.yaml")["services"]["maskd"]
    gpu_load = compose("compose.gpu.yaml")["services"]["maskload"]

    def image_environment(self):
        [settings] = re.findall(r"^ENV ((?:.*\\\n)*.*)", self.dockerfile, re.MULTILINE)
        return dict(setting.split("=", 1) for setting in shlex.split(settings.replace("\\\n", " ")))

    def test_variables_are_those_of_flags(self):
        known = re.findall(r"\(Env:(\w+)\)", output("maskd", "--help"))
        for environment in (self.image_environment(), self.service["environment"], self.gpu["environment"]):
            for name in environment:
                self.assertTrue(name in known or name.startswith("NVIDIA_"), name)

    def test_maskd_starts_with_the_environment(self):
        environment = self.service["environment"] | {"MASKD_LISTEN": "127.0.0.1:0"}
        server, _ = start_server(environment=environment)
        self.assertEqual(stop_server(server)[0], 0)
        # Without a GPU that works the message is of the device; the name itself is taken.
        done = subprocess.run([BIN / "maskd", "--log_level=trace"], capture_output=True, text=True, check=False,
                              env=os.environ | {"MASKD_LISTEN": "nowhere:0"} | self.gpu["environment"])
        self.assertNotIn("must be", done.stderr)
        self.assertNotIn("stands for no flag", done.stderr)

    def test_ports(self):
        port = self.image_environment()["MASKD_LISTEN"].rsplit(":", 1)[1]
        self.assertEqual(re.findall(r"^EXPOSE (\d+)$", self.dockerfile, re.MULTILINE), [port])
        self.assertEqual(re.findall(r'"--address=127.0.0.1:(\d+)"\]', self.dockerfile), [port])
        self.assertEqual(self.service["environment"]["MASKD_LISTEN"], f"0.0.0.0:{port}")
        # Without TLS for this machine alone.
        self.assertEqual(self.service["ports"], [f"127.0.0.1:{port}:{port}"])
        self.assertIn(f"--address=maskd:{port}", self.load["command"])

    def test_commands_have_flags_that_there_are(self):
        [health] = re.findall(r"^  CMD (\[.*\])$", self.dockerfile, re.MULTILINE)
        [entrypoint] = re.findall(r"^ENTRYPOINT (\[.*\])$", self.dockerfile, re.MULTILINE)
        for command in (yaml.safe_load(health), yaml.safe_load(entrypoint), self.load["entrypoint"] + self.load["command"]):
            subcommand = [argument for argument in command[1:2] if not argument.startswith("-")]
            help_text = output(command[0], *subcommand, "--help")
            for argument in command[1 + len(subcommand):]:
                self.assertRegex(help_text, rf"(?m)^  (-\w,)?{argument.split('=')[0]} ", command)
        [programs] = re.findall(r'^ARG PROGRAMS="(.*)"$', self.dockerfile, re.MULTILINE)
        self.assertLessEqual({"maskd", "maskctl", self.load["entrypoint"][0]}, set(programs.split()))

    def test_the_container_is_stopped_after_the_drain(self):
        drain = int(self.service["environment"]["MASKD_DRAIN_SECONDS"])
        self.assertIn(f"--drain_seconds INT:INT in [0 - 3600]={drain} ", output("maskd", "--help"))
        grace = int(self.service["stop_grace_period"].removesuffix("s"))
        # Answers have 2 s to get away once the calls are done.
        self.assertGreater(grace, drain + 2)

    def test_the_budget_fits_the_memory(self):
        number, unit = self.service["mem_limit"][:-1], self.service["mem_limit"][-1]
        too_much = subprocess.run([BIN / "maskd", f"--max_inflight_bytes={2**50}"], capture_output=True, text=True,
                                  check=False).stderr
        beside = int(re.search(r"and (\d+) bytes beside it", too_much).group(1))
        budget = int(self.service["environment"]["MASKD_MAX_INFLIGHT_BYTES"])
        self.assertGreaterEqual(int(number) * UNITS[unit], budget + beside)

    def test_paths_and_stages(self):
        ignored = [line for line in (ROOT / ".dockerignore").read_text().split() if not line.startswith("**")]
        self.assertIn("build", ignored)
        copied = " ".join(re.findall(r"^COPY (?!--from)(.+) \S+$", self.dockerfile, re.MULTILINE)).split()
        copied.remove(".")
        for path in copied:
            self.assertTrue((ROOT / path).exists(), path)
            self.assertNotIn(path.split("/")[0], ignored)
        names = [name for _, name in self.stages]
        for stage in re.findall(r"from=([\w-]+)", self.dockerfile):
            self.assertIn(stage, names)
        for base, name in self.stages:
            self.assertTrue(base in names or base in ("debian:bookworm-slim", "scratch"), (base, name))
        for service in (self.service, self.gpu):
            self.assertEqual(service["image"], f"maskd:{service['build']['target']}")
            self.assertIn(service["build"]["target"], names)
        for service, load in ((self.service, self.load), (self.gpu, self.gpu_load)):
            self.assertEqual(load["image"], service["image"])
        build = self.service["build"]
        context = ROOT / "docker" / build["context"]
        self.assertTrue((context / build["dockerfile"]).samefile(ROOT / "docker/Dockerfile"))

    def test_the_version_is_that_of_the_program(self):
        [version] = re.findall(r'image\.version="(.*?)"', self.dockerfile)
        self.assertIn(version, output("maskd", "--version").split())

    def test_containers_may_do_little(self):
        for service in (self.service, self.load):
            self.assertIs(service["read_only"], True)
            self.assertEqual((service["cap_drop"], service["security_opt"]), (["ALL"], ["no-new-privileges:true"]))
        self.assertRegex(self.dockerfile, r"(?m)^USER [1-9]\d*:[1-9]\d*$")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
