"""Lets flowbed-controller run under a mix of everything: controller_soak.py BUILD_DIR [--time SECONDS].

Sixteen switches are always there and under load, and their stations give way to others every second or two; fifty more
come and go, some by RST; peers say nothing, say nonsense, cut messages short, stop reading. Ages and limits are small,
so that all that is to be forgotten is forgotten many times. Meanwhile the controller's memory is looked at every
second. It is flat when its last quarter is not above the first one after the warm-up, but for 2 percent or 1 MiB.

Exit code: 0 the controller lived and all answers were right (flat or not: this measures), 1 otherwise."""

import argparse
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "live"))
from live import Failed, Process, scratch_dir, wait_until  # noqa: E402
from openflow import FEATURES_REQUEST, Peer, features_reply, message, packet_in  # noqa: E402

OPTIONS = ("--no-status", "--handshake-timeout", "2s", "--stall-timeout", "2s", "--output-max", "1MiB",
           "--pause-backlog", "64KiB", "--inactivity-probe", "1s", "--probe-timeout", "1s")
APP = "learning,mac_idle=2s,macs_max=8192"
WARM_UP_S = 20
SLACK_KIB = 1024


class Soak:
    def __init__(self, build, port):
        self.build = build
        self.port = port
        self.over = threading.Event()
        self.wrong = []
        self.counts = {}
        self.lock = threading.Lock()

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + number

    def fail(self, why):
        with self.lock:
            if not self.over.is_set():
                self.wrong.append(why)
        self.over.set()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def load(self, *args):
        """Run the load generator to its end, which must be a good one. A slow machine may let a station be silent for
        so long that it is forgotten."""
        command = [os.path.join(self.build, "bench", "controller_load"), "--expect", "forgetful", *args,
                   f"tcp:127.0.0.1:{self.port}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as generator:
            while True:
                try:
                    out, err = generator.communicate(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    if self.over.is_set():
                        generator.kill()
                        generator.communicate()
                        return
        if generator.returncode != 0:
            self.fail(f"{' '.join(args)}: {err}")
        else:
            self.count("answers", int(out.split("answers in all: ")[1].split(",")[0]))


# --- What goes on meanwhile, each in a thread ---

def steady_load(soak):
    """Thirty generations of stations a run; then all switches leave in order and come again."""
    for number in range(1 << 30):
        soak.load("--macs", "6000", "--generations", "30", "--first-mac", str(number % 10 * 400000), "--warm-up", "0s",
                  "--time", "1s", "--slices", "1", *(("--window", "unlimited") if number % 2 else ()))
        if soak.over.is_set():
            return


def switches_that_come_and_go(soak):
    while not soak.over.is_set():
        soak.load("--switches", "50", "--first-dpid", "1001", "--macs", "20", "--reset-and-reconnect", "20",
                  "--packet-in-with-features", "--warm-up", "0s", "--time", "100ms", "--slices", "1")
        soak.count("connections that ended by RST", 20 * 50)
        soak.over.wait(0.2)


def silent_peers(soak):
    """They wait until the controller has had enough of them."""
    while not soak.over.is_set():
        peers = [soak.connect() for _ in range(20)]
        for peer in peers:
            while peer.recv(4096):
                pass
            peer.close()
        soak.count("silent peers", len(peers))


def nonsense(rng):
    """Bytes that are no OpenFlow, or hardly."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 5000))
    if kind == 1:
        return struct.pack("!BBHI", 1, rng.randrange(256), rng.choice((0, 7, 8, 9, 65535)), 1) + rng.randbytes(100)
    if kind == 2:
        return message(0) + message(rng.randrange(22), rng.randbytes(rng.randrange(200)))
    return message(0) + features_reply(rng.randrange(5000, 5100)) + message(rng.randrange(22),
                                                                            rng.randbytes(rng.randrange(200)))


def peers_that_say_nonsense(soak):
    rng = random.Random(1)
    while not soak.over.is_set():
        with soak.connect() as peer:
            try:
                peer.sendall(nonsense(rng))
                peer.settimeout(0.01)
                while peer.recv(65536):
                    pass
            except (TimeoutError, ConnectionError):
                pass
        soak.count("peers that said nonsense")
        soak.over.wait(0.01)


def peers_that_stop_reading(soak):
    """They have all their frames flooded, and never look; the controller must give them up."""
    frame = b"\xff" * 6 + bytes((2, 0, 0, 0, 0x77, 1)) + b"\x08\x00" + bytes(1000)
    while not soak.over.is_set():
        with soak.connect() as sock:
            peer = Peer(sock)
            peer.send(features_reply(7777, peer.receive_kind(FEATURES_REQUEST)[1]))
            try:
                while not soak.over.is_set():
                    peer.send(packet_in(frame) * 100)
            except (TimeoutError, ConnectionError):
                pass
        soak.count("peers that stopped reading")


def peers_that_say_it_byte_by_byte(soak):
    said = message(0) + features_reply(8888)
    while not soak.over.is_set():
        with soak.connect() as peer:
            try:
                for at in range(len(said)):
                    peer.sendall(said[at:at + 1])
                    if soak.over.wait(0.05):
                        break
            except ConnectionError:
                pass
        soak.count("peers that said it byte by byte")


def guarded(worker, soak):
    """The controller's death is told by who looks after it."""
    while not soak.over.is_set():
        try:
            worker(soak)
        except OSError:
            soak.over.wait(0.1)
        except Exception as error:  # pylint: disable=broad-except
            soak.fail(f"{worker.__name__}: {error!r}")


# --- The controller ---

def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise Failed("the controller is gone")


def watch(soak, process, seconds):
    """Look at the controller each second; returns (memory in KiB, descriptors) of each."""
    samples, start_s = [], time.monotonic()
    while time.monotonic() - start_s < seconds and not soak.over.wait(1):
        if process.popen.poll() is not None:
            soak.fail(f"the controller ended with {process.popen.returncode}")
            break
        samples.append((rss_kib(process.pid), len(os.listdir(f"/proc/{process.pid}/fd"))))
        if sys.stderr.isatty():
            print(f"\r{len(samples):5} s  {samples[-1][0]:,} KiB, {samples[-1][1]} descriptors ", end="", file=sys.stderr)
    soak.over.set()
    return samples


def tell(soak, samples):
    warm = min(WARM_UP_S, len(samples) // 5)
    after = [memory for memory, _ in samples[warm:]]
    if len(after) < 4:
        print("too short to tell whether memory is flat")
        return
    quarter = len(after) // 4
    quarters = [statistics.median(after[i * quarter:(i + 1) * quarter]) for i in range(4)]
    first, last = quarters[0], quarters[3]
    flat = last - first <= max(SLACK_KIB, first / 50)
    descriptors = [count for _, count in samples]
    print(f"memory (RSS) after {warm} s of warm-up: first quarter {first:,.0f} KiB, last quarter {last:,.0f} KiB, most "
          f"{max(after):,} KiB: {'flat' if flat else 'it GROWS'}")
    print(f"in the end it changes by {(last - quarters[2]) * 60 / quarter:+,.0f} KiB a minute")
    print(f"memory each tenth: {', '.join(f'{m:,}' for m, _ in samples[::max(len(samples) // 10, 1)])} KiB")
    print(f"descriptors: median {statistics.median(descriptors):.0f}, most {max(descriptors)}")
    for what, number in sorted(soak.counts.items()):
        print(f"{number:,} {what}")


def run(options, scratch):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    log = os.path.join(scratch, "log")
    process = Process(os.path.join(options.build, "flowbed-controller"), *OPTIONS, "--log-file", log,
                      "-l", f"ptcp:{port}:127.0.0.1", APP)
    soak = Soak(options.build, port)

    def is_ready():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0
    wait_until(is_ready, "the controller")
    threads = [threading.Thread(target=guarded, args=(worker, soak), daemon=True)
               for worker in (steady_load, switches_that_come_and_go, silent_peers, peers_that_say_nonsense,
                              peers_that_stop_reading, peers_that_say_it_byte_by_byte)]
    for thread in threads:
        thread.start()
    samples = watch(soak, process, options.time)
    for thread in threads:
        thread.join(10)
    status = process.stop(signal.SIGTERM)
    if status != 0:
        soak.wrong.append(f"the controller ended with {status}")
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    tell(soak, samples)
    print("\n".join(lines[-10:] + process.lines_now()[-10:] if soak.wrong else lines[-1:]))
    for why in soak.wrong:
        print(f"WRONG: {why}")
    return 1 if soak.wrong else 0


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run soak", description=__doc__.split("\n\n", 1)[1],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help=argparse.SUPPRESS)
    parser.add_argument("--time", type=int, default=300, metavar="SECONDS", help="(default 300)")
    options = parser.parse_args()
    try:
        sys.exit(run(options, scratch_dir()))
    except Failed as error:
        sys.exit(str(error))


main()
