"""OpenFlow 1.0 for live tests: messages by their bytes, and one end of a connection that a test plays."""

import socket
import struct

from live import GUARD_S, Failed, check_equal

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, FEATURES_REQUEST, FEATURES_REPLY = 0, 1, 2, 3, 5, 6
SET_CONFIG, PACKET_IN, FLOW_REMOVED, PACKET_OUT, FLOW_MOD, STATS_REQUEST, STATS_REPLY = 9, 10, 11, 13, 14, 16, 17
BARRIER_REQUEST, BARRIER_REPLY = 18, 19
NO_BUFFER = 0xffffffff


def message(kind, body=b"", xid=1):
    return struct.pack("!BBHI", 1, kind, 8 + len(body), xid) + body


def features_reply(dpid, xid=1, ports=(1, 2)):
    body = struct.pack("!QIB3sII", dpid, 256, 1, bytes(3), 0, 0xfff)
    for port in ports:
        body += struct.pack("!H6s16sIIIIII", port, bytes((2, 0, 0, 0, 1, port)), f"p{port}".encode(), 0, 0, 0, 0, 0, 0)
    return message(FEATURES_REPLY, body, xid)


def packet_in(frame, buffer_id=NO_BUFFER, in_port=1, xid=0):
    return message(PACKET_IN, struct.pack("!IHHBx", buffer_id, len(frame), in_port, 0) + frame, xid)


class Peer:
    """The other end of an OpenFlow connection; says HELLO unless told not to."""

    def __init__(self, sock, hello=True):
        self.socket = sock
        self.socket.settimeout(GUARD_S)
        self.bytes = b""
        if hello:
            self.send(message(HELLO))
            check_equal(HELLO, self.receive()[0], "the first message")

    def send(self, data):
        self.socket.sendall(data)

    def take(self, count):
        while len(self.bytes) < count:
            more = self.socket.recv(1 << 20)
            if not more:
                return None
            self.bytes += more
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def receive(self):
        """(type, xid, body) of the next message; None at the end."""
        try:
            header = self.take(8)
            if header is None:
                return None
            version, kind, length, xid = struct.unpack("!BBHI", header)
            check_equal(1, version, "the version of a message")
            body = self.take(length - 8)
            return None if body is None else (kind, xid, body)  # the end may cut a message
        except ConnectionResetError:
            return None
        except socket.timeout as error:
            raise Failed(f"no message in {GUARD_S} s") from error

    def receive_kind(self, kind):
        """The next message of 'kind'; those before it are passed over."""
        while True:
            got = self.receive()
            if got is None:
                raise Failed(f"the connection ended without a message of type {kind}")
            if got[0] == kind:
                return got

    def wait_end(self):
        while self.receive():
            pass

    def check_alive(self):
        self.send(message(ECHO_REQUEST, b"alive", 77))
        check_equal((ECHO_REPLY, 77, b"alive"), self.receive_kind(ECHO_REPLY), "an echo's reply")

    def close(self):
        self.socket.close()


class FakeSwitch(Peer):
    """A switch that a test plays: it has said who it is, and the controller has taken it."""

    def __init__(self, sock, dpid=1):
        super().__init__(sock)
        xid = self.receive_kind(FEATURES_REQUEST)[1]
        self.send(features_reply(dpid, xid))
        self.receive_kind(SET_CONFIG)
