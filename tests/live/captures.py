"""Captures: tcpdump writes them, and they are read for who said what to whom, on which link.

A capture of a link is taken at its host. What is compared between two captures of the same story is a Conversation: a
TCP connection or a ping, with the addresses that each kind of its segments carried on each link. Ports of clients,
sequence numbers and times are nobody's promise and left out. Segments without data, SYN or FIN are up to the hosts, and
so is a RST when both ends have closed (to an acknowledgement that came twice); but no segment at all may carry other
addresses than those.
"""

import collections
import signal
import socket
import struct

import live
from live import check

FIN, SYN, RST, ACK = 1, 2, 4, 16
DIFFERENCES_SHOWN = 4  # conversations that differ
LINK_BYTES = 128    # of a frame on a link: all headers and some data
BUFFER_KIB = 16384  # 80,000 such frames: more than any test sends while tcpdump may have to wait
HEADER_BYTES = 8


# --- Files ---

def frames(data):
    """The frames in the bytes of a pcap file, microseconds or nanoseconds; the last may still be on its way."""
    if len(data) < 24:
        return
    check(data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"), "not a pcap file of this machine")
    check(struct.unpack("<I", data[20:24])[0] == 1, "not a capture of Ethernet")
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack("<I", data[at + 8:at + 12])[0]
        if at + 16 + length > len(data):
            return
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Capture:
    """tcpdump on an interface, writing each frame at once; 'snap_bytes' of each, 0: all."""

    def __init__(self, namespace, interface, path, snap_bytes, *expression):
        self.path = path
        self.searched = 0
        self.process = live.Process("tcpdump", "-i", interface, "-n", "-U", "--immediate-mode", "-s", str(snap_bytes),
                                    "-B", str(BUFFER_KIB), "-Z", "root", "-w", path, *expression, namespace=namespace)
        self.process.wait_line("listening on")

    def frames(self):
        return frames(read(self.path))

    def contains(self, text):
        """Whether 'text' has come since the last text that was asked for and found."""
        with open(self.path, "rb") as file:
            file.seek(self.searched)
            place = file.read().find(text)
        if place < 0:
            return False
        self.searched += place + len(text)
        return True

    def stop(self):
        """End it; not a single frame may have been missed."""
        if self.process.popen.poll() is None:
            self.process.stop(signal.SIGINT)
            text = "\n".join(self.process.lines_now())
            check("\n0 packets dropped by kernel" in text, f"tcpdump missed frames of {self.path}: {text}")


# --- Links ---

Segment = collections.namedtuple("Segment", "kind source target key back")


def ethernet_type(frame):
    return struct.unpack("!H", frame[12:14])[0]


def segment_of(frame):
    """What a frame is of a conversation; None when of none. 'key' is (protocol, source, its port, target, its port)
    and 'back' the key of the other direction; an ICMP identifier is the source's port."""
    if ethernet_type(frame) != 0x0800 or len(frame) < 34:
        return None
    length = (frame[14] & 15) * 4
    source, target = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    payload = frame[14 + length:14 + struct.unpack("!H", frame[16:18])[0]]
    if frame[23] == 6 and len(payload) >= 20:
        ports = struct.unpack("!HH", payload[:4])
        kind = tcp_kind(payload)
    elif frame[23] == 1 and len(payload) >= 8 and payload[0] in (0, 8):
        identifier = struct.unpack("!H", payload[4:6])[0]
        ports = (identifier, 0) if payload[0] == 8 else (0, identifier)
        kind = ("echo request" if payload[0] == 8 else "echo reply",)
    else:
        return None
    key = (frame[23], source, ports[0], target, ports[1])
    return Segment(kind, frame[6:12], frame[:6], key, (key[0], *key[3:5], *key[1:3]))


def tcp_kind(segment):
    """A segment is of several kinds when it carries data and a FIN. Of none: it acknowledges only."""
    flags, has_data = segment[13], len(segment) > (segment[12] >> 4) * 4
    kinds = []
    if flags & SYN:
        kinds.append("SYN-ACK" if flags & ACK else "SYN")
    if has_data:
        kinds.append("data")
    for flag, name in ((FIN, "FIN"), (RST, "RST")):
        if flags & flag:
            kinds.append(name)
    return tuple(kinds)


class Conversation:
    """A TCP connection or a ping: who began it, who answered, and on each link what its segments carried."""

    def __init__(self, key, client, addressed):
        self.key = key
        self.client = client
        self.addressed = addressed  # MAC address that the first segment was sent to
        self.answered = []          # hosts that did
        self.reached = set()        # hosts that a segment to the other end was sent to, by MAC address
        self.rows = collections.defaultdict(set)  # link: (kind, addresses)
        self.others = collections.defaultdict(set)  # link: addresses of segments that are of no kind
        self.closed = collections.defaultdict(set)  # link: directions that a FIN or RST has closed

    @property
    def text(self):
        _, source, _, target, port = self.key
        return f"{source} to {target}" + (f":{port}" if self.key[0] == 6 else "")

    @property
    def links(self):
        return {*self.rows, *self.others}

    def is_complete(self):
        return len(self.closed[self.client]) == 2 or (self.key[0] == 1 and self.answered)

    def renamed(self, names):
        """The same with hosts under other names, as one value that can be compared."""
        def rename(text):
            return " ".join(names.get(word, word) for word in text.split())
        rows = frozenset((names.get(link, link), kind, rename(addresses))
                         for link, rows in self.rows.items() for kind, addresses in rows)
        return (self.text, tuple(names.get(host, host) for host in self.answered), rows)

    def wrong(self):
        """Addresses of segments that no other segment of the same link carried."""
        return [f"on {link}: {addresses}" for link, all_addresses in self.others.items()
                for addresses in all_addresses - {addresses for _, addresses in self.rows[link]}]


class Links:
    """The links of hosts {name: MAC address}, each seen at its host."""

    def __init__(self, hosts):
        self.hosts = {live.mac_bytes(mac): name for name, mac in hosts.items()}

    def conversations(self, links):
        """Those that began on their client's own link, in this order. 'links': {host: its frames}."""
        links = {host: [segment for segment in map(segment_of, all_frames) if segment]
                 for host, all_frames in links.items()}
        found = {}
        for host, segments in links.items():
            for segment in segments:
                if self._begins(segment, host) and segment.key not in found:
                    found[segment.key] = Conversation(segment.key, host, segment.target)
        for host, segments in links.items():
            for segment in segments:
                forward = segment.key in found
                conversation = found.get(segment.key if forward else segment.back)
                if conversation:
                    self._add(conversation, host, segment, forward)
        return list(found.values())

    def _begins(self, segment, host):
        first = ("SYN" if segment.key[0] == 6 else "echo request")
        return segment.kind[:1] == (first,) and self.hosts.get(segment.source) == host

    def _add(self, conversation, host, segment, forward):
        own = self.hosts.get(segment.source) == host
        if own and not forward and host not in conversation.answered:
            conversation.answered.append(host)
        if forward and self.hosts.get(segment.target) == host:
            conversation.reached.add(host)
        addresses = self._addresses(conversation, host, segment, forward)
        closed = conversation.closed[host]
        if not segment.kind or segment.kind == ("RST",) and len(closed) == 2:
            conversation.others[host].add(addresses)
        else:
            conversation.rows[host] |= {(kind, addresses) for kind in segment.kind}
        if {"FIN", "RST"} & set(segment.kind):
            closed.add(forward)

    def _addresses(self, conversation, host, segment, forward):
        """As text. Which owner of an address a client has in its ARP table is a matter of luck and may change under
        a connection; but what comes back must carry the one that the first segment went to."""
        source, target = (self.hosts.get(mac, mac.hex(":")) for mac in (segment.source, segment.target))
        if host == conversation.client and forward and target in self.hosts.values():
            target = "an-owner"
        if host == conversation.client and not forward and segment.source == conversation.addressed:
            source = "the-owner-addressed"
        return f"{source} > {target} , {segment.key[1]} > {segment.key[3]}"


def split_conversations(conversations):
    """TCP connections of which several hosts were sent segments."""
    return [one for one in conversations if one.key[0] == 6 and len(one.reached) > 1]


# --- Two captures of one story ---

def compare(expected, happened, groups, owners):
    """Tell what differs between two lists of conversations, one line a difference. 'groups' are the sizes of runs of
    conversations: a positive number of them came one after another and are compared so, a negative number of them
    came at once and are compared in any order. 'owners' are lists of hosts of one address: which of them comes first
    is a matter of luck, and hosts change their names so that it is the same."""
    names = same_first(expected, happened, owners)
    expected = [conversation.renamed({}) for conversation in expected]
    happened = [conversation.renamed(names) for conversation in happened]
    if len(expected) != len(happened):
        return [f"{len(expected)} conversations in the simulation, {len(happened)} in the network"]
    differences, first = [], 0
    for group in groups:
        last = first + abs(group)
        pairs = zip(expected[first:last], happened[first:last])
        if group < 0:
            pairs = unmatched(expected[first:last], happened[first:last])
        for number, pair in enumerate(pairs, first + 1):
            differences += [tell_difference(number, *pair)] if pair[0] != pair[1] else []
        first = last
    check(first == len(expected), f"{len(expected)} conversations were compared as {groups}")
    shown = differences[:DIFFERENCES_SHOWN]
    return shown + [f"and {len(differences) - len(shown)} more"] * (len(differences) > len(shown))


def same_first(expected, happened, owners):
    """New names for the hosts of 'happened', so that the first answer comes from the same host."""
    for hosts in owners:
        first = [next((host for conversation in conversations for host in conversation.answered if host in hosts), None)
                 for conversations in (expected, happened)]
        if None not in first and first[0] != first[1]:
            return {first[0]: first[1], first[1]: first[0]}
    return {}


def unmatched(expected, happened):
    """Pairs of what is left when all that is equal is taken away."""
    counts = collections.Counter(expected), collections.Counter(happened)
    left = [list((counts[i] - counts[1 - i]).elements()) for i in (0, 1)]
    return zip(*left)


def tell_difference(number, expected, happened):
    lines = [f"conversation {number}, {expected[0]}:"]
    if expected[:2] != happened[:2]:
        lines += [f"  simulation  {expected[0]}, answered by {' '.join(expected[1]) or 'nobody'}",
                  f"  network     {happened[0]}, answered by {' '.join(happened[1]) or 'nobody'}"]
    sides = [("simulation", row) for row in expected[2] - happened[2]]
    sides += [("network   ", row) for row in happened[2] - expected[2]]
    for side, (link, kind, addresses) in sorted(sides, key=lambda item: (item[1][0], item[1][1], item[0])):
        lines.append(f"  {side}  on {link}  {kind:12}  {addresses.replace(' ,', ',')}")
    return "\n".join(lines)


# --- Control connections ---

def openflow_messages(data):
    """Messages in the capture of control connections, as (from the switch?, type, bytes); in each direction of a
    connection in their order. The controller is the side that listens on port 6653."""
    streams = collections.defaultdict(list)
    for frame in frames(data):
        segment = segment_of(frame)
        if segment and segment.key[0] == 6:
            start = 14 + (frame[14] & 15) * 4
            segment_bytes = frame[start:14 + struct.unpack("!H", frame[16:18])[0]]
            streams[segment.key].append(segment_bytes)
    messages = []
    for key, segments in streams.items():
        messages += [(key[4] == 6653, *message) for message in split_messages(stream_bytes(segments))]
    return messages


def stream_bytes(segments):
    """What one direction of a TCP connection carried, from its SYN on."""
    begin = next((struct.unpack("!I", segment[4:8])[0] for segment in segments if segment[13] & SYN), None)
    check(begin is not None, "a control connection was captured without its beginning")
    parts = [((struct.unpack("!I", segment[4:8])[0] - begin - 1) & 0xffffffff, segment[(segment[12] >> 4) * 4:])
             for segment in segments if not segment[13] & SYN]
    result = bytearray()
    for place, part in sorted((part for part in parts if part[1]), key=lambda item: item[0]):
        check(place <= len(result), "a piece of a control connection is missing in its capture")
        result += part[len(result) - place:]
    return bytes(result)


def split_messages(stream):
    at = 0
    while at + HEADER_BYTES <= len(stream):
        length = struct.unpack("!H", stream[at + 2:at + 4])[0]
        check(length >= HEADER_BYTES, "a control connection carries something else than OpenFlow")
        if at + length > len(stream):
            return
        yield stream[at + 1], stream[at:at + length]
        at += length
