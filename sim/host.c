/* A host's frame: making and freeing it, frames in, timers, power and carrier, and the life of
 * requests. See host.h for what a host is and host_core.h for how its parts meet. */
#include "sim/host.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/host_core.h"
#include "sim/tcp.h"

enum { NAME_BYTES = 256 };

void host_config_default(struct host_config *config)
{
	*config = (struct host_config){
	        .prefix_len = 24,
	        .arp_entries_max = 1024,
	        .arp_stale_ns = 30 * FB_NS_PER_S,
	        .arp_retry_ns = FB_NS_PER_S,
	        .conns_max = 65536,
	        .syn_retries = 6,
	        .synack_retries = 5,
	        .data_retries = 15,
	        .time_wait_ns = 60 * FB_NS_PER_S,
	        .window_bytes = 4 << 20,
	        .mss = 1460,
	        .port_min = 32768,
	        .port_max = 60999,
	};
}

const char *host_outcome_text(enum host_outcome outcome)
{
	switch (outcome) {
	case HOST_OK:
		return "ok";
	case HOST_REFUSED:
		return "refused";
	case HOST_RESET:
		return "reset";
	case HOST_TIMEOUT:
		return "timeout";
	case HOST_UNREACHABLE:
		return "unreachable";
	case HOST_NO_RESOURCES:
		return "no_resources";
	case HOST_ABORTED:
		return "aborted";
	}
	return "unknown";
}

void host_rng_init(struct host *host, struct rng *rng, const char *purpose)
{
	char generator[NAME_BYTES];

	snprintf(generator, sizeof generator, "host %s%s%s", host->config.name, *purpose ? " " : "",
	         purpose);
	rng_init(rng, host->config.seed, generator);
}

struct host *host_new(const struct host_config *config, const struct host_ops *ops,
                      struct frame_pool *pool)
{
	struct host *host = xcalloc(1, sizeof *host);

	host->config = *config;
	host->config.name = xstrdup(config->name);
	host->config.hostname = xstrdup(config->hostname ? config->hostname : config->name);
	host->ops = *ops;
	host->pool = pool;
	host->netmask = config->prefix_len ? UINT32_MAX << (32 - config->prefix_len) : 0;
	host->power = true;
	host->link_up = true;
	host_rng_init(host, &host->rng, "");
	heap_init(&host->timers);
	TAILQ_INIT(&host->running);
	TAILQ_INIT(&host->finished);
	LIST_INIT(&host->floods.list);
	host_arp_init(host);
	host_ip_init(host);
	host_icmp_init(host);
	host_udp_init(host);
	tcp_init(host);
	return host;
}

/* --- Timers --- */

void host_timer_set(struct host *host, struct host_timer *timer, uint64_t time_ns)
{
	if (heap_contains(&timer->node)) {
		heap_change(&host->timers, &timer->node, time_ns, host->timer_sequence++);
		return;
	}
	if (!heap_insert(&host->timers, &timer->node, time_ns, host->timer_sequence++))
		xalloc_failed("timers");
}

void host_timer_cancel(struct host *host, struct host_timer *timer)
{
	if (heap_contains(&timer->node))
		heap_remove(&host->timers, &timer->node);
}

uint64_t host_deadline(const struct host *host)
{
	const struct heap_node *first = heap_min(&host->timers);

	if (!TAILQ_EMPTY(&host->finished))
		return host->now_ns;
	return first ? first->key : FB_NEVER;
}

void host_run(struct host *host, uint64_t now_ns)
{
	struct heap_node *first;

	host->now_ns = now_ns;
	while ((first = heap_min(&host->timers)) && first->key <= now_ns) {
		struct host_timer *timer = HOST_OWNER(first, struct host_timer, node);

		heap_remove(&host->timers, first);
		timer->fire(host, timer);
	}
	host_settle(host);
}

/* --- Requests --- */

void host_request_start(struct host *host, struct host_request *request, host_done_fn *done,
                        void *ctx)
{
	request->done = done;
	request->ctx = ctx;
	request->result.started_ns = host->now_ns;
	request->result.intact = true;
	TAILQ_INSERT_TAIL(&host->running, request, link);
	host->request_count++;
}

void host_request_finish(struct host *host, struct host_request *request, enum host_outcome outcome)
{
	if (!request->stop)
		return;
	request->result.outcome = outcome;
	request->result.ended_ns = host->now_ns;
	host_timer_cancel(host, &request->timer);
	request->stop(host, request);
	request->stop = NULL;
	TAILQ_REMOVE(&host->running, request, link);
	TAILQ_INSERT_TAIL(&host->finished, request, link);
}

void host_request_reply(struct host_request *request, const uint8_t *bytes, size_t len)
{
	size_t room = HOST_REPLY_BYTES_MAX - request->result.reply_len;

	if (len > room)
		len = room;
	if (!len)
		return;
	/* Most replies are a line; longer ones come in larger pieces. */
	request->reply = xrealloc(request->reply, request->result.reply_len + len);
	memcpy(request->reply + request->result.reply_len, bytes, len);
	request->result.reply_len += len;
}

static void request_free(struct host *host, struct host_request *request)
{
	host->request_count--;
	free(request->reply);
	free(request);
}

/* done() may start requests and switch the host's power; what that finishes is told in its turn, by
 * the outermost call. */
void host_settle(struct host *host)
{
	struct host_request *request;

	if (host->settling)
		return;
	host->settling = true;
	tcp_reap(host);
	while ((request = TAILQ_FIRST(&host->finished))) {
		TAILQ_REMOVE(&host->finished, request, link);
		request->result.reply = request->reply;
		if (request->done)
			request->done(request->ctx, &request->result);
		request_free(host, request);
		tcp_reap(host);
	}
	host->settling = false;
}

/* --- Frames --- */

void host_transmit(struct host *host, struct frame *frame)
{
	if (!host->power || !host->link_up) {
		frame_unref(frame);
		return;
	}
	host->counters.frames_out++;
	host->ops.transmit(host->ops.ctx, frame);
}

void host_input_l4(struct host *host, const struct fb_packet *packet, struct frame *frame)
{
	if (packet->nw_proto == FB_IP_TCP) {
		if (packet->is_tcp && !fb_mac_is_multicast(packet->dl_dst))
			tcp_input(host, packet, frame);
		else
			host->counters.frames_ignored++;
	} else if (packet->nw_proto == FB_IP_UDP) {
		if (packet->is_udp)
			host_udp_input(host, packet);
		else
			host->counters.frames_ignored++;
	} else if (packet->nw_proto == FB_IP_ICMP) {
		if (packet->is_icmp)
			host_icmp_input(host, packet);
		else
			host->counters.frames_ignored++;
	} else {
		enum { PROTOCOL_UNREACHABLE = 2 };

		host_icmp_error(host, packet, FB_ICMP_UNREACHABLE, PROTOCOL_UNREACHABLE);
	}
}

/* Whether the frame's Ethernet addresses and tag make it one for us: ours or a group's, untagged or
 * priority-tagged. */
static inline bool is_for_us(const struct host *host, const struct fb_packet *packet)
{
	enum { VLAN_ID = 0x0fff };

	if (packet->has_vlan && (packet->vlan_tci & VLAN_ID))
		return false;
	return fb_mac_equal(packet->dl_dst, host->config.mac) ||
	       fb_mac_is_multicast(packet->dl_dst);
}

static void input_ipv4(struct host *host, const struct fb_packet *packet, struct frame *frame)
{
	/* Our own address as the source is a forgery or a neighbour that shares it: Linux drops
	 * these, too. */
	if (packet->nw_dst != host->config.ip || packet->nw_src == host->config.ip) {
		host->counters.frames_ignored++;
		return;
	}
	if (!fb_packet_checksums_ok(packet)) {
		host->counters.checksum_errors++;
		return;
	}
	if (packet->more_fragments || packet->frag_offset)
		host_ip_fragment(host, packet);
	else
		host_input_l4(host, packet, frame);
}

void host_receive(struct host *host, struct frame *frame, uint64_t now_ns)
{
	struct fb_packet packet;

	host->now_ns = now_ns;
	host->counters.frames_in++;
	if (!host->power || !host->link_up ||
	    fb_packet_parse(&packet, frame_data(frame), frame->len) < 0 ||
	    !is_for_us(host, &packet))
		host->counters.frames_ignored++;
	else if (packet.is_ipv4)
		input_ipv4(host, &packet, frame);
	else if (packet.is_arp)
		host_arp_input(host, &packet);
	else
		host->counters.frames_ignored++;
	frame_unref(frame);
	host_settle(host);
}

/* --- Carrier and power --- */

void host_set_link(struct host *host, bool up, uint64_t now_ns)
{
	host->now_ns = now_ns;
	if (host->link_up != up) {
		host->link_up = up;
		if (!up)
			host_arp_flush(host, false);
	}
	host_settle(host);
}

/* Forget everything but the listeners. */
static void forget(struct host *host)
{
	struct host_request *request;

	while ((request = TAILQ_FIRST(&host->running)))
		host_request_finish(host, request, HOST_ABORTED);
	tcp_reset_all(host);
	host_flood_forget(host);
	host_ip_reset(host);
	host_arp_flush(host, true);
}

void host_set_power(struct host *host, bool on, uint64_t now_ns)
{
	host->now_ns = now_ns;
	if (host->power != on) {
		host->power = on;
		if (on)
			host->on_since_ns = now_ns;
		if (!on)
			forget(host);
	}
	host_settle(host);
}

bool host_is_on(const struct host *host)
{
	return host->power;
}

uint64_t host_on_since(const struct host *host)
{
	return host->on_since_ns;
}

void host_free(struct host *host)
{
	struct host_request *request;

	if (!host)
		return;
	host->power = false;
	forget(host);
	tcp_reap(host);
	while ((request = TAILQ_FIRST(&host->finished))) {
		TAILQ_REMOVE(&host->finished, request, link);
		request_free(host, request);
	}
	tcp_destroy(host);
	host_udp_destroy(host);
	host_icmp_destroy(host);
	host_arp_destroy(host);
	heap_destroy(&host->timers);
	free((char *)(uintptr_t)host->config.name);
	free((char *)(uintptr_t)host->config.hostname);
	free(host);
}

void host_set_address(struct host *host, uint32_t ip, uint64_t now_ns)
{
	host->now_ns = now_ns;
	if (host->config.ip != ip) {
		host->config.ip = ip;
		host_arp_flush(host, false);
		tcp_address_changed(host);
	}
	host_settle(host);
}

uint32_t host_address(const struct host *host)
{
	return host->config.ip;
}

bool host_pending(const struct host *host)
{
	return host->request_count || host->arp.unanswered || host->tcp.pending ||
	       host->ip.loop_count;
}

const struct host_counters *host_counters(const struct host *host)
{
	return &host->counters;
}

const uint8_t *host_mac(const struct host *host)
{
	return host->config.mac;
}
