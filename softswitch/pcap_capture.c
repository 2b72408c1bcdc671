/* Frames in and out of an interface through libpcap; see pcap_port.h.
 *
 * The kernel puts frames into a ring that libpcap maps; immediate mode hands each over at once. The
 * slots of the ring are all of one size, which is chosen by the MTU, so that a ring of a few MiB
 * holds thousands of frames and not a few of the longest possible. VLAN tags that the kernel took
 * out are put back by libpcap. Frames that the machine itself sends by the interface are kept out
 * by the kernel; libpcap's direction is the second lock. */
#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <flowbed/packet.h>

#include "softswitch/pcap_private.h"

enum {
	TAGS_MAX = 2,             /* VLAN tags beyond what the MTU counts */
	SLOT_BYTES_MIN = 2048,    /* of the ring; half a page */
	SLOT_HEADER_BYTES = 96,   /* of it, at most, for what the kernel says of a frame */
	SEND_BYTES = 1024 * 1024, /* of frames that wait for the device */
	RINGS_BYTES_MAX = 256 * 1024 * 1024, /* of all interfaces */
	ETH_VLAN_SERVICE = 0x88a8,           /* the type of an outer tag (IEEE 802.1ad) */
};

/* The longest frame that the ring is made for: what fills slots of a power of two. */
static uint32_t snap_for(uint32_t mtu_bytes)
{
	uint64_t wanted = (uint64_t)mtu_bytes + FB_ETH_HEADER_BYTES + TAGS_MAX * FB_VLAN_TAG_BYTES +
	                  SLOT_HEADER_BYTES;
	uint64_t slot = SLOT_BYTES_MIN;

	while (slot < wanted && slot < 2 * (uint64_t)FB_FRAME_BYTES_MAX)
		slot *= 2;
	slot -= SLOT_HEADER_BYTES;
	return slot < FB_FRAME_BYTES_MAX ? (uint32_t)slot : FB_FRAME_BYTES_MAX;
}

bool pcap_capture_misfits(const struct pcap_port *port)
{
	return port->pcap && port->snap_bytes != snap_for(port->mtu_bytes);
}

/* The longest frame that the MTU allows, with the tags that are in the 'len' bytes at 'bytes'. */
static uint32_t frame_bytes_max(const struct pcap_port *port, const uint8_t *bytes, uint32_t len)
{
	uint32_t at = 2 * FB_MAC_BYTES, tags_bytes = 0;

	for (; at + FB_VLAN_TAG_BYTES <= len; at += FB_VLAN_TAG_BYTES) {
		uint16_t type = fb_get16(bytes + at);

		if (type != FB_ETH_VLAN && type != ETH_VLAN_SERVICE)
			break;
		tags_bytes += FB_VLAN_TAG_BYTES;
	}
	return port->mtu_bytes + FB_ETH_HEADER_BYTES + tags_bytes;
}

/* Tell of a frame of 'len' bytes that the MTU does not allow. */
static void oversized(struct pcap_port *port, uint32_t len, bool dropped)
{
	struct pcap_ports_counters *counters = &port->ports->counters;
	struct fb_port_stats more = {.port_no = port->port_no, .rx_dropped = 1};

	counters->oversized++;
	pcap_port_warn(port, PCAP_WARNING_OVERSIZED,
	               "a frame of %u bytes came in, more than the MTU of %u allows%s: the sender "
	               "leaves segmentation to its interface; turn off TSO/GSO at the sender: "
	               "ethtool -K DEV tso off gso off gro off",
	               len, port->mtu_bytes, dropped ? ", and was dropped" : "");
	if (!dropped)
		return;
	counters->oversized_dropped++;
	port->ports->ops.counted(port->ports->ops.ctx, port->port_no, &more);
}

/* A sender that leaves checksums to its interface writes the sum of the pseudo header into the
 * field. Where that interface is a virtual one, nobody completes it. */
static void look_at_checksum(struct pcap_port *port, const uint8_t *bytes, uint32_t len)
{
	struct fb_packet packet;
	uint32_t at;
	uint16_t pseudo;

	if (fb_packet_parse(&packet, bytes, len) < 0 || !(packet.is_tcp || packet.is_udp) ||
	    packet.more_fragments)
		return;
	at = packet.l4_ofs + (packet.is_tcp ? 16u : 6u);
	pseudo = fb_checksum_finish(
	        fb_checksum_pseudo(packet.nw_src, packet.nw_dst, packet.nw_proto, packet.l4_len));
	if ((fb_get16(bytes + at) ^ pseudo) != 0xffff || fb_packet_checksums_ok(&packet))
		return;
	port->ports->counters.partial_checksums++;
	pcap_port_warn(port, PCAP_WARNING_CHECKSUM,
	               "a %s segment came in without its checksum: the sender leaves it to its "
	               "interface, and receivers will drop it; turn that off at the sender: "
	               "ethtool -K DEV tx off",
	               packet.is_tcp ? "TCP" : "UDP");
}

static void on_frame(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct pcap_port *port = (void *)user;
	bool cut = header->caplen < header->len || header->caplen > FB_FRAME_BYTES_MAX;

	if (cut || header->len > port->mtu_bytes + FB_ETH_HEADER_BYTES) {
		if (cut || header->len > frame_bytes_max(port, bytes, header->caplen))
			oversized(port, header->len, cut);
		if (cut)
			return;
	}
	look_at_checksum(port, bytes, header->caplen);
	pcap_port_deliver(port, bytes, header->caplen);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct pcap_port *port = ctx;
	int status;

	(void)fd;
	(void)what;
	if (!pcap_port_before_reading(port))
		return;
	status = pcap_dispatch(port->pcap, (int)port->ports->config.batch_max, on_frame, ctx);
	if (status >= 0)
		return;
	pcap_port_warn(port, PCAP_WARNING_OPEN, "cannot be read: %s", pcap_geterr(port->pcap));
	pcap_capture_close(port);
}

static void explain_permission(struct pcap_port *port)
{
	snprintf(port->failure, sizeof port->failure,
	         "no permission to capture on interface '%s': run as root, or give the program "
	         "CAP_NET_RAW and CAP_NET_ADMIN: setcap cap_net_raw,cap_net_admin+ep PROGRAM",
	         port->name);
}

/* The socket that libpcap would make. */
bool pcap_capture_permitted(struct pcap_port *port)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	if (errno != EPERM && errno != EACCES)
		return true; /* libpcap will tell */
	explain_permission(port);
	return false;
}

/* Why the capture could not be activated, and what to do. */
static void explain(struct pcap_port *port, pcap_t *pcap, int status)
{
	const char *name = port->name;
	size_t size = sizeof port->failure;

	if (status == PCAP_ERROR_PERM_DENIED || status == PCAP_ERROR_PROMISC_PERM_DENIED)
		explain_permission(port);
	else if (status == PCAP_ERROR_IFACE_NOT_UP)
		snprintf(port->failure, size, "interface '%s' is down: ip link set %s up", name,
		         name);
	else if (status == PCAP_ERROR_NO_SUCH_DEVICE)
		snprintf(port->failure, size, "there is no interface '%s'", name);
	else
		snprintf(port->failure, size, "cannot capture on interface '%s': %s", name,
		         *pcap_geterr(pcap) ? pcap_geterr(pcap) : pcap_statustostr(status));
}

/* The size of an interface's ring: as configured, less where many share what there may be. */
static int ring_bytes(const struct pcap_ports *ports)
{
	uint32_t most = RINGS_BYTES_MAX / (uint32_t)ports->interfaces;

	return (int)(ports->config.buffer_bytes < most ? ports->config.buffer_bytes : most);
}

/* Set up and activate 'pcap'; 0, or an error of libpcap. */
static int activate(struct pcap_port *port, pcap_t *pcap)
{
	int status;

	port->snap_bytes = snap_for(port->mtu_bytes);
	pcap_set_snaplen(pcap, (int)port->snap_bytes);
	pcap_set_promisc(pcap, 1);
	pcap_set_immediate_mode(pcap, 1);
	pcap_set_buffer_size(pcap, ring_bytes(port->ports));
	status = pcap_activate(pcap);
	if (status < 0)
		return status;
	if (status == PCAP_WARNING_PROMISC_NOTSUP)
		pcap_port_log(port, LOG_LEVEL_WARNING,
		              "cannot be promiscuous: frames to other addresses may be missing");
	if (pcap_setdirection(pcap, PCAP_D_IN) < 0)
		return PCAP_ERROR;
	return 0;
}

/* Make the packet socket ready for the loop. */
static bool watch(struct pcap_port *port)
{
	char text[PCAP_ERRBUF_SIZE];
	int on = 1, bytes = SEND_BYTES;

	if (pcap_setnonblock(port->pcap, 1, text) < 0)
		return false;
	port->fd = pcap_get_selectable_fd(port->pcap);
	/* Older kernels do without: then the direction alone keeps own frames out. */
	setsockopt(port->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
	if (setsockopt(port->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
		setsockopt(port->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	port->readable =
	        event_new(port->ports->base, port->fd, EV_READ | EV_PERSIST, on_readable, port);
	return port->readable && event_add(port->readable, NULL) == 0;
}

bool pcap_capture_open(struct pcap_port *port)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(port->name, text);
	int status;

	port->failure[0] = '\0';
	if (!pcap) {
		snprintf(port->failure, sizeof port->failure,
		         "cannot capture on interface '%s': %.200s", port->name, text);
		return false;
	}
	status = activate(port, pcap);
	if (status < 0) {
		explain(port, pcap, status);
		pcap_close(pcap);
		return false;
	}
	port->pcap = pcap;
	port->drops = 0;
	if (watch(port))
		return true;
	explain(port, pcap, PCAP_ERROR);
	pcap_capture_close(port);
	return false;
}

void pcap_capture_close(struct pcap_port *port)
{
	if (port->readable)
		event_free(port->readable);
	port->readable = NULL;
	if (port->pcap)
		pcap_close(port->pcap);
	port->pcap = NULL;
	port->fd = -1;
}

void pcap_capture_drain(struct pcap_port *port)
{
	int ring_frames = ring_bytes(port->ports) / SLOT_BYTES_MIN + 1;

	if (port->pcap)
		pcap_dispatch(port->pcap, ring_frames, on_frame, (void *)port);
}

uint32_t pcap_capture_drops(struct pcap_port *port)
{
	struct pcap_stat stat;
	uint32_t before = port->drops;

	if (!port->pcap || pcap_stats(port->pcap, &stat) < 0)
		return 0;
	port->drops = stat.ps_drop;
	return port->drops - before;
}

enum datapath_sent pcap_capture_send(struct pcap_port *port, struct frame *frame)
{
	if (pcap_inject(port->pcap, frame_data(frame), frame->len) >= 0)
		return DATAPATH_SENT;
	if (errno == ENOBUFS || errno == EAGAIN)
		return DATAPATH_DROPPED;
	if (errno == EMSGSIZE)
		pcap_port_warn(port, PCAP_WARNING_SEND,
		               "a frame of %u bytes does not fit out, the MTU is %u: give all "
		               "interfaces of the switch and the hosts the same MTU",
		               frame->len, port->mtu_bytes);
	return DATAPATH_FAILED;
}
