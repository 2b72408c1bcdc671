/* Faults of a scenario: 'faults', with those that have a time and the rates at which others are
 * drawn, and the step 'fault'. See scenario_loader.h; what may be said of each kind is in the table of
 * fault.c.
 *
 * Rates are read after the steps: hosts that are moved at random get free ports of their own, which
 * must not be those that steps move hosts to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "sim/faults.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

enum {
	KEYS_MAX = 20, /* of one kind */
	RATE_MAX = 1000000,
	WHAT_BYTES = 40,
};

#define TERA UINT64_C(1000000000000)

/* --- What a kind needs --- */

static bool needs_controller(enum fault_kind kind)
{
	return fault_place(kind) == FAULT_AT_CONTROLLER ||
	       (fault_place(kind) == FAULT_AT_SWITCH && kind != FAULT_SWITCH_RESTART);
}

/* What the scenario lacks for faults of 'kind', and what would be right; NULL: nothing. */
static const char *lacks_for(const struct scenario *scenario, enum fault_kind kind)
{
	if (needs_controller(kind) && !scenario->controller.at.line)
		return "needs a controller: name one, as controller: learning";
	if (fault_place(kind) == FAULT_AT_LINK && !scenario->links_count)
		return "needs a link: write one in 'links', as h1 -- s1";
	if (fault_place(kind) == FAULT_AT_SWITCH && !scenario->switches_count)
		return "needs a switch: write one in 'switches', as s1: {}";
	return NULL;
}

static bool has_what_it_needs(struct loader *loader, struct position at, enum fault_kind kind)
{
	const char *lack = lacks_for(loader->scenario, kind);

	/* Of links that are wrong it is told already. */
	if (lack && !(fault_place(kind) == FAULT_AT_LINK && loader->links_wrong))
		problems_add(loader->problems, at, "'%s' %s", fault_names[kind], lack);
	return !lack;
}

/* --- The values of a fault --- */

static const char *example_of(const struct fault_key *key)
{
	switch (key->value) {
	case FAULT_VALUE_LINK:
		return "link: \"h1 -- s1:1\"";
	case FAULT_VALUE_SWITCH:
		return "switch: s1";
	case FAULT_VALUE_HOST:
		return "host: h1";
	case FAULT_VALUE_END:
		return "from: h1";
	case FAULT_VALUE_TO:
		return "to: controller";
	case FAULT_VALUE_PORT:
		return "to: s1:5";
	case FAULT_VALUE_TARGET:
		return "to: 192.168.2.2:22";
	case FAULT_VALUE_IP:
		return "ip: 192.168.2.9";
	case FAULT_VALUE_DURATION:
	case FAULT_VALUE_NUMBER:
	case FAULT_VALUE_SHARE:
	case FAULT_VALUE_BITS:
	case FAULT_VALUE_BYTES:
	case FAULT_VALUE_BYTE_RATE:
	case FAULT_VALUE_BOOL:
		break;
	}
	return key->name;
}

/* 'from': the end of the fault's link that is named so. */
static bool read_from(struct loader *loader, const struct yaml_node *node, struct fault *fault)
{
	const struct scenario *scenario = loader->scenario;
	const struct scenario_link *link = &scenario->links[fault->place];
	const char *names[3] = {NULL}, *text;

	if (!scenario_read_text(loader, node, "'from'", &text))
		return false;
	for (unsigned e = 0; e < 2; e++) {
		const struct scenario_end *end = &link->ends[e];
		char whole[SCENARIO_NAME_BYTES_MAX + 16];
		struct fb_text out = fb_text_make(whole, sizeof whole);

		names[e] = end->is_switch ? scenario->switches[end->index].name
		                          : scenario->hosts[end->index].name;
		fb_text_printf(&out, "%s:%u", names[e], end->port);
		if (strcmp(text, names[e]) && (!end->is_switch || strcmp(text, whole)))
			continue;
		fault->end = e;
		return true;
	}
	problems_add(loader->problems, node->at,
	             "'%.60s' is no end of '%s': write the one that sends, %s or %s", text,
	             link->name, names[0], names[1]);
	return false;
}

static bool read_to(struct loader *loader, const struct yaml_node *node,
                    const struct fault_key *key, struct fault *fault)
{
	/* In the order of CHANNEL_*, and FAULT_BOTH_ENDS. */
	static const char *const words[] = {"controller", "switch", "both", NULL};
	static const char *const either[] = {"controller", "switch", NULL};

	return scenario_read_choice(loader, node, "'to'",
	                            key->flags & FAULT_KEY_REQUIRED ? either : words, &fault->end);
}

/* "10kB/s" */
static bool read_byte_rate(struct loader *loader, const struct yaml_node *node, const char *what,
                           const struct fault_key *key, uint64_t *out)
{
	const char *text, *right = "write bytes a second, as 10kB/s";
	char size[WHAT_BYTES], range[WHAT_BYTES * 3];
	size_t len;

	if (!scenario_read_text(loader, node, what, &text))
		return false;
	len = strlen(text);
	if (len > 2 && len < sizeof size && !strcmp(text + len - 2, "/s")) {
		memcpy(size, text, len - 2);
		size[len - 2] = 0;
		if (!values_size(size, out)) {
			if (*out >= key->min && *out <= key->max)
				return true;
			snprintf(range, sizeof range, "write %lluB/s to %lluTB/s, as 10kB/s",
			         (unsigned long long)key->min,
			         (unsigned long long)(key->max / TERA));
			right = range;
		}
	}
	problems_add(loader->problems, node->at, "%s is '%.60s': %s", what, text, right);
	return false;
}

/* A value that is a number in a member of its own. */
static bool read_number(struct loader *loader, const struct yaml_node *node,
                        const struct fault_key *key, struct fault *fault)
{
	uint64_t value = 0;
	uint32_t ppm = 0;
	char what[WHAT_BYTES];
	bool yes = false, read = false;

	snprintf(what, sizeof what, "'%s'", key->name);
	switch (key->value) {
	case FAULT_VALUE_DURATION:
		read = scenario_read_duration(loader, node, what, key->min, key->max, &value);
		break;
	case FAULT_VALUE_SHARE:
		read = scenario_read_share(loader, node, what, &ppm);
		value = ppm;
		break;
	case FAULT_VALUE_BITS:
		read = scenario_read_rate(loader, node, what, &value);
		break;
	case FAULT_VALUE_BYTES:
		read = scenario_read_size(loader, node, what, key->min, key->max, &value);
		break;
	case FAULT_VALUE_BYTE_RATE:
		read = read_byte_rate(loader, node, what, key, &value);
		break;
	case FAULT_VALUE_BOOL:
		read = scenario_read_bool(loader, node, what, &yes);
		value = yes;
		break;
	case FAULT_VALUE_LINK:
	case FAULT_VALUE_SWITCH:
	case FAULT_VALUE_HOST:
	case FAULT_VALUE_END:
	case FAULT_VALUE_TO:
	case FAULT_VALUE_PORT:
	case FAULT_VALUE_TARGET:
	case FAULT_VALUE_IP:
	case FAULT_VALUE_NUMBER:
		read = scenario_read_number(loader, node, what, key->min, key->max, &value);
		break;
	}
	if (read)
		fault_set(fault, key, value);
	return read;
}

static bool read_value(struct loader *loader, const struct yaml_node *node,
                       const struct fault_key *key, struct fault *fault)
{
	switch (key->value) {
	case FAULT_VALUE_LINK:
		return scenario_read_link_name(loader, node, &fault->place);
	case FAULT_VALUE_SWITCH:
		return scenario_read_switch(loader, node, &fault->place);
	case FAULT_VALUE_HOST:
		return scenario_read_host(loader, node, &fault->place);
	case FAULT_VALUE_END:
		return read_from(loader, node, fault);
	case FAULT_VALUE_TO:
		return read_to(loader, node, key, fault);
	case FAULT_VALUE_PORT:
		return scenario_read_port(loader, node, &fault->sw, &fault->port);
	case FAULT_VALUE_TARGET:
		return scenario_read_target(loader, node, &fault->ip, &fault->port);
	case FAULT_VALUE_IP:
		return scenario_read_ip(loader, node, "'ip'", &fault->ip);
	case FAULT_VALUE_DURATION:
	case FAULT_VALUE_NUMBER:
	case FAULT_VALUE_SHARE:
	case FAULT_VALUE_BITS:
	case FAULT_VALUE_BYTES:
	case FAULT_VALUE_BYTE_RATE:
	case FAULT_VALUE_BOOL:
		break;
	}
	return read_number(loader, node, key, fault);
}

/* --- A fault as a whole --- */

/* No host has this address: it is of a group, of all, of a network or of nobody. */
static bool is_no_hosts(const struct scenario *scenario, uint32_t ip)
{
	if (!(ip >> 24) || ip >> 24 == 127 || ip >> 28 >= 0xe)
		return true;
	for (size_t i = 0; i < scenario->hosts_count; i++) {
		const unsigned len = scenario->hosts[i].prefix_len;
		const uint32_t rest =
		        len ? (uint32_t)((UINT64_C(1) << (32 - len)) - 1) : UINT32_MAX;

		/* Networks of two or one have neither (RFC 3021). */
		if (len < 31 && (ip & ~rest) == (scenario->hosts[i].ip & ~rest) &&
		    ((ip & rest) == 0 || (ip & rest) == rest))
			return true;
	}
	return false;
}

/* What is said of a host's address: not that it is its own. */
static bool check_address(struct loader *loader, const struct yaml_node *at,
                          const struct fault *fault)
{
	const struct scenario_host *host = &loader->scenario->hosts[fault->place];

	if (fault->ip == host->ip)
		problems_add(loader->problems, at->at,
		             "'%.60s' is the address of '%s' itself: write another", at->text,
		             host->name);
	else if (is_no_hosts(loader->scenario, fault->ip))
		problems_add(loader->problems, at->at,
		             "'%.60s' is no address of a host: write another", at->text);
	else
		return true;
	return false;
}

static bool is_linked(struct loader *loader, const struct yaml_node *at, uint32_t host)
{
	if (loader->scenario->hosts[host].link != SCENARIO_NONE || loader->links_wrong)
		return true;
	problems_add(loader->problems, at->at,
	             "host '%s' is on no link and nobody would notice: add one to 'links'",
	             loader->scenario->hosts[host].name);
	return false;
}

static bool changes_something(const struct fault *fault)
{
	for (const struct fault_key *key = fault_keys(fault->kind); key->name; key++)
		if (key->standard == FAULT_KEPT && fault_get(fault, key) != FAULT_KEPT)
			return true;
	return false;
}

/* What the fault puts off comes after its end, but before the network must have converged. */
static bool check_late(struct loader *loader, const struct yaml_node *at,
                       const struct yaml_node *node, const struct fault *fault)
{
	static const char *const late_keys[] = {"by",   "delay", "jitter", "reorder_delay",
	                                        "late", "each",  NULL};
	const uint64_t converge_ns = loader->scenario->faults.converge_ns;
	char said[WHAT_BYTES], allowed[WHAT_BYTES];
	struct fb_text said_text = fb_text_make(said, sizeof said);
	struct fb_text allowed_text = fb_text_make(allowed, sizeof allowed);
	uint64_t late_ns = 0;

	for (const struct fault_key *key = fault_keys(fault->kind); key->name; key++)
		for (size_t i = 0; late_keys[i]; i++)
			if (!strcmp(key->name, late_keys[i]) && yaml_get(node, key->name))
				late_ns += fault_get(fault, key);
	if (late_ns <= converge_ns)
		return true;
	fault_time_text(&said_text, late_ns);
	fault_time_text(&allowed_text, converge_ns);
	problems_add(loader->problems, at->at,
	             "'%s' puts off by up to %s what must be done when the network has converged, "
	             "%s after the fault: write less, or a longer 'converge' in 'faults'",
	             at->text, said, allowed);
	return false;
}

/* All that is said can be read: does it make sense together? 'node' is the map. */
static bool check_fault(struct loader *loader, const struct yaml_node *node, struct fault *fault)
{
	if (fault_place(fault->kind) == FAULT_AT_HOST &&
	    !is_linked(loader, yaml_get(node, "host"), fault->place))
		return false;
	switch (fault->kind) {
	case FAULT_IMPAIR:
		if (changes_something(fault))
			return true;
		problems_add(loader->problems, node->at,
		             "this 'impair' changes nothing: write what, as loss: 5%%");
		return false;
	case FAULT_LOSE_PACKET_INS:
		if (!yaml_get(node, "messages") || !yaml_get(node, "for"))
			return true;
		problems_add(loader->problems, node->at,
		             "'messages' and 'for': write so many messages, or all for a time");
		return false;
	case FAULT_HOST_MOVE:
		return scenario_may_move(loader, yaml_get(node, "host"), fault->place) &&
		       scenario_take_spare(loader, yaml_get(node, "to"), fault->place, fault->sw,
		                           fault->port);
	case FAULT_WRONG_ADDRESS:
		return check_address(loader, yaml_get(node, "ip"), fault);
	case FAULT_SYN_FLOOD:
		return check_address(loader, yaml_get(node, "to"), fault);
	default:
		return true;
	}
}

/* {link: "h1 -- s1:1", for: 1s}: what is said of a fault of 'kind', whose name is at 'key'. */
static bool read_fault(struct loader *loader, const struct yaml_node *key,
                       const struct yaml_node *node, enum fault_kind kind, struct fault *fault)
{
	const char *names[KEYS_MAX + 1] = {NULL};
	char what[WHAT_BYTES];
	size_t count = 0;
	bool right = true;

	*fault = fault_make(kind);
	fault->at = key->at;
	snprintf(what, sizeof what, "'%s'", fault_names[kind]);
	for (const struct fault_key *k = fault_keys(kind); k->name; k++)
		names[count++] = k->name;
	if (!has_what_it_needs(loader, key->at, kind) ||
	    !scenario_read_map(loader, node, what, names))
		return false;
	for (const struct fault_key *k = fault_keys(kind); k->name; k++) {
		const struct yaml_node *value = yaml_get(node, k->name);

		if (value && (right || k->value != FAULT_VALUE_END)) {
			right &= read_value(loader, value, k, fault);
		} else if (!value && k->flags & FAULT_KEY_REQUIRED) {
			scenario_lacks(loader, node, names, "%s needs '%s': write it, as %s", what,
			               k->name, example_of(k));
			right = false;
		}
	}
	fault_set_duration(fault);
	return right && check_late(loader, key, node, fault) && check_fault(loader, node, fault);
}

/* The kind that is named so; FAULT_KINDS: none. */
static enum fault_kind kind_of(const char *name)
{
	unsigned kind = 0;

	while (kind < FAULT_KINDS && strcmp(name, fault_names[kind]))
		kind++;
	return (enum fault_kind)kind;
}

/* The one kind that the map 'node' names, beside 'other' (may be NULL), as its place; -1 after a
 * complaint. */
static long find_kind(struct loader *loader, const struct yaml_node *node, const char *other)
{
	const char *names[FAULT_KINDS + 2] = {NULL};
	long found = -1;

	memcpy(names, fault_names, sizeof fault_names);
	names[FAULT_KINDS] = other;
	if (!scenario_read_map(loader, node, other ? "an item of 'at'" : "'fault'", names))
		return -1;
	for (size_t i = 0; i < node->count; i++) {
		if (kind_of(yaml_key(node, i)->text) == FAULT_KINDS)
			continue;
		if (found >= 0) {
			problems_add(loader->problems, yaml_key(node, i)->at,
			             "'%s' and '%s' in one: write each after a '- ' of its own",
			             yaml_key(node, (size_t)found)->text, yaml_key(node, i)->text);
			return -1;
		}
		found = (long)i;
	}
	if (found < 0)
		scenario_lacks(
		        loader, node, names,
		        "no fault is named: write one, as link_down: {link: \"h1 -- s1:1\"}");
	return found;
}

bool scenario_read_fault(struct loader *loader, const struct yaml_node *node, struct fault *fault)
{
	const long place = find_kind(loader, node, NULL);

	if (place < 0)
		return false;
	return read_fault(loader, yaml_key(node, (size_t)place), yaml_value(node, (size_t)place),
	                  kind_of(yaml_key(node, (size_t)place)->text), fault);
}

/* --- 'at': faults with a time --- */

/* {at: 1.5s, lose: {link: "h1 -- s1:1", from: h1}} */
static void read_timed(struct loader *loader, const struct yaml_node *node)
{
	struct scenario_faults *faults = &loader->scenario->faults;
	const long place = find_kind(loader, node, "at");
	const struct yaml_node *at;
	struct fault fault;
	uint64_t time_ns = 0;
	bool right;

	if (place < 0)
		return;
	at = yaml_get(node, "at");
	if (!at) {
		problems_add(loader->problems, node->at,
		             "a fault without a time: write it, as {at: 1.5s, %s: ...}",
		             yaml_key(node, (size_t)place)->text);
		return;
	}
	right = scenario_read_duration(loader, at, "'at'", 0, faults->until_ns, &time_ns);
	if (!read_fault(loader, yaml_key(node, (size_t)place), yaml_value(node, (size_t)place),
	                kind_of(yaml_key(node, (size_t)place)->text), &fault) ||
	    !right)
		return;
	if (fault.for_ns && time_ns == faults->until_ns) {
		problems_add(loader->problems, at->at,
		             "'%s' lasts, and would be over as it begins, at 'until': write an "
		             "earlier time, or a later 'until'",
		             fault_names[fault.kind]);
		return;
	}
	fault.time_ns = time_ns;
	faults->list[faults->count++] = fault;
}

static int fault_compare(const void *left, const void *right)
{
	const struct fault *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return (a->at.column > b->at.column) - (a->at.column < b->at.column);
}

static void read_list(struct loader *loader, const struct yaml_node *node)
{
	struct scenario_faults *faults = &loader->scenario->faults;

	if (!scenario_read_list(loader, node, "'at'"))
		return;
	if (node->count > FAULTS_MAX) {
		problems_add(loader->problems, node->at, "more than %d faults: leave some out",
		             FAULTS_MAX);
		return;
	}
	faults->list = xcalloc(node->count + 1, sizeof *faults->list);
	for (size_t i = 0; i < node->count; i++)
		read_timed(loader, node->items[i]);
	qsort(faults->list, faults->count, sizeof *faults->list, fault_compare);
}

void scenario_faults_default(struct scenario_faults *faults)
{
	faults->until_ns = SCENARIO_UNTIL_NS_DEFAULT;
	faults->converge_ns = SCENARIO_CONVERGE_NS_DEFAULT;
	faults->splits = true;
}

void scenario_read_faults(struct loader *loader, const struct yaml_node *node)
{
	struct scenario *scenario = loader->scenario;
	struct scenario_faults *faults = &scenario->faults;
	const struct yaml_node *value;

	faults->at = node->at;
	if (!scenario_read_map(loader, node, "'faults'", scenario_keys_faults))
		return;
	if ((value = yaml_get(node, "until")) != NULL)
		scenario_read_duration(loader, value, "'until'", 1, SCENARIO_TIME_NS_MAX,
		                       &faults->until_ns);
	if ((value = yaml_get(node, "converge")) != NULL)
		scenario_read_duration(loader, value, "'converge'", 0, SCENARIO_TIME_NS_MAX,
		                       &faults->converge_ns);
	if ((value = yaml_get(node, "splits")) != NULL)
		scenario_read_bool(loader, value, "'splits'", &faults->splits);
	if (faults->until_ns + faults->converge_ns >= scenario->end_ns)
		problems_add(loader->problems, node->at,
		             "'until' and 'converge' together go beyond the end of the run: write "
		             "shorter ones, or a later 'end'");
	if ((value = yaml_get(node, "at")) != NULL)
		read_list(loader, value);
}

/* --- 'rates': faults that are drawn --- */

/* "5/s", "30/min", "2/h" as the time from one to the next; "no" as 0. */
static bool read_rate(struct loader *loader, const struct yaml_node *node, const char *what,
                      uint64_t *mean_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"s", FB_NS_PER_S}, {"min", 60 * FB_NS_PER_S}, {"h", 3600 * FB_NS_PER_S}};
	const char *text, *slash;
	char number[WHAT_BYTES];
	uint64_t count;

	if (!scenario_read_text(loader, node, what, &text))
		return false;
	*mean_ns = 0;
	if (!strcmp(text, "no"))
		return true;
	slash = strchr(text, '/');
	if (slash && (size_t)(slash - text) < sizeof number) {
		memcpy(number, text, (size_t)(slash - text));
		number[slash - text] = 0;
		for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
			if (!strcmp(slash + 1, units[i].name) && !values_number(number, &count) &&
			    count && count <= RATE_MAX)
				*mean_ns = units[i].ns / count;
	}
	if (!*mean_ns)
		problems_add(
		        loader->problems, node->at,
		        "%s is '%.60s': write how many are drawn, as 5/s, 30/min or 2/h (up to "
		        "%d), or no",
		        what, text, RATE_MAX);
	return *mean_ns != 0;
}

/* "10ms..2s", or "100ms", always. */
static void read_for(struct loader *loader, const struct yaml_node *node,
                     struct scenario_fault_rate *rate)
{
	const char *text, *dots, *right;
	char first[WHAT_BYTES];
	uint64_t min_ns = 0, max_ns = 0;

	if (!scenario_read_text(loader, node, "'for'", &text))
		return;
	dots = strstr(text, "..");
	snprintf(first, sizeof first, "%.*s", dots ? (int)(dots - text) : (int)strlen(text), text);
	right = values_duration(first, &min_ns);
	if (!right)
		right = values_duration(dots ? dots + 2 : text, &max_ns);
	if (!right && (!min_ns || min_ns > max_ns || max_ns > SCENARIO_TIME_NS_MAX))
		right = "write a shorter and a longer time, as 10ms..2s";
	if (right) {
		problems_add(loader->problems, node->at, "'for' is '%.60s': %s", text, right);
		return;
	}
	rate->for_min_ns = min_ns;
	rate->for_max_ns = max_ns;
}

static void add_place(struct scenario_fault_rate *rate, uint32_t place)
{
	if (!(rate->places_count & (rate->places_count - 1)))
		rate->places =
		        xrealloc(rate->places, (rate->places_count ? 2 * rate->places_count : 1) *
		                                       sizeof *rate->places);
	rate->places[rate->places_count++] = place;
}

/* A link, a switch or hosts that 'node' names, as places of faults of 'kind'. */
static void read_place(struct loader *loader, const struct yaml_node *node, enum fault_kind kind,
                       struct scenario_fault_rate *rate)
{
	struct scenario_range range = {0, 0};
	uint32_t place;

	switch (fault_place(kind)) {
	case FAULT_AT_LINK:
		if (scenario_read_link_name(loader, node, &place))
			add_place(rate, place);
		break;
	case FAULT_AT_SWITCH:
		if (scenario_read_switch(loader, node, &place))
			add_place(rate, place);
		break;
	case FAULT_AT_HOST:
		if (!scenario_read_range(loader, node, &range))
			break;
		for (place = range.first; place < range.first + range.count; place++)
			if (is_linked(loader, node, place) &&
			    (kind != FAULT_HOST_MOVE || scenario_may_move(loader, node, place)))
				add_place(rate, place);
		break;
	case FAULT_AT_CONTROLLER:
		break;
	}
}

static void read_on(struct loader *loader, const struct yaml_node *node, enum fault_kind kind,
                    struct scenario_fault_rate *rate)
{
	if (node->kind != YAML_SEQUENCE) {
		read_place(loader, node, kind, rate);
		return;
	}
	if (!node->count)
		problems_add(loader->problems, node->at,
		             "'on' names nothing: leave it out, for all, or name some");
	for (size_t i = 0; i < node->count; i++)
		read_place(loader, node->items[i], kind, rate);
}

/* True when hosts have different addresses. */
static bool has_addresses(const struct scenario *scenario)
{
	for (size_t i = 1; i < scenario->hosts_count; i++)
		if (scenario->hosts[i].ip != scenario->hosts[0].ip)
			return true;
	return false;
}

/* Faults of 'kind' that are drawn need the address of another host. */
static bool needs_addresses(enum fault_kind kind)
{
	return kind == FAULT_WRONG_ADDRESS || kind == FAULT_SYN_FLOOD;
}

static bool may_be_at_host(struct loader *loader, enum fault_kind kind, uint32_t host)
{
	return loader->scenario->hosts[host].link != SCENARIO_NONE &&
	       (kind != FAULT_HOST_MOVE || scenario_may_move(loader, NULL, host));
}

/* All places where faults of 'kind' make sense. */
static void add_all_places(struct loader *loader, enum fault_kind kind,
                           struct scenario_fault_rate *rate)
{
	const struct scenario *scenario = loader->scenario;
	size_t count = 1;

	if (needs_addresses(kind) && !has_addresses(scenario))
		return;
	if (fault_place(kind) == FAULT_AT_LINK)
		count = scenario->links_count;
	else if (fault_place(kind) == FAULT_AT_SWITCH)
		count = scenario->switches_count;
	else if (fault_place(kind) == FAULT_AT_HOST)
		count = scenario->hosts_count;
	for (uint32_t i = 0; i < count; i++)
		if (fault_place(kind) != FAULT_AT_HOST || may_be_at_host(loader, kind, i))
			add_place(rate, i);
}

/* How long faults of 'kind' last where nothing is said. */
static void set_standard_for(enum fault_kind kind, struct scenario_fault_rate *rate)
{
	for (const struct fault_key *key = fault_keys(kind); key->name; key++) {
		if (strcmp(key->name, "for"))
			continue;
		rate->for_min_ns = key->draw_min;
		rate->for_max_ns = key->draw_max;
	}
}

/* 5/s, no, or {rate: 2/min, on: [h2, h3], for: 10ms..2s} */
static void read_kind_rate(struct loader *loader, const struct yaml_node *key,
                           const struct yaml_node *node, enum fault_kind kind)
{
	struct scenario_fault_rate *rate = &loader->scenario->faults.rates[kind];
	const char *keys[4] = {"rate", NULL};
	const struct yaml_node *on = NULL, *value = node;
	char what[WHAT_BYTES];
	size_t count = 1;

	rate->at = key->at;
	rate->mean_ns = 0;
	snprintf(what, sizeof what, "'%s'", key->text);
	set_standard_for(kind, rate);
	if (fault_place(kind) != FAULT_AT_CONTROLLER)
		keys[count++] = "on";
	if (fault_lasts(kind))
		keys[count++] = "for";
	if (node->kind == YAML_MAPPING) {
		if (!scenario_read_map(loader, node, what, keys))
			return;
		on = yaml_get(node, "on");
		if (yaml_get(node, "for"))
			read_for(loader, yaml_get(node, "for"), rate);
		value = yaml_get(node, "rate");
		if (!value) {
			scenario_lacks(loader, node, keys,
			               "%s needs 'rate': write it, as rate: 2/min", what);
			return;
		}
	}
	if (!read_rate(loader, value, what, &rate->mean_ns) || !rate->mean_ns ||
	    !has_what_it_needs(loader, key->at, kind))
		return;
	free(rate->places);
	rate->places = NULL;
	rate->places_count = 0;
	if (on)
		read_on(loader, on, kind, rate);
	else
		add_all_places(loader, kind, rate);
	if (needs_addresses(kind) && !has_addresses(loader->scenario))
		problems_add(
		        loader->problems, key->at,
		        "%s needs the address of another host, and there is but one: add a host",
		        what);
	else if (!rate->places_count && !on && !loader->links_wrong)
		problems_add(loader->problems, key->at,
		             "%s can happen nowhere here: link a host to a switch's port%s", what,
		             kind == FAULT_HOST_MOVE ? " without queues" : "");
}

/* Where there are several switches, two controllers that each know a part of the network let frames run in rings
 * and split connections, and neither can help it. */
static bool is_of_all(const struct scenario *scenario, enum fault_kind kind)
{
	return kind != FAULT_CONTROL_REORDER &&
	       (kind != FAULT_SECOND_CONTROLLER || scenario->switches_count == 1);
}

static void read_all_rate(struct loader *loader, const struct yaml_node *node)
{
	struct scenario_faults *faults = &loader->scenario->faults;
	uint64_t mean_ns;

	if (!read_rate(loader, node, "'all'", &mean_ns) || !mean_ns)
		return;
	for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
		struct scenario_fault_rate *rate = &faults->rates[kind];

		if (!is_of_all(loader->scenario, kind) || lacks_for(loader->scenario, kind))
			continue;
		rate->at = node->at;
		set_standard_for(kind, rate);
		add_all_places(loader, kind, rate);
		rate->mean_ns = rate->places_count ? mean_ns : 0;
	}
}

/* Hosts that are moved at random go to a port of their own, at their switch or at the one after it,
 * that nobody else uses: the places become those of the ports among 'spares'. */
static void add_spares(struct loader *loader)
{
	struct scenario *scenario = loader->scenario;
	struct scenario_fault_rate *rate = &scenario->faults.rates[FAULT_HOST_MOVE];
	const size_t hosts_count = rate->places_count, switches = scenario->switches_count;
	uint32_t *hosts = rate->places;
	uint16_t *last = xcalloc(switches + 1, sizeof *last);

	for (size_t i = 0; i < 2 * scenario->links_count; i++) {
		const struct scenario_end *end = &scenario->links[i / 2].ends[i % 2];

		if (end->is_switch && end->port > last[end->index])
			last[end->index] = end->port;
	}
	for (size_t i = 0; i < scenario->spares_count; i++)
		if (scenario->spares[i].port > last[scenario->spares[i].sw])
			last[scenario->spares[i].sw] = scenario->spares[i].port;
	rate->places = NULL;
	rate->places_count = 0;
	for (size_t i = 0; i < hosts_count; i++) {
		const struct scenario_host *host = &scenario->hosts[hosts[i]];
		uint32_t sw = scenario->links[host->link].ends[!host->link_end].index;

		for (unsigned n = 0; n < (switches > 1 ? 2 : 1); n++, sw = (sw + 1) % switches) {
			if (last[sw] >= OFPP_MAX - 1)
				continue;
			scenario->spares =
			        xrealloc(scenario->spares,
			                 (scenario->spares_count + 1) * sizeof *scenario->spares);
			scenario->spares[scenario->spares_count] = (struct scenario_spare){
			        .at = rate->at, .sw = sw, .host = hosts[i], .port = ++last[sw]};
			add_place(rate, (uint32_t)scenario->spares_count++);
		}
	}
	if (!rate->places_count)
		rate->mean_ns = 0;
	free(hosts);
	free(last);
}

/* All that would be drawn fits in a run. */
static void check_amount(struct loader *loader, const struct yaml_node *node)
{
	const struct scenario_faults *faults = &loader->scenario->faults;
	uint64_t amount = faults->count;

	for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
		if (faults->rates[kind].mean_ns)
			amount += faults->until_ns / faults->rates[kind].mean_ns;
	if (amount > FAULTS_MAX)
		problems_add(loader->problems, node->at,
		             "about %llu faults would be drawn, and at most %d are: write lower "
		             "rates, or an earlier 'until'",
		             (unsigned long long)amount, FAULTS_MAX);
}

void scenario_read_fault_rates(struct loader *loader, const struct yaml_node *faults)
{
	const struct yaml_node *node =
	        faults->kind == YAML_MAPPING ? yaml_get(faults, "rates") : NULL;
	const char *names[FAULT_KINDS + 2] = {NULL};

	memcpy(names, fault_names, sizeof fault_names);
	names[FAULT_KINDS] = "all";
	if (!node || !scenario_read_map(loader, node, "'rates'", names))
		return;
	if (yaml_get(node, "all"))
		read_all_rate(loader, yaml_get(node, "all"));
	for (size_t i = 0; i < node->count; i++) {
		const enum fault_kind kind = kind_of(yaml_key(node, i)->text);

		if (kind != FAULT_KINDS)
			read_kind_rate(loader, yaml_key(node, i), yaml_value(node, i), kind);
	}
	check_amount(loader, node);
	if (loader->scenario->faults.rates[FAULT_HOST_MOVE].mean_ns && !loader->links_wrong)
		add_spares(loader);
}
