/* Counting the frames of captures. See capture_numbers.h. */
#include "sim/capture_numbers.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/io/tcp_trace.h"

struct capture_numbers {
	const struct scenario *scenario;
	uint64_t *link_ends; /* 2 for each link */
	struct tcp_trace *controls;
};

struct capture_numbers *capture_numbers_new(const struct scenario *scenario)
{
	struct capture_numbers *numbers = xcalloc(1, sizeof *numbers);

	numbers->scenario = scenario;
	numbers->link_ends = xcalloc(2 * scenario->links_count + 1, sizeof *numbers->link_ends);
	numbers->controls = xcalloc(scenario->switches_count + 1, sizeof *numbers->controls);
	return numbers;
}

void capture_numbers_free(struct capture_numbers *numbers)
{
	if (!numbers)
		return;
	free(numbers->link_ends);
	free(numbers->controls);
	free(numbers);
}

uint64_t capture_numbers_frame(struct capture_numbers *numbers, uint32_t link, unsigned end)
{
	return ++numbers->link_ends[2 * link + end];
}

void capture_numbers_connected(struct capture_numbers *numbers, uint64_t now_ns, uint32_t sw)
{
	tcp_trace_close(&numbers->controls[sw], now_ns, CHANNEL_SWITCH);
	tcp_trace_open(&numbers->controls[sw], now_ns, CHANNEL_SWITCH);
}

void capture_numbers_bytes(struct capture_numbers *numbers, uint64_t now_ns, uint32_t sw,
                           unsigned to, const uint8_t *bytes, size_t len)
{
	tcp_trace_bytes(&numbers->controls[sw], now_ns, to, bytes, len);
}

void capture_numbers_closed(struct capture_numbers *numbers, uint64_t now_ns, uint32_t sw,
                            unsigned at)
{
	tcp_trace_close(&numbers->controls[sw], now_ns, !at);
}

uint64_t capture_numbers_message(const struct capture_numbers *numbers, uint32_t sw, unsigned to,
                                 size_t back)
{
	return tcp_trace_number(&numbers->controls[sw], to, back);
}

/* "h1" or "s1-1": an end of a link in a file's name. */
static void end_name(const struct scenario *scenario, const struct scenario_end *end,
                     struct fb_text *text)
{
	if (end->is_switch)
		fb_text_printf(text, "%s-%u", scenario->switches[end->index].name, end->port);
	else
		fb_text_puts(text, scenario->hosts[end->index].name);
}

void capture_link_name(const struct scenario *scenario, uint32_t link, unsigned end,
                       struct fb_text *text)
{
	const struct scenario_end *ends = scenario->links[link].ends;

	end_name(scenario, &ends[0], text);
	fb_text_puts(text, "--");
	end_name(scenario, &ends[1], text);
	fb_text_puts(text, ".");
	end_name(scenario, &ends[end], text);
}

void capture_control_name(const struct scenario *scenario, uint32_t sw, struct fb_text *text)
{
	fb_text_printf(text, "control-%s", scenario->switches[sw].name);
}
