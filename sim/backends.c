/* The balancer's report, taken apart. See backends.h. */
#include "sim/backends.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/json.h"
#include "sim/scenario_keys.h"

enum { SESSION_STATES_MAX = 16 };

struct session_state {
	char name[BACKENDS_STATE_BYTES];
	uint64_t count;
};

struct backends {
	struct network *network;
	uint64_t events; /* that had run when the report was made, and 1; 0: none was */
	struct backend *list;
	size_t count, size;
	uint64_t sessions;
	struct session_state states[SESSION_STATES_MAX];
	size_t states_count;
};

struct backends *backends_new(struct network *network)
{
	struct backends *backends = xcalloc(1, sizeof *backends);

	backends->network = network;
	return backends;
}

void backends_free(struct backends *backends)
{
	if (!backends)
		return;
	free(backends->list);
	free(backends);
}

/* --- The report --- */

static void take_backend(struct backends *backends, uint32_t ip, struct json item)
{
	struct backend backend = {.ip = ip};
	struct json value;
	char mac[32];

	if (!json_member(item, "mac", &value) || !json_text(value, mac, sizeof mac) ||
	    fb_parse_mac(mac, backend.mac, NULL))
		return;
	if (json_member(item, "state", &value))
		json_text(value, backend.state, sizeof backend.state);
	if (json_member(item, "weight", &value))
		json_number(value, &backend.weight);
	if (json_member(item, "sessions", &value))
		json_number(value, &backend.sessions);
	if (backends->count == backends->size) {
		backends->size = backends->size ? 2 * backends->size : 16;
		backends->list = xrealloc(backends->list, backends->size * sizeof *backends->list);
	}
	backends->list[backends->count++] = backend;
}

static void take_address(struct backends *backends, struct json address)
{
	struct json value, list, item;
	size_t offset = 0;
	char text[32];
	uint32_t ip;

	if (!json_member(address, "address", &value) || !json_text(value, text, sizeof text) ||
	    fb_parse_ip(text, &ip, NULL) || !json_member(address, "backends", &value) ||
	    !json_member(value, "items", &list))
		return;
	while (json_item(list, &offset, &item))
		take_backend(backends, ip, item);
}

static void take_state(struct backends *backends, struct json states, const char *name)
{
	struct session_state *state = &backends->states[backends->states_count];
	struct json value;

	if (backends->states_count == SESSION_STATES_MAX || !json_member(states, name, &value))
		return;
	strcpy(state->name, name);
	json_number(value, &state->count);
	backends->states_count++;
}

static void take_report(struct backends *backends, struct json report)
{
	struct json value, list, item;
	size_t offset = 0;

	if (json_member(report, "addresses", &value) && json_member(value, "items", &list))
		while (json_item(list, &offset, &item))
			take_address(backends, item);
	if (json_member(report, "sessions", &value) && json_member(value, "count", &item))
		json_number(item, &backends->sessions);
	if (!json_member(report, "sessions_by_state", &value))
		return;
	for (size_t i = 0; scenario_keys_sessions[i]; i++)
		take_state(backends, value, scenario_keys_sessions[i]);
}

/* Make a report, unless nothing has happened since the last one. */
static void refresh(struct backends *backends)
{
	const uint64_t events = network_clock(backends->network)->fired + 1;
	size_t len;
	char *text;

	if (backends->events == events)
		return;
	backends->events = events;
	backends->count = backends->states_count = 0;
	backends->sessions = 0;
	text = network_app_report(backends->network, "balancer", BACKENDS_ADDRESSES_MAX, &len);
	if (!text)
		return;
	take_report(backends, (struct json){text, len});
	free(text);
}

const struct backend *backends_list(struct backends *backends, size_t *count)
{
	refresh(backends);
	*count = backends->count;
	return backends->list;
}

uint64_t backends_sessions(struct backends *backends, const char *state)
{
	refresh(backends);
	if (!state)
		return backends->sessions;
	for (size_t i = 0; i < backends->states_count; i++)
		if (!strcmp(backends->states[i].name, state))
			return backends->states[i].count;
	return 0;
}
