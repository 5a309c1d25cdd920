"""Servers of a benchmark, on this machine."""

import contextlib
import subprocess
import sys


@contextlib.contextmanager
def started(command, environment=None):
    """Runs a server that prints where it listens; yields the address."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit(f"{command[0]} did not start")
        yield line.split()[-1]
    finally:
        process.terminate()
        process.communicate()
