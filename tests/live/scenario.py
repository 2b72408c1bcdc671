"""Scenario files on real hosts: the same network, steps and expectations as in the simulation.

A Scenario is read from the file that "flowbed run" runs; a LiveRun sets up its hosts in network namespaces at a real
switch under flowbed-controller, does its steps, and judges its expectations. What the file language has and this does
not know is refused, and never passed over, but for what makes no difference here: pauses between pings, seeds, and the
switch's buffers, which no switch tells of.

Expectations are judged as the manual says, with one difference: a real network says of itself when it is quiet. A
broadcast that is sent when all has been done shows in every capture what came before it (sync()). And how many packets
come to the controller at most is not judged where the switch lags behind its flow table.
"""

import ipaddress
import itertools
import os
import re
import selectors
import socket
import struct
import subprocess
import threading

import yaml

import captures
import live
import networks
from live import GUARD_S, Failed, check, check_equal

SYNC_TYPE = 0x88b5  # "local experimental": no host speaks it
UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "KiB": 1024, "MiB": 1024**2}
OPENFLOW_COUNTS = {"errors": (live.OFPT_ERROR,), "packet_ins": (live.OFPT_PACKET_IN,),
                   "packet_outs": (live.OFPT_PACKET_OUT,), "flow_mods": (live.OFPT_FLOW_MOD,)}
FLOW_MOD_TP_OFS = 44  # tp_src and tp_dst of the match of a struct ofp_flow_mod
HOSTNAME_PORT, ECHO_PORT = 22, 7
CLONE_NEWUTS = 0x04000000


# --- The file ---

class Loader(yaml.SafeLoader):  # pylint: disable=too-many-ancestors
    """Each map knows its line, by the key LINE."""


LINE = "the line"


def construct_map(loader, node):
    return {LINE: node.start_mark.line + 1, **loader.construct_mapping(node, deep=True)}


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct_map)


def take(node, where, **defaults):
    """The values of a map by key, in the order of 'defaults'; a key that is not there is refused."""
    unknown = set(node) - set(defaults) - {LINE}
    check(not unknown, f"{where}:{node.get(LINE)}: the live tests do not know {', '.join(map(str, sorted(unknown)))}")
    return [node.get(key, default) for key, default in defaults.items()]


def bounds(count):
    """The least and the most of a COUNT; None: none."""
    if count == "never":
        return 0, 0
    if isinstance(count, int):
        return count, count
    return count.get("at_least"), count.get("at_most")


def without_most(count):
    """The same without its upper bound."""
    least, _ = bounds(count)
    return {} if least is None else {"at_least": least}


def size_bytes(text):
    """The bytes of a size, as "1MB"; None when 'text' is no size."""
    found = re.fullmatch(r"(\d+)(B|kB|MB|KiB|MiB)", text)
    return int(found[1]) * UNITS[found[2]] if found else None


class Scenario:
    """What a file says: one switch, hosts at ports 1, 2, ..., steps."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as file:
            root = yaml.load(file, Loader)
        self.name, _, _, apps, switches, hosts, links, self.steps, last = take(
            root, path, name=os.path.basename(path), description=None, seed=None, controller=None, switches={},
            hosts={}, links=[], steps=[], expect=None)
        self.steps = self.steps + ([{"expect": last, LINE: last[LINE]}] if last else [])
        self.apps = apps if isinstance(apps, list) else [apps]
        self.hosts = {}  # name: address, prefix, host name
        for name, host in hosts.items():
            if name != LINE:
                self._add_hosts(name, *take(host, path, ip=None, hostname=None))
        ports = [f"{name} -- {switch}:{port}" for switch in switches if switch != LINE
                 for port, name in enumerate(self.hosts, 1)]
        check_equal(ports, links, f"{path}: links of a live network")

    def _add_hosts(self, name, ip, hostname):
        """One host, or a range as "h1..h3", whose addresses count up."""
        first, _, last = name.partition("..")
        letters = first.rstrip("0123456789")
        names = [f"{letters}{number}" for number in range(int(first[len(letters):]), int(last[len(letters):]) + 1)
                 ] if last else [name]
        address = ipaddress.ip_interface(ip if "/" in ip else f"{ip}/24")
        for place, one in enumerate(names):
            self.hosts[one] = (str(address.ip + place), address.network.prefixlen, hostname or one)

    def simulate(self, build, folder, options=()):
        """Run it in the simulation; returns the folder of its captures. They have nothing but what the steps cause: the
        simulation's own pings at the end, by which it judges who reaches whom, are left out."""
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        check("\nproperties:" not in text, f"{self.path}: the live tests do not know properties")
        run = subprocess.run([os.path.join(build, "flowbed"), "run", *options, "--pcap", folder, "-"],
                             input=text + "\nproperties: {reachability: no}\n",
                             capture_output=True, text=True, timeout=GUARD_S, check=False)
        check(run.returncode == 0, f"flowbed run {self.path} ended with {run.returncode}:\n{run.stdout}{run.stderr}")
        return folder


# --- TCP services and their clients ---

class Services:
    """The services 'hostname' and 'echo' of a host, in a thread that has a host name of its own."""

    def __init__(self, host, hostname):
        self.answered = 0
        self.accepted = 0
        self.errors = []
        self.selector = selectors.DefaultSelector()
        self.wake, self.waker = socket.socketpair()
        self.selector.register(self.wake, selectors.EVENT_READ, None)
        with host.namespace:
            for port, service in ((HOSTNAME_PORT, self._hostname), (ECHO_PORT, self._echo)):
                listener = socket.create_server((host.address, port), backlog=1024)
                self.selector.register(listener, selectors.EVENT_READ, (self._accept, service))
        self.thread = threading.Thread(target=self._run, args=(hostname.encode(),), daemon=True)
        self.thread.start()

    def _run(self, hostname):
        try:
            live.unshare(CLONE_NEWUTS)
            live.set_hostname(hostname)
            while self._serve():
                pass
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(str(error))

    def _serve(self):
        """Serve whoever waits; False when it is time to end."""
        for key, _ in self.selector.select():
            if key.data is None:
                return False
            work, service = key.data
            work(key.fileobj, service)
        return True

    def _accept(self, listener, service):
        connection, _ = listener.accept()
        self.accepted += 1
        self.selector.register(connection, selectors.EVENT_READ, (self._receive, [service, 0]))

    def _receive(self, connection, state):
        try:
            data = connection.recv(1 << 16)
            if data and not state[1]:
                self.answered += 1
                state[1] = 1
            if data and state[0](connection, data):
                return
        except OSError as error:
            self.errors.append(str(error))
        self.selector.unregister(connection)
        connection.close()

    @staticmethod
    def _hostname(connection, _data):
        """What the command "uname -n" would write."""
        connection.sendall(os.uname().nodename.encode() + b"\n")
        return False

    @staticmethod
    def _echo(connection, data):
        connection.settimeout(GUARD_S)
        connection.sendall(data)
        return True

    def stop(self):
        self.waker.send(b"x")
        self.thread.join(GUARD_S)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
        self.waker.close()
        check(not self.errors, f"a server failed: {self.errors}")


class Client:
    """One connection: what was sent, what came back, and how it ended."""

    def __init__(self, source, address, send):
        self.source = source
        self.address = address
        self.send = send
        self.sent = 0
        self.reply = b""
        self.outcome = None
        self.port = None
        with source.namespace:
            self.socket = socket.socket()
        self.socket.setblocking(False)

    def begin(self, selector):
        self.socket.connect_ex(self.address)
        self.port = self.socket.getsockname()[1]
        selector.register(self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def go_on(self, selector):
        """Write and read what can be."""
        try:
            error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error))
            self._write(selector)
            self._read()
        except BlockingIOError:
            pass
        except ConnectionRefusedError:
            self.outcome = "refused"
        except ConnectionResetError:
            self.outcome = "reset"
        except OSError as error:
            self.outcome = str(error)
        if self.outcome:
            selector.unregister(self.socket)
            self.socket.close()

    def _write(self, selector):
        if self.sent == len(self.send):
            return
        try:
            self.sent += self.socket.send(self.send[self.sent:self.sent + (1 << 16)])
        except BlockingIOError:
            return
        if self.sent == len(self.send):
            self.socket.shutdown(socket.SHUT_WR)
            selector.modify(self.socket, selectors.EVENT_READ, self)

    def _read(self):
        while True:
            data = self.socket.recv(1 << 16)
            if not data:
                self.outcome = "ok"
                return
            self.reply += data

    @property
    def text(self):
        return self.reply.decode(errors="replace").rstrip("\r\n")


def run_clients(clients):
    """All of them at once, until each has ended."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.begin(selector)
        finish_clients(selector)


def finish_clients(selector):
    """Wait for the end of all that have begun with 'selector'."""
    while selector.get_map():
        ready = selector.select(GUARD_S)
        for key, _ in ready:
            key.data.go_on(selector)
        for key in [] if ready else list(selector.get_map().values()):
            key.data.outcome = "timeout"
            selector.unregister(key.fileobj)
            key.fileobj.close()


class Talk:
    """A connection to a service 'echo' that stays open."""

    def __init__(self, source, address):
        with source.namespace:
            self.socket = socket.socket()
        self.socket.settimeout(GUARD_S)
        self.socket.connect(address)
        self.port = self.socket.getsockname()[1]

    def exchange(self, data):
        """What is sent comes back."""
        self.socket.sendall(data)
        got = b""
        while len(got) < len(data):
            more = self.socket.recv(1 << 16)
            check(more, f"the connection ended after {len(got)} bytes")
            got += more
        check(got == data, "what came back is not what was sent")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


# --- A run ---

class Expected:
    """One expectation that counts something: 'count' gives it since the beginning, 'since' what had been then. One that
    is not 'lasting' is of what there is at its step."""

    def __init__(self, what, count, limits, since=0, lasting=True):
        self.what = what
        self.count = count
        self.limits = limits
        self.since = since
        self.lasting = lasting

    def wait(self, sync):
        """Wait for the lower bound, then judge."""
        least, _ = bounds(self.limits)

        def reached():
            sync()
            return self.count() - self.since >= least
        if least:
            live.wait_until(reached, lambda: self._tell(self.count() - self.since))
        self.judge()

    def judge(self):
        least, most = bounds(self.limits)
        value = self.count() - self.since
        check((least is None or value >= least) and (most is None or value <= most), self._tell(value))

    def _tell(self, value):
        limits = " ".join(f"{key} {limit}" for key, limit in self.limits.items() if key != LINE) if isinstance(
            self.limits, dict) else self.limits
        return f"{self.what}\nexpected  {limits}\nhappened  {value}"


class LiveRun(networks.Network):
    """A scenario's network, and what happens on it."""

    def __init__(self, build, scratch, scenario):
        hosts = [networks.Host(number, address, name, prefix)
                 for number, (name, (address, prefix, _)) in enumerate(scenario.hosts.items(), 1)]
        super().__init__(build, scratch, hosts)
        self.scenario = scenario
        self.by_name = {host.name: host for host in hosts}
        self.services = {}
        self.links = {}
        self.control = None
        self.controller = None
        self.syncs = 0
        self.outcomes = []  # of all connections so far
        self.client_ports = []  # of their clients, in the same order
        self.groups = []    # sizes of runs of conversations, as captures.compare() wants them
        self.marks = {None: self._zero}
        self.at_end = []    # expectations that are judged once more
        self.tap = None

    @staticmethod
    def _zero(_key):
        return 0

    def begin(self, kind):
        """Start everything, with a switch of this kind; it has joined the controller when this returns."""
        self.prepare()
        self.begin_controller()
        self.start(kind)
        self.controller.wait_switch()

    def begin_controller(self):
        self.controller = self.start_controller(*self.scenario.apps)

    def prepare(self):
        """Services and captures."""
        for host in self.hosts:
            self.services[host.name] = Services(host, self.scenario.hosts[host.name][2])
            self.callback(self.services[host.name].stop)
            self.links[host.name] = self._capture(host.namespace, "eth0", host.name, captures.LINK_BYTES)
        for what in ("mtu 1500", "txqueuelen 1000"):
            self.namespace.ip(f"link set lo {what}")
        self.namespace.run("ethtool", "-K", "lo", "tso", "off", "gso", "off", "gro", "off")
        self.control = self._capture(self.namespace, "lo", "control", 0, "tcp", "port", "6653")
        self.tap = live.Tapped(self.hosts[0].namespace, "eth0")

    def _capture(self, namespace, interface, name, *options):
        capture = captures.Capture(namespace, interface, f"{self.folder}/{name}.pcap", *options)
        self.callback(capture.stop)
        return capture

    def sync(self):
        """All that was sent before this is in the captures when it returns."""
        text = self.send_sync()
        for capture in (*self.links.values(), self.control):
            live.wait_until(lambda c=capture: c.contains(text), f"'{text.decode()}' in {capture.path}")

    def send_sync(self):
        self.syncs += 1
        text = f"sync {self.syncs} of flowbed".encode()
        self.tap.send(live.ethernet("ff:ff:ff:ff:ff:ff", self.hosts[0].mac, SYNC_TYPE, text))
        return text

    def conversations(self):
        links = captures.Links({host.name: host.mac for host in self.hosts})
        return links.conversations({name: capture.frames() for name, capture in self.links.items()})

    def messages(self):
        """What switch and controller have said, without what sync() caused, as (from the switch?, type, bytes)."""
        for message in captures.openflow_messages(captures.read(self.control.path)):
            if message[1] not in (live.OFPT_PACKET_IN, live.OFPT_PACKET_OUT) or b" of flowbed" not in message[2]:
                yield message

    def count_told(self, what):
        return sum(kind in OPENFLOW_COUNTS[what] for _, kind, _ in self.messages())

    def count_tcp_told(self, port):
        """Packet-ins that carry segments from or to this port."""
        segments = [captures.segment_of(message[18:]) for _, kind, message in self.messages()
                    if kind == live.OFPT_PACKET_IN]
        return sum(segment is not None and port in segment.key for segment in segments)

    def name_of(self, mac):
        """The host that has 'mac'; None: none has."""
        return next((host.name for host in self.hosts if live.mac_bytes(host.mac) == mac), None)

    def wait_complete(self):
        """Until the captures have the end of all that has begun."""
        self.sync()
        live.wait_until(lambda: all(conversation.is_complete() for conversation in self.conversations()),
                        "the end of all connections in the captures")

    def split_connections(self):
        return captures.split_conversations(self.conversations())

    def run_steps(self):
        """Do all that the file says, and judge; the captures are complete when this returns."""
        for step in self.scenario.steps:
            self._step(step)
        self.wait_complete()
        check_equal(sum(map(abs, self.groups)), len(self.conversations()), "connections and pings in the captures")
        self.sync()
        for expected in self.at_end:
            expected.judge()

    # --- Steps ---

    def _step(self, step):
        repeat, ping, tcp, parallel, mark, expect = take(step, self.scenario.path, repeat=1, ping=None, tcp=None,
                                                         parallel=None, mark=None, expect=None)
        where = f"{self.scenario.path}:{step[LINE]}"
        if ping:
            for _ in range(repeat):
                self._ping(ping, where)
        elif tcp:
            self._tcp([(repeat, tcp)], where, at_once=False)
        elif parallel:
            self._tcp([take(item, self.scenario.path, repeat=1, tcp=None) for item in parallel], where, at_once=True)
        elif mark:
            self._mark(mark)
        elif expect:
            self._expect(expect)

    def _range(self, text):
        """The hosts of "h1" or "h1..h3"."""
        first, _, last = text.partition("..")
        names = list(self.by_name)
        return [self.by_name[name] for name in names[names.index(first):names.index(last or first) + 1]]

    def _ping(self, node, where):
        sources, target, count, _, expect = take(node, self.scenario.path, **{"from": None}, to=None, count=1,
                                                 interval=None, expect=None)
        check(expect is None, f"{where}: the live tests expect every ping to be answered")
        for source in self._range(sources):
            try:
                networks.ping(source, self.by_name[target], count)
            except Failed as failed:
                raise Failed(f"{where}: {failed}") from failed
            self.groups.append(1)

    def _tcp(self, items, where, at_once):
        judged = []
        for repeat, node in items:
            sources, to, send, expect = take(node, self.scenario.path, **{"from": None}, to=None, send="uname -n",
                                             expect={})
            to, _, port = to.partition(":")
            address = (self.by_name[to].address if to in self.by_name else to, int(port))
            length = size_bytes(send)
            data = send.encode() if length is None else networks.pattern(length)
            clients = [Client(source, address, data) for _ in range(repeat) for source in self._range(sources)]
            judged.append((clients, expect))
        everyone = list(itertools.chain.from_iterable(clients for clients, _ in judged))
        for clients in [everyone] if at_once else [[client] for client in everyone]:
            run_clients(clients)
        self.groups.append(-len(everyone) if at_once else len(everyone))
        self.outcomes += [client.outcome for client in everyone]
        self.client_ports += [client.port for client in everyone]
        for clients, expect in judged:
            self._judge_clients(clients, expect, where)

    def _judge_clients(self, clients, expect, where):
        reply, replies, order, outcome, intact = take(expect, self.scenario.path, reply=None, replies=None, order=None,
                                                      outcome="ok", intact=False)
        allowed = replies or ([reply] if reply else None)
        outcomes = [outcome] if isinstance(outcome, str) else outcome
        begin = allowed.index(clients[0].text) if order == "alternating" and clients[0].text in allowed else 0
        for number, client in enumerate(clients):
            one = f"{where}: connection {number + 1} of {len(clients)}, from {client.source.name}:{client.port}"
            check(client.outcome in outcomes,
                  f"{one}\nexpected  {outcomes}\nhappened  {client.outcome}, after {client.reply[:40]}")
            wanted = [allowed[(begin + number) % len(allowed)]] if order else allowed
            check(not wanted or client.text in wanted, f"{one}\nexpected  {wanted}\nhappened  {client.text[:40]}")
            check(not intact or client.reply == client.send,
                  f"{one}: {len(client.reply)} of {len(client.send)} bytes came back, or others")

    # --- Expectations ---

    def _mark(self, name):
        """What has been counted until now. Captures are remembered by their length."""
        self.sync()
        counts = {("openflow", key): self.count_told(key) for key in OPENFLOW_COUNTS}
        for host, services in self.services.items():
            counts["answered", host] = services.answered
            counts["accepted", host] = services.accepted
            counts["capture", host] = os.path.getsize(self.links[host].path)
        for outcome in {*self.outcomes, None}:
            counts["connections", outcome] = self._outcome_count(outcome)
        self.marks[name] = lambda key: counts.get(key, 0)

    def _outcome_count(self, outcome):
        return len(self.outcomes) if outcome is None else self.outcomes.count(outcome)

    def _expect(self, node):
        node = dict(node)
        since = self.marks[node.pop("since", None)]
        judge_again = node.pop("at_end", True)
        line = node.pop(LINE)
        for key, value in node.items():
            for expected in self._expected(key, value, since, line):
                expected.wait(self.sync)
                if judge_again and expected.lasting:
                    self.at_end.append(expected)

    def _expected(self, key, value, since, line):
        """What one line of an expectation says."""
        where = f"{self.scenario.path}:{line}: {key}"
        if key in ("answered", "accepted"):
            for name, limits in value.items():
                if name != LINE:
                    yield Expected(f"{where} {name}", lambda n=name: getattr(self.services[n], key), limits,
                                   since((key, name)))
        elif key in OPENFLOW_COUNTS:
            if key == "packet_ins" and self.switch.lags:
                value = without_most(value)
            yield Expected(where, lambda: self.count_told(key), value, since(("openflow", key)))
        elif key == "connections":
            limits_by_outcome = value if isinstance(value, dict) and not {"at_least", "at_most"} & set(value) else {
                None: value}
            for outcome, limits in limits_by_outcome.items():
                if outcome != LINE:
                    yield Expected(f"{where} {outcome}", lambda o=outcome: self._outcome_count(o), limits,
                                   since((key, outcome)))
        elif key == "split_connections":
            yield Expected(where, lambda: len(self.split_connections()), value)
        elif key == "flows":
            for item in value if isinstance(value, list) else [value]:
                match, limits = take(item, where, match=None, count=None)
                yield Expected(f"{where} {match}", lambda m=match: self._flows_count(m), limits, lasting=False)
        elif key == "per_connection":
            yield from self._expected_of_each(value, where, self.client_ports[since(("connections", None)):])
        elif key == "frames":
            for item in value if isinstance(value, list) else [value]:
                host, expression, limits = take(item, where, at=None, filter=None, count=None)
                skip = since(("capture", host))
                yield Expected(f"{where} at {host}, {expression}",
                               lambda h=host, e=expression, s=skip: self._frames_count(h, e, s), limits)
        else:
            check(key == "buffers_in_use", f"{where}: the live tests do not know this")

    def _expected_of_each(self, node, where, ports):
        """What each connection of a client with one of these ports may cost. How long it takes is no matter of a test
        on real hosts, which other work keeps waiting."""
        packet_ins, flow_mods, flows, _ = take(node, where, packet_ins=None, flow_mods=None, flows=None, setup_time=None)
        if packet_ins is not None and self.switch.lags:
            packet_ins = without_most(packet_ins)
        for port in ports:
            for name, count, limits, lasting in (
                    ("packet_ins", lambda p=port: self.count_tcp_told(p), packet_ins, True),
                    ("flow_mods", lambda p=port: self._count_flow_mods(p), flow_mods, True),
                    ("flows", lambda p=port: self._count_entries(p), flows, False)):
                if limits is not None:
                    yield Expected(f"{where} {name}, port {port}", count, limits, lasting=lasting)

    def _count_flow_mods(self, port):
        """Flow-mods whose match names this port of TCP."""
        return sum(kind == live.OFPT_FLOW_MOD and port in struct.unpack_from("!HH", message, FLOW_MOD_TP_OFS)
                   for _, kind, message in self.messages())

    def _count_entries(self, port):
        return len(re.findall(rf"\btp_(?:src|dst)={port}\b", self.ofctl("dump-flows")))

    def _flows_count(self, match):
        return self.ofctl("dump-flows", *([match] if match else [])).count("actions=")

    def _frames_count(self, host, expression, skip):
        """Frames that came to a host, from this place in its capture on."""
        names = {}
        for name, other in self.by_name.items():
            expression = re.sub(rf"\bether (src|dst|host) {name}\b", rf"ether \1 {other.mac}", expression)
            names[name] = other.address
        expression = re.sub(r"(?<![:\w])[A-Za-z]\w*(?![:\w])", lambda m: names.get(m[0], m[0]), expression)
        data = captures.read(self.links[host].path)
        own = f"not ether src {self.by_name[host].mac} and not ether proto {SYNC_TYPE:#x}"
        done = subprocess.run(["tcpdump", "-n", "-r", "-", f"({expression}) and {own}"], timeout=GUARD_S, check=False,
                              input=data[:24] + data[max(skip, 24):], capture_output=True)
        check(done.returncode == 0, f"tcpdump: {done.stderr.decode()}")
        return len(done.stdout.splitlines())


def compare(run, folder):
    """What the captures of a run show, against those of the simulation in 'folder'; Failed when they differ."""
    links = captures.Links({host.name: host.mac for host in run.hosts})
    simulated = links.conversations({host.name: captures.frames(captures.read(f"{folder}/{host.name}.pcap"))
                                     for host in run.hosts})
    real = run.conversations()
    for where, conversations in (("simulation", simulated), ("network", real)):
        wrong = [f"{where}, {conversation.text}, {text}" for conversation in conversations
                 for text in conversation.wrong()]
        check(not wrong, "segments with other addresses than the rest of their connection:\n" + "\n".join(wrong[:10]))
    owners = {}
    for host in run.hosts:
        owners.setdefault(host.address, []).append(host.name)
    differences = captures.compare(simulated, real, run.groups, owners.values())
    check(not differences, "the simulation and the network differ:\n" + "\n".join(differences))
    return len(real)
