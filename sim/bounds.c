/* Looking whether limits are kept. See bounds.h. */
#include "sim/bounds.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { TEXT_BYTES = 200, FRAME_WIRE_BYTES_MAX = 65535 + 24, NAME_BYTES = 64 };

struct link_state {
	uint32_t impairments; /* that are there now */
	bool impaired[2];     /* by sending end: bytes may wait that came under other limits */
};

struct bounds {
	const struct scenario *scenario;
	struct bounds_ops ops;
	struct network *network;
	struct link_state *links;
};

struct bounds *bounds_new(const struct scenario *scenario, const struct bounds_ops *ops)
{
	struct bounds *bounds = xcalloc(1, sizeof *bounds);

	bounds->scenario = scenario;
	bounds->ops = *ops;
	bounds->links = xcalloc(scenario->links_count + 1, sizeof *bounds->links);
	return bounds;
}

void bounds_free(struct bounds *bounds)
{
	if (!bounds)
		return;
	free(bounds->links);
	free(bounds);
}

void bounds_watch(struct bounds *bounds, struct network *network)
{
	bounds->network = network;
}

static void judge(const struct bounds *bounds, const char *what, const char *whose, uint64_t count,
                  uint64_t limit)
{
	char buffer[TEXT_BYTES];
	struct fb_text text = fb_text_make(buffer, sizeof buffer);

	if (count <= limit)
		return;
	fb_text_printf(&text, "%s%s: %llu of %llu", what, whose, (unsigned long long)count,
	               (unsigned long long)limit);
	bounds->ops.over(bounds->ops.ctx, buffer);
}

/* --- Links --- */

void bounds_fault(struct bounds *bounds, const struct fault *fault, bool begins)
{
	struct link_state *state;

	if (fault->kind != FAULT_IMPAIR)
		return;
	state = &bounds->links[fault->place];
	state->impairments += begins ? 1 : -1U;
	state->impaired[0] = state->impaired[1] = true;
}

void bounds_look(struct bounds *bounds, uint32_t link, unsigned to)
{
	const struct scenario_link *from = &bounds->scenario->links[link];
	const uint64_t bytes = link_waiting_bytes(network_link(bounds->network, link), !to);
	const struct clock *clock = network_clock(bounds->network);
	struct link_state *state = &bounds->links[link];

	/* An empty queue takes any frame. */
	if (!state->impaired[!to])
		judge(bounds, "bytes that wait on ", from->name, bytes,
		      from->config.queue_bytes_max > FRAME_WIRE_BYTES_MAX
		              ? from->config.queue_bytes_max
		              : FRAME_WIRE_BYTES_MAX);
	else if (!state->impairments && !bytes)
		state->impaired[!to] = false;
	judge(bounds, "events that wait", "", clock->heap.count, clock->events_max);
}

/* --- Switches --- */

void bounds_message(struct bounds *bounds, uint32_t sw)
{
	const struct scenario_switch *from = &bounds->scenario->switches[sw];
	const struct datapath *dp = agent_datapath(network_agent(bounds->network, sw));

	judge(bounds, "flow entries of ", from->name, datapath_entries(dp),
	      from->config.datapath.entries_max);
	judge(bounds, "packet buffers of ", from->name, datapath_buffers_in_use(dp),
	      from->config.datapath.buffers_max);
}

/* --- The controller --- */

/* The number that follows 'key' at '*text', which is moved behind it; false: another thing does. */
static bool take_number(const char **text, const char *key, uint64_t *number)
{
	char *end;

	if (strncmp(*text, key, strlen(key)) != 0)
		return false;
	*number = strtoull(*text + strlen(key), &end, 10);
	if (end == *text + strlen(key))
		return false;
	*text = end;
	return true;
}

/* The key of the map whose first member is at 'at'. */
static void name_before(const char *begin, const char *at, char name[NAME_BYTES])
{
	const char *last = at - strlen("\":{"), *first = last;
	size_t len;

	name[0] = 0;
	if (at - begin < (ptrdiff_t)strlen("\"\":{"))
		return;
	while (first > begin && first[-1] != '"')
		first--;
	len = (size_t)(last - first) < NAME_BYTES - 1 ? (size_t)(last - first) : NAME_BYTES - 1;
	memcpy(name, first, len);
	name[len] = 0;
}

/* Reports tell of each table '"name":{"count":3,"limit":1000', in their own writer's compact way. */
static void judge_controller(const struct bounds *bounds)
{
	size_t len = 0;
	char *report = network_controller_report(bounds->network, &len);
	const char *at = report;
	char name[NAME_BYTES];

	while (at && (at = strstr(at, "\"count\":")) != NULL) {
		const char *rest = at;
		uint64_t count, limit;

		if (take_number(&rest, "\"count\":", &count) &&
		    take_number(&rest, ",\"limit\":", &limit)) {
			name_before(report, at, name);
			judge(bounds, "the controller's ", name, count, limit);
		}
		at = rest > at ? rest : at + 1;
	}
	free(report);
}

void bounds_end(struct bounds *bounds)
{
	for (uint32_t i = 0; i < bounds->scenario->switches_count; i++) {
		const char *name = bounds->scenario->switches[i].name;

		bounds_message(bounds, i);
		judge(bounds, "control connections that broke because too much was under way, of ",
		      name, network_channel_counters(bounds->network, i)->broken, 0);
	}
	judge(bounds, "control connections that broke because too much waited at a switch", "",
	      network_counters(bounds->network)->held_broken, 0);
	judge_controller(bounds);
}
