#!/usr/bin/env python3
"""Compare the packet builders, editors and the parser with tshark: packet_crosscheck.py UNIT-DIRECTORY.

packet_samples (in that directory) writes a capture of built and edited frames and tells what its parser found
in each. tshark must find no malformed frame and no wrong checksum, and the same fields. Prints TAP."""

import ipaddress
import os
import shutil
import subprocess
import sys
import tempfile

# One column of packet_samples each: the first of these tshark fields that a frame has.
FIELDS = [
    ("destination", ["eth.dst"]),
    ("source", ["eth.src"]),
    ("vlan id", ["vlan.id"]),
    ("vlan priority", ["vlan.priority"]),
    ("type", ["llc.type", "vlan.etype", "eth.type"]),
    ("arp opcode", ["arp.opcode"]),
    ("network source", ["arp.src.proto_ipv4", "ip.src"]),
    ("network destination", ["arp.dst.proto_ipv4", "ip.dst"]),
    ("protocol", ["ip.proto"]),
    ("tos", ["ip.dsfield"]),
    ("ttl", ["ip.ttl"]),
    ("ip id", ["ip.id"]),
    ("later fragment", ["ip.frag_offset"]),
    ("more fragments", ["ip.flags.mf"]),
    ("transport source", ["tcp.srcport", "udp.srcport", "icmp.type"]),
    ("transport destination", ["tcp.dstport", "udp.dstport", "icmp.code"]),
    ("sequence number", ["tcp.seq_raw"]),
    ("acknowledgement", ["tcp.ack_raw"]),
    ("flags", ["tcp.flags"]),
    ("window", ["tcp.window_size_value"]),
    ("payload length", ["tcp.len", "udp.length"]),
    ("icmp id", ["icmp.ident"]),
    ("icmp sequence", ["icmp.seq"]),
]
CHECKSUMS = ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status"]
TESTS = ["tshark reads every frame", "no frame is malformed", "IP checksums are right",
         "TCP, UDP and ICMP checksums are right", "the parser finds the fields that tshark finds"]
BAD, GOOD = "0", "1"


def run_tshark(capture):
    """What tshark finds: for each frame a dictionary of fields."""
    names = sorted({name for _, group in FIELDS for name in group}) + CHECKSUMS + ["_ws.malformed"]
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "occurrence=f"]
    for preference in ("ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE",
                       "ip.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE",
                       "tcp.relative_sequence_numbers:FALSE"):
        command += ["-o", preference]
    # Payloads are random bytes: no protocol is to be looked for in them.
    for protocol in ("ssh", "http", "lldp", "stp"):
        command += ["--disable-protocol", protocol]
    for name in names:
        command += ["-e", name]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return [dict(zip(names, line.split("\t"))) for line in output.decode().splitlines()]


def number(text):
    """A field's value in one form: numbers and IPv4 addresses as numbers, MAC addresses as they are."""
    if text == "" or text.count(":") == 5:
        return text
    if text.count(".") == 3:
        return int(ipaddress.ip_address(text))
    return {"True": 1, "False": 0}.get(text) if text in ("True", "False") else int(text, 0)


def theirs(frame, title, names):
    value = next((number(frame[name]) for name in names if frame[name] != ""), "")
    if title == "payload length" and frame["udp.length"] != "":
        return value - 8
    if title == "later fragment" and value != "":
        return int(value != 0)  # versions differ in the unit of the offset
    if title == "type" and frame["llc.type"] == "" and (value == "" or value == 0x8100 or value < 0x600):
        return ""  # 802.3, perhaps under a tag
    return value


def differences(ours, frames):
    for place, (line, frame) in enumerate(zip(ours, frames), 1):
        for (title, names), text in zip(FIELDS, line.split("\t")):
            if number(text) != theirs(frame, title, names):
                yield f"frame {place}: {title}: parser {text!r}, tshark {theirs(frame, title, names)!r}"


def main():
    print(f"1..{len(TESTS)}")
    if not shutil.which("tshark"):
        for place, title in enumerate(TESTS, 1):
            print(f"ok {place} - {title} # SKIP tshark is not installed")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        capture = os.path.join(directory, "samples.pcap")
        samples = os.path.join(sys.argv[1], "packet_samples")
        ours = subprocess.run([samples, capture], check=True, stdout=subprocess.PIPE).stdout
        frames = run_tshark(capture)
    ours = ours.decode().splitlines()
    ip_frames = [frame for frame in frames if frame["ip.src"]]
    wrong = {
        0: [] if ours and len(ours) == len(frames) else [f"{len(ours)} were written, {len(frames)} were read"],
        1: [f"frame {place}" for place, frame in enumerate(frames, 1) if frame["_ws.malformed"]],
        2: [f"{frame['ip.src']} > {frame['ip.dst']}" for frame in ip_frames if frame["ip.checksum.status"] != GOOD],
        3: [f"{frame['ip.src']} > {frame['ip.dst']}: {name}" for frame in ip_frames for name in CHECKSUMS
            if frame[name] == BAD],
        4: list(differences(ours, frames)),
    }
    # A check that saw nothing proves nothing.
    for name in CHECKSUMS:
        if not any(frame[name] == GOOD for frame in frames):
            wrong[3].append(f"tshark judged no {name}")
    for place, title in enumerate(TESTS):
        print(f"{'not ok' if wrong[place] else 'ok'} {place + 1} - {title}")
        for text in wrong[place][:10]:
            print(f"# {text}")
    return 1 if any(wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
