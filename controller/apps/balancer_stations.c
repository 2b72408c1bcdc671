/* Which port a MAC address is behind: for what no address helps with (ARP answers, other
 * protocols).
 *
 * One table by switch, of (MAC, VLAN), bounded; at the limit the one that was silent longest gives
 * way. An entry counts for STATION_TIMEOUT_NS after its station was heard; what is unknown is
 * flooded. It is never asked for a shared address: who owns one is known by balancer_owners.c
 * alone. */
#include "controller/apps/balancer_stations.h"

#include "controller/apps/balancer.h"

#define STATION_TIMEOUT_NS (60 * FB_NS_PER_S)

enum { STATIONS_MAX = 65536 };

struct station {
	uint64_t key; /* MAC and VLAN */
	uint64_t heard_ns;
	uint16_t port;
};

static uint64_t key_of(const uint8_t mac[FB_MAC_BYTES], uint16_t vlan)
{
	return fb_mac_to_u64(mac) << 16 | vlan;
}

bool balancer_stations_init(struct balancer_stations *stations, uint32_t seed)
{
	stations->table = fb_table_new(sizeof(uint64_t), sizeof(struct station), STATIONS_MAX);
	if (!stations->table)
		return false;
	fb_table_seed(stations->table, seed);
	return port_lists_init(&stations->at_ports, seed);
}

void balancer_stations_free(struct balancer_stations *stations)
{
	port_lists_free(&stations->at_ports);
	fb_table_free(stations->table);
}

static void leave_port(struct balancer_stations *stations, struct station *station)
{
	port_lists_remove(&stations->at_ports, station->port,
	                  fb_table_index_of(stations->table, station));
}

static void forget(struct balancer_stations *stations, struct station *station)
{
	leave_port(stations, station);
	fb_table_remove(stations->table, station);
}

/* 'station', which is at no port, is at 'port'. False when memory is short: then it is forgotten. */
static bool put_at_port(struct balancer_stations *stations, struct station *station, uint16_t port)
{
	station->port = port;
	if (port_lists_add(&stations->at_ports, port, fb_table_index_of(stations->table, station)))
		return true;
	fb_table_remove(stations->table, station);
	return false;
}

/* Forget those at the old end that do not count any more, a few at a time, so that the table
 * shrinks with use. */
static void forget_old(struct balancer_stations *stations, uint64_t now_ns)
{
	for (int i = 0; i < 2; i++) {
		struct station *oldest = fb_table_oldest(stations->table);

		if (!oldest || now_ns - oldest->heard_ns < STATION_TIMEOUT_NS)
			return;
		forget(stations, oldest);
	}
}

void balancer_stations_find_many(const struct balancer_stations *stations,
                                 const struct fb_packet_in *packet_ins, size_t count, void **found)
{
	uint64_t keys[BALANCER_BATCH_MAX] = {0};

	count = count < BALANCER_BATCH_MAX ? count : BALANCER_BATCH_MAX;
	for (size_t i = 0; i < count; i++)
		keys[i] = key_of(packet_ins[i].packet.dl_src, balancer_vlan(&packet_ins[i].packet));
	fb_table_find_many(stations->table, keys, count, found);
}

void *balancer_stations_find(const struct balancer_stations *stations,
                             const struct fb_packet_in *pi)
{
	uint64_t key = key_of(pi->packet.dl_src, balancer_vlan(&pi->packet));

	return fb_table_find(stations->table, &key);
}

bool balancer_stations_hear(const struct balancer_call *call, const struct fb_packet_in *pi,
                            void *known)
{
	struct balancer_stations *stations = &call->s->stations;
	struct fb_table *table = stations->table;
	struct station *station = known;
	uint64_t key;

	if ((!station || station->port != pi->in_port) && balancer_sessions_rewrote(call, pi)) {
		call->b->counters.rewritten++;
		return false;
	}
	if (!station) {
		forget_old(stations, call->now_ns);
		if (fb_table_count(table) == fb_table_limit(table)) {
			forget(stations, fb_table_oldest(table));
			call->b->counters.stations_evicted++;
		}
		key = key_of(pi->packet.dl_src, balancer_vlan(&pi->packet));
		station = fb_table_add(table, &key);
		if (!station || !put_at_port(stations, station, pi->in_port))
			return true;
	} else if (station->port != pi->in_port) {
		leave_port(stations, station);
		if (!put_at_port(stations, station, pi->in_port))
			return true;
	}
	station->heard_ns = call->now_ns;
	fb_table_touch(table, station);
	return true;
}

uint16_t balancer_stations_port(const struct balancer_call *call, const uint8_t mac[FB_MAC_BYTES],
                                uint16_t vlan)
{
	uint64_t key = key_of(mac, vlan);
	const struct station *station;

	if (fb_mac_is_multicast(mac))
		return 0;
	station = fb_table_find(call->s->stations.table, &key);
	if (!station || call->now_ns - station->heard_ns >= STATION_TIMEOUT_NS)
		return 0;
	return station->port;
}

void balancer_stations_port_down(struct balancer_stations *stations, uint16_t port)
{
	uint32_t index;

	while ((index = port_lists_first(&stations->at_ports, port)) != FB_TABLE_NONE)
		forget(stations, fb_table_at(stations->table, index));
}
