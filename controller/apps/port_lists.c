/* Which entries of a table are at which port of a switch; see port_lists.h.
 *
 * A port is remembered while it has entries. The links are an array that grows to the highest index
 * that was ever entered, as the records of the table do. */
#include "controller/apps/port_lists.h"

#include <stdlib.h>

enum {
	PORTS_MAX = 1 << 24, /* that have entries at a time */
	LINKS_FIRST = 16,
};

struct port_link {
	uint32_t older, newer; /* FB_TABLE_NONE at the ends */
};

struct port_list {
	uint64_t port;
	uint32_t first, last;
};

bool port_lists_init(struct port_lists *lists, uint32_t seed)
{
	*lists = (struct port_lists){
	        .ports = fb_table_new(sizeof(uint64_t), sizeof(struct port_list), PORTS_MAX)};
	if (!lists->ports)
		return false;
	fb_table_seed(lists->ports, seed);
	return true;
}

void port_lists_free(struct port_lists *lists)
{
	fb_table_free(lists->ports);
	free(lists->links);
}

static bool has_link(struct port_lists *lists, uint32_t index)
{
	uint32_t size = lists->links_size ? lists->links_size : LINKS_FIRST;
	struct port_link *links;

	if (index < lists->links_size)
		return true;
	while (size <= index)
		size *= 2;
	links = realloc(lists->links, size * sizeof *links);
	if (!links)
		return false;
	lists->links = links;
	lists->links_size = size;
	return true;
}

bool port_lists_add(struct port_lists *lists, uint64_t port, uint32_t index)
{
	struct port_list *list;

	if (!has_link(lists, index))
		return false;
	list = fb_table_find(lists->ports, &port);
	if (!list) {
		list = fb_table_add(lists->ports, &port);
		if (!list)
			return false;
		list->first = list->last = FB_TABLE_NONE;
	}
	lists->links[index] = (struct port_link){.older = list->last, .newer = FB_TABLE_NONE};
	if (list->last != FB_TABLE_NONE)
		lists->links[list->last].newer = index;
	else
		list->first = index;
	list->last = index;
	return true;
}

void port_lists_remove(struct port_lists *lists, uint64_t port, uint32_t index)
{
	struct port_list *list = fb_table_find(lists->ports, &port);
	struct port_link link = lists->links[index];

	if (link.older != FB_TABLE_NONE)
		lists->links[link.older].newer = link.newer;
	else
		list->first = link.newer;
	if (link.newer != FB_TABLE_NONE)
		lists->links[link.newer].older = link.older;
	else
		list->last = link.older;
	if (list->first == FB_TABLE_NONE)
		fb_table_remove(lists->ports, list);
}

uint32_t port_lists_first(const struct port_lists *lists, uint64_t port)
{
	const struct port_list *list = fb_table_find(lists->ports, &port);

	return list ? list->first : FB_TABLE_NONE;
}

uint32_t port_lists_next(const struct port_lists *lists, uint32_t index)
{
	return lists->links[index].newer;
}
