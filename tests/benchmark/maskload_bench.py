#!/usr/bin/env python3
"""maskload beside a bare asynchronous gRPC client: how many small calls each makes, 16 in flight and one at a time.

Rows are interleaved round by round, in random order, against one maskd on this machine. A ratio is that to the bare
client's in the same round. The bare client is that of scripts/transport-bench --only=small: one thread on one
completion queue, which sends messages that were encoded before and compares the answers with such as were right.
Every answer is checked but for "nothing checked" and "one in 16 checked"; a wrong one, or a call that failed, makes
the exit status 1.

Example: scripts/benchmark --maskload
         scripts/benchmark --maskload --rounds=31 --json=out.json
"""
import argparse
import contextlib
import json
import pathlib
import random
import statistics
import subprocess
import sys

from started_server import started

FLIGHT = 8000  # kCallsPerFlight of tests/benchmark/transport/small_calls.h
ONE_AT_A_TIME = 2000  # calls
BATCH = "1x196x768"  # whose masks are drawn


class BareClient:
    """transport_bench, which answers with the seconds of each call, or of each flight of calls."""

    def __init__(self, folder, address, call, calls, warm_ups):
        self.calls, self.warm_ups, self.timed = calls, warm_ups, calls // FLIGHT or calls
        command = [folder / "transport_bench", "client", f"--call={call}", f"--address={address}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "connected\n":
            sys.exit("the bare client failed")

    def __call__(self):
        print(f"call {self.warm_ups + self.timed}", file=self.process.stdin, flush=True)
        seconds = [float(word) for word in self.process.stdout.readline().split()]
        if not seconds:
            sys.exit("the bare client failed")
        return self.calls / sum(seconds[self.warm_ups:])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Maskload:
    def __init__(self, folder, address, concurrency, calls, verify):
        self.calls = calls
        self.command = [folder / "maskload", "run", f"--address={address}", "--mode=mask", f"--mix={BATCH}",
                        f"--concurrency={concurrency}", f"--count={calls}", "--warm_up=200ms", f"--verify={verify}",
                        "--format=json"]

    def __call__(self):
        process = subprocess.run(self.command, stdout=subprocess.PIPE, text=True, check=False)
        if process.returncode != 0:
            sys.exit(f"maskload: exit status {process.returncode}")
        run = json.loads(process.stdout)
        if run["all"]["errors"] or run["all"]["calls"] != self.calls:
            sys.exit(f"maskload: {run['all']['errors']} calls failed")
        return run["all"]["calls_per_second"]


def measure(rows, rounds):
    """Calls a second of each row, by round. One round warms up."""
    rates, names = {name: [] for name in rows}, list(rows)
    for round_number in range(rounds + 1):
        random.shuffle(names)
        for name in names:
            rate = rows[name]()
            if round_number > 0:
                rates[name].append(rate)
    return rates


def show(title, rates):
    bare = next(iter(rates.values()))
    print(f"{title:32}{'calls/s':>28}{'of the bare client in the same round':>42}")
    for name, values in rates.items():
        ratios = [value / other for value, other in zip(values, bare)]
        calls = f"{statistics.median(values):,.0f} ({min(values):,.0f}..{max(values):,.0f})"
        ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.3f}..{max(ratios):.3f})"
        print(f"{name:32}{calls:>28}{ratio:>42}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="folder of the programs of a build")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--flights", type=int, default=5, help=f"{FLIGHT} calls each in a round, 16 in flight")
    parser.add_argument("--json", type=pathlib.Path, help="file to write the calls a second of every round to")
    flags = parser.parse_args()
    print(f"GenerateMask of [1, 196], {flags.rounds} rounds, median (least..greatest)\n")

    with contextlib.ExitStack() as stack:
        # A core that sleeps takes longer to wake than a call does; ends with its stdin.
        awake = subprocess.Popen([flags.bin / "transport_bench", "keep-awake"], stdin=subprocess.PIPE)
        stack.callback(awake.communicate)
        address = stack.enter_context(
            started([flags.bin / "maskd", "--device=cpu", "--log_level=warn", "--listen=127.0.0.1:0"]))
        tables = {}
        for title, concurrency, call, calls, warm_ups in (
                ("16 in flight", 16, "generate-mask-in-flight", FLIGHT * flags.flights, 1),
                ("one call at a time", 1, "generate-mask", ONE_AT_A_TIME, 500)):
            bare = BareClient(flags.bin, address, call, calls, warm_ups)
            stack.callback(bare.close)
            tables[title] = {
                "bare gRPC client": bare,
                "maskload, nothing checked": Maskload(flags.bin, address, concurrency, calls, "none"),
                "maskload, one in 16 checked": Maskload(flags.bin, address, concurrency, calls, "sample"),
            }
        rates = {title: measure(rows, flags.rounds) for title, rows in tables.items()}

    for title, values in rates.items():
        show(title, values)
        print()
    print("no call failed, no result was wrong")
    if flags.json:
        flags.json.write_text(json.dumps(rates) + "\n")


if __name__ == "__main__":
    main()
