"""An image of docker/Dockerfile, run by buildah and looked at from outside.

Run by scripts/image-test, which passes the target, the folder of the local build's programs, a file for the list of
what is in the image, and how to call buildah.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

TARGET, BIN, CONTENTS = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3])
BUILDAH = sys.argv[4:]
IMAGE = f"maskd:{TARGET}"
PICTURE = pathlib.Path(__file__).parents[1] / "data/chelsea.png"
PROGRAMS = ("maskd", "maskctl", "maskload")
MAX_MEGABYTES = 150
HAS_GPU = pathlib.Path("/dev/nvidiactl").exists()


def buildah(*arguments):
    return subprocess.run([*BUILDAH, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def processes_below(pid):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from processes_below(child)


class Server:
    """maskd that was started by a command; `addresses` are those it printed."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=environment)
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), (line, self.process.stderr.read())
        self.address = line.split()[-1]

    def kill(self):
        """Ends the command and all that it started, if they are there."""
        for pid in [*processes_below(self.process.pid), self.process.pid] if self.process.poll() is None else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM to maskd itself; returns its exit status and its log."""
        pids = [self.process.pid, *processes_below(self.process.pid)]
        [pid] = [pid for pid in pids if pathlib.Path(f"/proc/{pid}/comm").read_text() == "maskd\n"]
        os.kill(pid, signal.SIGTERM)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.container = buildah("from", "--pull-never", IMAGE)
        cls.root = pathlib.Path(buildah("mount", cls.container))
        cls.config = json.loads(buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"]
        cls.user = int(cls.config["User"].split(":")[0])
        cls.environment = dict(entry.split("=", 1) for entry in cls.config["Env"])

    @classmethod
    def tearDownClass(cls):
        buildah("umount", cls.container)
        buildah("rm", cls.container)

    def run_command(self, *command, **variables):
        """The command line that runs `command` in the container, as the image says."""
        settings = [f"--env={name}={value}" for name, value in variables.items()]
        return [*BUILDAH, "run", *settings, self.container, "--", *command]

    @contextlib.contextmanager
    def serving(self, command=None, **variables):
        """maskd as the image starts it, on a free port; it has to drain after SIGTERM."""
        server = Server(command or self.run_command(*self.config["Entrypoint"],
                                                    **({"MASKD_LISTEN": "127.0.0.1:0"} | variables)))
        self.addCleanup(server.kill)
        yield server
        returncode, self.log = server.stop()
        self.assertEqual(returncode, 0, self.log)
        self.assertIn("drained", self.log)

    def maskctl(self, command, address, *arguments):
        return subprocess.run([BIN / "maskctl", command, f"--address={address}", *arguments], capture_output=True,
                              text=True, check=True, timeout=60).stdout

    def masked_picture(self, address):
        with tempfile.TemporaryDirectory() as folder:
            self.maskctl("image", address, PICTURE, "--patch=16", "--seed=1", f"--out={folder}/masked.png")
            return pathlib.Path(folder, "masked.png").read_bytes()

    def refuses(self, *says, status, **variables):
        done = subprocess.run(self.run_command(*self.config["Entrypoint"], **variables), capture_output=True, text=True,
                              check=False, timeout=60)
        # buildah has words of its own to say about the exit status.
        lines = [line for line in done.stderr.splitlines() if not re.search(r"exit(ed with)? status \d+$", line)]
        self.assertEqual((done.returncode, done.stdout, len(lines)), (status, "", 1), done.stderr)
        for words in says:
            self.assertIn(words, lines[0])
        print(f"{variables}: {lines[0]}")

    def test_serves_the_bytes_of_the_local_build(self):
        local = Server([BIN / "maskd", "--listen=127.0.0.1:0"])
        self.addCleanup(local.kill)
        with self.serving() as server:
            self.assertTrue(self.maskctl("health", server.address).startswith("serving"))
            self.assertEqual(self.masked_picture(server.address), self.masked_picture(local.address))
        self.assertEqual(local.stop()[0], 0)
        if not HAS_GPU:
            self.assertIn("auto: no CUDA device, ", self.log)

    def test_the_health_check_of_the_image(self):
        kind, *command = self.config["Healthcheck"]["Test"]
        self.assertEqual(kind, "CMD")
        port = self.environment["MASKD_LISTEN"].rsplit(":", 1)[1]
        self.assertIn(f"--address=127.0.0.1:{port}", command)
        self.assertEqual(list(self.config["ExposedPorts"]), [f"{port}/tcp"])
        with self.serving() as server:
            here = [argument.replace(f"127.0.0.1:{port}", server.address) for argument in command]
            self.assertEqual(subprocess.run(self.run_command(*here), check=False, timeout=60).returncode, 0)
        self.assertNotEqual(subprocess.run(self.run_command(*here), check=False, timeout=60,
                                           stderr=subprocess.DEVNULL).returncode, 0)

    def test_runs_as_pid_1_on_a_read_only_root(self):
        script = ('mount --bind "$0" "$0" && mount --options remount,ro,bind "$0" && ! touch "$0/tmp/x" 2>/dev/null && '
                  'exec chroot --userspec=' + self.config["User"] + ' "$0" ' + " ".join(self.config["Entrypoint"]))
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "env", "-i",
                   *(f"{name}={value}" for name, value in (self.environment | {"MASKD_LISTEN": "127.0.0.1:0"}).items()),
                   "sh", "-c", script, str(self.root)]
        with self.serving(command) as server:
            self.assertTrue(self.maskctl("health", server.address).startswith("serving"))

    def test_what_is_wrong_gets_one_line(self):
        self.refuses("MASKD_DEVISE", "the nearest is MASKD_DEVICE", status=2, MASKD_DEVISE="cpu")
        self.refuses("--drain_seconds", status=2, MASKD_DRAIN_SECONDS="soon")
        self.refuses("do not fit", "--max_inflight_bytes", status=1, MASKD_MAX_INFLIGHT_BYTES=str(2**50))
        if not HAS_GPU:
            self.refuses("--device=cuda", status=1, MASKD_DEVICE="cuda")
        with self.serving() as server:
            self.refuses("cannot listen on", status=1, MASKD_LISTEN=server.address)

    def test_a_socket_on_a_read_only_volume(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([*BUILDAH, "run", f"--volume={folder}:/run/maskd:ro",
                                   "--env=MASKD_LISTEN=unix:/run/maskd/maskd.sock", self.container, "--", "maskd"],
                                  capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assertIn("cannot listen on unix:/run/maskd/maskd.sock", done.stderr)

    def test_labels(self):
        labels = {name.removeprefix("org.opencontainers.image."): value for name, value in self.config["Labels"].items()}
        self.assertEqual((labels["title"], labels["licenses"]), ("maskd", "Apache-2.0"))
        done = subprocess.run(self.run_command("maskd", "--version"), capture_output=True, text=True, check=True)
        self.assertIn(labels["version"], done.stdout)
        self.assertRegex(labels["revision"], "[0-9a-f]{40}")

    def test_contents(self):
        """Also writes them down, for docs/operations.md."""
        [image] = json.loads(buildah("images", "--json", IMAGE))
        self.assertLessEqual(float(image["size"].removesuffix(" MB")), MAX_MEGABYTES)
        self.assertNotEqual(self.user, 0)
        report = [f"{IMAGE}: {image['size']}, user {self.config['User']}"]

        debian = set()
        for listed in (self.root / "var/lib/dpkg/info").glob("*.list"):
            # /bin and /lib are links to folders of /usr.
            debian.update(re.sub("^/(bin|sbin|lib|lib64)/", r"/usr/\1/", line)
                          for line in listed.read_text().splitlines())
        files = (pathlib.Path("/", path.relative_to(self.root)) for path in self.root.rglob("*")
                 if path.is_symlink() or path.is_file())
        # What maintainer scripts make is Debian's too.
        others = sorted(str(file) for file in files if str(file) not in debian and file.parts[1] in ("usr", "opt", "src"))
        self.assertLessEqual({f"/usr/local/bin/{program}" for program in PROGRAMS}, set(others))
        report += ["not of a Debian package, outside /etc and /var:", *(f"  {file}" for file in others)]
        writable = [path for path in self.root.rglob("*") if not path.is_symlink() and path.stat().st_uid == self.user]
        self.assertEqual(writable, [])

        for program in PROGRAMS:
            libraries = subprocess.run(self.run_command("ldd", f"/usr/local/bin/{program}"), capture_output=True,
                                       text=True, check=True).stdout
            self.assertNotIn("not found", libraries)
            self.assertNotIn("libcud", libraries)  # the CUDA runtime is linked statically
            names = sorted(line.split()[0] for line in libraries.splitlines())
            report += [f"ldd {program}:", *(f"  {name}" for name in names)]
        CONTENTS.write_text("\n".join(report) + "\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
