/* SYN floods of a host. See host.h.
 *
 * The segments are as hping3 sends them: no options, a window of 64 bytes, no DF; the first source port
 * is drawn, and the next ones count up. They pass by the host's TCP, which knows of no connection and so
 * resets what is answered; a port that one of its connections has happens to be taken, too. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/host_core.h"

enum {
	SOURCE_PORT_MIN = 1024,
	SOURCE_PORTS = 65536 - SOURCE_PORT_MIN,
	WINDOW_BYTES = 64,
};

struct host_flooding {
	LIST_ENTRY(host_flooding) entry;
	struct host_timer timer; /* the next segment */
	const void *owner;
	struct host_flood flood; /* 'count': still to be sent */
	uint32_t port;           /* the next source port, less SOURCE_PORT_MIN */
};

static void flooding_free(struct host *host, struct host_flooding *flooding)
{
	LIST_REMOVE(flooding, entry);
	host_timer_cancel(host, &flooding->timer);
	free(flooding);
}

static void send_syn(struct host *host, struct host_flooding *flooding)
{
	struct frame *frame = frame_new(host->pool, FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES +
	                                                    FB_TCP_HEADER_BYTES);
	struct fb_buf out = fb_buf_make(frame_data(frame), frame->len);
	struct fb_eth_spec eth = host_ip_eth(host);
	struct fb_ipv4_spec ip = {.nw_src = host->config.ip,
	                          .nw_dst = flooding->flood.ip,
	                          .ip_id = host->ip.next_id++};
	struct fb_tcp_spec tcp = {.tp_src = (uint16_t)(SOURCE_PORT_MIN + flooding->port),
	                          .tp_dst = flooding->flood.port,
	                          .seq = (uint32_t)rng_next(&host->floods.rng),
	                          .flags = FB_TCP_SYN,
	                          .window = WINDOW_BYTES};

	flooding->port = (flooding->port + 1) % SOURCE_PORTS;
	host->counters.flood_syns++;
	fb_build_tcp(&out, &eth, &ip, &tcp, NULL, 0);
	host_ip_output(host, flooding->flood.ip, frame);
}

static void flooding_fire(struct host *host, struct host_timer *timer)
{
	struct host_flooding *flooding = HOST_OWNER(timer, struct host_flooding, timer);
	const uint64_t every_ns = flooding->flood.every_ns;

	do
		send_syn(host, flooding);
	while (--flooding->flood.count && !every_ns);
	if (flooding->flood.count)
		host_timer_set(host, timer, fb_time_after(host->now_ns, every_ns));
	else
		flooding_free(host, flooding);
}

void host_flood_begin(struct host *host, const void *owner, const struct host_flood *flood,
                      uint64_t now_ns)
{
	struct host_flooding *flooding;

	host->now_ns = now_ns;
	if (!host->power || !flood->count)
		return;
	if (!host->floods.seeded)
		host_rng_init(host, &host->floods.rng, "flood");
	host->floods.seeded = true;
	flooding = xcalloc(1, sizeof *flooding);
	flooding->timer.fire = flooding_fire;
	flooding->owner = owner;
	flooding->flood = *flood;
	flooding->port = (uint32_t)rng_below(&host->floods.rng, SOURCE_PORTS);
	LIST_INSERT_HEAD(&host->floods.list, flooding, entry);
	flooding_fire(host, &flooding->timer);
	host_settle(host);
}

void host_flood_end(struct host *host, const void *owner)
{
	struct host_flooding *flooding;

	LIST_FOREACH(flooding, &host->floods.list, entry)
	{
		if (flooding->owner == owner) {
			flooding_free(host, flooding);
			return;
		}
	}
}

void host_flood_forget(struct host *host)
{
	while (!LIST_EMPTY(&host->floods.list))
		flooding_free(host, LIST_FIRST(&host->floods.list));
}
