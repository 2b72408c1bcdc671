"""Measures controllers from outside: controller.py BUILD_DIR [--rounds N] [--time TIME] [--threads N] [CASE...].

Each controller under test has one core, the load generator the other. All of them take turns, several times, so that a
machine that does other things meanwhile disturbs all alike; each is started anew for each measurement. Told are medians
over the rounds, and ratios, which are medians over the rounds too. A wrong answer ends the run.

Beside the rate stands what can spoil it: how busy the cores of the controller and of the generator were, and how much
of both went to other programs. The controller's CPU time per answer suffers least from those."""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
from live import Failed, Process, scratch_dir, wait_until  # noqa: E402

NULL, LEARNING, HUB, BALANCER, OVS = "null", "learning", "hub", "balancer", "ovs-testcontroller"
OVS_PROGRAM = "ovs-testcontroller"

UNLIMITED = ("--window", "unlimited")
MANY = ("--macs", "100000")
# Name -> what it tells, the load, and who takes part.
CASES = {
    "window": ("window 64, 1,000 MACs", (), (NULL, LEARNING, OVS, HUB, BALANCER)),
    "window-100k": ("window 64, 100,000 MACs", MANY, (NULL, LEARNING, OVS)),
    "unlimited": ("no window, 1,000 MACs", UNLIMITED, (NULL, LEARNING, OVS, HUB)),
    "unlimited-100k": ("no window, 100,000 MACs", UNLIMITED + MANY, (NULL, LEARNING)),
    "latency": ("one at a time", ("--latency",), (NULL, LEARNING, OVS)),
}
TARGETS = {
    ("window", LEARNING): "0.5 of null, 25 of ovs-testcontroller",
    ("window", HUB): "0.7 of null",
    ("window", BALANCER): "2,000,000",
    ("unlimited", LEARNING): "12,000,000",
    ("unlimited-100k", LEARNING): "6,000,000",
    ("latency", LEARNING): "0.9 of null",
}
# What answers must be. Debian's controller remembers 8,192 addresses at most and floods to others.
EXPECT = {NULL: "null", LEARNING: "learning", HUB: "hub", BALANCER: "balancer", OVS: "forgetful"}
# No session may end while it is measured: the entries of each live for a minute.
APPS = {LEARNING: ["learning"], HUB: ["hub"],
        BALANCER: ["discovery,edge_after=0", "balancer,sessions_max=16777216,recall_timeout=1ms,arp=flood"]}


class Measure:
    def __init__(self, rate, latency, answers, controller_ns, generator_share, wall_ns, foreign_share):
        self.rate = rate
        self.latency = latency
        self.ns_per_answer = controller_ns / max(answers, 1)
        self.controller_share = controller_ns / wall_ns
        self.generator_share = generator_share
        self.foreign_share = foreign_share


# --- Programs ---

class Cores:
    """One for the generator, the rest for the controller: one, unless it has threads."""

    def __init__(self, threads):
        cores = sorted(os.sched_getaffinity(0))
        self.alone = len(cores) < 2
        self.generator = cores[0]
        self.controller = cores[1:1 + threads] or cores

    def pin(self, cores, command):
        if self.alone:
            return command
        return ["taskset", "-c", ",".join(map(str, cores)), *command]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def is_listened_on(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def start_ovs(cores, scratch):
    port = free_port()
    command = [OVS_PROGRAM, "-vconsole:off", "-vsyslog:off", f"--unixctl={scratch}/ovs.ctl", f"ptcp:{port}:127.0.0.1"]
    process = Process(*cores.pin(cores.controller, command), env=dict(os.environ, OVS_RUNDIR=scratch))
    wait_until(lambda: is_listened_on(port), "ovs-testcontroller")
    return process, f"tcp:127.0.0.1:{port}"


def start(who, build, cores, threads, scratch):
    """Start a controller; returns its process and where it listens."""
    if who == OVS:
        return start_ovs(cores, scratch)
    if who == NULL:
        command = [os.path.join(build, "bench", "controller_null"), "ptcp:0"]
    else:
        command = [os.path.join(build, "flowbed-controller"), "--no-status", "-l", "ptcp:0:127.0.0.1", *APPS[who]]
        if threads > 1 and who != BALANCER:
            command[1:1] = ["--threads", str(threads)]
    process = Process(*cores.pin(cores.controller, command))
    port = re.search(r"ready on \S*?ptcp:(\d+)", process.wait_line("ready on ")).group(1)
    return process, f"tcp:127.0.0.1:{port}"


def cpu_ns(pid):
    """CPU time of all threads of a process."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def busy_ticks():
    """Ticks that all cores were busy, steal included: what a hypervisor gave to others."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return user + nice + system + irq + softirq + steal


# --- Measuring ---

def read_result(out):
    rate = re.search(r"a second: median (\d+)", out)
    latency = re.search(r"latency in ns: (.*)", out)
    answers = re.search(r"answers in all: (\d+)", out)
    share = re.search(r"generator's CPU: (\d+) percent", out)
    return int(rate.group(1)), latency and latency.group(1), int(answers.group(1)), int(share.group(1)) / 100


def measure(who, load, options, cores, scratch):
    process, name = start(who, options.build, cores, options.threads, scratch)
    command = [os.path.join(options.build, "bench", "controller_load"), "--time", options.time, "--expect", EXPECT[who],
               *load, name]
    if who == OVS:
        command.insert(1, "--one-by-one")  # ten that wait are too many for it
    before_ns, before_ticks, start_s = cpu_ns(process.pid), busy_ticks(), time.monotonic()
    generator = subprocess.Popen(cores.pin([cores.generator], command), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True)
    out, err = generator.communicate()
    wall_ns = (time.monotonic() - start_s) * 1e9
    if generator.returncode != 0 or process.popen.poll() is not None:
        sys.exit(f"{who}, {' '.join(load)}: {err}{out}" + "\n".join(process.lines_now()[-5:]))
    controller_ns = cpu_ns(process.pid) - before_ns
    busy_ns = (busy_ticks() - before_ticks) * 1e9 / os.sysconf("SC_CLK_TCK")
    process.kill()
    rate, latency, answers, share = read_result(out)
    foreign = max(busy_ns - controller_ns - share * wall_ns, 0) / (wall_ns * os.cpu_count())
    return Measure(rate, latency, answers, controller_ns, share, wall_ns, foreign)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text:70}\r", end="", file=sys.stderr, flush=True)


def measure_all(options, cores, scratch):
    """(case, who) -> what was measured, of each round."""
    found = {}
    for number in range(1, options.rounds + 1):
        for case in options.cases:
            for who in CASES[case][2]:
                if who == OVS and not shutil.which(OVS_PROGRAM):
                    continue
                progress(f"round {number} of {options.rounds}: {case}, {who}")
                found.setdefault((case, who), []).append(measure(who, CASES[case][1], options, cores, scratch))
    progress("")
    return found


# --- Telling ---

def ratio(found, case, who, other):
    if (case, other) not in found or who in (other, NULL) or (who == BALANCER):
        return ""
    values = [mine.rate / theirs.rate for mine, theirs in zip(found[case, who], found[case, other])]
    return f"{statistics.median(values):.2f}"


def tell_case(found, case):
    print(f"\n{CASES[case][0]}")
    print(f"  {'':20}{'a second':>12}{'least':>12}{'most':>12}{'/null':>8}{'/ovs':>8}"
          f"{'ns each':>9}{'busy':>6}{'load':>6}{'other':>7}  target")
    for who in CASES[case][2]:
        measures = found.get((case, who))
        if not measures:
            print(f"  {who:20}not installed")
            continue
        rates = [m.rate for m in measures]

        def median(name):
            return statistics.median(getattr(m, name) for m in measures)
        print(f"  {who:20}{statistics.median(rates):12,.0f}{min(rates):12,}{max(rates):12,}"
              f"{ratio(found, case, who, NULL):>8}{ratio(found, case, who, OVS):>8}"
              f"{median('ns_per_answer'):9.0f}{median('controller_share'):6.0%}{median('generator_share'):6.0%}"
              f"{median('foreign_share'):7.0%}  {TARGETS.get((case, who), '')}")
    for who in CASES[case][2]:
        if (case, who) in found and found[case, who][0].latency:
            print(f"  {who:20}ns: {found[case, who][len(found[case, who]) // 2].latency}")


def tell(found, options, cores):
    place = "not pinned, there is one core" if cores.alone else \
        f"generator on core {cores.generator}, controller on {','.join(map(str, cores.controller))}"
    print(f"16 switches; {place}; {options.rounds} rounds of {options.time} each; balancer: connections, a SYN and a "
          "SYN-ACK each")
    print("ns each: the controller's CPU time by answer; busy: the controller's core; load: the generator's; other: other "
          "programs, of all cores")
    for case in options.cases:
        tell_case(found, case)


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run controller", description=__doc__.split("\n\n", 1)[1],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3, help="how often all take their turn (default 3)")
    parser.add_argument("--time", default="5s", help="of each measurement, after a second to warm up (default 5s)")
    parser.add_argument("--threads", type=int, default=1, help="of flowbed-controller, each with a core (default 1)")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)} (default: all)")
    options = parser.parse_intermixed_args()
    options.cases = options.cases or list(CASES)
    for case in options.cases:
        if case not in CASES:
            parser.error(f"there is no case {case!r}: write {', '.join(CASES)}")
    cores = Cores(options.threads)
    try:
        tell(measure_all(options, cores, scratch_dir()), options, cores)
    except Failed as error:
        sys.exit(str(error))


main()
