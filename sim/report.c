/* The summary of a run. See report.h. */
#include "sim/report.h"

#include <string.h>

#include "sim/printable.h"
#include "sim/scenario_keys.h"

enum {
	WHO_WIDTH = 36, /* columns of a request's line */
	ANSWER_WIDTH = 20,
	TALLIES_MAX = 8, /* different answers that are added up */
	LINE_WIDTH = 110,
	SEND_WIDTH = 40,
};

static const char *plural(size_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

/* The text of the next of several counts, ", " before all but the first; a new line where it would be
 * too long. */
static void write_tally_item(FILE *out, size_t *column, bool first, const char *text)
{
	const size_t len = strlen(text) + 2;

	if (!first) {
		fputs(*column + len > LINE_WIDTH ? ",\n          " : ", ", out);
		if (*column + len > LINE_WIDTH)
			*column = 10;
	}
	*column += len;
	fputs(text, out);
}

/* How many of each kind. */
static void write_kinds(FILE *out, const struct fault_list *list, size_t column)
{
	size_t counts[FAULT_KINDS] = {0}, written = 0;

	for (size_t i = 0; i < list->count; i++)
		counts[list->items[i].kind]++;
	for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
		char text[80];
		struct fb_text item = fb_text_make(text, sizeof text);

		if (!counts[kind])
			continue;
		fb_text_printf(&item, "%zu x %s", counts[kind], fault_names[kind]);
		write_tally_item(out, &column, !written++, text);
	}
}

static void report_faults(FILE *out, const struct scenario *scenario, const struct fault_list *list,
                          bool each)
{
	const struct scenario_faults *faults = &scenario->faults;
	char buffer[FAULT_TEXT_BYTES];
	struct fb_text text = fb_text_make(buffer, sizeof buffer);
	size_t of_file = 0;

	if (!list->count)
		return;
	for (size_t i = 0; i < list->count; i++)
		of_file += list->items[i].at.line != 0;
	fb_text_puts(&text, "  faults  ");
	if (of_file)
		fb_text_printf(&text, "%zu of the file, ", of_file);
	fb_text_printf(&text, "%zu drawn until ", list->count - of_file);
	fault_time_text(&text, faults->until_ns);
	fb_text_puts(&text, ", converged by ");
	fault_time_text(&text, faults->until_ns + faults->converge_ns);
	fb_text_puts(&text, ": ");
	fputs(buffer, out);
	write_kinds(out, list, text.len);
	if (list->not_drawn)
		fprintf(out, "; %zu more than a run may have were left out", list->not_drawn);
	fputc('\n', out);
	for (size_t i = 0; each && i < list->count; i++) {
		text = fb_text_make(buffer, sizeof buffer);
		fault_item_text(scenario, &list->items[i], &text);
		fprintf(out, "    - %s\n", buffer);
	}
}

void report_begin(FILE *out, const struct scenario *scenario, uint64_t seed,
                  const struct fault_list *faults, bool verbose)
{
	printable_write(out, scenario->name);
	fputs("  (", out);
	printable_write(out, scenario->file);
	fprintf(out, ", seed %llu)\n", (unsigned long long)seed);
	if (scenario->controller.apps_count) {
		fputs("  controller", out);
		for (size_t i = 0; i < scenario->controller.apps_count; i++) {
			const struct scenario_app *app = &scenario->controller.apps[i];

			fprintf(out, "%s %s%s", i ? " |" : "", app->cls->name,
			        app->options[0] ? "," : "");
			printable_write(out, app->options);
		}
		fputs("; ", out);
	} else {
		fputs("  ", out);
	}
	fprintf(out, "%zu %s, %zu %s, %zu %s\n", scenario->switches_count,
	        plural(scenario->switches_count, "switch", "switches"), scenario->hosts_count,
	        plural(scenario->hosts_count, "host", "hosts"), scenario->links_count,
	        plural(scenario->links_count, "link", "links"));
	report_faults(out, scenario, faults, verbose);
}

/* --- Traffic --- */

/* What a request brought, in a word: who answered, or how it failed. */
static void answer_text(const struct scenario_step *step, const struct traffic_result *r,
                        struct fb_text *text)
{
	if (step->kind == STEP_PING && !r->answered)
		fb_text_printf(text, "%s, 0 of %u answered", host_outcome_text(r->outcome),
		               step->ping.count);
	else if (step->kind == STEP_PING)
		fb_text_printf(text, "%u of %u answered", r->answered, step->ping.count);
	else if (r->outcome != HOST_OK)
		fb_text_puts(text, host_outcome_text(r->outcome));
	else if (step->replies.intact)
		fb_text_puts(text, r->wrong ? "NOT INTACT" : "intact");
	else
		fb_text_puts(text, r->text[0] ? r->text : "ok");
}

/* "h1:40001 -> 192.168.2.2:22". */
static void who_text(const struct scenario *scenario, const struct scenario_step *step,
                     const struct traffic_result *r, struct fb_text *text)
{
	fb_text_puts(text, scenario->hosts[r->from].name);
	if (r->local_port)
		fb_text_printf(text, ":%u", r->local_port);
	if (step->target)
		fb_text_printf(text, " -> %s", step->target);
}

static void write_request(FILE *out, const struct scenario *scenario,
                          const struct scenario_step *step, size_t number,
                          const struct traffic_result *r)
{
	char who[160], answer[80], took[32];
	struct fb_text who_out = fb_text_make(who, sizeof who);
	struct fb_text answer_out = fb_text_make(answer, sizeof answer);
	struct fb_text took_out = fb_text_make(took, sizeof took);

	who_text(scenario, step, r, &who_out);
	answer_text(step, r, &answer_out);
	if (step->kind != STEP_PING)
		traffic_duration_text(&took_out, r->ended_ns - r->started_ns);
	else if (r->answered)
		traffic_duration_text(&took_out, r->rtt_max_ns);
	else
		fb_text_puts(&took_out, "-");
	fprintf(out, "  %4zu  %-*s  %-*s %12s%s\n", number, WHO_WIDTH, who, ANSWER_WIDTH, answer,
	        took, r->wrong ? "  FAILED" : "");
}

/* How often each answer came, most telling for many requests. */
static void write_tally(FILE *out, const struct scenario_step *step, const struct traffic *traffic)
{
	char answers[TALLIES_MAX][80];
	size_t counts[TALLIES_MAX] = {0}, used = 0, others = 0;

	for (size_t i = 0; i < traffic->count; i++) {
		char answer[80];
		struct fb_text text = fb_text_make(answer, sizeof answer);
		size_t t = 0;

		if (!traffic->results[i].done)
			continue;
		answer_text(step, &traffic->results[i], &text);
		while (t < used && strcmp(answers[t], answer))
			t++;
		if (t == TALLIES_MAX) {
			others++;
			continue;
		}
		if (t == used)
			strcpy(answers[used++], answer);
		counts[t]++;
	}
	fputs("        ", out);
	for (size_t t = 0; t < used; t++)
		fprintf(out, "%s%zu x %s", t ? ", " : "", counts[t], answers[t]);
	if (others)
		fprintf(out, ", %zu others", others);
	fputc('\n', out);
}

void report_traffic(FILE *out, const struct scenario *scenario, const struct scenario_step *step,
                    const struct traffic *traffic)
{
	char what[200], send[SEND_WIDTH + 1];
	struct fb_text text = fb_text_make(what, sizeof what);
	struct fb_text send_text = fb_text_make(send, sizeof send);

	if (!traffic->count)
		return;
	traffic_step_text(scenario, step, &text);
	fprintf(out, "\n  %s", what);
	if (step->send && step->send[0] && (step->kind == STEP_TCP || step->kind == STEP_UDP)) {
		printable_text(&send_text, step->send);
		fprintf(out, " \"%s\"", send);
	}
	if (traffic->count > 1)
		fprintf(out, ", %zu times", traffic->count);
	fputc('\n', out);
	for (size_t i = 0; i < traffic->count && i < REPORT_LINES_MAX; i++)
		if (traffic->results[i].done)
			write_request(out, scenario, step, i + 1, &traffic->results[i]);
	if (traffic->count > REPORT_LINES_MAX)
		fprintf(out, "        and %zu more\n", traffic->count - REPORT_LINES_MAX);
	if (traffic->count > 1)
		write_tally(out, step, traffic);
	if (step->replies.moved.has_min || step->replies.moved.has_max)
		fprintf(out, "        %llu of %llu got another reply than before\n",
		        (unsigned long long)traffic->moved, (unsigned long long)traffic->known);
}

/* "link h2 -- s1:2": what goes up or down. */
static void change_text(const struct scenario *scenario, const struct scenario_step *step,
                        struct fb_text *text)
{
	const uint32_t index = step->change.index;

	if (step->kind == STEP_LINK)
		fb_text_printf(text, "link %s", scenario->links[index].name);
	else if (step->kind == STEP_HOST)
		fb_text_printf(text, "host %s", scenario->hosts[index].name);
	else if (step->kind == STEP_SWITCH)
		fb_text_printf(text, "switch %s", scenario->switches[index].name);
	else if (step->kind == STEP_CONTROL)
		fb_text_printf(text, "control channel of %s", scenario->switches[index].name);
	else
		fb_text_puts(text, "controller");
}

void report_change(FILE *out, const struct scenario *scenario, const struct scenario_step *step,
                   bool up, uint64_t now_ns, bool changed)
{
	char what[160], time[32];
	struct fb_text what_out = fb_text_make(what, sizeof what);
	struct fb_text time_out = fb_text_make(time, sizeof time);

	change_text(scenario, step, &what_out);
	fb_text_time(&time_out, now_ns);
	if (changed)
		fprintf(out, "\n  %s goes %s at %s s\n", what, up ? "up" : "down", time);
	else
		fprintf(out, "\n  %s is %s already at %s s: nothing changes\n", what,
		        up ? "up" : "down", time);
}

void report_move(FILE *out, const struct scenario *scenario, const struct scenario_step *step,
                 const struct scenario_end *from, uint64_t now_ns)
{
	const char *host = scenario->hosts[step->move.host].name;
	const char *to = scenario->switches[step->move.sw].name;
	char time[32];
	struct fb_text text = fb_text_make(time, sizeof time);

	fb_text_time(&text, now_ns);
	if (from->index == step->move.sw && from->port == step->move.port)
		fprintf(out, "\n  host %s is at %s:%u already at %s s: nothing changes\n", host, to,
		        step->move.port, time);
	else
		fprintf(out, "\n  host %s moves from %s:%u to %s:%u at %s s\n", host,
		        scenario->switches[from->index].name, from->port, to, step->move.port,
		        time);
}

void report_command(FILE *out, const struct scenario_command *command, bool refused,
                    const char *answer, uint64_t now_ns)
{
	char time[32];
	struct fb_text text = fb_text_make(time, sizeof time);

	fb_text_time(&text, now_ns);
	fprintf(out, "\n  %s \"", command->app);
	printable_write(out, command->text);
	fprintf(out, "\" at %s s: %s%s", time, refused ? "refused" : "ok", answer[0] ? ", " : "");
	printable_write(out, answer);
	fputc('\n', out);
}

void report_mode(FILE *out, const struct scenario *scenario, uint32_t sw, enum datapath_mode mode,
                 uint64_t now_ns, uint64_t place)
{
	static const char *const words[] = {
	        [DATAPATH_NORMAL] = "has a controller again",
	        [DATAPATH_STANDALONE] = "can reach no controller and goes standalone",
	        [DATAPATH_EMERGENCY] = "can reach no controller and goes into emergency mode",
	};
	char time[32];
	struct fb_text text = fb_text_make(time, sizeof time);

	if (place >= REPORT_LINES_MAX)
		return;
	fb_text_time(&text, now_ns);
	fprintf(out, "%s  %s %s at %s s\n", place ? "" : "\n", scenario->switches[sw].name,
	        words[mode], time);
}

void report_modes_end(FILE *out, uint64_t count)
{
	if (count > REPORT_LINES_MAX)
		fprintf(out, "  and %llu more\n", (unsigned long long)(count - REPORT_LINES_MAX));
}

/* --- Expectations --- */

void report_expectation(FILE *out, const struct scenario_expectation *expectation, uint64_t value,
                        bool held)
{
	const struct scenario_bounds *bounds = &expectation->bounds;
	const bool exact = bounds->has_min && bounds->has_max && bounds->min == bounds->max;
	char text[400];
	struct fb_text what = fb_text_make(text, sizeof text);

	scenario_expectation_text(&what, expectation);
	if (scenario_expectation_counts(expectation) && (!exact || !held)) {
		fb_text_puts(&what, " (");
		scenario_value_text(&what, bounds, value);
		fb_text_puts(&what, ")");
	}
	fprintf(out, "  %s  ", held ? "ok    " : "FAILED");
	printable_write(out, text);
	fputc('\n', out);
}

/* Those that held. */
static void report_properties(FILE *out, uint32_t held)
{
	const char *before = "\nheld: ";

	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++) {
		if (!(held >> i & 1))
			continue;
		fprintf(out, "%s%s", before, scenario_keys_properties[i]);
		before = ", ";
	}
	if (held)
		fputc('\n', out);
}

/* Violations that a fault excuses. */
static void report_excused(FILE *out, const uint64_t *excused)
{
	const char *before = "excused: ";

	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++) {
		if (!excused[i])
			continue;
		fprintf(out, "%s%llu %s", before, (unsigned long long)excused[i],
		        scenario_keys_properties[i]);
		before = ", ";
	}
	if (before[0] == ',')
		fputc('\n', out);
}

void report_end(FILE *out, const struct runner_result *result)
{
	char time[32];
	struct fb_text text = fb_text_make(time, sizeof time);

	report_properties(out, result->properties_held);
	fb_text_time(&text, result->now_ns);
	if (!result->properties_held)
		fputc('\n', out);
	report_excused(out, result->excused);
	if (result->failures.total)
		fprintf(out, "%llu FAILED", (unsigned long long)result->failures.total);
	else
		fprintf(out, "all held");
	fprintf(out,
	        ": %llu frames over links, %llu messages (%llu packet-ins, %llu packet-outs, %llu "
	        "flow-mods) "
	        "in %s s of virtual time\n",
	        (unsigned long long)result->frames, (unsigned long long)result->messages,
	        (unsigned long long)result->packet_ins, (unsigned long long)result->packet_outs,
	        (unsigned long long)result->flow_mods, time);
	if (result->lldp_frames || result->lldp_messages)
		fprintf(out, "beside these %llu frames and %llu messages of discovery\n",
		        (unsigned long long)result->lldp_frames,
		        (unsigned long long)result->lldp_messages);
	fprintf(out, "digest: %s\n", result->digest);
}
