/* A fake switch: connection, handshake and buffers; see controller_load.h. Which packet-ins it sends
 * is left to the traffic. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "tests/bench/controller_load.h"

enum {
	MESSAGE_BYTES_MAX = 65535,
	READ_BYTES = 256 * 1024,
	CONTROL_BYTES =
	        256 * 1024, /* replies that wait; a controller that lets more wait is broken */
	N_BUFFERS = 256,
	RING_MIN = 1024,
};

/* --- Life --- */

/* So many ids are remembered that a late answer is still told from a foreign one. */
static uint32_t ring_size(uint32_t window)
{
	uint32_t size = RING_MIN;

	while (size < 4 * (uint64_t)window)
		size *= 2;
	return size;
}

void fake_init(struct fake *fake, struct load *load, uint32_t index)
{
	uint32_t window = load->options.window > LOAD_SLOTS ? load->options.window : LOAD_SLOTS;
	uint32_t ids = ring_size(window);

	*fake = (struct fake){.load = load, .index = index, .fd = -1, .ring_mask = ids - 1};
	fake->ring = xcalloc(ids / 64, sizeof *fake->ring);
	fake->packets = xcalloc(LOAD_SLOTS, LOAD_PACKET_IN_BYTES);
	fake->control = fb_buf_make(xmalloc(CONTROL_BYTES), CONTROL_BYTES);
	fake->rest = xmalloc(MESSAGE_BYTES_MAX);
	if (!load->input)
		load->input = xmalloc(MESSAGE_BYTES_MAX + READ_BYTES);
}

void fake_destroy(struct fake *fake)
{
	if (fake->fd >= 0)
		close(fake->fd);
	free(fake->ring);
	free(fake->packets);
	free(fake->control.data);
	free(fake->rest);
	fake->load->traffic->destroy(fake);
}

static int connect_tcp(const struct conn_name *name)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	int fd, error, one = 1;
	char port[8];

	snprintf(port, sizeof port, "%u", name->port);
	if (getaddrinfo(name->host, port, &hints, &list)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen) < 0) {
		error = errno;
		close(fd);
		errno = error;
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static int connect_unix(const struct conn_name *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", name->path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

bool fake_connect(struct fake *fake)
{
	const struct load_options *options = &fake->load->options;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = fake};

	fake->fd = options->name.kind == CONN_UNIX ? connect_unix(&options->name)
	                                           : connect_tcp(&options->name);
	if (fake->fd < 0 || fcntl(fake->fd, F_SETFL, O_NONBLOCK) < 0 ||
	    epoll_ctl(fake->load->epoll, EPOLL_CTL_ADD, fake->fd, &event) < 0)
		return false;
	fake->joined = fake->wants_out = false;
	fake->next_id = fake->first_id = options->first_buffer_id;
	fake->ids = 0;
	fake->outstanding = fake->learned = 0;
	memset(fake->ring, 0, (fake->ring_mask + 1) / 8);
	fake->packets_len = fake->packets_sent = fake->control.len = fake->control_sent = 0;
	fake->rest_len = 0;
	fake->miss_send_len = OFP_DEFAULT_MISS_SEND_LEN;
	fake->load->traffic->begin(fake);
	return true;
}

void fake_reset(struct fake *fake)
{
	const struct linger at_once = {.l_onoff = 1};

	if (fake->fd < 0)
		return;
	setsockopt(fake->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(fake->fd);
	fake->fd = -1;
	fake->load->joined -= fake->joined;
	fake->joined = false;
}

static void closed(struct fake *fake, const char *why)
{
	tally_wrong(fake, WRONG_CLOSED, 1, "the connection ended: %s", why);
	fake_reset(fake);
}

/* --- Ids of buffers --- */

void fake_never_answered(struct fake *fake, uint32_t id)
{
	tally_wrong(fake, WRONG_MISSING, 1, "buffer %" PRIu32 " was never answered",
	            id - fake->ring_mask - 1);
	fake->outstanding--;
}

void fake_not_due(const struct fake *fake, uint32_t id)
{
	uint32_t age = fake->next_id - 1 - id;

	if (age > fake->ring_mask || age >= fake->ids)
		tally_wrong(fake, WRONG_BUFFER, 1,
		            "an answer names buffer %" PRIu32 ", the last was %" PRIu32, id,
		            fake->next_id - 1);
	else
		tally_wrong(fake, WRONG_TWICE, 1, "buffer %" PRIu32 " was answered again", id);
}

/* --- Output --- */

static void want_out(struct fake *fake, bool wants)
{
	struct epoll_event event = {.events = EPOLLIN | (wants ? EPOLLOUT : 0), .data.ptr = fake};

	if (fake->wants_out == wants)
		return;
	fake->wants_out = wants;
	epoll_ctl(fake->load->epoll, EPOLL_CTL_MOD, fake->fd, &event);
}

/* Note that 'count' bytes were taken. */
static void sent(struct fake *fake, size_t count)
{
	size_t packets = fake->packets_len - fake->packets_sent;

	if (packets > count)
		packets = count;
	fake->packets_sent += packets;
	fake->control_sent += count - packets;
	if (fake->packets_sent == fake->packets_len)
		fake->packets_sent = fake->packets_len = 0;
	if (fake->control_sent == fake->control.len)
		fake->control_sent = fake->control.len = 0;
}

/* Write what there is; true when the socket took it all. */
static bool flush(struct fake *fake)
{
	while (fake->packets_len || fake->control.len) {
		const struct iovec parts[] = {
		        {fake->packets + fake->packets_sent,
		         fake->packets_len - fake->packets_sent},
		        {fake->control.data + fake->control_sent,
		         fake->control.len - fake->control_sent},
		};
		ssize_t count = fake->control.len
		                        ? writev(fake->fd, parts, 2)
		                        : write(fake->fd, parts[0].iov_base, parts[0].iov_len);

		if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			want_out(fake, true);
			return false;
		}
		if (count < 0) {
			closed(fake, strerror(errno));
			return false;
		}
		sent(fake, (size_t)count);
	}
	want_out(fake, false);
	return true;
}

void fake_send(struct fake *fake)
{
	while (fake->fd >= 0 && flush(fake)) {
		if (!fake->joined || fake->load->phase == PHASE_JOIN)
			return;
		fake->load->traffic->fill(fake, LOAD_SLOTS);
		if (!fake->packets_len)
			return;
		if (fake->load->options.latency)
			fake->sent_ns = load_clock_ns();
	}
}

/* --- What is no answer --- */

static void put(struct fake *fake, const struct fb_msg *msg)
{
	if (!fb_msg_encode(&fake->control, msg))
		closed(fake, "the controller reads no replies");
}

static void put_features(struct fake *fake, uint32_t xid)
{
	uint8_t memory[LOAD_PORTS * sizeof(struct ofp_phy_port)];
	struct fb_buf ports = fb_buf_make(memory, sizeof memory);
	struct fb_msg msg = {.type = OFPT_FEATURES_REPLY, .xid = xid};
	uint64_t dpid = fake->load->options.first_dpid + (uint64_t)fake->index;

	for (uint16_t port_no = 1; port_no <= LOAD_PORTS; port_no++) {
		struct fb_phy_port port = {.port_no = port_no, .curr = OFPPF_10GB_FD};

		snprintf(port.name, sizeof port.name, "eth%u", port_no);
		fb_mac_from_u64(port.hw_addr, UINT64_C(0x0a0000000000) | dpid << 8 | port_no);
		fb_phy_port_put(&ports, &port);
	}
	msg.features_reply = (struct fb_features_reply){
	        .datapath_id = dpid,
	        .n_buffers = N_BUFFERS,
	        .n_tables = 1,
	        .capabilities = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS,
	        .actions = (1u << (OFPAT_ENQUEUE + 1)) - 1,
	        .ports = {.data = memory, .len = ports.len},
	};
	put(fake, &msg);
}

/* The handshake is done. Traffic begins when all have come so far, but for a packet-in that is to
 * share the segment of the FEATURES_REPLY. */
static void join(struct fake *fake)
{
	if (fake->joined)
		return;
	fake->joined = true;
	fake->load->joined++;
	if (!fake->load->options.packet_in_with_features)
		return;
	fake->load->traffic->fill(fake, 1);
	fb_buf_put(&fake->control, fake->packets, fake->packets_len);
	fake->packets_len = 0;
}

static void reply_to_stats(struct fake *fake, const struct fb_msg *request)
{
	uint8_t memory[sizeof(struct ofp_table_stats)];
	struct fb_buf table = fb_buf_make(memory, sizeof memory);
	struct fb_msg msg = {.type = OFPT_STATS_REPLY, .xid = request->xid};

	msg.stats_reply.type = request->stats_request.type;
	switch (msg.stats_reply.type) {
	case OFPST_DESC:
		snprintf(msg.stats_reply.desc.sw_desc, DESC_STR_LEN, "controller_load");
		break;
	case OFPST_TABLE:
		fb_table_stats_put(&table, &(struct fb_table_stats){.name = "fake",
		                                                    .wildcards = OFPFW_ALL,
		                                                    .max_entries = UINT32_MAX});
		msg.stats_reply.entries = (struct fb_view){.data = memory, .len = table.len};
		break;
	case OFPST_VENDOR:
		msg.stats_reply.vendor.vendor = request->stats_request.vendor.vendor;
		break;
	default:
		break; /* no entries, no ports that count, no queues */
	}
	put(fake, &msg);
}

static void reply(struct fake *fake, const struct fb_msg *msg, const uint8_t *bytes)
{
	struct fb_msg answer = {.xid = msg->xid};

	switch (msg->type) {
	case OFPT_ECHO_REQUEST:
		answer.type = OFPT_ECHO_REPLY;
		if (!fake->load->options.echo_reply_empty)
			answer.data = msg->data;
		put(fake, &answer);
		break;
	case OFPT_FEATURES_REQUEST:
		put_features(fake, msg->xid);
		join(fake);
		break;
	case OFPT_GET_CONFIG_REQUEST:
		answer.type = OFPT_GET_CONFIG_REPLY;
		answer.config = (struct fb_switch_config){fake->flags, fake->miss_send_len};
		put(fake, &answer);
		break;
	case OFPT_SET_CONFIG:
		fake->flags = msg->config.flags;
		fake->miss_send_len = msg->config.miss_send_len;
		break;
	case OFPT_STATS_REQUEST:
		reply_to_stats(fake, msg);
		break;
	case OFPT_BARRIER_REQUEST:
		answer.type = OFPT_BARRIER_REPLY;
		put(fake, &answer);
		break;
	case OFPT_QUEUE_GET_CONFIG_REQUEST:
		answer.type = OFPT_QUEUE_GET_CONFIG_REPLY;
		answer.queue_config_reply.port = msg->queue_config_request_port;
		put(fake, &answer);
		break;
	case OFPT_VENDOR:
		fb_msg_put_error(&fake->control,
		                 &(struct fb_of_error){OFPET_BAD_REQUEST, OFPBRC_BAD_VENDOR, ""},
		                 bytes, msg->length);
		break;
	case OFPT_ERROR:
		tally_wrong(fake, WRONG_MALFORMED, 1, "an ERROR came, type %u code %u",
		            msg->error.type, msg->error.code);
		break;
	default:
		break;
	}
}

/* A message that is neither a flow-mod nor a packet-out. */
static void other(struct fake *fake, const uint8_t *bytes, size_t len)
{
	struct fb_of_error error;
	struct fb_msg msg;

	if (fb_msg_decode(bytes, len, &msg, &error) < 0) {
		tally_wrong(fake, WRONG_MALFORMED, 1, "a message of type %u: %s", bytes[1],
		            error.why);
		return;
	}
	fake->load->tally.others[msg.type]++;
	reply(fake, &msg, bytes);
}

void fake_greet(struct fake *fake)
{
	put(fake, &(struct fb_msg){.type = OFPT_HELLO});
	flush(fake);
}

/* --- Input --- */

/* Take the messages of the 'len' bytes at 'bytes'; returns how many bytes they have. */
static size_t take(struct fake *fake, const uint8_t *bytes, size_t len)
{
	size_t at = 0, message_len;

	while (fake->fd >= 0) {
		at += fake->load->traffic->answers(fake, bytes + at, len - at);
		if (len - at < sizeof(struct ofp_header))
			break;
		message_len = fb_get16(bytes + at + 2);
		if (message_len < sizeof(struct ofp_header)) {
			closed(fake, "a message is shorter than its header");
			break;
		}
		if (message_len > len - at)
			break;
		other(fake, bytes + at, message_len);
		at += message_len;
	}
	return fake->fd >= 0 ? at : len;
}

static void receive(struct fake *fake)
{
	uint8_t *input = fake->load->input;
	size_t len = fake->rest_len, taken;
	ssize_t count;

	count = read(fake->fd, input + len, READ_BYTES);
	if (count <= 0) {
		if (count == 0 || (errno != EAGAIN && errno != EINTR))
			closed(fake, count ? strerror(errno) : "by the controller");
		return;
	}
	if (fake->load->options.latency)
		fake->load->received_ns = load_clock_ns();
	memcpy(input, fake->rest, len);
	len += (size_t)count;
	taken = take(fake, input, len);
	fake->rest_len = len - taken;
	memcpy(fake->rest, input + taken, fake->rest_len);
}

void fake_handle(struct fake *fake, uint32_t events)
{
	if (fake->fd >= 0 && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		receive(fake);
	fake_send(fake);
}
