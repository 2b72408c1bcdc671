/* hub: a repeater. Each frame that no flow entry matches leaves by all ports but the one it came in
 * by.
 *
 * It installs nothing, so that every frame passes through the controller: by its buffer id where
 * the switch kept it, with its bytes where not. A frame that came neither whole nor buffered cannot
 * be repeated and is counted. */
#include <stdlib.h>

#include <flowbed/app.h>

struct hub {
	struct fb_app *app;
	uint8_t flood[sizeof(struct ofp_action_output)]; /* the one list of actions */
	uint64_t frames;                                 /* repeated */
	uint64_t frames_cut;                             /* not whole and not buffered: lost */
};

static void *hub_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct hub *hub = calloc(1, sizeof *hub);
	struct fb_buf flood;

	(void)values;
	if (!hub) {
		fb_text_puts(error, "out of memory");
		return NULL;
	}
	hub->app = app;
	flood = fb_buf_make(hub->flood, sizeof hub->flood);
	fb_action_put_output(&flood, OFPP_FLOOD, 0);
	return hub;
}

static void hub_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                          size_t count, uint64_t now_ns)
{
	struct hub *hub = state;
	const struct fb_view flood = {.data = hub->flood, .len = sizeof hub->flood};

	(void)now_ns;
	for (size_t i = 0; i < count; i++) {
		packet_ins[i].verdict = FB_STOP;
		if (fb_send_release(hub->app, sw, &packet_ins[i], flood))
			hub->frames++;
		else
			hub->frames_cut++;
	}
}

static void hub_counters(const void *state,
                         void (*tell)(void *ctx, const char *name, uint64_t value), void *ctx)
{
	const struct hub *hub = state;

	tell(ctx, "frames", hub->frames);
	tell(ctx, "frames_cut", hub->frames_cut);
}

const struct fb_app_class fb_app_hub = {
        .name = "hub",
        .summary = "repeats every frame to all other ports, through the controller",
        .scope = FB_SCOPE_SWITCH,
        .ethernet_only = true,
        .takes_all = true,
        .create = hub_create,
        .destroy = free,
        .packet_in = hub_packet_in,
        .counters = hub_counters,
};
