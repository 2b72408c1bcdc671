/* Requests and their results. See traffic.h. */
#include "sim/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { TEXT_BYTES = 600 };

void traffic_destroy(struct traffic *traffic)
{
	free(traffic->results);
	*traffic = (struct traffic){0};
}

size_t traffic_begin(struct traffic *traffic, uint32_t from, uint64_t now_ns)
{
	if (traffic->count == traffic->size) {
		traffic->size = traffic->size ? 2 * traffic->size : 4;
		traffic->results =
		        xrealloc(traffic->results, traffic->size * sizeof *traffic->results);
	}
	traffic->results[traffic->count] =
	        (struct traffic_result){.from = from, .started_ns = now_ns, .reply = -1};
	return traffic->count++;
}

/* --- Text --- */

void traffic_duration_text(struct fb_text *text, uint64_t ns)
{
	if (ns < FB_NS_PER_S)
		fb_text_printf(text, "%llu.%03llu ms", (unsigned long long)(ns / FB_NS_PER_MS),
		               (unsigned long long)(ns % FB_NS_PER_MS / FB_NS_PER_US));
	else
		fb_text_printf(text, "%llu.%03llu s", (unsigned long long)(ns / FB_NS_PER_S),
		               (unsigned long long)(ns % FB_NS_PER_S / FB_NS_PER_MS));
}

static const char *kind_text(enum step_kind kind)
{
	switch (kind) {
	case STEP_PING:
		return "ping";
	case STEP_ARP:
		return "arp";
	case STEP_UDP:
		return "udp";
	case STEP_TCP:
		return "tcp";
	case STEP_WAIT:
	case STEP_READY:
	case STEP_CONVERGED:
	case STEP_FAULT:
	case STEP_SWITCH:
	case STEP_MOVE:
	case STEP_APP:
	case STEP_LINK:
	case STEP_HOST:
	case STEP_CONTROLLER:
	case STEP_CONTROL:
	case STEP_MARK:
	case STEP_EXPECT:
	case STEP_PARALLEL:
	case STEP_GROUP:
		break;
	}
	return "";
}

void traffic_step_text(const struct scenario *scenario, const struct scenario_step *step,
                       struct fb_text *text)
{
	fb_text_printf(text, "%s %s", kind_text(step->kind), scenario->hosts[step->from].name);
	if (step->from_count > 1)
		fb_text_printf(text, "..%s",
		               scenario->hosts[step->from + step->from_count - 1].name);
	if (step->target)
		fb_text_printf(text, " -> %s", step->target);
	else
		fb_text_puts(text, " tells its own address");
}

/* "request 3, from h1:40001, " */
static void request_text(const struct scenario *scenario, const struct traffic *traffic,
                         size_t place, struct fb_text *text)
{
	const struct traffic_result *r = &traffic->results[place];

	if (place || traffic->count > 1)
		fb_text_printf(text, "request %zu, ", place + 1);
	fb_text_printf(text, "from %s", scenario->hosts[r->from].name);
	if (r->local_port)
		fb_text_printf(text, ":%u", r->local_port);
	fb_text_puts(text, ", ");
}

static void outcomes_text(uint32_t outcomes, struct fb_text *text)
{
	const char *before = "";

	for (unsigned i = 0; i <= HOST_ABORTED; i++) {
		if (!(outcomes >> i & 1))
			continue;
		fb_text_printf(text, "%s%s", before, host_outcome_text((enum host_outcome)i));
		before = " or ";
	}
}

static void replies_text(const struct scenario_replies *replies, struct fb_text *text)
{
	for (size_t i = 0; i < replies->count; i++)
		fb_text_printf(text, "%s'%.40s'", i ? " or " : "", replies->texts[i]);
}

/* --- Judging --- */

/* The reply without the end of its line, as people and expectations see it. */
static size_t reply_len(const struct host_result *result)
{
	size_t len = result->reply_len;

	while (len && (result->reply[len - 1] == '\n' || result->reply[len - 1] == '\r'))
		len--;
	return len;
}

static void keep_reply(struct traffic_result *r, const struct host_result *result)
{
	size_t len = reply_len(result), kept = 0;

	while (kept < len && kept < sizeof r->text - 1 && result->reply[kept] >= ' ' &&
	       result->reply[kept] < 0x7f) {
		r->text[kept] = (char)result->reply[kept];
		kept++;
	}
	r->text[kept] = 0;
}

static int find_reply(const struct scenario_replies *replies, const struct host_result *result)
{
	size_t len = reply_len(result);

	for (size_t i = 0; i < replies->count; i++)
		if (strlen(replies->texts[i]) == len &&
		    !memcmp(replies->texts[i], result->reply, len))
			return (int)i;
	return -1;
}

/* What is wrong with 'result', in 'expected' and 'happened'; 'before' is the host's reply before,
 * "" for none. False: nothing. */
static bool is_wrong(const struct scenario_step *step, const struct traffic_result *r,
                     const struct host_result *result, const char *before, struct fb_text *expected,
                     struct fb_text *happened)
{
	const struct scenario_replies *replies = &step->replies;
	const bool ok = result->outcome == HOST_OK;

	if (!(replies->outcomes >> result->outcome & 1)) {
		outcomes_text(replies->outcomes, expected);
		fb_text_printf(happened, "%s after ", host_outcome_text(result->outcome));
		traffic_duration_text(happened, r->ended_ns - r->started_ns);
	} else if (ok && replies->count && r->reply < 0) {
		replies_text(replies, expected);
		fb_text_printf(happened, "'%s'%s", r->text, r->text[0] ? "" : ", no reply at all");
	} else if (ok && replies->sticky && before[0] && strcmp(before, r->text)) {
		fb_text_printf(expected, "'%s', as before", before);
		fb_text_printf(happened, "'%s'", r->text);
	} else if (ok && replies->intact && !result->intact) {
		fb_text_puts(expected, "data that arrives intact");
		fb_text_printf(happened, "%llu bytes sent, %llu came back, not the right ones",
		               (unsigned long long)result->sent_bytes,
		               (unsigned long long)result->received_bytes);
	} else if ((replies->answered.has_min || replies->answered.has_max) &&
	           !scenario_bounds_hold(&replies->answered, result->answered)) {
		scenario_bounds_text(expected, &replies->answered);
		fb_text_printf(expected, " of %u answered", step->ping.count);
		fb_text_printf(happened, "%u answered", result->answered);
		if (!result->answered)
			fb_text_printf(happened, " (%s)", host_outcome_text(result->outcome));
	} else if ((replies->duplicates.has_min || replies->duplicates.has_max) &&
	           !scenario_bounds_hold(&replies->duplicates, result->duplicates)) {
		scenario_bounds_text(expected, &replies->duplicates);
		fb_text_puts(expected, " duplicates");
		fb_text_printf(happened, "%u duplicates", result->duplicates);
	} else if ((replies->setup_time.has_min || replies->setup_time.has_max) &&
	           result->connected_ns &&
	           !scenario_bounds_hold(&replies->setup_time,
	                                 result->connected_ns - result->started_ns)) {
		fb_text_puts(expected, "established after ");
		scenario_bounds_text(expected, &replies->setup_time);
		fb_text_puts(happened, "established after ");
		scenario_value_text(happened, &replies->setup_time,
		                    result->connected_ns - result->started_ns);
	} else if (ok && replies->has_mac && !fb_mac_equal(replies->mac, result->answer_mac)) {
		fb_text_puts(expected, "an answer from ");
		fb_text_mac(expected, replies->mac);
		fb_text_puts(happened, "the answer came from ");
		fb_text_mac(happened, result->answer_mac);
	} else {
		return false;
	}
	return true;
}

static struct trace_relation relation_of(const struct scenario *scenario,
                                         const struct traffic_result *r)
{
	struct trace_relation relation = trace_relation_all();

	relation.ip = scenario->hosts[r->from].ip;
	relation.port = r->local_port;
	return relation;
}

static struct failure_of of_step(const struct scenario_step *step)
{
	return (struct failure_of){FAILURE_OF_STEP, step->id};
}

/* What the failure is of, for struct failure. */
static void key_of(const struct scenario *scenario, const struct scenario_step *step,
                   const char *what, char *key, size_t size)
{
	struct fb_text text = fb_text_make(key, size);

	traffic_step_text(scenario, step, &text);
	fb_text_puts(&text, what);
}

/* Add the failure of one request, with what was asked and by whom in front of 'expected' and
 * 'happened'. */
static void tell_wrong(const struct traffic *traffic, size_t place, const struct scenario *scenario,
                       const struct scenario_step *step, const char *expected, const char *happened,
                       struct failures *failures, struct trace *trace)
{
	const struct traffic_result *r = &traffic->results[place];
	const struct trace_relation relation = relation_of(scenario, r);
	char whole_expected[2 * TEXT_BYTES], whole_happened[2 * TEXT_BYTES], key[TEXT_BYTES];
	struct fb_text expected_text = fb_text_make(whole_expected, sizeof whole_expected);
	struct fb_text happened_text = fb_text_make(whole_happened, sizeof whole_happened);

	traffic_step_text(scenario, step, &expected_text);
	fb_text_printf(&expected_text, ": %s", expected);
	request_text(scenario, traffic, place, &happened_text);
	fb_text_puts(&happened_text, happened);
	if (traffic->wrong == TRAFFIC_FAILURES_PER_STEP_MAX)
		fb_text_puts(&happened_text, " (more of this step are not told)");
	key_of(scenario, step, "", key, sizeof key);
	failures_add(failures, of_step(step), key, step->replies.at, r->ended_ns, whole_expected,
	             whole_happened, trace, &relation);
}

/* Compare the reply with those before. */
static void note_reply(struct traffic *traffic, const struct traffic_result *r,
                       const struct scenario_step *step, struct replies *replies,
                       struct replies_news *news)
{
	const bool tcp = step->kind == STEP_TCP;
	const struct replies_key key = {.host = r->from,
	                                .ip = step->ip,
	                                .port = tcp ? step->tcp.port : step->udp.port,
	                                .proto = tcp ? FB_IP_TCP : FB_IP_UDP};

	*news = (struct replies_news){.known = false};
	if (r->outcome != HOST_OK || !r->text[0] || (!tcp && step->kind != STEP_UDP))
		return;
	replies_note(replies, &key, step->id, r->text, news);
	traffic->known += news->known;
	traffic->moved += news->moved;
}

void traffic_end(struct traffic *traffic, size_t place, const struct scenario *scenario,
                 const struct scenario_step *step, const struct host_result *result,
                 struct replies *replies, struct failures *failures, struct trace *trace)
{
	struct traffic_result *r = &traffic->results[place];
	struct replies_news news;
	char expected[TEXT_BYTES], happened[TEXT_BYTES];
	struct fb_text expected_text = fb_text_make(expected, sizeof expected);
	struct fb_text happened_text = fb_text_make(happened, sizeof happened);

	r->done = true;
	r->started_ns = result->started_ns;
	r->connected_ns = result->connected_ns;
	r->ended_ns = result->ended_ns;
	r->sent_bytes = result->sent_bytes;
	r->local_port = result->local_port;
	r->outcome = result->outcome;
	r->reply = find_reply(&step->replies, result);
	r->answered = result->answered;
	r->lost = result->lost;
	r->duplicates = result->duplicates;
	r->rtt_max_ns = result->rtt_max_ns;
	keep_reply(r, result);

	note_reply(traffic, r, step, replies, &news);
	r->wrong = is_wrong(step, r, result, news.before, &expected_text, &happened_text);
	if (r->wrong && traffic->wrong++ < TRAFFIC_FAILURES_PER_STEP_MAX)
		tell_wrong(traffic, place, scenario, step, expected, happened, failures, trace);
}

void traffic_judge_moved(const struct traffic *traffic, const struct scenario *scenario,
                         const struct scenario_step *step, uint64_t now_ns,
                         struct failures *failures)
{
	const struct scenario_bounds *moved = &step->replies.moved;
	char expected[TEXT_BYTES], happened[TEXT_BYTES], key[TEXT_BYTES];
	struct fb_text expected_text = fb_text_make(expected, sizeof expected);
	struct fb_text happened_text = fb_text_make(happened, sizeof happened);

	if ((!moved->has_min && !moved->has_max) || scenario_bounds_hold(moved, traffic->moved))
		return;
	traffic_step_text(scenario, step, &expected_text);
	fb_text_puts(&expected_text, ": ");
	scenario_bounds_text(&expected_text, moved);
	fb_text_puts(&expected_text, " that get another reply than before");
	fb_text_printf(&happened_text, "%llu of the %llu that had one before",
	               (unsigned long long)traffic->moved, (unsigned long long)traffic->known);
	key_of(scenario, step, ": moved", key, sizeof key);
	failures_add(failures, of_step(step), key, step->replies.at, now_ns, expected, happened, NULL,
	             NULL);
}

void traffic_judge_order(const struct traffic *traffic, const struct scenario *scenario,
                         const struct scenario_step *step, uint64_t now_ns,
                         struct failures *failures, struct trace *trace)
{
	const struct scenario_replies *replies = &step->replies;
	char expected[TEXT_BYTES], happened[TEXT_BYTES], key[TEXT_BYTES];
	const struct traffic_result *last = NULL;
	size_t want = 0;

	for (size_t i = 0; replies->order != ORDER_ANY && i < traffic->count; i++) {
		const struct traffic_result *r = &traffic->results[i];
		struct fb_text expected_text = fb_text_make(expected, sizeof expected);
		struct fb_text happened_text = fb_text_make(happened, sizeof happened);
		struct trace_relation relation;

		if (!r->done || r->reply < 0)
			continue;
		if (replies->order == ORDER_EXACT)
			want = i;
		else if (!last)
			want = (size_t)r->reply;
		if (strcmp(replies->texts[r->reply], replies->texts[want % replies->count])) {
			traffic_step_text(scenario, step, &expected_text);
			fb_text_printf(&expected_text, ": replies in %s order, here '%.40s'",
			               replies->order == ORDER_EXACT ? "exact" : "alternating",
			               replies->texts[want % replies->count]);
			request_text(scenario, traffic, i, &happened_text);
			fb_text_printf(&happened_text, "was answered by '%s'", r->text);
			relation = relation_of(scenario, r);
			key_of(scenario, step, ": order", key, sizeof key);
			failures_add(failures, of_step(step), key, replies->at, now_ns, expected, happened,
			             trace, &relation);
			return;
		}
		last = r;
		want = (want + 1) % replies->count;
	}
}
