/* Which host is where.
 *
 * One table for the network, of (MAC, VLAN), bounded; at the limit the one that was silent longest
 * goes. Hosts are heard at edges only. One that is heard at another edge has moved; one whose port
 * goes, or that is silent for 'host_timeout', is gone. A known host at its known place costs one
 * lookup, and once in a while a note that it was heard.
 *
 * The address of a host is what it last said in an ARP packet of its own. Until it has, it is the
 * source of the first IPv4 packet; a router sends from many. */
#include "controller/apps/discovery_private.h"

#include <inttypes.h>

bool discovery_hosts_init(struct fb_discovery *d)
{
	struct discovery_hosts *hosts = &d->hosts;

	hosts->table =
	        fb_table_new(sizeof(uint64_t), sizeof(struct discovery_host), d->options.hosts_max);
	if (!hosts->table)
		return false;
	fb_table_seed(hosts->table, fb_app_run_id(d->app));
	hosts->refresh_ns = fb_time_min(d->options.host_timeout_ns / 64, FB_NS_PER_S);
	return port_lists_init(&hosts->at_ports, fb_app_run_id(d->app));
}

void discovery_hosts_free(struct fb_discovery *d)
{
	port_lists_free(&d->hosts.at_ports);
	fb_table_free(d->hosts.table);
}

static uint32_t list_of(struct fb_place at)
{
	return (uint32_t)at.node << 16 | at.port;
}

static bool is_same(struct fb_place a, struct fb_place b)
{
	return a.node == b.node && a.port == b.port;
}

/* --- What a frame tells --- */

static bool is_about_ip(const struct fb_packet *packet)
{
	return packet->dl_type == FB_ETH_ARP || packet->dl_type == FB_ETH_IPV4;
}

/* The address for which the source of 'packet' speaks; 0: none. Where nobody else looks into packets,
 * 'packet' is not parsed so far. */
static uint32_t ip_of(const struct fb_packet *packet)
{
	struct fb_packet parsed;

	if (packet->l3_ofs == 0) {
		if (fb_packet_parse(&parsed, packet->data, packet->len) < 0)
			return 0;
		packet = &parsed;
	}
	if (packet->is_arp)
		return fb_mac_equal(packet->arp_sha, packet->dl_src) ? packet->nw_src : 0;
	return packet->is_ipv4 ? packet->nw_src : 0;
}

/* The address of a host, so far 'known', after 'packet'. */
static uint32_t new_ip(uint32_t known, const struct fb_packet *packet)
{
	uint32_t ip;

	if (!is_about_ip(packet) || (known != 0 && packet->dl_type == FB_ETH_IPV4))
		return known;
	ip = ip_of(packet);
	return ip ? ip : known;
}

bool discovery_hosts_is_news(const struct discovery_host *host, const struct fb_packet *packet,
                             struct fb_place at)
{
	return !host || !is_same(host->host.at, at) ||
	       new_ip(host->host.ip, packet) != host->host.ip;
}

/* --- Coming, moving, going --- */

static void log_move(struct fb_discovery *d, const struct fb_host *host, struct fb_place from,
                     uint64_t now_ns)
{
	char line[160];
	struct fb_text text = fb_text_make(line, sizeof line);
	uint64_t suppressed;

	if (!fb_app_logs(d->app, FB_LOG_INFO) ||
	    !fb_log_limit_allows(&d->log_limit, now_ns, &suppressed))
		return;
	fb_text_mac(&text, host->mac);
	fb_text_printf(&text, " moved from %016" PRIx64 ":%u to %016" PRIx64 ":%u",
	               fb_discovery_dpid(d, from.node), from.port,
	               fb_discovery_dpid(d, host->at.node), host->at.port);
	if (suppressed)
		fb_text_printf(&text, " (%" PRIu64 " lines before this one left out)", suppressed);
	fb_app_log(d->app, FB_LOG_INFO, "%s", line);
}

/* Take 'entry' out and tell that it is gone. */
static void forget(struct fb_discovery *d, struct discovery_host *entry, uint64_t now_ns)
{
	struct fb_host host = entry->host;
	struct fb_place nowhere = {0};

	port_lists_remove(&d->hosts.at_ports, list_of(host.at),
	                  fb_table_index_of(d->hosts.table, entry));
	fb_table_remove(d->hosts.table, entry);
	d->counters.hosts_gone++;
	discovery_tell(d, FB_EVENT_HOST_GONE, host.at, nowhere, &host, now_ns);
}

static bool put_at(struct fb_discovery *d, struct discovery_host *entry, struct fb_place at)
{
	entry->host.at = at;
	if (port_lists_add(&d->hosts.at_ports, list_of(at),
	                   fb_table_index_of(d->hosts.table, entry)))
		return true;
	fb_table_remove(d->hosts.table, entry);
	return false;
}

static void add(struct fb_discovery *d, const struct fb_packet *packet, struct fb_place at,
                uint64_t now_ns)
{
	uint16_t vlan = discovery_hosts_vlan(packet);
	uint64_t key = discovery_hosts_key(packet->dl_src, vlan);
	struct fb_table *table = d->hosts.table;
	struct fb_place nowhere = {0};
	struct discovery_host *entry;
	struct fb_host host;

	if (fb_table_count(table) == fb_table_limit(table)) {
		d->counters.hosts_evicted++;
		forget(d, fb_table_oldest(table), now_ns);
	}
	entry = fb_table_add(table, &key);
	if (!entry || !put_at(d, entry, at))
		return;
	memcpy(entry->host.mac, packet->dl_src, FB_MAC_BYTES);
	entry->host.vlan = vlan;
	entry->host.ip = new_ip(0, packet);
	entry->host.heard_ns = now_ns;
	host = entry->host;
	d->counters.hosts_new++;
	discovery_want_timer(d, now_ns + d->options.host_timeout_ns);
	discovery_tell(d, FB_EVENT_HOST_NEW, at, nowhere, &host, now_ns);
}

static void move(struct fb_discovery *d, struct discovery_host *entry, struct fb_place at,
                 uint64_t now_ns)
{
	struct fb_place from = entry->host.at;
	struct fb_host host;

	port_lists_remove(&d->hosts.at_ports, list_of(from),
	                  fb_table_index_of(d->hosts.table, entry));
	if (!put_at(d, entry, at))
		return;
	d->counters.hosts_moved++;
	host = entry->host;
	log_move(d, &host, from, now_ns);
	discovery_tell(d, FB_EVENT_HOST_MOVED, at, from, &host, now_ns);
}

void discovery_hosts_hear(struct fb_discovery *d, const struct fb_packet *packet,
                          struct discovery_host *entry, struct fb_place at, uint64_t now_ns)
{
	if (!entry) {
		add(d, packet, at, now_ns);
		return;
	}
	if (now_ns - entry->host.heard_ns >= d->hosts.refresh_ns) {
		entry->host.heard_ns = now_ns;
		fb_table_touch(d->hosts.table, entry);
	}
	if (is_about_ip(packet))
		entry->host.ip = new_ip(entry->host.ip, packet);
	if (!is_same(entry->host.at, at))
		move(d, entry, at, now_ns);
}

void discovery_hosts_port_down(struct fb_discovery *d, struct fb_place at, uint64_t now_ns)
{
	uint32_t index;

	while ((index = port_lists_first(&d->hosts.at_ports, list_of(at))) != FB_TABLE_NONE)
		forget(d, fb_table_at(d->hosts.table, index), now_ns);
}

uint64_t discovery_hosts_run(struct fb_discovery *d, uint64_t now_ns)
{
	struct discovery_host *oldest;

	while ((oldest = fb_table_oldest(d->hosts.table))) {
		uint64_t due_ns = oldest->host.heard_ns + d->options.host_timeout_ns;

		if (due_ns > now_ns)
			return due_ns;
		d->counters.hosts_expired++;
		forget(d, oldest, now_ns);
	}
	return FB_NEVER;
}
