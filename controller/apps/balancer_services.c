/* A set of configured addresses; see balancer_services.h.
 *
 * Services are in one table by address and VLAN, which keeps them in their order, each with arrays
 * of its ports and backends. A second table finds the backends of all services: by MAC and service,
 * the place in the service's array. Services come and go at the end only, so that the index of one
 * is its place. */
#include "controller/apps/balancer_services.h"

#include <stdlib.h>

#include <flowbed/packet.h>
#include <flowbed/table.h>

enum {
	KEY_BYTES = 8, /* of a service */
	ROOM_FIRST = 4,
};
_Static_assert(offsetof(struct balancer_service, line) == KEY_BYTES, "the key has no padding");

struct balancer_services {
	struct fb_table *table;    /* struct balancer_service */
	struct fb_table *backends; /* struct backend_place */
};

/* No padding: it is compared as bytes. */
struct backend_key {
	uint64_t mac;
	uint64_t service; /* its place */
};

struct backend_place {
	struct backend_key key;
	uint32_t place; /* among the backends of the service */
};

struct balancer_services *balancer_services_new(void)
{
	struct balancer_services *set = malloc(sizeof *set);

	if (!set)
		return NULL;
	set->table =
	        fb_table_new(KEY_BYTES, sizeof(struct balancer_service), BALANCER_SERVICES_MAX);
	set->backends = fb_table_new(sizeof(struct backend_key), sizeof(struct backend_place),
	                             BALANCER_SERVICES_BACKENDS_MAX);
	if (set->table && set->backends)
		return set;
	fb_table_free(set->table);
	fb_table_free(set->backends);
	free(set);
	return NULL;
}

void balancer_services_free(struct balancer_services *set)
{
	if (!set)
		return;
	for (struct balancer_service *service = fb_table_oldest(set->table); service;
	     service = fb_table_newer(set->table, service)) {
		free(service->ports);
		free(service->backends);
	}
	fb_table_free(set->table);
	fb_table_free(set->backends);
	free(set);
}

/* --- Looking up --- */

uint32_t balancer_services_count(const struct balancer_services *set)
{
	return fb_table_count(set->table);
}

const struct balancer_service *balancer_services_at(const struct balancer_services *set, size_t i)
{
	return i < fb_table_count(set->table) ? fb_table_at(set->table, (uint32_t)i) : NULL;
}

const struct balancer_service *balancer_services_find(const struct balancer_services *set,
                                                      uint32_t ip, uint16_t vlan)
{
	const struct balancer_service key = {.ip = ip, .vlan = vlan};

	return fb_table_find(set->table, &key);
}

bool balancer_service_names_backends(const struct balancer_service *service)
{
	return service->backends_count > 0;
}

static struct backend_key backend_key(const struct balancer_service *service,
                                      const uint8_t mac[FB_MAC_BYTES])
{
	return (struct backend_key){.mac = fb_mac_to_u64(mac),
	                            .service = fb_table_index_of(service->set->table, service)};
}

const struct balancer_service_backend *
balancer_service_backend(const struct balancer_service *service, const uint8_t mac[FB_MAC_BYTES])
{
	const struct backend_key key = backend_key(service, mac);
	const struct backend_place *found = fb_table_find(service->set->backends, &key);

	return found ? &service->backends[found->place] : NULL;
}

static uint32_t port_rank(struct balancer_service_port port)
{
	return (uint32_t)port.proto << 16 | port.port;
}

/* The place of the first port of 'service' that does not come before 'port'. */
static uint32_t port_place(const struct balancer_service *service,
                           struct balancer_service_port port)
{
	uint32_t low = 0, high = service->ports_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (port_rank(service->ports[middle]) < port_rank(port))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_port_at(const struct balancer_service *service, uint32_t place,
                        struct balancer_service_port port)
{
	return place < service->ports_count && port_rank(service->ports[place]) == port_rank(port);
}

bool balancer_service_serves(const struct balancer_service *service, uint8_t proto, uint16_t port)
{
	const struct balancer_service_port wanted = {proto, port};

	if (service->ports_count == 0)
		return proto == FB_IP_TCP || proto == FB_IP_UDP;
	return has_port_at(service, port_place(service, wanted), wanted);
}

/* --- Making --- */

/* Make room for one more in the array 'items' of 'count'; NULL when memory is short. */
static void *grow(void *items, uint32_t count, uint32_t *size, size_t item_bytes)
{
	uint32_t wanted = *size ? 2 * *size : ROOM_FIRST;

	if (count < *size)
		return items;
	items = realloc(items, wanted * item_bytes);
	if (items)
		*size = wanted;
	return items;
}

enum balancer_addition balancer_service_add_port(struct balancer_service *service,
                                                 struct balancer_service_port port)
{
	uint32_t place = port_place(service, port);
	struct balancer_service_port *ports;

	if (has_port_at(service, place, port))
		return BALANCER_TWICE;
	if (service->ports_count == BALANCER_SERVICE_PORTS_MAX)
		return BALANCER_FULL;
	ports = grow(service->ports, service->ports_count, &service->ports_size, sizeof *ports);
	if (!ports)
		return BALANCER_NO_MEMORY;
	service->ports = ports;
	memmove(&ports[place + 1], &ports[place], (service->ports_count - place) * sizeof *ports);
	ports[place] = port;
	service->ports_count++;
	return BALANCER_ADDED;
}

enum balancer_addition balancer_services_add(struct balancer_services *set,
                                             const struct balancer_service *service)
{
	struct balancer_service *added;

	if (balancer_services_find(set, service->ip, service->vlan))
		return BALANCER_TWICE;
	if (fb_table_count(set->table) == fb_table_limit(set->table))
		return BALANCER_FULL;
	added = fb_table_add(set->table, service);
	if (!added)
		return BALANCER_NO_MEMORY;
	*added = *service;
	added->set = set;
	return BALANCER_ADDED;
}

enum balancer_addition balancer_services_add_backend(struct balancer_services *set,
                                                     const struct balancer_service_backend *backend)
{
	struct balancer_service *service = fb_table_newest(set->table);
	const struct backend_key key = backend_key(service, backend->mac);
	struct balancer_service_backend *backends;
	struct backend_place *found;

	if (fb_table_find(set->backends, &key))
		return BALANCER_TWICE;
	if (service->backends_count == BALANCER_SERVICE_BACKENDS_MAX ||
	    fb_table_count(set->backends) == fb_table_limit(set->backends))
		return BALANCER_FULL;
	backends = grow(service->backends, service->backends_count, &service->backends_size,
	                sizeof *backends);
	if (!backends)
		return BALANCER_NO_MEMORY;
	service->backends = backends;
	found = fb_table_add(set->backends, &key);
	if (!found)
		return BALANCER_NO_MEMORY;
	found->place = service->backends_count;
	backends[service->backends_count++] = *backend;
	return BALANCER_ADDED;
}

static void take_out(struct balancer_services *set, struct balancer_service *service)
{
	for (uint32_t i = 0; i < service->backends_count; i++) {
		const struct backend_key key = backend_key(service, service->backends[i].mac);

		fb_table_remove(set->backends, fb_table_find(set->backends, &key));
	}
	free(service->ports);
	free(service->backends);
	fb_table_remove(set->table, service);
}

void balancer_services_truncate(struct balancer_services *set, uint32_t count)
{
	while (fb_table_count(set->table) > count)
		take_out(set, fb_table_newest(set->table));
}
