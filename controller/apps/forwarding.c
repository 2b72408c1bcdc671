/* Forwarding by MAC address over any topology; see <flowbed/discovery.h>. */
#include <flowbed/discovery.h>

#include <stdlib.h>

struct forwarding {
	struct fb_app *app;
	struct fb_discovery *discovery;
};

static void *forwarding_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct forwarding *f = calloc(1, sizeof *f);

	(void)values;
	(void)error;
	f->app = app;
	f->discovery = fb_discovery_of(app);
	return f;
}

const struct fb_app_class fb_app_forwarding = {
        .name = "forwarding",
        .summary = "forwards by MAC address over shortest paths, on networks with loops too",
        .scope = FB_SCOPE_NETWORK,
        .ethernet_only = true,
        .takes_all = true,
        .needs = &fb_app_discovery,
        .create = forwarding_create,
        .destroy = free,
};
