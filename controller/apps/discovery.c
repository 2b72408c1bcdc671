/* Links, paths and hosts; see <flowbed/discovery.h>. */
#include <flowbed/discovery.h>

#include <stdlib.h>

struct fb_discovery {
	struct fb_app *app;
};

struct fb_discovery *fb_discovery_of(struct fb_app *app)
{
	return fb_app_before(app, &fb_app_discovery);
}

static void *discovery_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct fb_discovery *d = calloc(1, sizeof *d);

	(void)values;
	(void)error;
	d->app = app;
	return d;
}

const struct fb_app_class fb_app_discovery = {
        .name = "discovery",
        .summary = "finds links, paths and hosts for the applications behind it",
        .scope = FB_SCOPE_NETWORK,
        .wants_lldp = true,
        .create = discovery_create,
        .destroy = free,
};
