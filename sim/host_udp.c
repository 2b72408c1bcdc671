/* UDP of a host: ports with services, and the scenario's datagrams.
 *
 * A port has one user: a service, or a request that waits for its reply. A datagram to a port
 * without a user is answered with ICMP port unreachable. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/host_core.h"
#include "sim/pattern.h"

enum {
	PORTS_MAX = 65536,
	CODE_PROTOCOL = 2,
	CODE_PORT = 3,
	PAYLOAD_BYTES_MAX = HOST_DATAGRAM_BYTES_MAX - FB_UDP_HEADER_BYTES,
};

struct udp_request {
	struct host_request base;
	uint32_t ip;
	uint16_t port;
	uint16_t local_port;
	bool entered; /* it has its local port */
};

/* Who uses a port. */
struct entry {
	uint16_t port;
	enum host_service service; /* HOST_SERVICE_NONE: 'request' has it */
	struct udp_request *request;
};

void host_udp_init(struct host *host)
{
	struct rng rng;
	uint64_t span = (uint64_t)host->config.port_max - host->config.port_min + 1;

	host_rng_init(host, &rng, "udp");
	host->udp.next_port = (uint16_t)(host->config.port_min + rng_below(&rng, span));
	host->udp.ports = fb_table_new(sizeof(uint16_t), sizeof(struct entry), PORTS_MAX);
	if (!host->udp.ports)
		abort();
}

void host_udp_destroy(struct host *host)
{
	fb_table_free(host->udp.ports);
}

static struct entry *entry_add(struct host *host, uint16_t port)
{
	struct entry *entry = fb_table_add(host->udp.ports, &port);

	if (!entry)
		abort();
	return entry;
}

int host_listen_udp(struct host *host, uint16_t port, enum host_service service)
{
	struct entry *entry = fb_table_find(host->udp.ports, &port);

	if (service == HOST_SERVICE_NONE) {
		if (entry && entry->service != HOST_SERVICE_NONE)
			fb_table_remove(host->udp.ports, entry);
		return 0;
	}
	if (entry)
		return -1;
	entry_add(host, port)->service = service;
	return 0;
}

static void send_datagram(struct host *host, uint32_t ip, uint16_t local_port, uint16_t port,
                          const void *payload, size_t len)
{
	struct fb_eth_spec eth = host_ip_eth(host);
	struct fb_ipv4_spec spec = {.nw_src = host->config.ip, .nw_dst = ip};
	size_t frame_len = FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES + FB_UDP_HEADER_BYTES + len;
	struct frame *whole = frame_new(host->pool, frame_len);
	struct fb_buf out = fb_buf_make(frame_data(whole), frame_len);

	host->counters.udp_out++;
	fb_build_udp(&out, &eth, &spec, local_port, port, payload, len);
	host_ip_send(host, ip, FB_IP_UDP, 0, true,
	             frame_data(whole) + FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES,
	             FB_UDP_HEADER_BYTES + len);
	frame_unref(whole);
}

static void serve(struct host *host, enum host_service service, const struct fb_packet *packet)
{
	const uint8_t *payload = packet->data + packet->payload_ofs;
	size_t hostname_len = strlen(host->config.hostname);
	char *line;

	switch (service) {
	case HOST_SERVICE_NONE:
	case HOST_SERVICE_DISCARD:
		return;
	case HOST_SERVICE_HOSTNAME:
		host->counters.udp_answered++;
		line = xmalloc(hostname_len + 2);
		memcpy(line, host->config.hostname, hostname_len);
		line[hostname_len] = '\n';
		send_datagram(host, packet->nw_src, packet->tp_dst, packet->tp_src, line,
		              hostname_len + 1);
		free(line);
		return;
	case HOST_SERVICE_ECHO:
		host->counters.udp_answered++;
		send_datagram(host, packet->nw_src, packet->tp_dst, packet->tp_src, payload,
		              packet->payload_len);
		return;
	}
}

static void take_reply(struct host *host, struct udp_request *request,
                       const struct fb_packet *packet)
{
	struct host_result *result = &request->base.result;

	memcpy(result->answer_mac, packet->dl_src, FB_MAC_BYTES);
	result->received_bytes = packet->payload_len;
	result->answered = 1;
	result->rtt_min_ns = result->rtt_max_ns = host->now_ns - result->started_ns;
	host_request_reply(&request->base, packet->data + packet->payload_ofs, packet->payload_len);
	host_request_finish(host, &request->base, HOST_OK);
}

void host_udp_input(struct host *host, const struct fb_packet *packet)
{
	struct entry *entry = fb_table_find(host->udp.ports, &packet->tp_dst);

	host->counters.udp_in++;
	if (!entry)
		host_icmp_error(host, packet, FB_ICMP_UNREACHABLE, CODE_PORT);
	else if (entry->service != HOST_SERVICE_NONE)
		serve(host, entry->service, packet);
	else if (entry->request->ip == packet->nw_src && entry->request->port == packet->tp_src)
		take_reply(host, entry->request, packet);
	else
		host_icmp_error(host, packet, FB_ICMP_UNREACHABLE, CODE_PORT);
}

void host_udp_icmp(struct host *host, uint8_t code, uint32_t ip, uint16_t local_port, uint16_t port)
{
	struct entry *entry = fb_table_find(host->udp.ports, &local_port);

	if (!entry || entry->service != HOST_SERVICE_NONE || entry->request->ip != ip ||
	    entry->request->port != port || (code != CODE_PORT && code != CODE_PROTOCOL))
		return;
	host_request_finish(host, &entry->request->base, HOST_REFUSED);
}

/* --- Datagrams of a scenario --- */

static void udp_stop(struct host *host, struct host_request *r)
{
	struct udp_request *request = HOST_OWNER(r, struct udp_request, base);

	if (request->entered)
		fb_table_remove(host->udp.ports,
		                fb_table_find(host->udp.ports, &request->local_port));
	request->entered = false;
}

static void udp_timeout(struct host *host, struct host_timer *timer)
{
	struct udp_request *request = HOST_OWNER(timer, struct udp_request, base.timer);
	bool nobody = host_arp_is_unresolved(host, host_ip_next_hop(host, request->ip));

	host_request_finish(host, &request->base, nobody ? HOST_UNREACHABLE : HOST_TIMEOUT);
}

/* The next ephemeral port without a user; 0 where there is none. */
static uint16_t port_choose(struct host *host)
{
	const struct host_config *config = &host->config;

	for (unsigned tries = config->port_max - config->port_min + 1u; tries; tries--) {
		uint16_t port = host->udp.next_port;

		host->udp.next_port =
		        port == config->port_max ? config->port_min : (uint16_t)(port + 1);
		if (!fb_table_find(host->udp.ports, &port))
			return port;
	}
	return 0;
}

/* Give 'request' its local port: 'wanted', or an ephemeral one; false where there is none. */
static bool udp_enter(struct host *host, struct udp_request *request, uint16_t wanted)
{
	request->local_port = wanted ? wanted : port_choose(host);
	if (!request->local_port || fb_table_find(host->udp.ports, &request->local_port))
		return false;
	entry_add(host, request->local_port)->request = request;
	request->entered = true;
	request->base.result.local_port = request->local_port;
	return true;
}

/* Send the datagram of 'request': 'len' bytes that nobody wrote down. */
static void send_pattern(struct host *host, const struct udp_request *request, size_t len)
{
	uint8_t *bytes = xmalloc(len + 1);

	pattern_fill(0, bytes, len);
	send_datagram(host, request->ip, request->local_port, request->port, bytes, len);
	free(bytes);
}

void host_udp(struct host *host, const struct host_udp_request *ask, uint64_t now_ns,
              host_done_fn *done, void *ctx)
{
	struct udp_request *request = xcalloc(1, sizeof *request);
	size_t len = ask->send_bytes < PAYLOAD_BYTES_MAX ? ask->send_bytes : PAYLOAD_BYTES_MAX;

	host->now_ns = now_ns;
	request->ip = ask->ip;
	request->port = ask->port;
	request->base.stop = udp_stop;
	request->base.timer.fire = udp_timeout;
	host_request_start(host, &request->base, done, ctx);
	if (!host->power) {
		host_request_finish(host, &request->base, HOST_ABORTED);
		return;
	}
	if (ask->ip != host->config.ip && !host_ip_next_hop(host, ask->ip)) {
		host_request_finish(host, &request->base, HOST_UNREACHABLE);
		return;
	}
	if (!udp_enter(host, request, ask->local_port)) {
		host_request_finish(host, &request->base, HOST_NO_RESOURCES);
		return;
	}
	request->base.result.sent_bytes = len;
	if (ask->send)
		send_datagram(host, ask->ip, request->local_port, ask->port, ask->send, len);
	else
		send_pattern(host, request, len);
	if (ask->wait_reply)
		host_timer_set(host, &request->base.timer,
		               now_ns + (ask->timeout_ns ? ask->timeout_ns : FB_NS_PER_S));
	else
		host_request_finish(host, &request->base, HOST_OK);
}

void host_udp_unreachable(struct host *host, uint32_t next_hop)
{
	struct entry *entry, *newer;

	for (entry = fb_table_oldest(host->udp.ports); entry; entry = newer) {
		struct udp_request *request = entry->request;

		newer = fb_table_newer(host->udp.ports, entry);
		if (entry->service == HOST_SERVICE_NONE &&
		    host_ip_next_hop(host, request->ip) == next_hop)
			host_request_finish(host, &request->base, HOST_UNREACHABLE);
	}
}
