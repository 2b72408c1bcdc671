#!/usr/bin/python3
"""Check the OpenFlow 1.0 codec against two implementations that are not ours.

    codec_crosscheck.py FOLDER      (where the program codec_samples is)

Every sample that codec_samples prints (each message, statistics, action and error type) is

  - unpacked by pyof (Debian's python3-openflow), whose fields must be those of the sample;
  - built with pyof from its fields and packed, which must give the same bytes;
  - taken back: pyof's bytes go to our decoder, which must find the fields of the sample;
  - written as a TCP segment into a capture that tshark dissects: no complaint, and all fields that
    its dissector for OpenFlow 1.0 knows must be those of the sample. Once more, all samples in one
    stream that is cut into small segments: tshark must find the same messages.

Run with /usr/bin/python3, which finds Debian's packages. Prints TAP, exits 0 when all is well and 1
otherwise. What is not installed is skipped, and said so.
"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

try:
    import pyof
    from pyof.foundation.base import GenericStruct
    from pyof.foundation.basic_types import BinaryData, FixedTypeList, UBInt16
    from pyof.v0x01.asynchronous import error_msg, flow_removed, packet_in, port_status
    from pyof.v0x01.common import action, flow_match, header, phy_port, queue, utils
    from pyof.v0x01.controller2switch import (
        barrier_reply, barrier_request, common, features_reply, features_request, flow_mod,
        get_config_reply, get_config_request, packet_out, port_mod, queue_get_config_reply,
        queue_get_config_request, set_config, stats_reply, stats_request)
    from pyof.v0x01.symmetric import echo_reply, echo_request, hello, vendor_header
except ImportError:
    pyof = None

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, VENDOR, FEATURES_REQUEST, FEATURES_REPLY = range(7)
GET_CONFIG_REQUEST, GET_CONFIG_REPLY, SET_CONFIG, PACKET_IN, FLOW_REMOVED = range(7, 12)
PORT_STATUS, PACKET_OUT, FLOW_MOD, PORT_MOD, STATS_REQUEST, STATS_REPLY = range(12, 18)
BARRIER_REQUEST, BARRIER_REPLY, QUEUE_CONFIG_REQUEST, QUEUE_CONFIG_REPLY = range(18, 22)
DESC, FLOW, AGGREGATE, TABLE, PORT, QUEUE, VENDOR_STATS = 0, 1, 2, 3, 4, 5, 0xffff
OUTPUT, VENDOR_ACTION = 0, 0xffff

NUMBERS_OF_MATCH = ('in_port', 'dl_vlan', 'dl_vlan_pcp', 'dl_type', 'nw_tos', 'nw_proto', 'tp_src',
                    'tp_dst')
NUMBERS_OF_PORT = ('port_no', 'config', 'state', 'curr', 'advertised', 'supported', 'peer')
NUMBERS_OF_FLOW_MOD = ('cookie', 'command', 'idle_timeout', 'hard_timeout', 'priority', 'buffer_id',
                       'out_port', 'flags')
NUMBERS_OF_FLOW_REMOVED = ('cookie', 'priority', 'reason', 'duration_sec', 'duration_nsec',
                           'idle_timeout', 'packet_count', 'byte_count')
NUMBERS_OF_FLOW_STATS = ('table_id', 'duration_sec', 'duration_nsec', 'priority', 'idle_timeout',
                         'hard_timeout', 'cookie', 'packet_count', 'byte_count')
NUMBERS_OF_PORT_STATS = ('port_no', 'rx_packets', 'tx_packets', 'rx_bytes', 'tx_bytes',
                         'rx_dropped', 'tx_dropped', 'rx_errors', 'tx_errors', 'rx_frame_err',
                         'rx_over_err', 'rx_crc_err', 'collisions')
NUMBERS_OF_QUEUE_STATS = ('port_no', 'queue_id', 'tx_bytes', 'tx_packets', 'tx_errors')
TEXTS_OF_DESC = ('mfr_desc', 'hw_desc', 'sw_desc', 'serial_num', 'dp_desc')


class Tap:
    """Counts and prints results."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, good, name, *notes):
        self.count += 1
        self.failed += not good
        print('%s %d - %s' % ('ok' if good else 'not ok', self.count, name))
        if not good:
            for note in notes:
                print('#   ' + note)

    def skip(self, name, reason):
        self.count += 1
        print('ok %d - %s # SKIP %s' % (self.count, name, reason))


class Sample:
    """One message: its name, its bytes, and its fields as a dictionary of texts."""

    def __init__(self, block):
        lines = [line.partition(' ') for line in block.split('\n')]
        self.fields = {key: value for key, _, value in lines}
        self.name = self.fields.pop('sample', None)
        self.bytes = bytes.fromhex(self.fields.pop('hex', ''))

    def number(self, key):
        return int(self.fields[key])

    def data(self, key='data'):
        return bytes.fromhex(self.fields[key])

    def mac(self, key):
        return self.data(key).hex(':')

    def ip(self, key):
        return '.'.join(str(byte) for byte in self.number(key).to_bytes(4, 'big'))


def blocks_of(text):
    return text.rstrip('\n').split('\n\n')


def differences(expected, found):
    """What to say about two dictionaries of fields that should be the same."""
    return ['%s: expected %s, found %s' % (key, expected.get(key), found.get(key))
            for key in sorted(set(expected) | set(found)) if expected.get(key) != found.get(key)]


# What pyof gets wrong, and how it is put right for this test.

def repair_pyof():
    """Work around the bugs of python3-openflow 2019.2 that the samples meet."""
    # The port fields of three messages take only the reserved ports (enum_ref=Port), and no port 4.
    flow_mod.FlowMod.out_port = UBInt16()
    queue_get_config_request.QueueGetConfigRequest.port = UBInt16()
    queue_get_config_reply.QueueGetConfigReply.port = UBInt16()

    # A vendor action has no body, so that the next action is looked for inside of it.
    action.ActionVendorHeader.data = BinaryData()
    unpack_action = action.ActionHeader.unpack

    def unpack_action_alone(self, buff, offset=0):
        length = int.from_bytes(buff[offset + 2:offset + 4], 'big')
        unpack_action(self, buff[:offset + length], offset)

    action.ActionHeader.unpack = unpack_action_alone

    # A queue's properties are read as bare headers, to the end of the message instead of the queue.
    class ListOfMinRates(FixedTypeList):
        def __init__(self, items=None):
            super().__init__(pyof_class=queue.QueuePropMinRate, items=items)

    def unpack_queue_alone(self, buff, offset=0):
        length = int.from_bytes(buff[offset + 4:offset + 6], 'big')
        GenericStruct.unpack(self, buff[:offset + length], offset)

    queue.PacketQueue.properties = ListOfMinRates()
    queue.PacketQueue.unpack = unpack_queue_alone

    # Not a bug, but to know: Match sets bits of 'wildcards' whenever another field is assigned, so
    # that 'wildcards' is assigned last. Its messages are always of version 1, see pack().


# From pyof's objects to fields.

def plain(value):
    """The text of a pyof value: numbers decimal, addresses and data hexadecimal."""
    value = getattr(value, 'value', value)
    value = getattr(value, 'bitmask', value)
    if isinstance(value, bytes):
        return value.hex()
    if value is None:
        return ''
    return str(value) if isinstance(value, str) else str(int(value))


def mac_text(value):
    return plain(value).replace(':', '')


def ip_number(value):
    return str(int.from_bytes(bytes(int(part) for part in plain(value).split('.')), 'big'))


def match_fields(match, prefix=''):
    fields = {'match.' + name: plain(getattr(match, name)) for name in NUMBERS_OF_MATCH}
    fields['match.wildcards'] = plain(match.wildcards)
    for name in ('dl_src', 'dl_dst'):
        fields['match.' + name] = mac_text(getattr(match, name))
    for name in ('nw_src', 'nw_dst'):
        fields['match.' + name] = ip_number(getattr(match, name))
    return {prefix + key: value for key, value in fields.items()}


def action_fields(actions, prefix=''):
    fields = {prefix + 'action_count': str(len(actions))}
    names = {'port': 'port', 'max_length': 'max_len', 'vlan_id': 'vlan_vid', 'vlan_pcp': 'vlan_pcp',
             'nw_addr': 'nw_addr', 'nw_tos': 'nw_tos', 'tp_port': 'tp_port', 'queue_id': 'queue_id',
             'vendor': 'vendor', 'data': 'data'}
    for i, item in enumerate(actions):
        at = '%saction.%d.' % (prefix, i)
        fields[at + 'type'] = plain(item.action_type)
        if hasattr(item, 'dl_addr'):
            fields[at + 'dl_addr'] = mac_text(item.dl_addr)
        for theirs, ours in names.items():
            if hasattr(item, theirs):
                fields[at + ours] = plain(getattr(item, theirs))
    return fields


def port_fields(port, prefix):
    fields = {prefix + name: plain(getattr(port, name)) for name in NUMBERS_OF_PORT}
    fields[prefix + 'hw_addr'] = mac_text(port.hw_addr)
    fields[prefix + 'name'] = plain(port.name)
    return fields


def named_fields(item, names, prefix=''):
    return {prefix + name: plain(getattr(item, name)) for name in names}


def stats_request_fields(message):
    kind = int(plain(message.body_type))
    fields = {'stats_type': str(kind), 'flags': plain(message.flags)}
    body = message.body[0] if len(message.body) else None
    if kind in (FLOW, AGGREGATE):
        fields.update(match_fields(body.match))
        fields.update(named_fields(body, ('table_id', 'out_port')))
    elif kind == PORT:
        fields.update(named_fields(body, ('port_no',)))
    elif kind == QUEUE:
        fields.update(named_fields(body, ('port_no', 'queue_id')))
    elif kind == VENDOR_STATS:
        fields.update({'vendor': plain(body.vendor), 'data': plain(body.body)})
    return fields


def stats_entries_fields(kind, body):
    prefix = {FLOW: 'flow', TABLE: 'table', PORT: 'port', QUEUE: 'queue'}[kind]
    fields = {prefix + '_count': str(len(body))}
    for i, item in enumerate(body):
        at = '%s.%d.' % (prefix, i)
        if kind == FLOW:
            fields.update(match_fields(item.match, at))
            fields.update(named_fields(item, NUMBERS_OF_FLOW_STATS, at))
            fields.update(action_fields(item.actions, at))
        elif kind == TABLE:
            fields.update(named_fields(item, ('table_id', 'name', 'wildcards', 'max_entries',
                                              'active_count'), at))
            fields[at + 'lookup_count'] = plain(item.count_lookup)
            fields[at + 'matched_count'] = plain(item.count_matched)
        elif kind == PORT:
            fields.update(named_fields(item, NUMBERS_OF_PORT_STATS, at))
        else:
            fields.update(named_fields(item, NUMBERS_OF_QUEUE_STATS, at))
    return fields


def stats_reply_fields(message):
    kind = int(plain(message.body_type))
    fields = {'stats_type': str(kind), 'flags': plain(message.flags)}
    if kind == DESC:
        fields.update(named_fields(message.body, TEXTS_OF_DESC))
    elif kind == AGGREGATE:
        fields.update(named_fields(message.body[0], ('packet_count', 'byte_count', 'flow_count')))
    elif kind == VENDOR_STATS:
        vendor = message.body[0]
        fields.update({'vendor': plain(vendor.vendor), 'data': plain(vendor.body)})
    else:
        fields.update(stats_entries_fields(kind, message.body))
    return fields


def features_fields(message):
    fields = named_fields(message, ('n_buffers', 'n_tables', 'capabilities', 'actions'))
    fields['datapath_id'] = str(int(plain(message.datapath_id).replace(':', ''), 16))
    fields['port_count'] = str(len(message.ports))
    for i, port in enumerate(message.ports):
        fields.update(port_fields(port, 'port.%d.' % i))
    return fields


def queue_config_fields(message):
    fields = {'port': plain(message.port), 'queue_count': str(len(message.queues))}
    for i, item in enumerate(message.queues):
        fields['queue.%d.queue_id' % i] = plain(item.queue_id)
        for rate in item.properties:
            fields['queue.%d.min_rate' % i] = plain(rate.rate)
    return fields


def body_fields(kind, message):
    """The fields of an unpacked 'message', under the names that codec_samples gives them."""
    if kind == HELLO:
        return {'data': plain(message.elements)}
    if kind in (ECHO_REQUEST, ECHO_REPLY):
        return {'data': plain(message.data)}
    if kind == ERROR:
        return {'error_type': plain(message.error_type), 'code': plain(message.code),
                'data': plain(message.data)}
    if kind == VENDOR:
        return named_fields(message, ('vendor', 'data'))
    if kind == FEATURES_REPLY:
        return features_fields(message)
    if kind in (GET_CONFIG_REPLY, SET_CONFIG):
        return named_fields(message, ('flags', 'miss_send_len'))
    if kind == PACKET_IN:
        return named_fields(message, ('buffer_id', 'total_len', 'in_port', 'reason', 'data'))
    if kind == FLOW_REMOVED:
        return {**match_fields(message.match), **named_fields(message, NUMBERS_OF_FLOW_REMOVED)}
    if kind == PORT_STATUS:
        return {'reason': plain(message.reason), **port_fields(message.desc, 'desc.')}
    if kind == PACKET_OUT:
        return {**named_fields(message, ('buffer_id', 'in_port', 'data')),
                **action_fields(message.actions)}
    if kind == FLOW_MOD:
        return {**match_fields(message.match), **named_fields(message, NUMBERS_OF_FLOW_MOD),
                **action_fields(message.actions)}
    if kind == PORT_MOD:
        return {**named_fields(message, ('port_no', 'config', 'mask', 'advertise')),
                'hw_addr': mac_text(message.hw_addr)}
    if kind == STATS_REQUEST:
        return stats_request_fields(message)
    if kind == STATS_REPLY:
        return stats_reply_fields(message)
    if kind == QUEUE_CONFIG_REQUEST:
        return {'port': plain(message.port)}
    if kind == QUEUE_CONFIG_REPLY:
        return queue_config_fields(message)
    return {}


def unpack(data):
    """The fields that pyof finds in 'data'."""
    head = header.Header()
    head.unpack(data[:8])
    fields = {'version': plain(head.version), 'type': plain(head.message_type),
              'xid': plain(head.xid)}
    fields.update(body_fields(int(fields['type']), utils.unpack_message(data)))
    return fields


# From fields to pyof's objects.

def make_match(sample, prefix=''):
    match = flow_match.Match()
    for name in NUMBERS_OF_MATCH:
        setattr(match, name, sample.number(prefix + 'match.' + name))
    for name in ('dl_src', 'dl_dst'):
        setattr(match, name, sample.mac(prefix + 'match.' + name))
    for name in ('nw_src', 'nw_dst'):
        setattr(match, name, sample.ip(prefix + 'match.' + name))
    match.wildcards = sample.number(prefix + 'match.wildcards')
    return match


def make_action(sample, at):
    kind = sample.number(at + 'type')
    types = action.ActionType
    if kind == types.OFPAT_OUTPUT:
        return action.ActionOutput(sample.number(at + 'port'), sample.number(at + 'max_len'))
    if kind == types.OFPAT_SET_VLAN_VID:
        return action.ActionVlanVid(sample.number(at + 'vlan_vid'))
    if kind == types.OFPAT_SET_VLAN_PCP:
        return action.ActionVlanPCP(sample.number(at + 'vlan_pcp'))
    if kind == types.OFPAT_STRIP_VLAN:
        return action.ActionStripVlan()
    if kind in (types.OFPAT_SET_DL_SRC, types.OFPAT_SET_DL_DST):
        return action.ActionDLAddr(kind, sample.mac(at + 'dl_addr'))
    if kind in (types.OFPAT_SET_NW_SRC, types.OFPAT_SET_NW_DST):
        return action.ActionNWAddr(kind, sample.number(at + 'nw_addr'))
    if kind == types.OFPAT_SET_NW_TOS:
        return action.ActionNWTos(kind, sample.number(at + 'nw_tos'))
    if kind in (types.OFPAT_SET_TP_SRC, types.OFPAT_SET_TP_DST):
        return action.ActionTPPort(kind, sample.number(at + 'tp_port'))
    if kind == types.OFPAT_ENQUEUE:
        return action.ActionEnqueue(sample.number(at + 'port'), sample.number(at + 'queue_id'))
    data = sample.data(at + 'data')
    vendor = action.ActionVendorHeader(8 + len(data), sample.number(at + 'vendor'))
    vendor.data = BinaryData(data)
    return vendor


def make_actions(sample, prefix=''):
    return [make_action(sample, '%saction.%d.' % (prefix, i))
            for i in range(sample.number(prefix + 'action_count'))]


def make_port(sample, at):
    port = phy_port.PhyPort(hw_addr=sample.mac(at + 'hw_addr'), name=sample.fields[at + 'name'])
    for name in NUMBERS_OF_PORT:
        setattr(port, name, sample.number(at + name))
    return port


def numbers(sample, names, at=''):
    return {name: sample.number(at + name) for name in names}


def make_features(sample):
    return features_reply.FeaturesReply(
        datapath_id=sample.number('datapath_id').to_bytes(8, 'big').hex(':'),
        ports=[make_port(sample, 'port.%d.' % i) for i in range(sample.number('port_count'))],
        **numbers(sample, ('n_buffers', 'n_tables', 'capabilities', 'actions')))


def make_stats_request(sample):
    kind = sample.number('stats_type')
    body = b''
    if kind in (FLOW, AGGREGATE):
        make = common.FlowStatsRequest if kind == FLOW else common.AggregateStatsRequest
        body = make(make_match(sample), sample.number('table_id'), sample.number('out_port'))
    elif kind == PORT:
        body = common.PortStatsRequest(sample.number('port_no'))
    elif kind == QUEUE:
        body = common.QueueStatsRequest(sample.number('port_no'), sample.number('queue_id'))
    elif kind == VENDOR_STATS:
        body = common.VendorStatsRequest(sample.number('vendor'), sample.data())
    return stats_request.StatsRequest(body_type=common.StatsType(kind),
                                      flags=sample.number('flags'), body=body)


def make_stats_entry(sample, kind, at):
    if kind == FLOW:
        actions = make_actions(sample, at)
        return common.FlowStats(length=88 + sum(item.get_size() for item in actions),
                                match=make_match(sample, at), actions=actions,
                                **numbers(sample, NUMBERS_OF_FLOW_STATS, at))
    if kind == TABLE:
        return common.TableStats(name=sample.fields[at + 'name'],
                                 count_lookup=sample.number(at + 'lookup_count'),
                                 count_matched=sample.number(at + 'matched_count'),
                                 **numbers(sample, ('table_id', 'wildcards', 'max_entries',
                                                    'active_count'), at))
    if kind == PORT:
        return common.PortStats(**numbers(sample, NUMBERS_OF_PORT_STATS, at))
    return common.QueueStats(**numbers(sample, NUMBERS_OF_QUEUE_STATS, at))


def make_stats_reply(sample):
    kind = sample.number('stats_type')
    if kind == DESC:
        body = common.DescStats(**{name: sample.fields[name] for name in TEXTS_OF_DESC})
    elif kind == AGGREGATE:
        body = common.AggregateStatsReply(
            **numbers(sample, ('packet_count', 'byte_count', 'flow_count')))
    elif kind == VENDOR_STATS:
        body = common.VendorStats(sample.number('vendor'), sample.data())
    else:
        prefix, cls = {FLOW: ('flow', common.FlowStats), TABLE: ('table', common.TableStats),
                       PORT: ('port', common.PortStats), QUEUE: ('queue', common.QueueStats)}[kind]
        body = FixedTypeList(cls, [make_stats_entry(sample, kind, '%s.%d.' % (prefix, i))
                                   for i in range(sample.number(prefix + '_count'))])
    return stats_reply.StatsReply(body_type=common.StatsType(kind), flags=sample.number('flags'),
                                  body=body)


def make_queue_config(sample):
    queues = []
    for i in range(sample.number('queue_count')):
        at = 'queue.%d.' % i
        rates = [queue.QueuePropMinRate(sample.number(at + 'min_rate'))
                 ] if at + 'min_rate' in sample.fields else []
        queues.append(queue.PacketQueue(sample.number(at + 'queue_id'), 8 + 16 * len(rates), rates))
    return queue_get_config_reply.QueueGetConfigReply(port=sample.number('port'), queues=queues)


def make_hello(sample):
    message = hello.Hello()
    message.elements = BinaryData(sample.data())
    return message


def make(sample):
    """The pyof message with the fields of 'sample'."""
    makers = {
        HELLO: make_hello,
        ERROR: lambda s: error_msg.ErrorMsg(error_type=s.number('error_type'),
                                            code=s.number('code'), data=s.data()),
        ECHO_REQUEST: lambda s: echo_request.EchoRequest(data=s.data()),
        ECHO_REPLY: lambda s: echo_reply.EchoReply(data=s.data()),
        VENDOR: lambda s: vendor_header.VendorHeader(vendor=s.number('vendor'), data=s.data()),
        FEATURES_REQUEST: lambda s: features_request.FeaturesRequest(),
        FEATURES_REPLY: make_features,
        GET_CONFIG_REQUEST: lambda s: get_config_request.GetConfigRequest(),
        GET_CONFIG_REPLY: lambda s: get_config_reply.GetConfigReply(
            **numbers(s, ('flags', 'miss_send_len'))),
        SET_CONFIG: lambda s: set_config.SetConfig(**numbers(s, ('flags', 'miss_send_len'))),
        PACKET_IN: lambda s: packet_in.PacketIn(
            data=s.data(), **numbers(s, ('buffer_id', 'total_len', 'in_port', 'reason'))),
        FLOW_REMOVED: lambda s: flow_removed.FlowRemoved(
            match=make_match(s), **numbers(s, NUMBERS_OF_FLOW_REMOVED)),
        PORT_STATUS: lambda s: port_status.PortStatus(reason=s.number('reason'),
                                                      desc=make_port(s, 'desc.')),
        PACKET_OUT: lambda s: packet_out.PacketOut(
            actions=make_actions(s), data=s.data(), **numbers(s, ('buffer_id', 'in_port'))),
        FLOW_MOD: lambda s: flow_mod.FlowMod(match=make_match(s), actions=make_actions(s),
                                             **numbers(s, NUMBERS_OF_FLOW_MOD)),
        PORT_MOD: lambda s: port_mod.PortMod(
            hw_addr=s.mac('hw_addr'), **numbers(s, ('port_no', 'config', 'mask', 'advertise'))),
        STATS_REQUEST: make_stats_request,
        STATS_REPLY: make_stats_reply,
        BARRIER_REQUEST: lambda s: barrier_request.BarrierRequest(),
        BARRIER_REPLY: lambda s: barrier_reply.BarrierReply(),
        QUEUE_CONFIG_REQUEST: lambda s: queue_get_config_request.QueueGetConfigRequest(
            port=s.number('port')),
        QUEUE_CONFIG_REPLY: make_queue_config,
    }
    return makers[sample.number('type')](sample)


def pack(sample):
    """The bytes that pyof makes of the fields of 'sample'."""
    message = make(sample)
    message.header.xid = sample.number('xid')
    message.header.version = sample.number('version')
    return message.pack()


def check_unpacked(tap, sample):
    try:
        notes = differences(sample.fields, unpack(sample.bytes))
    except Exception as error:  # whatever pyof raises is a difference
        notes = ['pyof: %r' % error]
    tap.result(not notes, 'pyof unpacks: ' + sample.name, *notes)


def check_packed(tap, sample):
    """Returns pyof's bytes, None where it has none."""
    try:
        packed = pack(sample)
    except Exception as error:
        tap.result(False, 'pyof packs: ' + sample.name, 'pyof: %r' % error)
        return None
    tap.result(packed == sample.bytes, 'pyof packs: ' + sample.name,
               'ours   ' + sample.bytes.hex(), 'theirs ' + packed.hex())
    return packed


def check_pyof(tap, program, samples):
    if not pyof:
        tap.skip('pyof agrees', 'python3-openflow is not installed for ' + sys.executable)
        return
    repair_pyof()
    packed = []
    for sample in samples:
        check_unpacked(tap, sample)
        packed.append((sample, check_packed(tap, sample)))
    packed = [(sample, data) for sample, data in packed if data is not None]
    decoded = subprocess.run([program, 'decode'], check=True, text=True, stdout=subprocess.PIPE,
                             input=''.join(data.hex() + '\n' for _, data in packed)).stdout
    for (sample, _), block in zip(packed, blocks_of(decoded)):
        notes = differences(sample.fields, Sample(block).fields)
        tap.result(not notes, 'we decode what pyof packed: ' + sample.name, *notes)


# tshark.

def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def segment(port, seq, payload):
    """An Ethernet frame with a TCP segment from 'port' to 6653."""
    source, destination = 0x0a000001, 0x0a000002
    tcp = struct.pack('!HHIIBBHHH', port, 6653, seq, 1, 0x50, 0x18, 65535, 0, 0) + payload
    pseudo = struct.pack('!IIHH', source, destination, 6, len(tcp)) + tcp + b'\0' * (len(tcp) % 2)
    tcp = tcp[:16] + struct.pack('!H', checksum(pseudo)) + tcp[18:]
    ip = struct.pack('!BBHHHBBHII', 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source, destination)
    ip = ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:]
    return bytes.fromhex('020000000002' '020000000001' '0800') + ip + tcp


def write_pcap(path, frames):
    with open(path, 'wb') as out:
        out.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, frame in enumerate(frames):
            out.write(struct.pack('<IIII', i, 0, len(frame), len(frame)) + frame)


class Dissection:
    """What tshark says about one frame."""

    def __init__(self, packet):
        self.names = [proto.get('name') for proto in packet.iter('proto')]
        self.messages = [proto for proto in packet.findall('proto')
                         if (proto.get('name') or '').startswith('openflow')]
        self.complaints = []
        for field in packet.iter('field'):
            if field.get('name') != '_ws.expert':
                continue
            inner = {item.get('name'): item.get('showname', '') for item in field.iter('field')}
            # "Undecoded" only says that the dissector goes no further.
            if 'Undecoded' not in inner.get('_ws.expert.group', ''):
                self.complaints.append(field.get('showname'))

    def shown(self, message=0):
        """The fields of one message: their names and the lists of what tshark shows for each."""
        shown = {}
        for field in self.messages[message].iter('field'):
            shown.setdefault(field.get('name'), []).append(field.get('show'))
        return shown


def dissect(frames):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'samples.pcap')
        write_pcap(path, frames)
        pdml = subprocess.run(['tshark', '-r', path, '-T', 'pdml'], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return [Dissection(packet) for packet in ElementTree.fromstring(pdml).iter('packet')]


MATCH_OF_TSHARK = {
    'openflow.wildcards': 'wildcards', 'openflow.in_port': 'in_port', 'openflow.eth_src': 'dl_src',
    'openflow.eth_dst': 'dl_dst', 'openflow.dl_vlan': 'dl_vlan',
    'openflow.dl_vlan_pcp': 'dl_vlan_pcp', 'openflow.ofp_match.dl_type': 'dl_type',
    'openflow.ofp_match.tos': 'nw_tos', 'openflow.ofp_match.nw_proto': 'nw_proto',
    'openflow.ofp_match.source_addr': 'nw_src', 'openflow.ofp_match.dest_addr': 'nw_dst',
    'openflow.ofp_match.source_port': 'tp_src', 'openflow.ofp_match.dest_port': 'tp_dst',
}
PORT_OF_TSHARK = {
    'openflow.port_no': 'port_no', 'openflow.hw_add': 'hw_addr', 'openflow.port_name': 'name',
    'openflow.port_config': 'config', 'openflow.port_state': 'state', 'openflow.port_curr': 'curr',
    'openflow.port_advertised': 'advertised', 'openflow.port_supported': 'supported',
    'openflow.port_peer': 'peer',
}


def expect_action(sample, expected):
    """tshark goes no further than the first action, and knows arguments of an output only."""
    if not sample.number('action_count'):
        return
    expected['openflow.action_typ'] = ['action.0.type']
    if sample.number('action.0.type') == OUTPUT:
        expected['openflow.output_port'] = ['action.0.port']
        expected['openflow.max_len'] = ['action.0.max_len']


def expected_of_tshark(sample):
    """Which of tshark's fields must show which of ours, as far as its dissector goes."""
    kind = sample.number('type')
    match = {theirs: ['match.' + ours] for theirs, ours in MATCH_OF_TSHARK.items()}
    expected = {'openflow_1_0.type': ['type'], 'openflow.xid': ['xid'],
                'openflow.version': ['version']}
    if kind == FEATURES_REPLY:
        for name in ('datapath_id', 'n_buffers', 'n_tables', 'capabilities', 'actions'):
            expected['openflow.' + name] = [name]
        ports = range(sample.number('port_count'))
        for theirs, ours in PORT_OF_TSHARK.items():
            expected[theirs] = ['port.%d.%s' % (i, ours) for i in ports]
    elif kind in (GET_CONFIG_REPLY, SET_CONFIG):
        expected.update({'openflow.config_flags': ['flags'],
                         'openflow.miss_send_len': ['miss_send_len']})
    elif kind == PACKET_IN:
        for name in ('buffer_id', 'total_len', 'in_port', 'reason'):
            expected['openflow.' + name] = [name]
    elif kind == PACKET_OUT:
        for name in ('buffer_id', 'in_port'):
            expected['openflow.' + name] = [name]
        expect_action(sample, expected)
    elif kind == FLOW_MOD:
        expected.update(match)
        for name in NUMBERS_OF_FLOW_MOD:
            expected['openflow.' + name] = [name]
        expect_action(sample, expected)
    elif kind in (STATS_REQUEST, STATS_REPLY):
        expected.update({'openflow.stats.type': ['stats_type'], 'openflow.flags': ['flags']})
        if kind == STATS_REQUEST and sample.number('stats_type') == FLOW:
            expected.update(match)
            expected.update({'openflow.table_id': ['table_id'], 'openflow.out_port': ['out_port']})
    return expected


def same_as_shown(ours, shown):
    """Compare a field of ours with what tshark shows of it."""
    if shown == ours or shown.replace(':', '') == ours:
        return True
    if shown.count('.') == 3:
        return ip_number(shown) == ours
    try:
        return int(shown, 0) == int(ours)
    except ValueError:
        return False


def lacks_actions(sample):
    """A bug of tshark 4.0: it looks for a first action in every flow-mod and packet-out and calls
    one without actions, which deletes or drops, malformed."""
    return sample.fields.get('action_count') == '0'


def check_dissected(tap, sample, dissection):
    notes = [] if lacks_actions(sample) else list(dissection.complaints)
    if sample.number('version') != 1:
        expected = {}
    elif len(dissection.messages) != 1 or dissection.messages[0].get('name') != 'openflow_v1':
        expected = {}
        notes.append('not dissected as OpenFlow 1.0: %s' % dissection.names)
    else:
        expected = expected_of_tshark(sample)
    shown = dissection.shown() if expected else {}
    for theirs, keys in expected.items():
        ours = [sample.fields[key] for key in keys]
        found = shown.get(theirs, [])
        if len(ours) != len(found) or not all(map(same_as_shown, ours, found)):
            notes.append('%s: expected %s, found %s' % (theirs, ours, found))
    if sample.number('type') in (PACKET_IN, PACKET_OUT) and sample.data() \
            and dissection.names.count('arp') != 1:
        notes.append('the ARP request inside was not found: %s' % dissection.names)
    tap.result(not notes, 'tshark dissects: ' + sample.name, *notes)


def check_stream(tap, samples, size):
    """All samples in one TCP stream, in segments of 'size' bytes."""
    samples = [sample for sample in samples
               if sample.number('version') == 1 and not lacks_actions(sample)]
    stream = b''.join(sample.bytes for sample in samples)
    frames = [segment(20000, 1 + at, stream[at:at + size]) for at in range(0, len(stream), size)]
    found, notes = [], []
    for dissection in dissect(frames):
        notes += dissection.complaints
        for i in range(len(dissection.messages)):
            shown = dissection.shown(i)
            found.append((int(shown['openflow_1_0.type'][0]), int(shown['openflow.xid'][0])))
    expected = [(sample.number('type'), sample.number('xid')) for sample in samples]
    if found != expected:
        notes += ['expected %s' % expected, 'found %s' % found]
    tap.result(not notes, 'tshark finds all messages of a stream cut every %d bytes' % size, *notes)


def check_tshark(tap, samples):
    if not shutil.which('tshark'):
        tap.skip('tshark agrees', 'tshark is not installed')
        return
    frames = [segment(10000 + i, 1, sample.bytes) for i, sample in enumerate(samples)]
    for sample, dissection in zip(samples, dissect(frames)):
        check_dissected(tap, sample, dissection)
    for size in (1400, 100, 7):
        check_stream(tap, samples, size)


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: codec_crosscheck.py FOLDER-OF-codec_samples')
    program = os.path.join(sys.argv[1], 'codec_samples')
    printed = subprocess.run([program], check=True, text=True, stdout=subprocess.PIPE).stdout
    samples = [Sample(block) for block in blocks_of(printed)]
    tap = Tap()
    types = {sample.number('type') for sample in samples}
    tap.result(types == set(range(22)), 'there is a sample of every message type', str(types))
    check_pyof(tap, program, samples)
    check_tshark(tap, samples)
    print('1..%d' % tap.count)
    sys.exit(1 if tap.failed else 0)


if __name__ == '__main__':
    main()
