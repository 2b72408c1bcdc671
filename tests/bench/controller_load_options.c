/* The command line of controller_load; see controller_load.h. */
#include <stdio.h>
#include <string.h>

#include "lib/io/bad_option.h"
#include "lib/io/options.h"
#include "tests/bench/controller_load.h"

#define PROGRAM "controller_load"

enum {
	WINDOW_DEFAULT = 64,
	WINDOW_UNLIMITED = 2048,
	WINDOW_MAX = 1 << 20,
	SWITCHES_MAX = 16384,
	MACS_MAX = 1 << 23,
	GENERATIONS_MAX = 100000,
};

enum option_value {
	OPTION_EXPECT = 256,
	OPTION_LATENCY,
	OPTION_ORDER,
	OPTION_WARM,
	OPTION_SLICES,
	OPTION_GENERATIONS,
	OPTION_PATIENCE,
	OPTION_FIRST_DPID,
	OPTION_FIRST_MAC,
	OPTION_FIRST_BUFFER_ID,
	OPTION_RESETS,
	OPTION_ONE_BY_ONE,
	OPTION_ECHO_REPLY_EMPTY,
	OPTION_PACKET_IN_WITH_FEATURES,
	OPTION_FRAME_LONGER,
};

static const struct option long_options[] = {
        {"switches", required_argument, NULL, 's'},
        {"macs", required_argument, NULL, 'm'},
        {"window", required_argument, NULL, 'w'},
        {"latency", no_argument, NULL, OPTION_LATENCY},
        {"order", required_argument, NULL, OPTION_ORDER},
        {"expect", required_argument, NULL, OPTION_EXPECT},
        {"warm-up", required_argument, NULL, OPTION_WARM},
        {"time", required_argument, NULL, 't'},
        {"slices", required_argument, NULL, OPTION_SLICES},
        {"generations", required_argument, NULL, OPTION_GENERATIONS},
        {"patience", required_argument, NULL, OPTION_PATIENCE},
        {"first-dpid", required_argument, NULL, OPTION_FIRST_DPID},
        {"first-mac", required_argument, NULL, OPTION_FIRST_MAC},
        {"first-buffer-id", required_argument, NULL, OPTION_FIRST_BUFFER_ID},
        {"reset-and-reconnect", required_argument, NULL, OPTION_RESETS},
        {"one-by-one", no_argument, NULL, OPTION_ONE_BY_ONE},
        {"echo-reply-empty", no_argument, NULL, OPTION_ECHO_REPLY_EMPTY},
        {"packet-in-with-features", no_argument, NULL, OPTION_PACKET_IN_WITH_FEATURES},
        {"frame-longer-than-total-len", no_argument, NULL, OPTION_FRAME_LONGER},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
};

static const struct options table = {.program = PROGRAM, .table = long_options};

static void usage(void)
{
	fputs("usage: " PROGRAM " [OPTION...] tcp:HOST:PORT | unix:PATH\n"
	      "\n"
	      "Connects fake OpenFlow 1.0 switches to a controller, sends packet-ins of 60-byte "
	      "frames with fresh buffer ids,\n"
	      "checks each answer, and tells how many came a second.\n"
	      "\n"
	      "  -s, --switches N         (default 16)\n"
	      "  -m, --macs N             stations of each switch, on 8 ports (default 1000)\n"
	      "  -w, --window N           packet-ins of a switch that wait for answers at a time "
	      "(default 64); unlimited:\n"
	      "                           what sockets hold, at most 2048\n"
	      "      --latency            one at a time, each timed\n"
	      "      --order ORDER        random (default): any station to any other; cyclic: "
	      "stations take turns\n"
	      "      --expect KIND        which answers are right: learning (default), hub, null "
	      "or any\n"
	      "      --warm-up TIME       before it is measured (default 1s)\n"
	      "  -t, --time TIME          measured (default 5s)\n"
	      "      --slices N           parts of that (default 10)\n"
	      "      --generations N      all of this N times, each with other stations (default "
	      "1)\n"
	      "      --patience TIME      without any answer, before those that are due count as "
	      "missing (default 10s)\n"
	      "      --first-dpid N       of the switches (default 1)\n"
	      "      --first-mac N        of the stations (default 0)\n"
	      "      --first-buffer-id N  (default 0)\n"
	      "\n"
	      "what else clients do, or do not:\n"
	      "      --one-by-one                   each switch joins before the next connects; "
	      "else all connect before the\n"
	      "                                     first says HELLO\n"
	      "      --reset-and-reconnect N        all connections end by RST and come again, N "
	      "times, before the run\n"
	      "      --echo-reply-empty             replies lack the payload of the request\n"
	      "      --packet-in-with-features      the first comes in one segment with the "
	      "FEATURES_REPLY\n"
	      "      --frame-longer-than-total-len\n"
	      "\n"
	      "  -h, --help               this text\n"
	      "\n"
	      "Exit code: 0 all answers were right, 1 something was wrong, 2 the command line is "
	      "wrong, 3 another error.\n",
	      stdout);
}

static void set_defaults(struct load_options *options)
{
	*options = (struct load_options){
	        .switches = 16,
	        .macs = 1000,
	        .window = WINDOW_DEFAULT,
	        .warm_ns = FB_NS_PER_S,
	        .time_ns = 5 * FB_NS_PER_S,
	        .patience_ns = 10 * FB_NS_PER_S,
	        .slices = 10,
	        .generations = 1,
	        .first_dpid = 1,
	};
}

static bool take_expect(struct load_options *options, const char *text)
{
	static const char *const names[] = {
	        [EXPECT_LEARNING] = "learning", [EXPECT_FORGETFUL] = "forgetful",
	        [EXPECT_HUB] = "hub",           [EXPECT_NULL] = "null",
	        [EXPECT_BALANCER] = "balancer", [EXPECT_ANY] = "any",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!strcmp(text, names[i])) {
			options->expect = (enum load_expect)i;
			return true;
		}
	}
	return options_wrong(&table, OPTION_EXPECT, text,
	                     "write learning, forgetful, hub, null, balancer or any");
}

static bool take_order(struct load_options *options, const char *text)
{
	options->cyclic = !strcmp(text, "cyclic");
	if (options->cyclic || !strcmp(text, "random"))
		return true;
	return options_wrong(&table, OPTION_ORDER, text, "write random or cyclic");
}

static bool take_window(struct load_options *options, const char *text)
{
	options->unlimited = !strcmp(text, "unlimited");
	options->window = WINDOW_UNLIMITED;
	return options->unlimited ||
	       options_number(&table, 'w', text, 1, WINDOW_MAX, &options->window);
}

/* Take an option that makes the switches behave in some other way. */
static bool take_quirk(struct load_options *options, int option, const char *text)
{
	switch (option) {
	case OPTION_RESETS:
		return options_number(&table, option, text, 0, UINT32_MAX - 1, &options->resets);
	case OPTION_ONE_BY_ONE:
		options->one_by_one = true;
		return true;
	case OPTION_ECHO_REPLY_EMPTY:
		options->echo_reply_empty = true;
		return true;
	case OPTION_PACKET_IN_WITH_FEATURES:
		options->packet_in_with_features = true;
		return true;
	case OPTION_FRAME_LONGER:
		options->frame_longer = true;
		return true;
	default:
		return false;
	}
}

static bool take(struct load_options *options, int option, const char *text)
{
	switch (option) {
	case 's':
		return options_number(&table, option, text, 1, SWITCHES_MAX, &options->switches);
	case 'm':
		return options_number(&table, option, text, 2, MACS_MAX, &options->macs);
	case 'w':
		return take_window(options, text);
	case OPTION_LATENCY:
		options->latency = true;
		return true;
	case OPTION_ORDER:
		return take_order(options, text);
	case OPTION_EXPECT:
		return take_expect(options, text);
	case OPTION_WARM:
		return options_duration(&table, option, text, true, &options->warm_ns);
	case 't':
		return options_duration(&table, option, text, false, &options->time_ns);
	case OPTION_SLICES:
		return options_number(&table, option, text, 1, LOAD_SLICES_MAX, &options->slices);
	case OPTION_GENERATIONS:
		return options_number(&table, option, text, 1, GENERATIONS_MAX,
		                      &options->generations);
	case OPTION_PATIENCE:
		return options_duration(&table, option, text, false, &options->patience_ns);
	case OPTION_FIRST_DPID:
		return options_number(&table, option, text, 1, UINT32_MAX, &options->first_dpid);
	case OPTION_FIRST_MAC:
		return options_number(&table, option, text, 0, LOAD_FIRST_MAC_MAX,
		                      &options->first_mac);
	case OPTION_FIRST_BUFFER_ID:
		return options_number(&table, option, text, 0, OFP_NO_BUFFER - 1,
		                      &options->first_buffer_id);
	default:
		return take_quirk(options, option, text);
	}
}

static enum load_options_result complain(const char *why)
{
	fprintf(stderr, "%s: %s\n", PROGRAM, why);
	return LOAD_OPTIONS_WRONG;
}

static enum load_options_result take_name(struct load_options *options, int count, char **names)
{
	char error[256];

	if (count != 1)
		return complain("one controller is wanted, as tcp:127.0.0.1:6653");
	if (!conn_name_parse_for(names[0], CONN_NAME_CONNECT, &options->name, error, sizeof error))
		return complain(error);
	if (options->name.kind == CONN_SSL)
		return complain("TLS is not spoken here: write tcp: or unix:");
	if (options->generations > 1 && options->expect == EXPECT_BALANCER)
		return complain(
		        "the balancer's servers do not change: --generations is for others");
	if (options->latency)
		options->window = 1;
	return LOAD_OPTIONS_RUN;
}

enum load_options_result load_options_read(struct load_options *options, int argc, char **argv)
{
	char line[256];
	struct fb_text text = fb_text_make(line, sizeof line);
	int option;

	set_defaults(options);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":s:m:w:t:h", long_options, NULL)) != -1) {
		if (option == 'h') {
			usage();
			return LOAD_OPTIONS_DONE;
		}
		if (option == '?' || option == ':') {
			bad_option_text(&text, long_options, option, optopt, argv[optind - 1]);
			return complain(line);
		}
		if (!take(options, option, optarg))
			return LOAD_OPTIONS_WRONG;
	}
	return take_name(options, argc - optind, argv + optind);
}
