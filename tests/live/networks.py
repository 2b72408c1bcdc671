"""What the tests of whole networks share: hosts in namespaces, what they do, and a switch between them.

A host is a network namespace with one interface, eth0, an address, and the system's own ARP, ICMP and TCP. A Network
is hosts wired to ports p1, p2, ... in one more namespace, where switches and controllers run. What else a test needs is
left to it.
"""

import contextlib
import hashlib
import itertools
import os
import random
import re
import select
import socket
import struct
import subprocess
import threading
import time

import live
from live import GUARD_S, Failed, check, check_equal

BLOCK_BYTES = 1000000
TRANSFER_BLOCKS = 100
TRANSFER_PORT = 5001
CONTROLLER = "tcp:127.0.0.1:6653"
LISTENER = "ptcp:6653:127.0.0.1"


# --- Hosts and what they do ---

identifiers = itertools.count(1)  # of pings


class Host:
    """A network namespace with one interface, eth0, and an address."""

    def __init__(self, number, address=None, name=None, prefix=24):
        self.number = number
        self.name = name or f"h{number}"
        self.address = address or f"10.0.0.{number}"
        self.prefix = prefix
        self.mac = f"02:00:00:00:00:{number:02x}"
        self.namespace = live.Namespace()

    def wire(self, switch_namespace, port):
        live.veth(self.namespace, "eth0", self.mac, switch_namespace, port, f"02:00:00:00:01:{self.number:02x}")
        self.namespace.ip(f"address add {self.address}/{self.prefix} dev eth0")


def ping(source, target, count=3, guard_s=GUARD_S):
    """Echo requests of which each must be answered by 'target', once."""
    with source.namespace:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with sock:
        sock.settimeout(guard_s)
        identifier = next(identifiers)
        for sequence in range(count):
            body = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence) + b"flowbed" * 8
            sock.sendto(body[:2] + struct.pack("!H", live.checksum(body)) + body[4:], (target.address, 0))
            while True:
                try:
                    packet, sender = sock.recvfrom(2048)
                except TimeoutError as error:
                    raise Failed(f"{source.name} got no reply from {target.name} to ping {sequence}") from error
                reply = packet[(packet[0] & 15) * 4:]
                if reply[0] == 0 and struct.unpack("!HH", reply[4:8]) == (identifier, sequence):
                    check_equal((target.address, body[8:]), (sender[0], reply[8:]), "the reply")
                    break


def ping_all(hosts):
    for source in hosts:
        for target in hosts:
            if source is not target:
                ping(source, target)


class Transfer:
    """One TCP connection on which 'source' sends blocks to one of 'targets', which own the same address; it adds them
    up. 'gates' are counts of blocks after which the sender waits for go_on()."""

    base = random.Random(1).randbytes(BLOCK_BYTES)

    def __init__(self, source, *targets, blocks=TRANSFER_BLOCKS, gates=()):
        self.blocks = blocks
        self.gates = {gate: threading.Event() for gate in gates}
        self.received_bytes = 0
        self.news = threading.Condition()
        self.errors = []
        self.digests = [hashlib.sha256(), hashlib.sha256()]
        self.address = (targets[0].address, TRANSFER_PORT)
        self.listeners = []
        for target in targets:
            with target.namespace:
                self.listeners.append(socket.create_server(self.address))
        with source.namespace:
            self.sender = socket.socket()
        self.sender.settimeout(GUARD_S)
        self.began = time.monotonic()
        self.ended = None
        self.threads = [threading.Thread(target=self._guarded, args=(work,), daemon=True)
                        for work in (self._receive, self._send)]
        for thread in self.threads:
            thread.start()

    def _guarded(self, work):
        try:
            work()
        except OSError as error:
            with self.news:
                self.errors.append(f"{work.__name__}: {error}")
                self.news.notify_all()

    def _send(self):
        with self.sender as sender:
            sender.connect(self.address)
            for number in range(self.blocks):
                gate = self.gates.get(number)
                if gate and not gate.wait(GUARD_S):
                    raise OSError(f"nobody opened the gate before block {number}")
                block = self.base[number:] + self.base[:number]
                self.digests[0].update(block)
                sender.sendall(block)

    def _accept(self):
        """The connection, at the target that it comes to."""
        ready, _, _ = select.select(self.listeners, [], [], GUARD_S)
        if not ready:
            raise OSError("no connection came")
        connection, _ = ready[0].accept()
        for listener in self.listeners:
            listener.close()
        return connection

    def _receive(self):
        with self._accept() as connection:
            connection.settimeout(GUARD_S)
            while True:
                data = connection.recv(1 << 18)
                if not data:
                    break
                self.digests[1].update(data)
                with self.news:
                    self.received_bytes += len(data)
                    self.news.notify_all()
            self.ended = time.monotonic()

    def wait_blocks(self, count):
        """Wait until so many blocks have arrived."""
        with self.news:
            arrived = self.news.wait_for(lambda: self.errors or self.received_bytes >= count * BLOCK_BYTES, GUARD_S)
            check(arrived and not self.errors, f"{self.received_bytes} bytes arrived; {self.errors}")

    def go_on(self, gate):
        self.gates[gate].set()

    def finish(self):
        """Wait for the end; all must have arrived as it was sent. Returns bytes a second."""
        for thread in self.threads:
            while thread.is_alive():
                before = self.received_bytes
                thread.join(GUARD_S)
                check(not thread.is_alive() or self.received_bytes > before, f"stalled after {before} bytes")
        check(not self.errors, f"{self.errors}")
        check_equal(self.blocks * BLOCK_BYTES, self.received_bytes, "bytes that arrived")
        check_equal(self.digests[0].hexdigest(), self.digests[1].hexdigest(), "their digest")
        return self.received_bytes / (self.ended - self.began)


def pattern(length):
    """Bytes in which nothing comes back soon."""
    return (Transfer.base * (length // BLOCK_BYTES + 1))[:length]


def speed(bytes_per_s):
    return f"{bytes_per_s * 8 / 1e6:,.0f} Mbit/s"


# --- Networks ---

class Network(contextlib.ExitStack):
    """Hosts at one switch, and whatever else a test starts; all ends with the 'with' block."""

    count = 0

    def __init__(self, build, scratch, hosts=None):
        super().__init__()
        Network.count += 1
        self.build = build
        self.folder = os.path.join(scratch, f"network{Network.count}")
        os.makedirs(self.folder)
        self.namespace = live.Namespace()
        self.hosts = hosts or [Host(number) for number in range(1, 4)]
        self.ports = [f"p{host.number}" for host in self.hosts]
        for host, port in zip(self.hosts, self.ports):
            host.wire(self.namespace, port)
        self.switch = None

    def __exit__(self, kind, error, trace):
        """Why a test failed tells more than how the programs ended after that."""
        try:
            return super().__exit__(kind, error, trace)
        except Failed:
            if error:
                raise error from None
            raise

    def start(self, kind):
        """A switch that connects to CONTROLLER: "Open vSwitch" or "flowbed-switch"."""
        if kind == "Open vSwitch":
            self.start_open_vswitch(CONTROLLER)
        else:
            self.start_switch(CONTROLLER)

    def start_switch(self, *args, ports=None, dpid=1):
        self.switch = live.FlowbedSwitch(self.build, f"{self.folder}/switch{dpid}", self.namespace,
                                         ports or self.ports, "--backoff", "100ms,200ms", *args, dpid=dpid)
        self.callback(self.switch.stop)

    def start_open_vswitch(self, controller=None, fail_mode="secure"):
        self.switch = live.OpenVSwitch(f"{self.folder}/ovs", self.namespace, self.ports, controller=controller,
                                       fail_mode=fail_mode)
        self.callback(self.switch.stop)

    def start_controller(self, *apps):
        """Ours; it has ended in order when the network ends, unless it was killed."""
        controller = live.FlowbedController(self.build, self.namespace, "-l", LISTENER, *apps)
        self.callback(controller.stop)
        return controller

    def start_testcontroller(self, *options):
        process = live.Process("ovs-testcontroller", *options, LISTENER, namespace=self.namespace,
                               env=dict(os.environ, OVS_RUNDIR=self.folder))
        self.callback(process.stop)
        return process

    def wait_forwarding(self):
        """Until a controller that says nothing of itself has taken over: a ping comes back."""
        source, target = self.hosts[:2]

        def answered():
            try:
                ping(source, target, count=1, guard_s=0.2)
                return True
            except Failed:
                return False
        live.wait_until(answered, "the first ping to be answered")

    def ofctl(self, command, *args):
        return subprocess.run(["ovs-ofctl", "-O", "OpenFlow10", command, self.switch.management, *args], check=True,
                              capture_output=True, text=True, timeout=GUARD_S).stdout

    def flows(self):
        return self.ofctl("dump-flows")

    def frames_in(self, port):
        """Frames that have come in by a port."""
        return int(re.search(r"rx pkts=(\d+)", self.ofctl("dump-ports", str(port)))[1])

    def wait_flows(self, pattern, count):
        """Until dump-flows shows so many entries with 'pattern'; returns what it shows."""
        def shown():
            flows = self.flows()
            return flows if len(re.findall(pattern, flows)) >= count else None
        return live.wait_until(shown, lambda: f"{count} entries with {pattern}; there are\n{self.flows()}")


def exchange(source, target, bytes_count=20000):
    """A TCP connection that is used both ways."""
    with target.namespace:
        listener = socket.create_server((target.address, 0))
    with source.namespace:
        client = socket.socket()
    with listener, client:
        listener.settimeout(GUARD_S)
        client.settimeout(GUARD_S)
        client.connect(listener.getsockname())
        server, address = listener.accept()
        check_equal(source.address, address[0], "who connects")
        with server:
            server.settimeout(GUARD_S)
            for sender, receiver in ((client, server), (server, client)):
                data = random.Random(source.number).randbytes(bytes_count)
                sender.sendall(data)
                got = b""
                while len(got) < len(data):
                    more = receiver.recv(1 << 16)
                    check(more, f"the connection ended after {len(got)} bytes")
                    got += more
                check(got == data, "what arrived is not what was sent")


