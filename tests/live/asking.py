"""What tests of a running controller's status and commands share: the controller, those who ask without our program, and
switches that the test plays. sys.argv[1] is the folder of the build."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading

from live import GUARD_S, Failed, Process, check, check_equal, ethernet, scratch_dir
from openflow import (ECHO_REPLY, ECHO_REQUEST, ERROR, FEATURES_REPLY, FEATURES_REQUEST, PACKET_OUT, SET_CONFIG, STATS_REPLY,
                      STATS_REQUEST, Peer, message, packet_in)

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")
PROGRAM = os.path.join(BUILD, "flowbed-controller")
DIR = scratch_dir()
FLOW_STATS, TABLE_STATS = 1, 2  # OFPC_*
OFPST_FLOW, OFPST_TABLE = 1, 3
names = iter(range(1, 1000000))


def new_path(kind):
    return os.path.join(DIR, f"{kind}{next(names)}")


# --- Controllers and those who ask ---

class Controller(Process):
    """The program with a status socket and a free port; a 'with' block ends it, which must be in order."""

    def __init__(self, *args, apps=("learning",), status=None, **options):
        self.status_path = status or new_path("status")
        super().__init__(PROGRAM, "--status-socket", self.status_path, "--drain", "50ms", "-l", "ptcp:0:127.0.0.1",
                         *args, *apps, **options)
        self.port = int(re.search(r"ptcp:(\d+):", self.wait_line("ready on ")).group(1))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.stop()
        if kind is None:
            check_equal(0, status, "exit status\n" + "\n".join(self.lines[-30:]))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def switch(self, *args, **options):
        return Switch(self, *args, **options)

    def ask(self, *args):
        """The standard output of 'status'."""
        code, out, err = run("--socket", self.status_path, *args)
        check_equal((0, ""), (code, err), f"exit status and errors of: status {' '.join(args)}")
        return out

    def json(self, *args):
        return json.loads(self.ask("--json", *args))

    def talk(self):
        """A connection of somebody who asks without our program."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(GUARD_S)
        sock.connect(self.status_path)
        return sock


def run(*args, **options):
    """Exit status, standard output and standard error of 'status'."""
    return run_subcommand("status", *args, **options)


def run_subcommand(*args, **options):
    done = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=GUARD_S,
                          stdin=subprocess.DEVNULL, check=False, **options)
    return done.returncode, done.stdout, done.stderr


def read_all(sock):
    data = b""
    while True:
        try:
            more = sock.recv(1 << 20)
        except ConnectionResetError:
            more = b""
        except TimeoutError as error:
            raise Failed("the controller neither answers nor ends the connection") from error
        if not more:
            return data
        data += more


def answer(sock, question):
    """What comes to a question, as JSON."""
    sock.sendall(question)
    text = read_all(sock)
    check(text.endswith(b"\n") and text.count(b"\n") == 1, f"not one line: {text[-100:]}")
    return json.loads(text)


# --- Switches ---

def port(number, name=None, config=0, state=0, current=0x20 | 0x80):
    return struct.pack("!H6s16sIIIIII", number, bytes((2, 0, 0, 0, 1, number & 255)), name or b"p%d" % number, config,
                       state, current, 0, 0, 0)


def table(number, name, active):
    return struct.pack("!B3x32sIIIQQ", number, name, 0x3fffff, 1000, active, 70, 60)


class Switch(Peer):
    """A switch that the test plays in a thread of its own: it answers what it is asked and counts what comes."""

    def __init__(self, controller, dpid=1, ports=(port(1), port(2), port(3)), tables=(table(0, b"exact", 5),),
                 capabilities=FLOW_STATS | TABLE_STATS):
        """'tables' None: it never answers a question for them; "refused": with an error."""
        self.sending = threading.Lock()
        super().__init__(controller.connect())
        self.dpid, self.ports, self.tables, self.capabilities = dpid, ports, tables, capabilities
        self.counts = {}
        self.links = {}  # port -> (switch, port): what goes out here comes in there
        self.is_up = threading.Event()
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.play, daemon=True)
        self.thread.start()
        check(self.is_up.wait(GUARD_S), "the handshake does not come to its end")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Wakes the thread, too."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the controller has ended it
        self.thread.join(GUARD_S)
        super().close()

    def play(self):
        try:
            while True:
                got = self.receive()
                if got is None:
                    return
                self.handle(*got)
        except (OSError, Failed):
            return

    def send(self, data):
        with self.sending:
            super().send(data)

    def link(self, number, other, other_number):
        """A cable, for what is sent with packet-outs."""
        self.links[number] = (other, other_number)
        other.links[other_number] = (self, number)

    def carry(self, body):
        """A packet-out that has its frame with it, to ports that are named."""
        actions = body[8:8 + struct.unpack("!H", body[6:8])[0]]
        frame = body[8 + len(actions):]
        for place in range(0, len(actions), 8):
            action, length, out = struct.unpack("!HHH", actions[place:place + 6])
            if (action, length) == (0, 8) and frame and out in self.links:
                other, number = self.links[out]
                other.send(packet_in(frame, in_port=number))

    def handle(self, kind, xid, body):
        if kind == FEATURES_REQUEST:
            body = struct.pack("!QIB3xII", self.dpid, 256, 1, self.capabilities, 0xfff) + b"".join(self.ports)
            self.send(message(FEATURES_REPLY, body, xid))
        elif kind == SET_CONFIG:
            self.is_up.set()
        elif kind == ECHO_REQUEST:
            self.send(message(ECHO_REPLY, body, xid))
        elif kind == STATS_REQUEST:
            self.tell_stats(xid, body)
        elif kind == PACKET_OUT:
            self.carry(body)
        with self.changed:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.changed.notify_all()

    def tell_stats(self, xid, body):
        kind = struct.unpack("!H", body[:2])[0]
        if kind == OFPST_FLOW:
            self.send(message(STATS_REPLY, struct.pack("!HH", OFPST_FLOW, 0), xid))
        elif kind == OFPST_TABLE and self.tables == "refused":
            self.send(message(ERROR, struct.pack("!HH", 1, 2) + message(STATS_REQUEST, body, xid), xid))
        elif kind == OFPST_TABLE and self.tables is not None:
            for place, entry in enumerate(self.tables):  # a part of the reply each
                more = place + 1 < len(self.tables)
                self.send(message(STATS_REPLY, struct.pack("!HH", OFPST_TABLE, more) + entry, xid))

    def wait_count(self, kind, count):
        """Until so many messages of 'kind' have come since the beginning."""
        with self.changed:
            came = self.changed.wait_for(lambda: self.counts.get(kind, 0) >= count, GUARD_S)
        check(came, f"{self.counts.get(kind, 0)} messages of type {kind} instead of {count}")

    def hear(self, number, in_port):
        """A frame of station 'number' comes in; it goes nowhere that is known."""
        self.send(packet_in(ethernet("02:ff:ff:ff:ff:ff", mac(number), 0x88b5, b""), in_port=in_port))

    def hear_stations(self, count):
        """The same of 'count' stations; returns when all have been learned."""
        for first in range(0, count, 1000):
            self.send(b"".join(packet_in(ethernet("02:ff:ff:ff:ff:ff", mac(first + n), 0x88b5, b"")) for n in range(1000)))
        self.wait_count(PACKET_OUT, count)


def mac(number):
    return ":".join(f"{byte:02x}" for byte in (2, 0, *number.to_bytes(4, "big")))
