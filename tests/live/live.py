"""What the live tests share: results in TAP, network namespaces, processes, private switches and
controllers.

Nothing here outlives the test that uses it, however that ends. A network namespace has no name: it
is an open descriptor of the test and goes when the last process in it and the test are gone. A
process that a test starts gets SIGKILL from the system when the test dies. What is left is a folder
of mktemp, which is removed when the test ends in an orderly way, by a signal too.

Waiting is for an event: a line that a process writes, a frame, a reply, a state. GUARD_S only ends
what would otherwise wait for ever, and then the test fails; nothing is measured against it.
"""

import atexit
import ctypes
import errno
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

GUARD_S = 30

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """What a test expected did not come; the text says what did."""


def check(condition, what):
    if not condition:
        raise Failed(what)


def check_equal(expected, happened, what):
    check(expected == happened, f"{what}\nexpected  {expected}\nhappened  {happened}")


# --- Results ---

class Tap:
    """Runs tests, functions whose names are sentences, and prints TAP."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def run(self, test, *args, name=None):
        """Call 'test'; it holds unless it raises. A helper that is missing is a failure too."""
        name = name or test.__name__
        try:
            test(*args)
        except Exception as error:  # pylint: disable=broad-except
            self.failed += 1
            self._tell(f"not ok {self.count + 1} - {name}")
            self.note(str(error) if isinstance(error, Failed) else traceback.format_exc())
        else:
            self._tell(f"ok {self.count + 1} - {name}")

    def _tell(self, line):
        self.count += 1
        print(line, flush=True)

    def note(self, text):
        for line in text.splitlines():
            print(f"# {line}", flush=True)

    def skip_all(self, reason):
        """Nothing can be tested here; ends the program."""
        print(f"1..1\nok 1 - all # SKIP {reason}", flush=True)
        sys.exit(0)

    def done(self):
        """Print the plan and end the program: 0 when all tests held."""
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed or not self.count else 0)


def wait_until(condition, what, guard_s=GUARD_S):
    """Ask 'condition' until it gives something true, and return that. For what no event tells."""
    deadline = time.monotonic() + guard_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Failed(f"waited {guard_s} s for {what() if callable(what) else what}")
        time.sleep(0.01)


def scratch_dir():
    """A folder that goes when the test ends; signals that end the test become exceptions."""
    path = tempfile.mkdtemp(prefix="flowbed-live.")
    owner = os.getpid()

    def remove():
        if os.getpid() == owner:
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda n, _frame: sys.exit(128 + n))
    return path


# --- Network namespaces ---

class Namespace:
    """A network namespace of its own, with lo up and without IPv6, so that nobody speaks in it
    unasked."""

    def __init__(self):
        ready, child_ready = socket.socketpair()
        child = os.fork()
        if child == 0:
            self._hold(ready, child_ready)
        child_ready.close()
        try:
            said = ready.recv(200).decode()
            if said != "ok":
                raise OSError(said or "the namespace's process ended")
            self.fd = os.open(f"/proc/{child}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            ready.close()
            os.waitpid(child, 0)
        self.ip("link set lo up")

    @staticmethod
    def _hold(ready, child_ready):
        """In the child: make the namespace and live until the parent has opened it."""
        try:
            ready.close()
            if _libc.unshare(_CLONE_NEWNET) != 0:
                raise OSError(os.strerror(ctypes.get_errno()))
            for scope in ("all", "default"):
                path = f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"
                if os.path.exists(path):
                    with open(path, "w", encoding="ascii") as switch:
                        switch.write("1")
            child_ready.send(b"ok")
            child_ready.recv(1)
        except OSError as error:
            child_ready.send(f"no network namespace can be made: {error}".encode())
        finally:
            os._exit(0)

    def enter(self):
        """Move the calling thread into the namespace."""
        if _libc.setns(self.fd, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def __enter__(self):
        """For a 'with' block: sockets that are made in it belong to the namespace for good."""
        self.outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.enter()
        return self

    def __exit__(self, *_):
        outside, self.outside = self.outside, -1
        result = _libc.setns(outside, _CLONE_NEWNET)
        os.close(outside)
        if result != 0:
            os._exit(3)  # nothing that follows would be where it should be

    def run(self, *args, **options):
        """Run a program in the namespace; returns its standard output, raises when it fails."""
        done = subprocess.run(args, preexec_fn=self.enter, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=GUARD_S, check=False, **options)
        check(done.returncode == 0, f"{' '.join(args)}: {done.stderr or done.returncode}")
        return done.stdout

    def ip(self, arguments):
        return self.run("ip", *arguments.split())

    def close(self):
        os.close(self.fd)


def unshare(what):
    """Give the calling thread namespaces of its own, of the kinds 'what'."""
    if _libc.unshare(what) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def set_hostname(name):
    """In the calling thread's UTS namespace, which must not be that of the system."""
    if _libc.sethostname(name, len(name)) != 0:
        raise OSError(ctypes.get_errno(), "sethostname")


def namespaces_or_reason():
    """None where network namespaces can be made and wired, else why not."""
    if os.geteuid() != 0:
        return "not root"
    try:
        namespace = Namespace()
    except OSError as error:
        return str(error)
    try:
        namespace.ip("link add try0 type veth peer name try1")
    except (Failed, OSError) as error:
        return f"no veth pair can be made: {error}"
    finally:
        namespace.close()
    return None


def veth(near, near_name, near_mac, far, far_name, far_mac):
    """A cable between two namespaces (which may be one), both ends up, offloads off at both: what
    is handed from a stack to the other end must be what a wire would carry."""
    target = "" if near is far else f" netns /proc/{os.getpid()}/fd/{far.fd}"
    near.ip(f"link add {near_name} address {near_mac} type veth "
            f"peer name {far_name} address {far_mac}{target}")
    for namespace, name in ((near, near_name), (far, far_name)):
        namespace.ip(f"link set {name} up")
    for namespace, name in ((near, near_name), (far, far_name)):
        namespace.run("ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off")


# --- Processes ---

class Process:
    """A program that runs until it is stopped; the lines that it writes can be waited for."""

    def __init__(self, *args, namespace=None, env=None, cwd=None):
        def prepare():
            if namespace:
                namespace.enter()
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

        self.args = args
        self.lines = []
        self.read = 0  # lines before this place have been waited for
        self.news = threading.Condition()
        self.ended = False
        self.popen = subprocess.Popen(args, preexec_fn=prepare, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      env=env, cwd=cwd)
        self.pid = self.popen.pid
        self.reader = threading.Thread(target=self._collect, daemon=True)
        self.reader.start()

    def _collect(self):
        for line in self.popen.stdout:
            with self.news:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def wait_line(self, pattern, guard_s=GUARD_S):
        """The next line, after the last that was waited for, that 'pattern' is found in."""
        deadline = time.monotonic() + guard_s
        with self.news:
            while True:
                while self.read < len(self.lines):
                    self.read += 1
                    if re.search(pattern, self.lines[self.read - 1]):
                        return self.lines[self.read - 1]
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    raise Failed(f"{self.args[0]} {'ended' if self.ended else 'did not write'} "
                                 f"without a line like {pattern}; its last lines:\n"
                                 + "\n".join(self.lines[-15:]))
                self.news.wait(left)

    def lines_now(self):
        with self.news:
            return list(self.lines)

    def stop(self, number=signal.SIGTERM):
        """Send a signal and wait for the end; returns the exit status as subprocess tells it."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.join()

    def kill(self):
        return self.stop(signal.SIGKILL)

    def join(self):
        try:
            status = self.popen.wait(GUARD_S)
        except subprocess.TimeoutExpired as error:
            self.popen.kill()
            self.popen.wait()
            raise Failed(f"{self.args[0]} did not end; its last lines:\n"
                         + "\n".join(self.lines_now()[-15:])) from error
        self.reader.join(GUARD_S)
        return status


def wait_for_socket(path, process):
    """Wait until 'process' listens on the Unix socket 'path'. That its file is there is not enough."""
    def listened_on():
        if process.ended:
            raise Failed(f"{process.args[0]} ended; its last lines:\n"
                         + "\n".join(process.lines_now()[-15:]))
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(path) == 0
    wait_until(listened_on, path)


# --- Switches ---

class OpenVSwitch:
    """A private ovs-vswitchd with its userspace datapath, and its database, in one folder. It has
    one bridge, br0, that speaks OpenFlow 1.0 only, with 'ports' numbered from 1; and those that are
    added."""

    # For a millisecond or two after a flow-mod, packets go on as before: its caches need so long.
    lags = True

    def __init__(self, folder, namespace, ports, dpid=1, controller=None, fail_mode="secure",
                 queues=()):
        """'queues' are triples: a port's name, a queue's number, its least rate in percent."""
        self.folder = folder
        self.namespace = namespace
        self.ports = ports
        self.management = f"unix:{folder}/br0.mgmt"
        self.snooping = f"unix:{folder}/br0.snoop"
        os.makedirs(folder)
        self.env = dict(os.environ, OVS_RUNDIR=folder, OVS_LOGDIR=folder, OVS_DBDIR=folder)
        quiet = ("-vconsole:off", "-vsyslog:off", "--no-chdir")
        subprocess.run(["ovsdb-tool", "create", f"{folder}/conf.db",
                        "/usr/share/openvswitch/vswitch.ovsschema"], check=True)
        self.database = Process("ovsdb-server", *quiet, f"--unixctl={folder}/db.ctl",
                                f"--remote=punix:{folder}/db.sock", f"{folder}/conf.db",
                                namespace=namespace, env=self.env)
        wait_for_socket(f"{folder}/db.sock", self.database)
        self._vsctl("--no-wait", "init")
        self.process = Process("ovs-vswitchd", *quiet, f"--log-file={folder}/ovs-vswitchd.log",
                               f"--unixctl={folder}/ctl", f"unix:{folder}/db.sock",
                               namespace=namespace, env=self.env)
        self.add_bridge("br0", ports, dpid, controller, fail_mode)
        if queues:
            self._add_queues(queues)

    def _vsctl(self, *args):
        subprocess.run(["ovs-vsctl", f"--db=unix:{self.folder}/db.sock", f"--timeout={GUARD_S}",
                        *args], check=True, env=self.env, stdout=subprocess.DEVNULL)

    def add_bridge(self, name, ports, dpid, controller=None, fail_mode="secure"):
        """Returns where it is managed."""
        args = ["add-br", name, "--", "set", "bridge", name, "datapath_type=netdev",
                "protocols=OpenFlow10", f"fail-mode={fail_mode}", "other-config:disable-in-band=true",
                f"other-config:datapath-id={dpid:016x}"]
        for number, port in enumerate(ports, 1):
            args += ["--", "add-port", name, port,
                     "--", "set", "interface", port, f"ofport_request={number}"]
        if controller:
            args += ["--", "set-controller", name, controller,
                     "--", "set", "controller", name, "max_backoff=1000"]  # ms: as often as it can
        self._vsctl(*args)
        wait_for_socket(f"{self.folder}/{name}.mgmt", self.process)
        return f"unix:{self.folder}/{name}.mgmt"

    def del_bridge(self, name):
        self._vsctl("del-br", name)

    def add_patch(self, bridge, port, number, peer):
        """A patch port; 'peer' is the name of the one at the other end, which may come later."""
        self._vsctl("add-port", bridge, port, "--", "set", "interface", port, "type=patch",
                    f"options:peer={peer}", f"ofport_request={number}")

    def del_port(self, bridge, port):
        self._vsctl("del-port", bridge, port)

    def _add_queues(self, queues):
        """By the system's HTB, on ports of 10 Gbit/s, which is what veth interfaces say of
        themselves."""
        percent = 10**8
        args = []
        for port in sorted({port for port, _, _ in queues}):
            own = [(number, rate) for name, number, rate in queues if name == port]
            args += ["--", "set", "port", port, f"qos=@{port}",
                     "--", f"--id=@{port}", "create", "qos", "type=linux-htb",
                     f"other-config:max-rate={100 * percent}",
                     *(f"queues:{number}=@{port}-{number}" for number, _ in own)]
            for number, rate in own:
                args += ["--", f"--id=@{port}-{number}", "create", "queue",
                         f"other-config:min-rate={rate * percent}"]
        self._vsctl(*args[1:])

    def appctl(self, *args):
        return subprocess.run(["ovs-appctl", "-t", f"{self.folder}/ctl", *args], check=True,
                              env=self.env, capture_output=True, text=True, timeout=GUARD_S).stdout

    def settle(self):
        """Let the flow table's counters take up what its caches have counted."""
        self.appctl("revalidator/purge")

    def wait_in_force(self):
        """Until packets meet what the table says now."""
        self.appctl("revalidator/wait")

    def wait_lost(self, bridge="br0"):
        """Until it has noticed that its controller has gone."""
        def lost():
            with open(f"{self.folder}/ovs-vswitchd.log", encoding="utf-8") as log:
                said = re.findall(rf"{bridge}<->tcp:\S+: (connected|connection \w+)", log.read())
            return said and said[-1] != "connected"
        wait_until(lost, "Open vSwitch to lose its controller")

    def stop(self):
        self.process.stop()
        self.database.stop()


class FlowbedSwitch:
    """flowbed-switch with management and snooping sockets in one folder."""

    lags = False

    def __init__(self, build, folder, namespace, ports, *args, dpid=1, queues=()):
        """'queues' as for OpenVSwitch; 'args' are more arguments, controllers for one."""
        self.folder = folder
        self.namespace = namespace
        self.ports = ports
        self.management = f"unix:{folder}/management"
        self.snooping = f"unix:{folder}/snoop"
        os.makedirs(folder)
        options = ["-i", ",".join(ports)] if ports else []
        for port, number, rate in queues:
            options += ["--queue", f"{port}:{number}:{rate}%"]
        self.process = Process(os.path.join(build, "flowbed-switch"), *options,
                               f"--dpid={dpid:#x}", "--listen", f"punix:{folder}/management",
                               "--snoop", f"punix:{folder}/snoop", *args, namespace=namespace)
        self.process.wait_line(r"\bready\b")

    def settle(self):
        """Counters are in force at once."""

    def wait_in_force(self):
        """So is the table."""

    def wait_lost(self):
        """Until it has noticed that its controller has gone."""
        def lost():
            said = [line for line in self.process.lines_now() if "connected" in line]
            return said and "not connected" in said[-1]
        wait_until(lost, "flowbed-switch to lose its controller")

    def stop(self):
        """It must drain and exit with 0, whatever was done to it."""
        status = self.process.stop()
        check(status == 0, f"flowbed-switch ended with {status}:\n"
              + "\n".join(self.process.lines_now()[-40:]))


# --- Controllers ---

class FlowbedController:
    """flowbed-controller with options and applications as 'args'; it listens when this returns."""

    def __init__(self, build, namespace, *args):
        self.process = Process(os.path.join(build, "flowbed-controller"), *args,
                               namespace=namespace)
        self.killed = False
        self.ready = self.process.wait_line(r"\bready on\b")

    def wait_switch(self):
        """The next switch that has joined."""
        return self.process.wait_line(r"\bswitch is up\b")

    def kill(self):
        self.killed = True
        self.process.kill()

    def stop(self):
        """It must drain and exit with 0, whatever was done to it."""
        status = self.process.stop()
        check(status == 0 or self.killed, f"flowbed-controller ended with {status}:\n"
              + "\n".join(self.process.lines_now()[-40:]))


# --- Frames ---

class Tapped:
    """The far end of a switch's port: frames go in and come out as they are on the wire."""

    def __init__(self, namespace, name):
        with namespace:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind((name, 0))
        self.socket.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA: VLAN tags
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
        self.name = name

    def send(self, frame):
        self.socket.send(frame)

    def receive(self, guard_s=GUARD_S):
        """The next frame from the switch; None when none comes."""
        deadline = time.monotonic() + guard_s
        while True:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data, ancillary, _, address = self.socket.recvmsg(65536, 256)
            except TimeoutError:
                return None
            except OSError as error:  # told once after the link went down
                if error.errno != errno.ENETDOWN:
                    raise
                continue
            if address[2] != socket.PACKET_OUTGOING:
                return self._tagged(data, ancillary)

    @staticmethod
    def _tagged(data, ancillary):
        """Put the tag, which the system takes out of the frame, back."""
        for level, kind, value in ancillary:
            if level == 263 and kind == 8:
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", value[:20])
                if status & 0x10:
                    return data[:12] + struct.pack("!HH", tpid or 0x8100, tci) + data[12:]
        return data

    def pending(self):
        """What has come so far."""
        frames = []
        while True:
            frame = self.receive(0.001)
            if frame is None:
                return frames
            frames.append(frame)


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ethernet(destination, source, kind, payload, vlan=None):
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    frame = mac_bytes(destination) + mac_bytes(source) + tag + struct.pack("!H", kind) + payload
    return frame.ljust(60, b"\0")


def ipv4(source, destination, protocol, payload, tos=0, fragment=0, identification=1):
    """An IPv4 packet; 'fragment' is the field of flags and offset."""
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    length = 20 + len(payload)
    head = struct.pack("!BBHHHBBH", 0x45, tos, length, identification, fragment, 64, protocol, 0)
    return head[:10] + struct.pack("!H", checksum(head + addresses)) + addresses + payload


def _pseudo(source, destination, protocol, segment):
    return socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack(
        "!BBH", 0, protocol, len(segment)) + segment


def udp(source, destination, source_port, destination_port, payload=b"", tos=0):
    head = struct.pack("!HHH", source_port, destination_port, 8 + len(payload))
    total = checksum(_pseudo(source, destination, 17, head + b"\0\0" + payload)) or 0xffff
    return ipv4(source, destination, 17, head + struct.pack("!H", total) + payload, tos)


def tcp(source, destination, source_port, destination_port, payload=b"", tos=0, flags=2):
    head = struct.pack("!HHIIBBH", source_port, destination_port, 1, 0, 0x50, flags, 8192)
    total = checksum(_pseudo(source, destination, 6, head + b"\0\0\0\0" + payload))
    return ipv4(source, destination, 6, head + struct.pack("!HH", total, 0) + payload, tos)


def icmp(source, destination, kind, code=0, payload=b"\0\1\0\1"):
    body = struct.pack("!BBH", kind, code, 0) + payload
    total = checksum(body)
    return ipv4(source, destination, 1, body[:2] + struct.pack("!H", total) + body[4:])


def arp(operation, sender_mac, sender, target_mac, target):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + mac_bytes(
        sender_mac) + socket.inet_aton(sender) + mac_bytes(target_mac) + socket.inet_aton(target)


# --- A controller in the test's hands ---

(OFPT_HELLO, OFPT_ERROR, OFPT_ECHO_REQUEST, OFPT_ECHO_REPLY, OFPT_VENDOR, OFPT_FEATURES_REQUEST,
 OFPT_FEATURES_REPLY, OFPT_GET_CONFIG_REQUEST, OFPT_GET_CONFIG_REPLY, OFPT_SET_CONFIG, OFPT_PACKET_IN,
 OFPT_FLOW_REMOVED, OFPT_PORT_STATUS, OFPT_PACKET_OUT, OFPT_FLOW_MOD, OFPT_PORT_MOD,
 OFPT_STATS_REQUEST, OFPT_STATS_REPLY, OFPT_BARRIER_REQUEST, OFPT_BARRIER_REPLY) = range(20)
OFPFC_ADD, OFPFC_MODIFY, OFPFC_MODIFY_STRICT, OFPFC_DELETE, OFPFC_DELETE_STRICT = range(5)
OFPFF_SEND_FLOW_REM = 1
OFPFW_ALL = 0x3fffff
OFPFW_IN_PORT = 1
OFPP_FLOOD = 0xfffb
OFPP_NONE = 0xffff
NO_BUFFER = 0xffffffff


class Controller:
    """Listens in a namespace for switches that connect."""

    def __init__(self, namespace, address="127.0.0.1", port=6653):
        with namespace:
            self.listener = socket.create_server((address, port))
        self.listener.settimeout(GUARD_S)
        self.name = f"tcp:{address}:{port}"

    def accept(self):
        try:
            return ControlConnection(self.listener.accept()[0])
        except TimeoutError as error:
            raise Failed(f"no switch came to {self.name}") from error

    def close(self):
        self.listener.close()


class ControlConnection:
    """The controller's end of one connection with a switch."""

    def __init__(self, connected):
        self.socket = connected
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.xid = 0
        self.others = []  # messages that came while another was expected
        self.dpid = None

    def send(self, kind, body=b"", xid=None):
        if xid is None:
            self.xid += 1
            xid = self.xid
        self.socket.sendall(struct.pack("!BBHI", 1, kind, 8 + len(body), xid) + body)
        return xid

    def receive(self, guard_s=GUARD_S):
        """The next message as (type, xid, body); echo requests are answered and not told."""
        while True:
            if len(self.pending) >= 8:
                _, kind, length, xid = struct.unpack("!BBHI", self.pending[:8])
                if len(self.pending) >= length:
                    body, self.pending = self.pending[8:length], self.pending[length:]
                    if kind != OFPT_ECHO_REQUEST:
                        return kind, xid, body
                    self.send(OFPT_ECHO_REPLY, body, xid)
                    continue
            self.socket.settimeout(guard_s)
            try:
                more = self.socket.recv(1 << 20)
            except TimeoutError as error:
                raise Failed("the switch says nothing") from error
            check(more, "the switch closed its connection")
            self.pending += more

    def expect(self, kind, xid=None):
        """The body of the next message of a type; others are kept in 'others'."""
        for place, (other, other_xid, body) in enumerate(self.others):
            if other == kind and xid in (None, other_xid):
                del self.others[place]
                return body
        deadline = time.monotonic() + GUARD_S
        while True:
            message = self.receive(max(deadline - time.monotonic(), 0.001))
            if message[0] == kind and xid in (None, message[1]):
                return message[2]
            self.others.append(message)

    def handshake(self, miss_send_len=128):
        self.send(OFPT_HELLO)
        self.expect(OFPT_HELLO)
        body = self.expect(OFPT_FEATURES_REPLY, self.send(OFPT_FEATURES_REQUEST))
        self.dpid = struct.unpack("!Q", body[:8])[0]
        self.send(OFPT_SET_CONFIG, struct.pack("!HH", 0, miss_send_len))
        self.barrier()

    def barrier(self):
        self.expect(OFPT_BARRIER_REPLY, self.send(OFPT_BARRIER_REQUEST))

    def echo(self):
        self.expect(OFPT_ECHO_REPLY, self.send(OFPT_ECHO_REQUEST, b"echo"))

    def flow_mod(self, command=OFPFC_ADD, in_port=None, outputs=(), priority=0x8000, **more):
        """A flow-mod that matches by 'in_port' (None: everything) and outputs to ports."""
        wildcards = OFPFW_ALL if in_port is None else OFPFW_ALL & ~OFPFW_IN_PORT
        match = struct.pack("!IH6s6sHBxHBB2xIIHH", wildcards, in_port or 0, b"", b"", 0, 0, 0, 0, 0,
                            0, 0, 0, 0)
        actions = b"".join(struct.pack("!HHHH", 0, 8, port, 0) for port in outputs)
        self.send(OFPT_FLOW_MOD, match + struct.pack(
            "!QHHHHIHH", more.get("cookie", 0), command, more.get("idle_timeout", 0),
            more.get("hard_timeout", 0), priority, NO_BUFFER, OFPP_NONE,
            more.get("flags", 0)) + actions)

    def close(self):
        self.socket.close()
