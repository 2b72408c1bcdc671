/* Asking who reaches whom. See reach.h.
 *
 * A probe is a ping of one host to one address; hosts that share the address have one probe in common.
 * Probes of a host stand one after another in a list, by which its row of the matrix is found. */
#include "sim/reach.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/ways.h"

#define TRY_NS FB_NS_PER_S

struct probe {
	struct reach *reach;
	uint32_t from, to; /* hosts; 'to': the first with the address */
	unsigned tries_left;
	bool must_not; /* there must be no answer */
	bool answered, over;
};

struct reach {
	const struct scenario *scenario;
	struct network *network;
	struct ways *ways;
	struct probe *probes; /* by 'from', then by 'to' */
	size_t count, left;   /* left: without an outcome */
	uint64_t timeout_ns;  /* of a try */
	unsigned tries;
};

/* --- Who should reach whom --- */

static bool loses_frames(const struct scenario *scenario)
{
	for (size_t i = 0; i < scenario->links_count; i++)
		if (scenario->links[i].config.loss_ppm)
			return true;
	return false;
}

struct reach *reach_new(const struct scenario *scenario, struct network *network)
{
	struct reach *reach = xcalloc(1, sizeof *reach);

	reach->scenario = scenario;
	reach->network = network;
	reach->ways = ways_new(scenario);
	/* To and fro, and before that an address is asked for. */
	reach->timeout_ns = TRY_NS + 4 * ways_time_max(scenario);
	reach->tries = loses_frames(scenario) ? REACH_TRIES_LOSSY : REACH_TRIES;
	return reach;
}

void reach_free(struct reach *reach)
{
	if (!reach)
		return;
	ways_free(reach->ways);
	free(reach->probes);
	free(reach);
}

static uint32_t netmask_of(const struct scenario_host *host)
{
	return host->prefix_len ? UINT32_MAX << (32 - host->prefix_len) : 0;
}

/* The host's gateway is there, and is none of the hosts. */
static bool has_gateway(const struct reach *reach, uint32_t host)
{
	const uint32_t gateway = reach->scenario->hosts[host].gateway;
	uint8_t mac[FB_MAC_BYTES];

	if (!gateway || !host_arp_lookup(network_host(reach->network, host), gateway, mac))
		return false;
	for (size_t i = 0; i < reach->scenario->hosts_count; i++)
		if (reach->scenario->hosts[i].ip == gateway)
			return false;
	return true;
}

static bool on_subnet_of(const struct scenario_host *host, const struct scenario_host *other)
{
	return !((host->ip ^ other->ip) & netmask_of(host));
}

/* By their addresses 'from' can reach 'to', leaving aside where they are. */
static bool fit(const struct reach *reach, uint32_t from, uint32_t to)
{
	const struct scenario_host *a = &reach->scenario->hosts[from];
	const struct scenario_host *b = &reach->scenario->hosts[to];

	if (a->ip == b->ip)
		return false;
	return (on_subnet_of(a, b) || has_gateway(reach, from)) &&
	       (on_subnet_of(b, a) || has_gateway(reach, to));
}

/* What the scenario says of 'from'; NULL: nothing. */
static const struct scenario_reach *row_of(const struct scenario *scenario, uint32_t from)
{
	for (size_t i = 0; i < scenario->reach_count; i++)
		if (scenario->reach[i].host == from)
			return &scenario->reach[i];
	return NULL;
}

static bool row_has(const struct scenario *scenario, const struct scenario_reach *row, uint32_t ip)
{
	for (size_t i = 0; i < row->to_count; i++)
		if (scenario->hosts[row->to[i]].ip == ip)
			return true;
	return false;
}

static bool should_reach(const struct reach *reach, uint32_t from, uint32_t to)
{
	return network_controller_is_up(reach->network) && fit(reach, from, to) &&
	       ways_join(reach->ways, reach->network, from, to);
}

/* --- What is asked --- */

/* The probe of 'from' to the address of 'to'; NULL: there is none. */
static struct probe *find_probe(const struct reach *reach, uint32_t from, uint32_t to)
{
	const struct scenario_host *hosts = reach->scenario->hosts;

	for (size_t i = 0; i < reach->count; i++)
		if (reach->probes[i].from == from && hosts[reach->probes[i].to].ip == hosts[to].ip)
			return &reach->probes[i];
	return NULL;
}

static void add_probe(struct reach *reach, uint32_t from, uint32_t to, bool must_not)
{
	if (!(reach->count & (reach->count - 1)))
		reach->probes = xrealloc(reach->probes, (reach->count ? 2 * reach->count : 1) *
		                                                sizeof *reach->probes);
	reach->probes[reach->count++] =
	        (struct probe){.from = from,
	                       .to = to,
	                       .tries_left = must_not ? REACH_TRIES : reach->tries,
	                       .must_not = must_not};
}

/* The host 'from' is asked for all others, or for those that its row in the scenario tells. */
static void add_row(struct reach *reach, uint32_t from)
{
	const struct scenario *scenario = reach->scenario;
	const struct scenario_reach *row = row_of(scenario, from);

	if (row && !network_host_is_on(reach->network, from))
		return;
	for (uint32_t to = 0; to < scenario->hosts_count; to++) {
		const uint32_t ip = scenario->hosts[to].ip;

		if (ip == scenario->hosts[from].ip || find_probe(reach, from, to))
			continue;
		if (row)
			add_probe(reach, from, to, !row_has(scenario, row, ip));
		else if (should_reach(reach, from, to))
			add_probe(reach, from, to, false);
	}
}

/* Frames that a ping may cost. */
static uint64_t cost_of(const struct reach *reach, uint32_t from, uint32_t to)
{
	enum { FRAMES = 8 };
	uint8_t mac[FB_MAC_BYTES];

	if (host_arp_lookup(network_host(reach->network, from), reach->scenario->hosts[to].ip, mac))
		return FRAMES;
	return FRAMES + reach->scenario->hosts_count;
}

/* The first host behind 'from', in the order of the file, that it should reach, and that is not
 * 'covered'; where there is none such, any other. SCENARIO_NONE: it should reach nobody near. */
static uint32_t partner_of(const struct reach *reach, uint32_t from, const bool *covered)
{
	enum { LOOK_MAX = 64 };
	const uint32_t count = (uint32_t)reach->scenario->hosts_count;
	uint32_t any = SCENARIO_NONE;

	for (uint32_t i = 1; i < count && i <= LOOK_MAX; i++) {
		const uint32_t to = (from + i) % count;

		if (!should_reach(reach, from, to))
			continue;
		if (!covered[to])
			return to;
		if (any == SCENARIO_NONE)
			any = to;
	}
	return any;
}

/* Each host is asked, or asks, once, as far as the costs allow it. */
static void add_pairs(struct reach *reach)
{
	const uint32_t count = (uint32_t)reach->scenario->hosts_count;
	const uint32_t pairs_max = REACH_FRAMES_MAX / (count + 1) + 1;
	const uint32_t step = count / 2 / pairs_max + 1; /* every so many pairs one is asked */
	bool *covered = xcalloc(count, sizeof *covered);
	uint64_t cost = 0;
	uint32_t pairs = 0;

	for (uint32_t from = 0; from < count && cost < REACH_FRAMES_MAX; from++) {
		uint32_t to;

		if (covered[from] || row_of(reach->scenario, from))
			continue;
		to = partner_of(reach, from, covered);
		if (to == SCENARIO_NONE)
			continue;
		covered[from] = covered[to] = true;
		if (pairs++ % step)
			continue;
		cost += cost_of(reach, from, to);
		add_probe(reach, from, to, false);
	}
	free(covered);
}

static void add_all(struct reach *reach)
{
	const struct scenario *scenario = reach->scenario;

	ways_look(reach->ways, reach->network);
	if (scenario->hosts_count > REACH_ALL_HOSTS)
		add_pairs(reach);
	for (uint32_t from = 0; from < scenario->hosts_count; from++)
		if (scenario->hosts_count <= REACH_ALL_HOSTS || row_of(scenario, from))
			add_row(reach, from);
}

/* --- Asking --- */

static void begin_try(struct probe *probe, uint64_t now_ns);

static void try_ended(void *ctx, const struct host_result *result)
{
	struct probe *probe = ctx;

	if (result->answered)
		probe->answered = true;
	if (!probe->answered && probe->tries_left && result->outcome != HOST_ABORTED) {
		begin_try(probe, result->ended_ns);
		return;
	}
	probe->over = true;
	probe->reach->left--;
}

/* Called by itself from a host's callback, where host_ping() may be called. */
static void begin_try(struct probe *probe, uint64_t now_ns)
{
	const struct reach *reach = probe->reach;
	const struct host_ping_request request = {.ip = reach->scenario->hosts[probe->to].ip,
	                                          .count = 1,
	                                          .timeout_ns = reach->timeout_ns};

	probe->tries_left--;
	host_ping(network_host(reach->network, probe->from), &request, now_ns, try_ended, probe);
}

void reach_ask(struct reach *reach, bool (*goes_on)(void *ctx), void *ctx)
{
	struct clock *clock = network_clock(reach->network);
	const uint64_t events_max = clock->fired + REACH_EVENTS_MAX;

	add_all(reach);
	reach->left = reach->count;
	for (size_t i = 0; i < reach->count; i++) {
		reach->probes[i].reach = reach;
		begin_try(&reach->probes[i], clock->now_ns);
		network_host_called(reach->network, reach->probes[i].from);
	}
	while (reach->left && clock->fired < events_max && !clock->overflow && goes_on(ctx) &&
	       clock_step(clock))
		continue;
}

/* --- Outcome --- */

static bool is_wrong(const struct probe *probe)
{
	return probe->must_not ? probe->answered : !probe->answered;
}

uint64_t reach_asked(const struct reach *reach)
{
	return reach->count;
}

uint64_t reach_wrong(const struct reach *reach)
{
	uint64_t count = 0;

	for (size_t i = 0; i < reach->count; i++)
		count += is_wrong(&reach->probes[i]);
	return count;
}

bool reach_first_wrong(const struct reach *reach, uint32_t *from, uint32_t *to)
{
	for (size_t i = 0; i < reach->count; i++) {
		if (!is_wrong(&reach->probes[i]))
			continue;
		*from = reach->probes[i].from;
		*to = reach->probes[i].to;
		return true;
	}
	return false;
}

/* Choose the hosts that the matrix shows: all, or those of wrong probes. Returns how many. */
static size_t choose_shown(const struct reach *reach, uint32_t shown[REACH_SHOWN_MAX])
{
	const size_t hosts_count = reach->scenario->hosts_count;
	size_t count = 0;

	if (hosts_count <= REACH_SHOWN_MAX) {
		for (uint32_t i = 0; i < hosts_count; i++)
			shown[count++] = i;
		return count;
	}
	for (size_t i = 0; i < reach->count; i++) {
		const uint32_t pair[2] = {reach->probes[i].from, reach->probes[i].to};

		for (unsigned end = 0; end < 2 && is_wrong(&reach->probes[i]); end++) {
			size_t place = 0;

			while (place < count && shown[place] != pair[end])
				place++;
			if (place == count && count < REACH_SHOWN_MAX)
				shown[count++] = pair[end];
		}
	}
	return count;
}

static char mark_of(const struct reach *reach, uint32_t from, uint32_t to)
{
	const struct probe *probe = from == to ? NULL : find_probe(reach, from, to);

	if (!probe)
		return '-';
	if (is_wrong(probe))
		return probe->must_not ? '!' : 'X';
	return probe->must_not ? '-' : '.';
}

static void matrix(const struct reach *reach, const char *indent, struct fb_text *text)
{
	enum { NAME_WIDTH = 10 };
	uint32_t shown[REACH_SHOWN_MAX];
	const size_t count = choose_shown(reach, shown);

	fb_text_printf(text, "\n%s%*s", indent, NAME_WIDTH, "");
	for (size_t i = 0; i < count; i++)
		fb_text_printf(text, " %3.8s", reach->scenario->hosts[shown[i]].name);
	for (size_t row = 0; row < count; row++) {
		fb_text_printf(text, "\n%s%-*.*s", indent, NAME_WIDTH, NAME_WIDTH,
		               reach->scenario->hosts[shown[row]].name);
		for (size_t column = 0; column < count; column++) {
			const char *name = reach->scenario->hosts[shown[column]].name;
			size_t width = strlen(name);

			width = width < 3 ? 3 : width > 8 ? 8 : width;
			fb_text_printf(text, " %*c", (int)width,
			               mark_of(reach, shown[row], shown[column]));
		}
	}
}

void reach_text(const struct reach *reach, const char *indent, struct fb_text *text)
{
	uint64_t unanswered = 0, forbidden = 0;

	for (size_t i = 0; i < reach->count; i++) {
		const struct probe *probe = &reach->probes[i];

		unanswered += is_wrong(probe) && !probe->must_not;
		forbidden += is_wrong(probe) && probe->must_not;
	}
	if (unanswered)
		fb_text_printf(text, "%llu of %zu pings had no answer (X)",
		               (unsigned long long)unanswered, reach->count);
	if (forbidden)
		fb_text_printf(text, "%s%llu of %zu pings had one that must not (!)",
		               unanswered ? ", " : "", (unsigned long long)forbidden, reach->count);
	fb_text_puts(text, "; rows ping columns, . has an answer, - is due none");
	matrix(reach, indent, text);
}
