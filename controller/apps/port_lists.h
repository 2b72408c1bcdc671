/* Which entries of a table are at which port. A port is a number of its owner's choice: with its
 * switch in the upper bits where there are many; and it can be a MAC address as well.
 *
 * Stations and owners are kept in tables by what they are. When a port goes, those behind it must
 * be found at a cost of how many they are, not of how many there are at all: ports may go and come
 * as fast as a switch can say so. One list for each port that has entries, linked by the indexes of
 * the table, beside it, so that its records stay small. All is O(1). */
#ifndef PORT_LISTS_H
#define PORT_LISTS_H

#include <flowbed/table.h>

struct port_link;

struct port_lists {
	struct fb_table *ports;  /* those that have entries */
	struct port_link *links; /* by the index of an entry */
	uint32_t links_size;
};

/* False when memory is short; port_lists_free() may follow. */
bool port_lists_init(struct port_lists *lists, uint32_t seed);
void port_lists_free(struct port_lists *lists);

/* The entry 'index', which is at no port, is at 'port' now: the last there. False when memory is
 * short. */
bool port_lists_add(struct port_lists *lists, uint64_t port, uint32_t index);
/* The entry 'index' is not at 'port' any more, where it was. */
void port_lists_remove(struct port_lists *lists, uint64_t port, uint32_t index);
/* The entry that has been at 'port' for longest; FB_TABLE_NONE: there is none. */
uint32_t port_lists_first(const struct port_lists *lists, uint64_t port);
/* The one that came to its port next after 'index'; FB_TABLE_NONE: it is the last. */
uint32_t port_lists_next(const struct port_lists *lists, uint32_t index);

#endif
