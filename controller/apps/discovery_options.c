/* The options of the application discovery. */
#include "controller/apps/discovery_private.h"

enum { INTERVAL, TIMEOUT, EDGE_AFTER, TREE_DELAY, HOSTS_MAX, HOST_TIMEOUT, HELD_MAX };

const struct fb_option discovery_options_table[DISCOVERY_OPTIONS_COUNT] = {
        [INTERVAL] =
                {
                        .name = "interval",
                        .type = FB_OPTION_DURATION,
                        .default_text = "5s",
                        .min = 10 * FB_NS_PER_MS,
                        .max = 3600 * FB_NS_PER_S,
                        .help = "time between two discovery frames out of a port",
                },
        [TIMEOUT] =
                {
                        .name = "timeout",
                        .type = FB_OPTION_DURATION,
                        .default_text = "15s",
                        .min = 10 * FB_NS_PER_MS,
                        .max = 86400 * FB_NS_PER_S,
                        .help = "a link without a discovery frame for so long is gone",
                },
        [EDGE_AFTER] =
                {
                        .name = "edge_after",
                        .type = FB_OPTION_DURATION,
                        .default_text = "100ms",
                        .min = 0,
                        .max = 3600 * FB_NS_PER_S,
                        .help = "a port that came up is taken for one of hosts after so long "
                                "without a discovery frame; 0: at once",
                },
        [TREE_DELAY] =
                {
                        .name = "tree_delay",
                        .type = FB_OPTION_DURATION,
                        .default_text = "100ms",
                        .min = 0,
                        .max = 3600 * FB_NS_PER_S,
                        .help = "after a link left the tree for floods, others enter it so much "
                                "later: longer than a frame is on its way",
                },
        [HOSTS_MAX] =
                {
                        .name = "hosts_max",
                        .type = FB_OPTION_INTEGER,
                        .default_text = "131072",
                        .min = 1,
                        .max = 1 << 24,
                        .help = "hosts remembered; the one silent longest goes for a new one",
                },
        [HOST_TIMEOUT] =
                {
                        .name = "host_timeout",
                        .type = FB_OPTION_DURATION,
                        .default_text = "10m",
                        .min = FB_NS_PER_MS,
                        .max = 86400 * FB_NS_PER_S,
                        .help = "hosts are forgotten after this time without a frame to the "
                                "controller",
                },
        [HELD_MAX] =
                {
                        .name = "held_max",
                        .type = FB_OPTION_INTEGER,
                        .default_text = "64",
                        .min = 0,
                        .max = 65536,
                        .help = "frames of a port that wait until it is known what is behind it",
                },
};

bool discovery_options_take(struct discovery_options *options, const uint64_t *values,
                            struct fb_text *error)
{
	*options = (struct discovery_options){
	        .interval_ns = values[INTERVAL],
	        .timeout_ns = values[TIMEOUT],
	        .edge_after_ns = values[EDGE_AFTER],
	        .tree_delay_ns = values[TREE_DELAY],
	        .hosts_max = (uint32_t)values[HOSTS_MAX],
	        .host_timeout_ns = values[HOST_TIMEOUT],
	        .held_max = (uint32_t)values[HELD_MAX],
	};
	if (options->timeout_ns <= options->interval_ns) {
		fb_text_puts(error, "discovery: timeout must be longer than interval");
		return false;
	}
	return true;
}
