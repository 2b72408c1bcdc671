/* Which switches may join, and which loop owns which; see server.h.
 *
 * All connections that claim one dpid go to one loop, where the core replaces the older by the
 * newer. The claim is given back when the connection ends there; with the last one the dpid is free
 * for any loop.
 *
 * Peers choose their dpids. So that they cannot choose such as collide in the tables, which would
 * make each claim as long as the table with the lock held, the tables are seeded. */
#include <stdlib.h>
#include <sys/random.h>

#include "controller/server_private.h"
#include "lib/base/xalloc.h"

static struct fb_table *make_table(const struct server_dpids *dpids, size_t entry_bytes)
{
	struct fb_table *table = fb_table_new(sizeof(uint64_t), entry_bytes, SERVER_DPIDS_MAX);

	if (!table)
		xalloc_failed("a table of switches");
	fb_table_seed(table, dpids->seed);
	return table;
}

/* Early in the life of a machine there may be no random numbers yet: the time is better than a
 * number that everybody knows. */
static uint64_t new_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
		seed = server_unix_ns();
	return seed;
}

void server_dpids_init(struct server_dpids *dpids)
{
	pthread_mutex_init(&dpids->lock, NULL);
	dpids->seed = new_seed();
	dpids->owners = make_table(dpids, sizeof(struct server_owner));
}

void server_dpids_destroy(struct server_dpids *dpids)
{
	pthread_mutex_destroy(&dpids->lock);
	fb_table_free(dpids->owners);
	fb_table_free(dpids->allowed);
}

/* --- Who may join --- */

void server_allow_none(struct server *server)
{
	struct server_dpids *dpids = &server->dpids;

	pthread_mutex_lock(&dpids->lock);
	fb_table_free(dpids->allowed);
	dpids->allowed = make_table(dpids, sizeof(uint64_t));
	pthread_mutex_unlock(&dpids->lock);
}

void server_allow_dpid(struct server *server, uint64_t dpid)
{
	struct server_dpids *dpids = &server->dpids;

	pthread_mutex_lock(&dpids->lock);
	if (!dpids->allowed)
		dpids->allowed = make_table(dpids, sizeof(uint64_t));
	if (!fb_table_find(dpids->allowed, &dpid))
		fb_table_add(dpids->allowed, &dpid);
	pthread_mutex_unlock(&dpids->lock);
}

/* --- Who owns --- */

/* The working loop with the fewest switches. */
static struct server_loop *least_loaded(struct server *server)
{
	struct server_loop *best = &server->loops[server->loops_count > 1];

	for (uint32_t i = 2; i < server->loops_count; i++)
		if (server->loops[i].switches_count < best->switches_count)
			best = &server->loops[i];
	return best;
}

static struct server_loop *claim(struct server *server, uint64_t dpid)
{
	struct server_dpids *dpids = &server->dpids;
	struct server_owner *owner = fb_table_find(dpids->owners, &dpid);
	struct server_loop *loop;

	if (dpids->allowed && !fb_table_find(dpids->allowed, &dpid))
		return NULL;
	if (owner) {
		owner->conns++;
		return &server->loops[owner->loop];
	}
	loop = least_loaded(server);
	owner = fb_table_add(dpids->owners, &dpid);
	if (!owner)
		return NULL;
	owner->loop = loop->number;
	owner->conns = 1;
	loop->switches_count++;
	return loop;
}

struct server_loop *server_dpids_claim(struct server *server, uint64_t dpid)
{
	struct server_loop *loop;

	pthread_mutex_lock(&server->dpids.lock);
	loop = claim(server, dpid);
	pthread_mutex_unlock(&server->dpids.lock);
	return loop;
}

void server_dpids_release(struct server *server, uint64_t dpid)
{
	struct server_dpids *dpids = &server->dpids;
	struct server_owner *owner;

	pthread_mutex_lock(&dpids->lock);
	owner = fb_table_find(dpids->owners, &dpid);
	if (owner && --owner->conns == 0) {
		server->loops[owner->loop].switches_count--;
		fb_table_remove(dpids->owners, owner);
	}
	pthread_mutex_unlock(&dpids->lock);
}
