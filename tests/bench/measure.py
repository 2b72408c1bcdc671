"""Measures whole runs of flowbed from outside: measure.py shared-address|transfer PROGRAM."""

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys


def cpu_seconds(command):
    """CPU time, user and system, of one run of 'command'; and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run.stdout


def shared_address(program):
    command = [program, "run", "scenarios/shared-address.yaml"]
    times = sorted(cpu_seconds(command)[0] * 1000 for _ in range(30))
    print(f"CPU of one run: median {statistics.median(times):.1f} ms, least {times[0]:.1f} ms, most {times[-1]:.1f} ms "
          "(target: less than 20 ms)")
    if shutil.which("valgrind"):
        run = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}"] + command,
                             capture_output=True, text=True)
        count = re.search(r"Collected : (\d+)", run.stderr)
        if count:
            print(f"instructions of one run: {int(count.group(1)):,}")


def transfer(program):
    """Each frame of tests/bench/transfer.yaml is delivered twice: to the switch, and to the host behind it."""
    best = None
    for _ in range(5):
        seconds, text = cpu_seconds([program, "run", "tests/bench/transfer.yaml"])
        frames = int(re.search(r"all held: (\d+) ", text).group(1)) // 2
        digest = re.search(r"[0-9a-f]{32}", text).group(0)
        print(f"{frames:,} frames through the switch in {seconds * 1000:.0f} ms of CPU: "
              f"{frames / seconds:,.0f} frames a second, digest {digest}")
        best = max(best or 0, frames / seconds)
    print(f"best of 5: {best:,.0f} frames a second (target: 1,000,000)")


{"shared-address": shared_address, "transfer": transfer}[sys.argv[1]](sys.argv[2])
