/* The learning table; see mac_learning.h. Forgetting is lazy: what is too old is passed over by a
 * look-up and removed by the next learning, so that no timer runs. */
#include "softswitch/mac_learning.h"

#include <stdlib.h>

#include <flowbed/openflow.h>

struct station {
	uint16_t vlan; /* key: vlan and mac, 8 bytes */
	uint8_t mac[FB_MAC_BYTES];
	uint64_t heard_ns;
	uint16_t port_no;
};

enum { KEY_BYTES = offsetof(struct station, heard_ns) };

static struct station key_of(uint16_t vlan, const uint8_t mac[FB_MAC_BYTES])
{
	struct station key = {.vlan = vlan};

	memcpy(key.mac, mac, FB_MAC_BYTES);
	return key;
}

void mac_learning_init(struct mac_learning *l, uint32_t macs_max, uint64_t idle_ns)
{
	*l = (struct mac_learning){.idle_ns = idle_ns};
	if (!macs_max)
		return;
	l->table = fb_table_new(KEY_BYTES, sizeof(struct station), macs_max);
	if (!l->table)
		abort();
}

void mac_learning_destroy(struct mac_learning *l)
{
	fb_table_free(l->table);
	l->table = NULL;
}

static bool too_old(const struct mac_learning *l, const struct station *s, uint64_t now_ns)
{
	return now_ns - s->heard_ns >= l->idle_ns;
}

static void forget_old(struct mac_learning *l, uint64_t now_ns)
{
	struct station *s;

	while ((s = fb_table_oldest(l->table)) != NULL && too_old(l, s, now_ns))
		fb_table_remove(l->table, s);
}

void mac_learning_learn(struct mac_learning *l, uint16_t vlan, const uint8_t mac[FB_MAC_BYTES],
			uint16_t port_no, uint64_t now_ns)
{
	struct station key = key_of(vlan, mac);
	struct station *s;

	if (!l->table || fb_mac_is_multicast(mac))
		return;
	forget_old(l, now_ns);
	s = fb_table_find(l->table, &key);
	if (s) {
		fb_table_touch(l->table, s);
	} else {
		s = fb_table_add(l->table, &key);
		if (!s) {
			l->evicted++;
			fb_table_remove(l->table, fb_table_oldest(l->table));
			s = fb_table_add(l->table, &key);
		}
	}
	s->port_no = port_no;
	s->heard_ns = now_ns;
}

uint16_t mac_learning_port(const struct mac_learning *l, uint16_t vlan,
			   const uint8_t mac[FB_MAC_BYTES], uint64_t now_ns)
{
	struct station key = key_of(vlan, mac);
	const struct station *s = l->table ? fb_table_find(l->table, &key) : NULL;

	return s && !too_old(l, s, now_ns) ? s->port_no : OFPP_NONE;
}

void mac_learning_flush_port(struct mac_learning *l, uint16_t port_no)
{
	struct station *next;

	for (struct station *s = l->table ? fb_table_oldest(l->table) : NULL; s; s = next) {
		next = fb_table_newer(l->table, s);
		if (s->port_no == port_no)
			fb_table_remove(l->table, s);
	}
}
