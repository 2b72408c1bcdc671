/* Steps of a scenario: traffic and groups; scenario_changes.c has the others. See
 * scenario_loader.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

enum {
	OUTCOMES = HOST_ABORTED + 1,
	ALL_OUTCOMES = (1 << OUTCOMES) - 1,
	PING_COUNT_MAX = 65535,
	PING_PAYLOAD_BYTES_MAX = 65507,
	UDP_PAYLOAD_BYTES_MAX = 65507,
};
#define TCP_BYTES_MAX (UINT64_C(1) << 40)
#define SEND_DEFAULT  "uname -n"

/* --- Who and where --- */

/* 'from', a host or a range of them, each of them with a link. */
static bool read_from(struct loader *loader, const struct yaml_node *node, const char *const *keys,
                      struct scenario_step *step)
{
	const struct yaml_node *from = yaml_get(node, "from");
	struct scenario_range range;

	if (!from) {
		scenario_lacks(loader, node, keys,
		               "this step has no 'from': name the host that begins, as from: h1");
		return false;
	}
	if (!scenario_read_range(loader, from, &range))
		return false;
	step->from = range.first;
	step->from_count = range.count;
	for (uint32_t i = range.first; i < range.first + range.count; i++) {
		if (loader->scenario->hosts[i].link != SCENARIO_NONE || loader->links_wrong)
			continue;
		problems_add(loader->problems, from->at,
		             "host '%s' is on no link and reaches nobody: add one to 'links'",
		             loader->scenario->hosts[i].name);
		return false;
	}
	return true;
}

/* 'to': a host or an address that is none of those in 'from'. */
static bool read_to(struct loader *loader, const struct yaml_node *node, const char *const *keys,
                    struct scenario_step *step, uint16_t *port)
{
	const struct yaml_node *to = yaml_get(node, "to");

	if (!to) {
		scenario_lacks(loader, node, keys,
		               "this step has no 'to': write a host or an address, as to: %s",
		               port ? "192.168.2.2:22" : "h2");
		return false;
	}
	if (!scenario_read_target(loader, to, &step->ip, port))
		return false;
	step->target = xstrdup(to->text);
	for (uint32_t i = step->from; i < step->from + step->from_count; i++) {
		if (loader->scenario->hosts[i].ip != step->ip)
			continue;
		problems_add(loader->problems, to->at,
		             "impossible step: '%.60s' is the address of '%s' itself, which never "
		             "leaves it",
		             to->text, loader->scenario->hosts[i].name);
		return false;
	}
	return true;
}

/* "10mb", "1 kB", "100": begins as a size does and has nothing but digits, one unit and a blank. */
static bool looks_like_size(const char *text)
{
	size_t digits = strspn(text, "0123456789.");
	const char *unit = text + digits + strspn(text + digits, " ");

	return digits > 0 && strspn(unit, "bBkKmMgGiI") == strlen(unit);
}

/* 'send': a text, or a size without quotes, which is that many bytes of a pattern. */
static bool read_send(struct loader *loader, const struct yaml_node *node,
                      struct scenario_step *step, uint64_t bytes_max, uint64_t *bytes)
{
	const struct yaml_node *send = yaml_get(node, "send");
	const char *text = SEND_DEFAULT;

	if (send && send->kind == YAML_SCALAR && send->plain && values_is_size(send->text))
		return scenario_read_size(loader, send, "'send'", 0, bytes_max, bytes);
	if (send && send->kind == YAML_SCALAR && send->plain && looks_like_size(send->text)) {
		problems_add(loader->problems, send->at,
		             "'send': '%.60s' is no size like 200kB or 10MB: write one, or put a "
		             "text in quotes",
		             send->text);
		return false;
	}
	if (send && !scenario_read_text(loader, send, "'send'", &text))
		return false;
	if (strlen(text) > bytes_max) {
		problems_add(loader->problems, send->at,
		             "'send' is longer than %llu bytes: shorten it",
		             (unsigned long long)bytes_max);
		return false;
	}
	step->send = xstrdup(text);
	*bytes = strlen(text);
	return true;
}

static void read_src_port(struct loader *loader, const struct yaml_node *node, uint16_t *port)
{
	const struct yaml_node *value = yaml_get(node, "src_port");
	uint64_t number;

	if (value && scenario_read_number(loader, value, "'src_port'", 1, 65535, &number))
		*port = (uint16_t)number;
}

static void read_timeout(struct loader *loader, const struct yaml_node *node, uint64_t *timeout_ns)
{
	const struct yaml_node *value = yaml_get(node, "timeout");

	if (value)
		scenario_read_duration(loader, value, "'timeout'", FB_NS_PER_US,
		                       SCENARIO_TIME_NS_MAX, timeout_ns);
}

/* --- What is expected of a request --- */

/* Add the outcome that 'node' names to the allowed ones. */
static bool read_outcome(struct loader *loader, const struct yaml_node *node, uint32_t *outcomes)
{
	const char *words[OUTCOMES + 2] = {NULL};
	unsigned outcome;

	for (unsigned i = 0; i < OUTCOMES; i++)
		words[i] = host_outcome_text((enum host_outcome)i);
	words[OUTCOMES] = "any";
	if (!scenario_read_choice(loader, node, "'outcome'", words, &outcome))
		return false;
	*outcomes |= outcome == OUTCOMES ? ALL_OUTCOMES : 1U << outcome;
	return true;
}

/* "refused", or a list of what may happen. */
static void read_outcomes(struct loader *loader, const struct yaml_node *node, uint32_t *outcomes)
{
	*outcomes = 0;
	if (node->kind != YAML_SEQUENCE) {
		read_outcome(loader, node, outcomes);
		return;
	}
	if (!node->count)
		problems_add(loader->problems, node->at,
		             "'outcome' allows nothing: write one, as ok or refused");
	for (size_t i = 0; i < node->count; i++)
		read_outcome(loader, node->items[i], outcomes);
}

static void add_reply(struct loader *loader, const struct yaml_node *node,
                      struct scenario_replies *replies)
{
	const char *text;

	if (!scenario_read_text(loader, node, "a reply", &text))
		return;
	if (replies->count == SCENARIO_REPLIES_MAX) {
		problems_add(loader->problems, node->at, "more than %d replies: leave some out",
		             SCENARIO_REPLIES_MAX);
		return;
	}
	replies->texts = xrealloc(replies->texts, (replies->count + 1) * sizeof *replies->texts);
	replies->texts[replies->count++] = xstrdup(text);
}

/* 'order' over so many replies: one that cannot be wrong is refused, and one that cannot be right.
 */
static void check_order(struct loader *loader, const struct yaml_node *order,
                        const struct scenario_replies *replies, uint64_t requests)
{
	const char *wrong = NULL;

	if (replies->order == ORDER_ANY)
		return;
	if (requests < 2)
		wrong = "a single reply has no order: repeat the step, or leave 'order' out";
	else if (replies->order == ORDER_ALTERNATING && replies->count < 2)
		wrong = "alternating needs two or more replies: write replies: [a, b]";
	else if (replies->order == ORDER_EXACT && replies->count != requests)
		wrong = "exact needs as many replies as the step has requests: write one for each";
	if (wrong)
		problems_add(loader->problems, order->at, "'order': %s", wrong);
	for (size_t i = 1; replies->order == ORDER_ALTERNATING && i < replies->count; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(replies->texts[i], replies->texts[j]))
				problems_add(loader->problems, order->at,
				             "'%.60s' stands twice among replies that alternate: "
				             "leave one",
				             replies->texts[i]);
}

static void read_replies(struct loader *loader, const struct yaml_node *node,
                         struct scenario_replies *replies, uint64_t requests)
{
	const struct yaml_node *one = yaml_get(node, "reply"), *many = yaml_get(node, "replies");
	const struct yaml_node *order = yaml_get(node, "order");
	unsigned choice = ORDER_ANY;

	if (one && many) {
		problems_add(loader->problems, one->at, "'reply' and 'replies': write one of them");
		return;
	}
	if (one)
		add_reply(loader, one, replies);
	if (many && scenario_read_list(loader, many, "'replies'")) {
		if (!many->count)
			problems_add(loader->problems, many->at,
			             "an empty list of replies expects nothing: write one, or "
			             "leave it out");
		for (size_t i = 0; i < many->count; i++)
			add_reply(loader, many->items[i], replies);
	}
	if (!order ||
	    !scenario_read_choice(loader, order, "'order'", scenario_keys_orders, &choice))
		return;
	replies->order = (enum scenario_order)choice;
	if (!many)
		problems_add(
		        loader->problems, order->at,
		        "'order' without 'replies': write what alternates, as replies: [a, b]");
	else
		check_order(loader, order, replies, requests);
}

/* The common part of a traffic step's 'expect'. */
static const struct yaml_node *read_request_expect(struct loader *loader,
                                                   const struct yaml_node *node,
                                                   struct scenario_step *step,
                                                   const char *const *keys)
{
	const struct yaml_node *expect = yaml_get(node, "expect"), *value;
	struct scenario_replies *replies = &step->replies;
	uint64_t requests;

	replies->at = step->at;
	replies->outcomes = 1U << HOST_OK;
	if (!expect || !scenario_read_map(loader, expect, "'expect'", keys))
		return NULL;
	replies->at = expect->at;
	if (!expect->count)
		problems_add(loader->problems, expect->at,
		             "this expect says nothing: leave it out, or write what is expected");
	if ((value = yaml_get(expect, "outcome")) != NULL)
		read_outcomes(loader, value, &replies->outcomes);
	if ((value = yaml_get(expect, "mac")) != NULL)
		replies->has_mac = scenario_read_mac(loader, value, "'mac'", replies->mac);
	if (__builtin_mul_overflow(loader->multiplier, (uint64_t)step->repeat * step->from_count,
	                           &requests))
		requests = UINT64_MAX;
	read_replies(loader, expect, replies, requests);
	/* Where not only ok is allowed, replies are judged of those requests that were answered. */
	if (replies->count && !(replies->outcomes >> HOST_OK & 1))
		problems_add(loader->problems, yaml_get(expect, "outcome")->at,
		             "'outcome' beside a reply: a reply comes only with the outcome ok, "
		             "leave one of them out");
	return expect;
}

/* --- Replies that stay --- */

/* A step before this one, or this one itself, asks the service more often than once. */
static bool was_asked(const struct loader *loader, const struct scenario_step *step, uint16_t port)
{
	for (size_t i = 0; i < loader->asked_count; i++) {
		const struct scenario_service_asked *asked = &loader->asked[i];

		if (asked->kind == step->kind && asked->ip == step->ip && asked->port == port)
			return true;
	}
	return false;
}

static void note_asked(struct loader *loader, const struct scenario_step *step, uint16_t port)
{
	if (was_asked(loader, step, port))
		return;
	loader->asked = xrealloc(loader->asked, (loader->asked_count + 1) * sizeof *loader->asked);
	loader->asked[loader->asked_count++] =
	        (struct scenario_service_asked){step->kind, step->ip, port};
}

/* 'sticky' and 'moved' look at replies before. */
static void read_staying(struct loader *loader, const struct yaml_node *expect,
                         struct scenario_step *step, uint16_t port)
{
	const struct yaml_node *sticky = yaml_get(expect, "sticky");
	const struct yaml_node *moved = yaml_get(expect, "moved");
	const bool again = step->repeat > 1 || loader->multiplier > 1;
	const bool before = was_asked(loader, step, port);

	if (sticky && scenario_read_bool(loader, sticky, "'sticky'", &step->replies.sticky)) {
		if (!step->replies.sticky)
			problems_add(loader->problems, sticky->at,
			             "'sticky: no' expects nothing: leave it out");
		else if (!before && !again && step->target)
			problems_add(loader->problems, sticky->at,
			             "'sticky' can never fail: nothing before this asks %.60s",
			             step->target);
	}
	if (!moved || !scenario_read_bounds(loader, moved, "'moved'", &step->replies.moved))
		return;
	if (!before && step->target)
		problems_add(loader->problems, moved->at,
		             "'moved' compares with replies of a step before, and none asks %.60s",
		             step->target);
	else if (step->replies.moved.has_min && step->replies.moved.min > step->from_count)
		problems_add(loader->problems, moved->at,
		             "'moved' can never hold: %u host%s", step->from_count,
		             step->from_count == 1 ? " asks" : "s ask");
	else if (!step->replies.moved.min && step->replies.moved.has_max &&
	         step->replies.moved.max >= step->from_count)
		problems_add(loader->problems, moved->at,
		             "'moved' can never fail: %u host%s", step->from_count,
		             step->from_count == 1 ? " asks" : "s ask");
}

/* --- Ping --- */

static void read_ping_expect(struct loader *loader, const struct yaml_node *node,
                             struct scenario_step *step)
{
	const struct yaml_node *expect =
	        read_request_expect(loader, node, step, scenario_keys_ping_expect);
	struct scenario_replies *replies = &step->replies;
	const struct yaml_node *answered = expect ? yaml_get(expect, "answered") : NULL;
	const struct yaml_node *duplicates = expect ? yaml_get(expect, "duplicates") : NULL;
	const unsigned count = step->ping.count;

	/* All are to be answered, unless the file says something of it. */
	if (!expect || !yaml_get(expect, "outcome"))
		replies->outcomes = ALL_OUTCOMES;
	if (!expect || (!answered && !yaml_get(expect, "outcome")))
		replies->answered = (struct scenario_bounds){
		        .has_min = true, .has_max = true, .min = count, .max = count};
	if (duplicates)
		scenario_read_bounds(loader, duplicates, "'duplicates'", &replies->duplicates);
	if (!answered || !scenario_read_bounds(loader, answered, "'answered'", &replies->answered))
		return;
	if (replies->answered.has_min && replies->answered.min > count)
		problems_add(loader->problems, answered->at,
		             "'answered' can never hold: only %u are sent", count);
	else if (replies->answered.has_max && replies->answered.max >= count &&
	         (!replies->answered.has_min || !replies->answered.min))
		problems_add(loader->problems, answered->at,
		             "'answered' can never fail: only %u are sent", count);
}

static void read_ping(struct loader *loader, const struct yaml_node *node,
                      struct scenario_step *step)
{
	const struct yaml_node *value;
	uint64_t number;

	step->kind = STEP_PING;
	step->ping = (struct host_ping_request){.count = 1,
	                                        .interval_ns = FB_NS_PER_S,
	                                        .timeout_ns = FB_NS_PER_S,
	                                        .payload_bytes = 56};
	if (!scenario_read_map(loader, node, "'ping'", scenario_keys_ping))
		return;
	if (read_from(loader, node, scenario_keys_ping, step))
		read_to(loader, node, scenario_keys_ping, step, NULL);
	if ((value = yaml_get(node, "count")) != NULL &&
	    scenario_read_number(loader, value, "'count'", 1, PING_COUNT_MAX, &number))
		step->ping.count = (unsigned)number;
	if ((value = yaml_get(node, "interval")) != NULL)
		scenario_read_duration(loader, value, "'interval'", FB_NS_PER_US,
		                       3600 * FB_NS_PER_S, &step->ping.interval_ns);
	if ((value = yaml_get(node, "size")) != NULL &&
	    scenario_read_size(loader, value, "'size'", 0, PING_PAYLOAD_BYTES_MAX, &number))
		step->ping.payload_bytes = (size_t)number;
	read_timeout(loader, node, &step->ping.timeout_ns);
	step->ping.ip = step->ip;
	read_ping_expect(loader, node, step);
}

/* --- ARP --- */

static void read_arp(struct loader *loader, const struct yaml_node *node,
                     struct scenario_step *step)
{
	const struct yaml_node *value;

	step->kind = STEP_ARP;
	step->gratuitous = false;
	if (!scenario_read_map(loader, node, "'arp'", scenario_keys_arp))
		return;
	if ((value = yaml_get(node, "gratuitous")) != NULL)
		scenario_read_bool(loader, value, "'gratuitous'", &step->gratuitous);
	if (step->gratuitous && yaml_get(node, "to"))
		problems_add(loader->problems, node->at,
		             "a gratuitous ARP tells one's own address: leave 'to' out");
	if (step->gratuitous && yaml_get(node, "expect"))
		problems_add(loader->problems, node->at,
		             "a gratuitous ARP has no answer: leave 'expect' out");
	if (read_from(loader, node, scenario_keys_arp, step) && !step->gratuitous)
		read_to(loader, node, scenario_keys_arp, step, NULL);
	read_request_expect(loader, node, step, scenario_keys_arp_expect);
}

/* --- UDP --- */

static void read_udp(struct loader *loader, const struct yaml_node *node,
                     struct scenario_step *step)
{
	const struct yaml_node *expect;
	uint64_t bytes = 0;

	step->kind = STEP_UDP;
	step->udp = (struct host_udp_request){.timeout_ns = FB_NS_PER_S};
	loader->udp_steps++;
	if (!scenario_read_map(loader, node, "'udp'", scenario_keys_udp))
		return;
	if (read_from(loader, node, scenario_keys_udp, step))
		read_to(loader, node, scenario_keys_udp, step, &step->udp.port);
	read_send(loader, node, step, UDP_PAYLOAD_BYTES_MAX, &bytes);
	step->udp.send_bytes = (size_t)bytes;
	read_src_port(loader, node, &step->udp.local_port);
	read_timeout(loader, node, &step->udp.timeout_ns);
	step->udp.ip = step->ip;
	expect = read_request_expect(loader, node, step, scenario_keys_udp_expect);
	step->udp.wait_reply = expect != NULL;
	if (expect)
		read_staying(loader, expect, step, step->udp.port);
	note_asked(loader, step, step->udp.port);
}

/* --- TCP --- */

static void read_tos(struct loader *loader, const struct yaml_node *node,
                     struct host_tcp_request *tcp)
{
	const struct yaml_node *value;
	uint64_t number;

	if ((value = yaml_get(node, "tos")) != NULL &&
	    scenario_read_number(loader, value, "'tos'", 0, 255, &number))
		tcp->tos = tcp->tos_after = (uint8_t)number;
	if ((value = yaml_get(node, "tos_after")) != NULL &&
	    scenario_read_number(loader, value, "'tos_after'", 0, 255, &number))
		tcp->tos_after = (uint8_t)number;
}

/* 'intact' is judged by what the service of that port does. */
static void read_intact(struct loader *loader, const struct yaml_node *expect,
                        struct scenario_step *step)
{
	const struct yaml_node *value = yaml_get(expect, "intact");

	if (!value || !scenario_read_bool(loader, value, "'intact'", &step->replies.intact))
		return;
	if (!step->replies.intact) {
		problems_add(loader->problems, value->at,
		             "'intact: no' expects nothing: leave it out");
		return;
	}
	step->tcp.expect_service = scenario_service(loader->scenario, step->ip, step->tcp.port);
	if (step->target && step->tcp.expect_service != HOST_SERVICE_ECHO &&
	    step->tcp.expect_service != HOST_SERVICE_DISCARD)
		problems_add(
		        loader->problems, value->at,
		        "'intact' needs an echo or discard service behind '%.60s': ports 7 and "
		        "9 of every host are such",
		        step->target);
}

static void read_tcp(struct loader *loader, const struct yaml_node *node,
                     struct scenario_step *step)
{
	const struct yaml_node *value;

	step->kind = STEP_TCP;
	step->tcp = (struct host_tcp_request){0};
	loader->tcp_steps++;
	if (!scenario_read_map(loader, node, "'tcp'", scenario_keys_tcp))
		return;
	if (read_from(loader, node, scenario_keys_tcp, step))
		read_to(loader, node, scenario_keys_tcp, step, &step->tcp.port);
	read_send(loader, node, step, TCP_BYTES_MAX, &step->tcp.send_bytes);
	read_src_port(loader, node, &step->tcp.local_port);
	read_timeout(loader, node, &step->tcp.timeout_ns);
	read_tos(loader, node, &step->tcp);
	if ((value = yaml_get(node, "ecn")) != NULL)
		scenario_read_bool(loader, value, "'ecn'", &step->tcp.ecn);
	if ((value = yaml_get(node, "keep_open")) != NULL)
		scenario_read_bool(loader, value, "'keep_open'", &step->tcp.keep_open);
	if ((value = yaml_get(node, "pause")) != NULL)
		scenario_read_duration(loader, value, "'pause'", 0, SCENARIO_TIME_NS_MAX,
		                       &step->tcp.pause_ns);
	step->tcp.ip = step->ip;
	value = read_request_expect(loader, node, step, scenario_keys_tcp_expect);
	if (value) {
		const struct yaml_node *setup = yaml_get(value, "setup_time");

		if (setup)
			scenario_read_time_bounds(loader, setup, "'setup_time'",
			                          &step->replies.setup_time);
		read_intact(loader, value, step);
		read_staying(loader, value, step, step->tcp.port);
	}
	note_asked(loader, step, step->tcp.port);
}

/* --- Groups --- */

static void read_group(struct loader *loader, const struct yaml_node *node,
                       struct scenario_step *step, bool parallel)
{
	const bool was_parallel = loader->in_parallel;
	const uint64_t multiplier = loader->multiplier;

	step->kind = parallel ? STEP_PARALLEL : STEP_GROUP;
	if (!scenario_read_list(loader, node, parallel ? "'parallel'" : "'steps'"))
		return;
	if (!node->count)
		problems_add(loader->problems, node->at,
		             "a group without steps does nothing: leave it out");
	loader->in_parallel |= parallel || step->repeat > 1;
	if (__builtin_mul_overflow(multiplier, step->repeat, &loader->multiplier))
		loader->multiplier = UINT64_MAX;
	scenario_read_steps(loader, node, &step->steps, &step->steps_count);
	loader->in_parallel = was_parallel;
	loader->multiplier = multiplier;
}

/* --- Steps --- */

/* The one key that says what the step does, as its place in the map; -1 after a complaint. */
static long find_action(struct loader *loader, const struct yaml_node *node)
{
	long action = -1;

	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *key = yaml_key(node, i);

		if (!strcmp(key->text, "repeat"))
			continue;
		if (action >= 0) {
			problems_add(loader->problems, key->at,
			             "'%s' and '%s' in one step: write two steps, each after '- '",
			             yaml_key(node, (size_t)action)->text, key->text);
			return -1;
		}
		action = (long)i;
	}
	if (action < 0)
		problems_add(loader->problems, node->at,
		             "a step that does nothing: write what, as wait: 1s");
	return action;
}

/* Marks and expectations judge the whole run: they stand alone, once. */
static bool stands_alone(struct loader *loader, const struct yaml_node *key,
                         const struct yaml_node *repeat)
{
	if (loader->in_parallel)
		problems_add(loader->problems, key->at,
		             "'%s' cannot stand in a group that is repeated or parallel: put it "
		             "after the group",
		             key->text);
	else if (repeat)
		problems_add(loader->problems, repeat->at,
		             "'%s' cannot be repeated: leave 'repeat' out", key->text);
	else
		return true;
	return false;
}

static void read_action(struct loader *loader, const struct yaml_node *key,
                        const struct yaml_node *value, const struct yaml_node *repeat,
                        struct scenario_step *step)
{
	if (!strcmp(key->text, "ping")) {
		read_ping(loader, value, step);
	} else if (!strcmp(key->text, "arp")) {
		read_arp(loader, value, step);
	} else if (!strcmp(key->text, "udp")) {
		read_udp(loader, value, step);
	} else if (!strcmp(key->text, "tcp")) {
		read_tcp(loader, value, step);
	} else if (!strcmp(key->text, "mark")) {
		step->kind = STEP_MARK;
		if (stands_alone(loader, key, repeat))
			scenario_read_mark(loader, value, true, &step->mark);
	} else if (!strcmp(key->text, "expect")) {
		step->kind = STEP_EXPECT;
		if (stands_alone(loader, key, repeat))
			scenario_read_expect(loader, value, step);
	} else if (!strcmp(key->text, "parallel") || !strcmp(key->text, "steps")) {
		read_group(loader, value, step, !strcmp(key->text, "parallel"));
	} else {
		scenario_read_change(loader, key, value, repeat, step);
	}
}

/* Count the executions of 'step', which is no group, and refuse what would never end. */
static void count_executions(struct loader *loader, const struct scenario_step *step)
{
	uint64_t executions = (uint64_t)step->repeat * step->from_count;
	bool too_many = loader->executions > SCENARIO_EXECUTIONS_MAX;

	if (__builtin_mul_overflow(executions, loader->multiplier, &executions) ||
	    __builtin_add_overflow(loader->executions, executions, &loader->executions))
		loader->executions = UINT64_MAX;
	if (!too_many && loader->executions > SCENARIO_EXECUTIONS_MAX)
		problems_add(loader->problems, step->at,
		             "with this step more than %d are executed: repeat fewer",
		             SCENARIO_EXECUTIONS_MAX);
}

static void read_step(struct loader *loader, const struct yaml_node *node,
                      struct scenario_step *step)
{
	const struct yaml_node *repeat;
	uint64_t number;
	long action;

	*step = (struct scenario_step){
	        .at = node->at, .kind = STEP_WAIT, .repeat = 1, .from_count = 1};
	step->id = loader->scenario->step_ids++;
	if (!scenario_read_map(loader, node, "a step", scenario_keys_step))
		return;
	repeat = yaml_get(node, "repeat");
	if (repeat &&
	    scenario_read_number(loader, repeat, "'repeat'", 1, SCENARIO_REPEAT_MAX, &number))
		step->repeat = (uint32_t)number;
	action = find_action(loader, node);
	if (action < 0)
		return;
	step->at = yaml_key(node, (size_t)action)->at;
	read_action(loader, yaml_key(node, (size_t)action), yaml_value(node, (size_t)action),
	            repeat, step);
	if (step->kind != STEP_GROUP && step->kind != STEP_PARALLEL)
		count_executions(loader, step);
}

void scenario_read_steps(struct loader *loader, const struct yaml_node *node,
                         struct scenario_step **steps, size_t *count)
{
	if (node->count > SCENARIO_STEPS_MAX ||
	    loader->scenario->step_ids + node->count > SCENARIO_STEPS_MAX) {
		problems_add(loader->problems, node->at, "more than %d steps: use repeat",
		             SCENARIO_STEPS_MAX);
		return;
	}
	*steps = xcalloc(node->count + 1, sizeof **steps);
	for (size_t i = 0; i < node->count; i++) {
		read_step(loader, node->items[i], &(*steps)[i]);
		*count = i + 1;
	}
}
