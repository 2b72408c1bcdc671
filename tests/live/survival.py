"""What a controller has to survive, and who must not notice: the program under attack, and a switch that behaves.

A Survivor is flowbed-controller on a free port of the loopback; at its end it must stop in order, without a word of a
sanitizer, and then tells what it has counted. A GoodSwitch asks one packet-in after the other in a thread of its own,
as long as it lives: each must be answered, in order, and its connection must stay. A test does its mischief between the
two, and asks the GoodSwitch to go on for a while whenever it wants to know that nothing was disturbed.
"""

import collections
import contextlib
import os
import random
import re
import resource
import signal
import socket
import ssl
import struct
import threading
import time

from live import GUARD_S, Failed, Process, check, check_equal, wait_until
from openflow import (ECHO_REPLY, ECHO_REQUEST, FLOW_MOD, PACKET_OUT, STATS_REPLY, STATS_REQUEST, FakeSwitch, message,
                      packet_in)

FRAME = bytes.fromhex("020000000002" "020000000001" "88b5") + bytes(46)
FLOODED = packet_in(FRAME, 0)
ANSWER_BYTES = 24
CAPTURED_PORT = 6653  # the controller's in a capture
GOOD_DPID = 0x600d
GOOD_ROUNDS = 20  # answers that show that it is undisturbed

PACKET_OUT_FLOOD = struct.pack("!HHHH", 0, 8, 0xfffb, 0)
SANITIZERS = re.compile(r"Sanitizer|runtime error|WARNING: Thread")


class Survivor(Process):
    """The controller; a 'with' block ends it."""

    def __init__(self, build, *args, descriptors=None, listen=("ptcp:0:127.0.0.1",), status=None):
        """'descriptors' limits what the program may open; 'status' is the socket for questions."""
        self.status = ("--status-socket", status) if status else ("--no-status",)
        limit = ("prlimit", f"--nofile={descriptors}:{descriptors}") if descriptors else ()
        listeners = [word for name in listen for word in ("--listen", name)]
        # Memory that AddressSanitizer keeps in order to recognise it looks like a leak to a test of memory.
        env = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1:" + os.environ.get("ASAN_OPTIONS", ""),
                   TSAN_OPTIONS="halt_on_error=0:" + os.environ.get("TSAN_OPTIONS", ""))
        super().__init__(*limit, os.path.join(build, "flowbed-controller"), *self.status, "--drain", "100ms",
                         *listeners, *args, env=env)
        ready = self.wait_line(r"\bready on\b")
        self.ports = [int(port) for port in re.findall(r"p(?:tcp|ssl):(\d+)", ready)]
        self.totals = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.stop()
        lines = self.lines_now()
        complaints = [line for line in lines if SANITIZERS.search(line)]
        if kind is None or complaints:
            check(not complaints, "\n".join(lines[-60:]))
            check_equal(0, status, "exit status\n" + "\n".join(lines[-30:]))
            self.totals = self._read_totals(lines)

    @staticmethod
    def _read_totals(lines):
        """"ends: 3 connections, 2 switches; ended: 1 silent" as {"connections": 3, ..., "ended silent": 1}."""
        totals = {}
        for clause in lines[-1].partition(" ends: ")[2].split("; "):
            kind, colon, rest = clause.rpartition(": ")
            for number, what in re.findall(r"(\d+) ([a-z][a-z -]*)", rest):
                totals[f"{kind} {what}" if colon else what] = int(number)
        check(totals, f"no totals in the last line: {lines[-1]}")
        return totals

    def total(self, name):
        check(name in self.totals, f"there is no total '{name}': {self.totals}")
        return self.totals[name]

    def connect(self, port=0):
        """A connection to the listener at place 'port'."""
        connected = socket.create_connection(("127.0.0.1", self.ports[port]), GUARD_S)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def switch(self, dpid):
        return FakeSwitch(self.connect(), dpid)

    # --- What the system knows of it ---

    def states(self, peer):
        """Of the controller's end of a connection: its state, as /proc/net/tcp has it; empty when it is forgotten."""
        port = peer.socket.getsockname()[1]
        with open("/proc/net/tcp", encoding="ascii") as file:
            lines = [line.split() for line in file.readlines()[1:]]
        return [line[3] for line in lines if int(line[2].split(":")[1], 16) == port
                and int(line[1].split(":")[1], 16) in self.ports]

    @contextlib.contextmanager
    def standing_still(self):
        """None of its threads does anything meanwhile."""
        self.popen.send_signal(signal.SIGSTOP)
        try:
            wait_until(self._is_stopped, "the controller to stand still")
            yield
        finally:
            self.popen.send_signal(signal.SIGCONT)

    def _is_stopped(self):
        states = []
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/stat", encoding="ascii") as file:
                states.append(file.read().rpartition(")")[2].split()[0])
        return set(states) == {"T"}

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _status(self, name):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"^{name}:\s+(\d+)", file.read(), re.M)[1])

    def memory_kib(self):
        return self._status("VmRSS")

    def naps(self):
        """How often its first thread has gone to sleep by itself."""
        return self._status("voluntary_ctxt_switches")

    def cpu_ticks(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def wait_descriptors(self, count):
        """Until it holds no more than 'count'."""
        wait_until(lambda: self.descriptors() <= count,
                   lambda: f"{count} descriptors or fewer; there are {self.descriptors()}")

    def count_lines(self, pattern):
        return sum(1 for line in self.lines_now() if re.search(pattern, line))

    def wait_lines(self, count, pattern):
        """Until 'pattern' is found in so many lines of the log."""
        wait_until(lambda: self.count_lines(pattern) >= count, f"{count} lines like {pattern}")
        check_equal(count, self.count_lines(pattern), f"lines like {pattern}")


class GoodSwitch:
    """A switch that behaves; a 'with' block ends it."""

    def __init__(self, survivor, dpid=GOOD_DPID, sock=None):
        self.switch = FakeSwitch(sock or survivor.connect(), dpid)
        self.news = threading.Condition()
        self.answers = 0
        self.problem = None
        self.ending = False
        self.awake = threading.Event()
        self.awake.set()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.ending:
                self.awake.wait()
                self._ask(self.answers % 0xffffffff)
                with self.news:
                    self.answers += 1
                    self.news.notify_all()
        except Exception as error:  # pylint: disable=broad-except
            with self.news:
                self.problem = error
                self.news.notify_all()

    def _ask(self, buffer_id):
        self.switch.send(packet_in(FRAME, buffer_id))
        while True:
            got = self.switch.receive()
            check(got, "the well-behaved switch lost its connection")
            kind, xid, body = got
            if kind == ECHO_REQUEST:
                self.switch.send(message(ECHO_REPLY, body, xid))
            elif kind == STATS_REQUEST:  # it has no entries
                self.switch.send(message(STATS_REPLY, body[:2] + bytes(2), xid))
            elif kind == PACKET_OUT and body[:4] == bytes((255,)) * 4:
                continue  # a frame of the controller's own: discovery, a probe
            elif kind == PACKET_OUT:
                check_equal((buffer_id, PACKET_OUT_FLOOD), (struct.unpack("!I", body[:4])[0], body[8:]),
                            "the answer to the well-behaved switch")
                return
            else:
                check_equal(FLOW_MOD, kind, "what the well-behaved switch was sent")

    def go_on(self, rounds=GOOD_ROUNDS):
        """It gets so many more answers: nothing has disturbed it so far, nor does now."""
        with self.news:
            goal = self.answers + rounds
            self.news.wait_for(lambda: self.problem or self.answers >= goal, GUARD_S)
            if self.problem:
                raise Failed(f"the well-behaved switch was disturbed: {self.problem}") from self.problem
            check(self.answers >= goal, "the well-behaved switch gets no answers any more")

    @contextlib.contextmanager
    def resting(self):
        """It says nothing meanwhile; an answer may still be on its way."""
        self.awake.clear()
        yield
        self.awake.set()
        self.go_on()

    def __enter__(self):
        self.go_on(1)
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.go_on()
        self.ending = True
        self.thread.join(GUARD_S)
        if kind is None and self.problem:
            raise Failed(f"the well-behaved switch was disturbed: {self.problem}") from self.problem
        self.switch.close()


# --- Mischief ---

def reset(sock):
    """End a connection by RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def wait_closed(sock):
    """Read up to the end of the connection, however it comes; returns what came."""
    sock.settimeout(GUARD_S)
    came = bytearray()
    try:
        while more := sock.recv(1 << 20):
            came += more
    except (ConnectionResetError, BrokenPipeError):
        pass
    except TimeoutError as error:
        raise Failed(f"the connection was not closed in {GUARD_S} s; {len(came)} bytes came") from error
    return bytes(came)


def messages(data):
    """(type, body) of each message in 'data'; one that is cut at the end is left out."""
    at = 0
    while at + 8 <= len(data):
        length = max(struct.unpack("!H", data[at + 2:at + 4])[0], 8)
        if at + length <= len(data):
            yield data[at + 1], bytes(data[at + 8:at + length])
        at += length


def kinds(data):
    return [kind for kind, _ in messages(data)]


def flood(count=1000):
    """So many packet-ins, with the buffers 0, 1, ..."""
    return b"".join(packet_in(FRAME, buffer) for buffer in range(count))


def client_hello():
    """What a client of TLS says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="controller")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def noise(seed, count):
    return random.Random(seed).randbytes(count)


def fill(sock, data, again=None):
    """Send 'data', and then 'again' (or 'data') again and again, until the system takes no more. Returns how many bytes
    were sent and what is left of the last piece."""
    sock.setblocking(False)
    sent, rest = 0, data
    try:
        while True:
            count = sock.send(rest)
            sent += count
            rest = rest[count:] or again or data
    except BlockingIOError:
        return sent, rest


def take(peer, count):
    """Read so many bytes of answers, whatever they are."""
    left = count - len(peer.bytes)
    peer.bytes = b""
    peer.socket.settimeout(GUARD_S)
    while left > 0:
        more = peer.socket.recv(min(left, 1 << 20))
        check(more, f"the connection ended; {left} bytes of answers are missing")
        left -= len(more)


def read_before(path, start_ns, port):
    """From the controller's capture: the bytes of each peer, by its port, that were read from the time 'start_ns' on
    and before the first of the peer with 'port'."""
    came = collections.Counter()
    with open(path, "rb") as file:
        data = file.read()
    tick_ns = 1 if data[:4] == b"\x4d\x3c\xb2\xa1" else 1000
    at = 24
    while at + 16 <= len(data):
        seconds, ticks, length = struct.unpack("<III", data[at:at + 12])
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        source, target = struct.unpack("!HH", frame[34:38])
        payload = struct.unpack("!H", frame[16:18])[0] - 20 - (frame[46] >> 4) * 4
        if seconds * 10**9 + ticks * tick_ns < start_ns or not payload or target != CAPTURED_PORT:
            continue
        if source == port:
            return came
        came[source] += payload
    raise Failed(f"the capture has nothing of port {port} after {start_ns}")


def allow_descriptors(count):
    """Let the test open so many; False where the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        return False
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    return True


class Drip:
    """Sends bytes one by one, each when nothing has come for a moment; tells when the connection has ended."""

    def __init__(self, sock, data, moment_s=0.01):
        self.socket = sock
        self.data = data
        self.came = b""
        self.moment_s = moment_s

    def run(self):
        """Until the peer closes; returns how many bytes it let pass."""
        deadline = time.monotonic() + GUARD_S
        self.socket.settimeout(self.moment_s)
        for place in range(len(self.data)):
            try:
                self.socket.send(self.data[place:place + 1])
                more = self.socket.recv(1 << 16)
                if not more:
                    return place + 1
                self.came += more
            except TimeoutError:
                check(time.monotonic() < deadline, "one byte after the other keeps a connection alive")
            except (ConnectionResetError, BrokenPipeError):
                return place + 1
        raise Failed("all bytes were sent, and the connection still lives")
