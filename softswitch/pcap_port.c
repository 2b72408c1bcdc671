/* The ports of a switch on real interfaces; see pcap_port.h.
 *
 * A port is a place in the list and a name. What becomes of the interface of that name is told by
 * netlink: events as they happen, and answers to a question about every port each 'stats_ns', which
 * bring the device's counters and make good for events that were lost. Every such message brings
 * the port to what it says: it appears, is opened, opened again with other buffers, told as
 * changed. So there is one way only for the start, for interfaces that come back and for captures
 * that broke.
 *
 * A port that is there but cannot be read (it is down, or broken) is told with OFPPS_LINK_DOWN. */
#include "softswitch/pcap_private.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/text.h>
#include <flowbed/time.h>

#include "lib/base/xalloc.h"
#include "lib/io/system.h"
#include "softswitch/ports.h"

enum {
	LINE_BYTES = 512,
	ASK_AT_A_TIME = 16,  /* questions whose answers wait in netlink's socket */
	LEARN_TRIES = 100,   /* questions about an interface while the system tells of others */
	LIST_NAMES_MAX = 12, /* of interfaces, in an error message */
};

void pcap_ports_config_default(struct pcap_ports_config *config)
{
	*config = (struct pcap_ports_config){
	        .buffer_bytes = 4 * 1024 * 1024,
	        .batch_max = 64,
	        .stats_ns = FB_NS_PER_S,
	        .warn_ns = 10 * FB_NS_PER_S,
	};
}

/* --- Telling people --- */

/* Log the message with "NAME (port N): " in front and 'tail' behind. */
static void log_of(struct pcap_port *port, enum log_level level, const char *tail,
                   const char *format, va_list args) __attribute__((format(printf, 4, 0)));
static void log_of(struct pcap_port *port, enum log_level level, const char *tail,
                   const char *format, va_list args)
{
	struct pcap_ports *ports = port->ports;
	char text[LINE_BYTES], line[LINE_BYTES + 128], place[16] = "LOCAL";

	vsnprintf(text, sizeof text, format, args);
	if (!port->local)
		snprintf(place, sizeof place, "port %u", port->port_no);
	snprintf(line, sizeof line, "%s (%s): %s%s", port->name, place, text, tail);
	ports->ops.log(ports->ops.ctx, level, line);
}

void pcap_port_log(struct pcap_port *port, enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_of(port, level, "", format, args);
	va_end(args);
}

void pcap_port_warn(struct pcap_port *port, enum pcap_warning warning, const char *format, ...)
{
	uint64_t now_ns = system_now_ns(), count = ++port->warned[warning].count;
	char tail[64] = "";
	va_list args;

	if (now_ns < port->warned[warning].next_ns)
		return;
	port->warned[warning].next_ns = fb_time_after(now_ns, port->ports->config.warn_ns);
	port->warned[warning].count = 0;
	if (count > 1)
		snprintf(tail, sizeof tail, " (%" PRIu64 " times since this was last told)", count);
	va_start(args, format);
	log_of(port, LOG_LEVEL_WARNING, tail, format, args);
	va_end(args);
}

/* --- Opening and closing --- */

static bool is_open(const struct pcap_port *port)
{
	return port->fd >= 0;
}

/* Count what the kernel dropped since the last time. */
static void count_drops(struct pcap_port *port)
{
	struct pcap_ports *ports = port->ports;
	uint32_t drops = pcap_capture_drops(port);
	struct fb_port_stats more = {.port_no = port->port_no, .rx_dropped = drops};

	if (!drops)
		return;
	ports->counters.kernel_drops += drops;
	ports->ops.counted(ports->ops.ctx, port->port_no, &more);
	pcap_port_warn(port, PCAP_WARNING_DROPS,
	               "frames come faster than they are taken: the kernel dropped %u", drops);
}

static void port_close(struct pcap_port *port)
{
	if (port->local) {
		pcap_local_close(port);
		return;
	}
	count_drops(port);
	pcap_capture_close(port);
}

static void port_open(struct pcap_port *port)
{
	if (port->local ? pcap_local_open(port) : pcap_capture_open(port))
		return;
	if (port->told)
		pcap_port_warn(port, PCAP_WARNING_OPEN, "%s", port->failure);
}

static void bring_up(struct pcap_port *port)
{
	if (pcap_ethtool_bring_up(&port->ports->ethtool, port->name))
		return;
	pcap_port_log(port, LOG_LEVEL_WARNING,
	              "is down and cannot be brought up (%s): ip link set %s up", strerror(errno),
	              port->name);
}

/* Turn off what joins frames on their way in. */
static void offloads_off(struct pcap_port *port)
{
	uint32_t still_on;

	if (pcap_ethtool_offloads_off(&port->ports->ethtool, port->name, &port->offloads,
	                              &still_on)) {
		if (still_on)
			pcap_port_log(port, LOG_LEVEL_WARNING,
			              "GRO or LRO is on and cannot be turned off: frames may come "
			              "joined: ethtool -K %s gro off lro off",
			              port->name);
		return;
	}
	if (errno != EOPNOTSUPP)
		pcap_port_log(port, LOG_LEVEL_WARNING,
		              "cannot tell whether GRO and LRO are off: %s", strerror(errno));
}

static void offloads_back(struct pcap_port *port)
{
	if (port->offloads &&
	    !pcap_ethtool_offloads_on(&port->ports->ethtool, port->name, port->offloads))
		pcap_port_log(port, LOG_LEVEL_WARNING,
		              "GRO or LRO was on and cannot be turned on again: %s",
		              strerror(errno));
	port->offloads = 0;
}

/* --- What the system says --- */

/* What a counter that was 'before' grew by; one that was reset began at 0. */
static uint64_t grown(uint64_t before, uint64_t after)
{
	return after >= before ? after - before : after;
}

/* Tell of what the device counted. Its drops are not among it: Linux counts there also frames that
 * no protocol of the machine wanted, which we got. */
static void count_device(struct pcap_port *port, const struct rtnl_link_stats64 *after)
{
	const struct rtnl_link_stats64 *before = &port->device;
	struct pcap_ports *ports = port->ports;
	struct fb_port_stats more = {
	        .port_no = port->port_no,
	        .rx_errors = grown(before->rx_errors, after->rx_errors),
	        .tx_errors = grown(before->tx_errors, after->tx_errors),
	        .rx_frame_err = grown(before->rx_frame_errors, after->rx_frame_errors),
	        .rx_over_err = grown(before->rx_over_errors, after->rx_over_errors),
	        .rx_crc_err = grown(before->rx_crc_errors, after->rx_crc_errors),
	        .collisions = grown(before->collisions, after->collisions),
	};

	port->device = *after;
	if (more.rx_errors | more.tx_errors | more.rx_frame_err | more.rx_over_err |
	    more.rx_crc_err | more.collisions)
		ports->ops.counted(ports->ops.ctx, port->port_no, &more);
}

/* The port as it is now; speeds are asked for when 'afresh'. */
static struct fb_phy_port describe(struct pcap_port *port, const struct pcap_link *link,
                                   bool afresh)
{
	struct fb_phy_port desc = port->desc;

	desc.port_no = port->port_no;
	snprintf(desc.name, sizeof desc.name, "%s", port->name);
	memcpy(desc.hw_addr, link->mac, sizeof desc.hw_addr);
	desc.state = OFPPS_LINK_DOWN;
	if (is_open(port) && port->flags & IFF_UP && port->flags & IFF_LOWER_UP)
		desc.state = 0;
	if (afresh)
		pcap_ethtool_describe(&port->ports->ethtool, port->name, &desc);
	return desc;
}

static bool desc_equal(const struct fb_phy_port *a, const struct fb_phy_port *b)
{
	return a->state == b->state && a->curr == b->curr && a->advertised == b->advertised &&
	       a->supported == b->supported && a->peer == b->peer &&
	       memcmp(a->hw_addr, b->hw_addr, sizeof a->hw_addr) == 0;
}

static const char *link_text(const struct pcap_port *port, const struct fb_phy_port *desc)
{
	if (!(desc->state & OFPPS_LINK_DOWN))
		return "link up";
	return port->set_down ? "link down, as a controller asked" : "link down";
}

/* Tell the owner how the port is, where that is news. */
static void tell(struct pcap_port *port, const struct fb_phy_port *desc)
{
	const struct pcap_ports_ops *ops = &port->ports->ops;
	bool news = !port->told, state_news = desc->state != port->desc.state;
	const char *state = link_text(port, desc);

	if (!news && desc_equal(desc, &port->desc))
		return;
	/* A start that fails tells no more than why. */
	if (!port->ports->running && port->failure[0])
		return;
	port->desc = *desc;
	port->told = true;
	if (news) {
		pcap_port_log(port, LOG_LEVEL_INFO, "%s, %s, MTU %u",
		              port->vanished ? "is back" : "is there", state, port->mtu_bytes);
		ops->added(ops->ctx, desc);
		return;
	}
	if (state_news) {
		pcap_port_log(port, LOG_LEVEL_INFO, "%s", state);
		port->set_down &= (desc->state & OFPPS_LINK_DOWN) != 0;
	}
	ops->updated(ops->ctx, desc);
}

/* The interface cannot be taken; at the start the caller gets the text. */
static void tell_failure(struct pcap_port *port)
{
	if (port->ports->running)
		pcap_port_warn(port, PCAP_WARNING_OPEN, "%s", port->failure);
}

/* The interface is there: take it. */
static bool port_appear(struct pcap_port *port, const struct pcap_link *link)
{
	if (link->type != ARPHRD_ETHER) {
		snprintf(port->failure, sizeof port->failure,
		         "interface '%s' is no Ethernet: choose another one", port->name);
		tell_failure(port);
		return false;
	}
	port->ifindex = link->ifindex;
	if (!pcap_claim_take(port)) {
		port->ifindex = 0;
		tell_failure(port);
		return false;
	}
	port->device = link->stats;
	port->desc = (struct fb_phy_port){.port_no = port->port_no};
	port->drops = 0;
	if (!(link->flags & IFF_UP))
		bring_up(port);
	if (!port->local)
		offloads_off(port);
	return true;
}

/* 'link' is what the port's interface is now. */
static void port_follow(struct pcap_port *port, const struct pcap_link *link)
{
	bool afresh = !port->told || !link->answer || link->flags != port->flags;
	struct fb_phy_port desc;

	port->flags = link->flags;
	port->mtu_bytes = link->mtu_bytes;
	if (pcap_capture_misfits(port)) {
		pcap_capture_drain(port);
		port_close(port);
	}
	if (!is_open(port) && port->flags & IFF_UP)
		port_open(port);
	desc = describe(port, link, afresh);
	tell(port, &desc);
	if (link->has_stats)
		count_device(port, &link->stats);
}

static void port_vanish(struct pcap_port *port)
{
	struct pcap_ports *ports = port->ports;
	bool told = port->told;

	port_close(port);
	pcap_claim_give(port);
	port->ifindex = 0;
	port->offloads = 0;
	port->told = port->set_down = false;
	port->vanished = true;
	ports->counters.vanished++;
	pcap_port_log(port, LOG_LEVEL_WARNING, "the interface is gone; waiting for it");
	if (told)
		ports->ops.removed(ports->ops.ctx, port->port_no);
}

/* --- News --- */

static struct pcap_port *port_by_name(struct pcap_ports *ports, const char *name)
{
	for (size_t i = 0; i < ports->count; i++) {
		if (strcmp(ports->list[i]->name, name) == 0)
			return ports->list[i];
	}
	return NULL;
}

static struct pcap_port *port_by_ifindex(struct pcap_ports *ports, int ifindex)
{
	for (size_t i = 0; i < ports->count; i++) {
		if (ports->list[i]->ifindex == ifindex)
			return ports->list[i];
	}
	return NULL;
}

/* The port's interface was given another name: by its old one it is gone. */
static void port_renamed(struct pcap_port *port, const char *name)
{
	if (port->offloads)
		pcap_ethtool_offloads_on(&port->ports->ethtool, name, port->offloads);
	port_vanish(port);
}

static void on_there(void *ctx, const struct pcap_link *link)
{
	struct pcap_ports *ports = ctx;
	struct pcap_port *port = port_by_ifindex(ports, link->ifindex);

	if (port && strcmp(port->name, link->name) != 0) {
		port_renamed(port, link->name);
		port = NULL;
	}
	if (!port)
		port = port_by_name(ports, link->name);
	if (!port)
		return;
	if (link->answer)
		port->asked = false;
	/* The answer that is awaited is newer. */
	if (port->asked)
		return;
	if (port->ifindex && port->ifindex != link->ifindex)
		port_vanish(port);
	if (port->ifindex || port_appear(port, link))
		port_follow(port, link);
}

static void on_gone(void *ctx, const char *name, int ifindex)
{
	struct pcap_ports *ports = ctx;
	struct pcap_port *port = port_by_name(ports, name);

	if (!port)
		return;
	if (!ifindex)
		port->asked = false;
	if (port->ifindex && (!ifindex || port->ifindex == ifindex))
		port_vanish(port);
}

/* Ask about the next ports, no more than there is room for in netlink's socket. */
static void ask_some(struct pcap_ports *ports)
{
	for (int i = 0; i < ASK_AT_A_TIME && ports->ask_at < ports->count; i++) {
		struct pcap_port *port = ports->list[ports->ask_at];

		if (!pcap_netlink_ask(ports->netlink, port->name))
			return;
		ports->ask_at++;
	}
}

static void on_settled(void *ctx, bool lost)
{
	struct pcap_ports *ports = ctx;

	if (lost)
		ports->ask_at = 0;
	ask_some(ports);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct pcap_ports *ports = ctx;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < ports->count; i++)
		count_drops(ports->list[i]);
	ports->ask_at = 0;
	ask_some(ports);
}

/* --- Frames --- */

void pcap_port_deliver(struct pcap_port *port, const void *bytes, size_t len)
{
	struct pcap_ports *ports = port->ports;

	ports->counters.frames_in++;
	ports->ops.frame(ports->ops.ctx, port->port_no, frame_copy_of(ports->pool, bytes, len));
}

/* A link that comes up delivers frames before netlink tells of it. */
bool pcap_port_before_reading(struct pcap_port *port)
{
	if (port->desc.state & OFPPS_LINK_DOWN &&
	    pcap_netlink_ask(port->ports->netlink, port->name))
		pcap_netlink_read(port->ports->netlink);
	return is_open(port);
}

static struct pcap_port *port_by_number(const struct pcap_ports *ports, uint16_t port_no)
{
	if (port_no >= 1 && port_no <= ports->interfaces)
		return ports->list[port_no - 1];
	if (port_no == OFPP_LOCAL && ports->count > ports->interfaces)
		return ports->list[ports->interfaces];
	return NULL;
}

const char *pcap_ports_name(const struct pcap_ports *ports, uint16_t port_no)
{
	const struct pcap_port *port = port_by_number(ports, port_no);

	return port ? port->name : NULL;
}

enum datapath_sent pcap_ports_send(struct pcap_ports *ports, uint16_t port_no, struct frame *frame)
{
	struct pcap_port *port = port_by_number(ports, port_no);
	enum datapath_sent sent = DATAPATH_FAILED;

	if (port && is_open(port))
		sent = port->local ? pcap_local_send(port, frame) : pcap_capture_send(port, frame);
	if (sent == DATAPATH_SENT)
		ports->counters.frames_out++;
	else
		ports->counters.send_failed++;
	return sent;
}

void pcap_ports_set_down(struct pcap_ports *ports, uint16_t port_no, bool down)
{
	struct pcap_port *port = port_by_number(ports, port_no);

	if (!port || !port->ifindex)
		return;
	port->set_down = down;
	if (!down)
		bring_up(port);
	else if (!pcap_ethtool_bring_down(&ports->ethtool, port->name))
		pcap_port_log(port, LOG_LEVEL_WARNING, "cannot be taken down: %s", strerror(errno));
}

/* --- Making and starting --- */

struct pcap_ports *pcap_ports_new(struct event_base *base, const struct pcap_ports_config *config,
                                  const struct pcap_ports_ops *ops, struct frame_pool *pool)
{
	struct pcap_ports *ports = xcalloc(1, sizeof *ports);

	ports->base = base;
	ports->config = *config;
	ports->ops = *ops;
	ports->pool = pool;
	ports->ethtool.fd = -1;
	/* One byte more than fits, so that a name that is too long is seen at the start. */
	if (config->local)
		snprintf(ports->local, sizeof ports->local, "%s", config->local);
	return ports;
}

/* What was counted, for the log. */
static void log_counters(struct pcap_ports *ports)
{
	const struct pcap_ports_counters *c = &ports->counters;
	char line[LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);

	fb_text_printf(&text,
	               "interfaces: %" PRIu64 " frames in, %" PRIu64 " out, %" PRIu64 " not sent",
	               c->frames_in, c->frames_out, c->send_failed);
	fb_text_printf(&text, "; above the MTU: %" PRIu64 ", of these dropped: %" PRIu64,
	               c->oversized, c->oversized_dropped);
	fb_text_printf(&text,
	               "; without checksum: %" PRIu64 "; dropped by the kernel: %" PRIu64
	               "; interfaces gone: %" PRIu64,
	               c->partial_checksums, c->kernel_drops, c->vanished);
	ports->ops.log(ports->ops.ctx, LOG_LEVEL_INFO, line);
}

void pcap_ports_free(struct pcap_ports *ports)
{
	if (!ports)
		return;
	if (ports->running)
		log_counters(ports);
	for (size_t i = 0; i < ports->count; i++) {
		struct pcap_port *port = ports->list[i];

		port_close(port);
		offloads_back(port);
		pcap_claim_give(port);
		free(port);
	}
	if (ports->tick)
		event_free(ports->tick);
	pcap_netlink_free(ports->netlink);
	pcap_ethtool_destroy(&ports->ethtool);
	free(ports->list);
	free(ports);
}

static int name_check(struct pcap_ports *ports, const char *name, char *error, size_t error_size)
{
	size_t len = strlen(name);

	if (len == 0)
		snprintf(error, error_size, "an interface's name is empty");
	else if (len >= IFNAMSIZ)
		snprintf(error, error_size,
		         "'%.32s' is too long for an interface's name: at most %d bytes", name,
		         IFNAMSIZ - 1);
	else if (port_by_name(ports, name))
		snprintf(error, error_size, "interface '%s' is named twice: name it once", name);
	else if (ports->count == PORTS_MAX)
		snprintf(error, error_size, "more than %d interfaces", PORTS_MAX);
	else
		return 0;
	return -1;
}

static void port_append(struct pcap_ports *ports, const char *name, uint16_t port_no)
{
	struct pcap_port *port = xcalloc(1, sizeof *port);

	port->ports = ports;
	port->port_no = port_no;
	port->local = port_no == OFPP_LOCAL;
	port->fd = port->claim_fd = -1;
	memcpy(port->name, name, strnlen(name, sizeof port->name - 1));
	ports->list = xrealloc(ports->list, (ports->count + 1) * sizeof(struct pcap_port *));
	ports->list[ports->count++] = port;
}

int pcap_ports_add(struct pcap_ports *ports, const char *name, char *error, size_t error_size)
{
	if (name_check(ports, name, error, error_size) < 0)
		return -1;
	port_append(ports, name, (uint16_t)(ports->count + 1));
	ports->interfaces = ports->count;
	return 0;
}

/* There is no interface 'name': say which there are. */
static void name_the_others(const char *name, char *error, size_t error_size)
{
	struct if_nameindex *list = if_nameindex();
	struct fb_text text = fb_text_make(error, error_size);

	fb_text_printf(&text, "there is no interface '%s'; there are:", name);
	for (int i = 0; list && list[i].if_name; i++) {
		if (i == LIST_NAMES_MAX) {
			fb_text_puts(&text, " and others");
			break;
		}
		fb_text_printf(&text, "%s %s", i ? "," : "", list[i].if_name);
	}
	if (list)
		if_freenameindex(list);
}

/* Ask about 'port' and act on the answer, which waits when the question is sent, unless so many
 * other events came that it was lost. */
static bool port_learn(struct pcap_port *port)
{
	port->asked = true;
	for (int tries = 0; port->asked && tries < LEARN_TRIES; tries++) {
		if (!pcap_netlink_ask(port->ports->netlink, port->name))
			return false;
		pcap_netlink_read(port->ports->netlink);
	}
	errno = port->asked ? EBUSY : 0;
	return !port->asked;
}

/* The system also finds interfaces by alternative names, but tells of them by their own only. */
static bool name_is_own(const char *name, char *error, size_t error_size)
{
	char own[IF_NAMESIZE];

	if (!if_indextoname(if_nametoindex(name), own) || strcmp(own, name) == 0)
		return true;
	snprintf(error, error_size, "'%s' is another name of interface '%s': write -i %s", name,
	         own, own);
	return false;
}

/* Make the port's TAP interface, or look for its interface; bring it up, so that it can be opened.
 */
static bool port_prepare(struct pcap_port *port, char *error, size_t error_size)
{
	if (port->local && !pcap_local_open(port)) {
		snprintf(error, error_size, "%s", port->failure);
		return false;
	}
	if (!port->local && !pcap_capture_permitted(port)) {
		snprintf(error, error_size, "%s", port->failure);
		return false;
	}
	if (!if_nametoindex(port->name)) {
		name_the_others(port->name, error, error_size);
		return false;
	}
	if (!name_is_own(port->name, error, error_size))
		return false;
	bring_up(port);
	return true;
}

static int port_start(struct pcap_port *port, char *error, size_t error_size)
{
	if (!port_prepare(port, error, error_size))
		return -1;
	if (!port_learn(port))
		snprintf(error, error_size, "netlink does not tell of interface '%s': %s",
		         port->name, strerror(errno));
	else if (port->failure[0])
		snprintf(error, error_size, "%s", port->failure);
	else if (!port->told)
		name_the_others(port->name, error, error_size);
	else
		return 0;
	return -1;
}

/* The ways to the system that all ports share. */
static bool ways_open(struct pcap_ports *ports)
{
	const struct pcap_netlink_ops ops = {
	        .there = on_there, .gone = on_gone, .settled = on_settled, .ctx = ports};
	uint64_t stats_ns = ports->config.stats_ns;
	struct timeval every = {.tv_sec = (time_t)(stats_ns / FB_NS_PER_S),
	                        .tv_usec = (suseconds_t)(stats_ns % FB_NS_PER_S / FB_NS_PER_US)};

	ports->netlink = pcap_netlink_new(ports->base, &ops);
	if (!ports->netlink || !pcap_ethtool_init(&ports->ethtool))
		return false;
	ports->tick = event_new(ports->base, -1, EV_PERSIST, on_tick, ports);
	return ports->tick && event_add(ports->tick, &every) == 0;
}

int pcap_ports_start(struct pcap_ports *ports, char *error, size_t error_size)
{
	if (ports->local[0]) {
		if (name_check(ports, ports->local, error, error_size) < 0)
			return -1;
		port_append(ports, ports->local, OFPP_LOCAL);
	}
	ports->ask_at = ports->count;
	if (!ways_open(ports)) {
		snprintf(error, error_size, "cannot ask the system about interfaces: %s",
		         strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < ports->count; i++) {
		if (port_start(ports->list[i], error, error_size) < 0)
			return -1;
	}
	for (size_t i = 0; i < ports->interfaces; i++)
		pcap_claim_look_at_addresses(ports->list[i]);
	ports->running = true;
	return 0;
}
