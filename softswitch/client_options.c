/* Reads the command line of flowbed-switch; see client_options.h. What is wrong is told with what
 * would be right. */
#include "softswitch/client_options.h"

#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/openflow.h>

#include "lib/base/values.h"
#include "softswitch/buffers.h"

#define PROGRAM "flowbed-switch"

enum {
	ATTEMPTS_DEFAULT = 3, /* before another fail mode than secure begins */
	DPID_DIGITS_MAX = 16,
	ENTRIES_MAX = 100000000,
};

enum {
	OPTION_LOCAL = 256,
	OPTION_DPID,
	OPTION_FAIL_MODE,
	OPTION_MAX_ATTEMPTS,
	OPTION_BACKOFF,
	OPTION_LISTEN,
	OPTION_SNOOP,
	OPTION_INACTIVITY_PROBE,
	OPTION_PROBE_TIMEOUT,
	OPTION_HANDSHAKE_TIMEOUT,
	OPTION_OUTPUT_MAX,
	OPTION_ENTRIES,
	OPTION_BUFFERS,
	OPTION_BUFFER_EXPIRY,
	OPTION_QUEUE,
	OPTION_MFR_DESC,
	OPTION_HW_DESC,
	OPTION_SW_DESC,
	OPTION_SERIAL_DESC,
	OPTION_DP_DESC,
	OPTION_PCAP,
	OPTION_CONTROL_PCAP,
	OPTION_DRAIN,
	OPTION_LOG_LEVEL,
};

static const struct option long_options[] = {
        {"interfaces", required_argument, NULL, 'i'},
        {"local", required_argument, NULL, OPTION_LOCAL},
        {"dpid", required_argument, NULL, OPTION_DPID},
        {"fail-mode", required_argument, NULL, OPTION_FAIL_MODE},
        {"max-attempts", required_argument, NULL, OPTION_MAX_ATTEMPTS},
        {"backoff", required_argument, NULL, OPTION_BACKOFF},
        {"listen", required_argument, NULL, OPTION_LISTEN},
        {"snoop", required_argument, NULL, OPTION_SNOOP},
        {"inactivity-probe", required_argument, NULL, OPTION_INACTIVITY_PROBE},
        {"probe-timeout", required_argument, NULL, OPTION_PROBE_TIMEOUT},
        {"handshake-timeout", required_argument, NULL, OPTION_HANDSHAKE_TIMEOUT},
        {"output-max", required_argument, NULL, OPTION_OUTPUT_MAX},
        {"entries", required_argument, NULL, OPTION_ENTRIES},
        {"buffers", required_argument, NULL, OPTION_BUFFERS},
        {"buffer-expiry", required_argument, NULL, OPTION_BUFFER_EXPIRY},
        {"queue", required_argument, NULL, OPTION_QUEUE},
        {"mfr-desc", required_argument, NULL, OPTION_MFR_DESC},
        {"hw-desc", required_argument, NULL, OPTION_HW_DESC},
        {"sw-desc", required_argument, NULL, OPTION_SW_DESC},
        {"serial-desc", required_argument, NULL, OPTION_SERIAL_DESC},
        {"dp-desc", required_argument, NULL, OPTION_DP_DESC},
        {"pcap", required_argument, NULL, OPTION_PCAP},
        {"control-pcap", required_argument, NULL, OPTION_CONTROL_PCAP},
        {"private-key", required_argument, NULL, 'p'},
        {"certificate", required_argument, NULL, 'c'},
        {"ca-cert", required_argument, NULL, 'C'},
        {"drain", required_argument, NULL, OPTION_DRAIN},
        {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
};

static const struct options table = {PROGRAM, long_options};

static void help(FILE *out)
{
	fputs("usage: flowbed-switch [OPTION...] [CONTROLLER...]\n"
	      "\n"
	      "An OpenFlow 1.0 switch: forwards frames between network interfaces as CONTROLLERs "
	      "tell it.\n"
	      "A CONTROLLER is tcp:HOST[:PORT] (port 6653 when nothing is said), ssl:HOST[:PORT] "
	      "(TLS) or unix:PATH.\n"
	      "\n"
	      "ports:\n"
	      "  -i, --interfaces NAME[,NAME...]  the interfaces that are ports 1, 2, ...; may be "
	      "repeated\n"
	      "      --local NAME                 make the TAP interface NAME, the port LOCAL\n"
	      "      --queue PORT:QUEUE:RATE      a queue of port PORT (number or interface) with "
	      "a "
	      "minimum rate, as 25%;\n"
	      "                                   told to controllers and counted, but no rate is "
	      "guaranteed: frames\n"
	      "                                   leave at once, in the order that the interface's "
	      "tc "
	      "has; may be repeated\n"
	      "\n"
	      "controllers:\n"
	      "      --fail-mode MODE             without controllers: secure (all stays as it is; "
	      "default), standalone\n"
	      "                                   (misses are forwarded as by a learning switch), "
	      "emergency (the emergency\n"
	      "                                   entries are in force)\n"
	      "      --max-attempts N             attempts to connect that fail before --fail-mode "
	      "begins, or 'unlimited'\n"
	      "                                   (default: unlimited for secure, 3 for the "
	      "others)\n"
	      "      --backoff MIN,MAX            wait between attempts, doubled each time "
	      "(default "
	      "1s,8s)\n"
	      "      --inactivity-probe TIME      silence that brings an echo request; 0: never "
	      "(default 15s)\n"
	      "      --probe-timeout TIME         silence after it that ends the connection "
	      "(default "
	      "15s)\n"
	      "      --handshake-timeout TIME     from connecting to the peer's HELLO (default "
	      "10s)\n"
	      "      --output-max SIZE            bytes that may wait for a peer that does not "
	      "read "
	      "(default 256MiB)\n"
	      "\n"
	      "management:\n"
	      "      --listen NAME                take connections of ovs-ofctl and the like: "
	      "ptcp:[PORT][:HOST] (port 6653\n"
	      "                                   on all addresses when nothing is said), "
	      "pssl:[PORT][:HOST] or punix:PATH;\n"
	      "                                   may be repeated\n"
	      "      --snoop NAME                 the same for 'ovs-ofctl snoop': copies of what "
	      "is "
	      "said with controllers\n"
	      "\n"
	      "TLS (ssl: and pssl: need all three; files in PEM form):\n"
	      "  -p, --private-key FILE           the switch's private key\n"
	      "  -c, --certificate FILE           the switch's certificate, which peers check\n"
	      "  -C, --ca-cert FILE               the certificate of the authority that signed the "
	      "peers' certificates\n"
	      "\n"
	      "the switch:\n"
	      "      --dpid HEX                   datapath id, at most 16 digits (default: the "
	      "first "
	      "interface's MAC address)\n"
	      "      --entries N                  flow entries at most (default 1000000)\n"
	      "      --buffers N                  packet buffers; 0: none (default 256)\n"
	      "      --buffer-expiry TIME         how long a buffer is kept (default 10s)\n"
	      "      --mfr-desc, --hw-desc, --sw-desc, --serial-desc, --dp-desc TEXT\n"
	      "                                   what the switch says of itself\n"
	      "\n"
	      "records:\n"
	      "      --pcap FILE                  capture the frames through the ports, with "
	      "interface and direction (pcapng)\n"
	      "      --control-pcap FILE          capture the OpenFlow connections\n"
	      "      --log-level LEVEL            error, warning, info (default) or debug\n"
	      "  -v, --verbose                    the same as --log-level debug: tells each "
	      "message\n"
	      "\n"
	      "      --drain TIME                 at the end, for what waits to be sent (default "
	      "1s)\n"
	      "  -h, --help                       this text\n"
	      "  -V, --version                    the version\n"
	      "\n"
	      "TIME is written as 200ms, 1.5s, 2m; SIZE as 64kB, 4MiB. SIGTERM and SIGINT end the "
	      "switch, SIGHUP begins\n"
	      "captures anew. Exit code: 0 it was told to end, 2 the command line is wrong, 3 "
	      "another error.\n",
	      out);
}

/* --- Values --- */

static bool take_dpid(struct client_options *options, const char *text)
{
	const char *digits = !strncmp(text, "0x", 2) ? text + 2 : text;
	size_t len = strlen(digits);

	if (!len || len > DPID_DIGITS_MAX || strspn(digits, "0123456789abcdefABCDEF") != len)
		return options_wrong(&table, OPTION_DPID, text,
		                     "write at most 16 hexadecimal digits, as 0000000000000001");
	options->config.agent.datapath.dpid = strtoull(digits, NULL, 16);
	if (!options->config.agent.datapath.dpid)
		return options_wrong(&table, OPTION_DPID, text,
		                     "0 is no datapath id: controllers tell switches apart by it");
	options->has_dpid = true;
	return true;
}

static bool take_fail_mode(struct client_options *options, const char *text)
{
	static const char *const modes[] = {[AGENT_FAIL_SECURE] = "secure",
	                                    [AGENT_FAIL_STANDALONE] = "standalone",
	                                    [AGENT_FAIL_EMERGENCY] = "emergency"};

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (!strcmp(text, modes[i])) {
			options->config.agent.fail_mode = (enum agent_fail_mode)i;
			return true;
		}
	}
	return options_wrong(&table, OPTION_FAIL_MODE, text,
	                     "write secure, standalone or emergency");
}

static bool take_attempts(struct client_options *options, const char *text)
{
	options->has_attempts = true;
	if (!strcmp(text, "unlimited")) {
		options->config.reconnect.attempts_max = RECONNECT_UNLIMITED;
		return true;
	}
	return options_number(&table, OPTION_MAX_ATTEMPTS, text, 0, RECONNECT_UNLIMITED - 1,
	                      &options->config.reconnect.attempts_max);
}

static bool take_backoff(struct client_options *options, const char *text)
{
	struct reconnect_config *config = &options->config.reconnect;
	const char *comma = strchr(text, ',');
	char least[32];

	if (!comma || (size_t)(comma - text) >= sizeof least)
		return options_wrong(&table, OPTION_BACKOFF, text,
		                     "write the shortest and the longest wait, as 1s,8s");
	snprintf(least, sizeof least, "%.*s", (int)(comma - text), text);
	if (!options_duration(&table, OPTION_BACKOFF, least, false, &config->backoff_min_ns) ||
	    !options_duration(&table, OPTION_BACKOFF, comma + 1, false, &config->backoff_max_ns))
		return false;
	if (config->backoff_min_ns > config->backoff_max_ns)
		return options_wrong(&table, OPTION_BACKOFF, text,
		                     "the shortest wait comes first, as 1s,8s");
	return true;
}

/* A peer that does not read is held up long before its limit is reached. */
static bool take_output_max(struct client_options *options, const char *text)
{
	struct agent_config *agent = &options->config.agent;
	size_t bytes;

	if (!options_size(&table, OPTION_OUTPUT_MAX, text, 65536, "at least 64KiB are needed",
	                  &bytes))
		return false;
	options->config.out_bytes_max = bytes;
	if (agent->pause_backlog_bytes > bytes / 4)
		agent->pause_backlog_bytes = bytes / 4;
	if (agent->packet_in_backlog_bytes > bytes / 8)
		agent->packet_in_backlog_bytes = bytes / 8;
	return true;
}

/* Cut "eth1,eth2" in place. */
static bool take_interfaces(struct client_options *options, char *text)
{
	char *rest = text, *name;
	size_t len = strlen(text);

	if (!len || text[0] == ',' || text[len - 1] == ',' || strstr(text, ",,"))
		return options_wrong(
		        &table, 'i', text,
		        "a name is empty: write names with one comma between, as eth1,eth2");
	while ((name = strsep(&rest, ",")) != NULL) {
		if (strlen(name) >= IFNAMSIZ)
			return options_wrong(&table, 'i', name, "no interface has so long a name");
		if (!options_append(&table, 'i', name, &options->interfaces))
			return false;
	}
	return true;
}

/* Take an option about the switch itself, or about records of what it does. */
static bool take_switch_option(struct client_options *options, int option, char *text)
{
	struct client_config *config = &options->config;
	struct datapath_config *dp = &config->agent.datapath;

	switch (option) {
	case OPTION_DPID:
		return take_dpid(options, text);
	case OPTION_ENTRIES:
		return options_number(&table, option, text, 1, ENTRIES_MAX, &dp->entries_max);
	case OPTION_BUFFERS:
		return options_number(&table, option, text, 0, BUFFERS_MAX, &dp->buffers_max);
	case OPTION_BUFFER_EXPIRY:
		return options_duration(&table, option, text, false, &dp->buffer_expiry_ns);
	case OPTION_MFR_DESC:
		return options_text(&table, option, text, DESC_STR_LEN, &dp->mfr_desc);
	case OPTION_HW_DESC:
		return options_text(&table, option, text, DESC_STR_LEN, &dp->hw_desc);
	case OPTION_SW_DESC:
		return options_text(&table, option, text, DESC_STR_LEN, &dp->sw_desc);
	case OPTION_SERIAL_DESC:
		return options_text(&table, option, text, SERIAL_NUM_LEN, &dp->serial_num);
	case OPTION_DP_DESC:
		return options_text(&table, option, text, DESC_STR_LEN, &dp->dp_desc);
	case OPTION_PCAP:
		config->pcap_path = text;
		return true;
	case OPTION_CONTROL_PCAP:
		config->control_pcap_path = text;
		return true;
	case OPTION_LOG_LEVEL:
		return log_level_parse(text, &options->log_level) ||
		       options_wrong(&table, OPTION_LOG_LEVEL, text,
		                     "write error, warning, info or debug");
	default: /* 'v' */
		options->log_level = LOG_LEVEL_DEBUG;
		return true;
	}
}

/* Take one option; false after a complaint. */
static bool take_option(struct client_options *options, int option, char *text)
{
	struct client_config *config = &options->config;

	switch (option) {
	case 'i':
		return take_interfaces(options, text);
	case OPTION_LOCAL:
		return *text ? options_text(&table, option, text, IFNAMSIZ, &config->ports.local)
		             : options_wrong(&table, OPTION_LOCAL, text,
		                             "name the interface to make");
	case OPTION_QUEUE:
		return options_append(&table, option, text, &options->queues);
	case OPTION_FAIL_MODE:
		return take_fail_mode(options, text);
	case OPTION_MAX_ATTEMPTS:
		return take_attempts(options, text);
	case OPTION_BACKOFF:
		return take_backoff(options, text);
	case OPTION_INACTIVITY_PROBE:
		return options_duration(&table, option, text, true, &config->agent.echo_idle_ns);
	case OPTION_PROBE_TIMEOUT:
		return options_duration(&table, option, text, false,
		                        &config->agent.echo_timeout_ns);
	case OPTION_HANDSHAKE_TIMEOUT:
		return options_duration(&table, option, text, false,
		                        &config->agent.handshake_timeout_ns);
	case OPTION_OUTPUT_MAX:
		return take_output_max(options, text);
	case OPTION_LISTEN:
		return options_append(&table, option, text, &options->listen);
	case OPTION_SNOOP:
		return options_append(&table, option, text, &options->snoop);
	case 'p':
		config->tls.private_key = text;
		return true;
	case 'c':
		config->tls.certificate = text;
		return true;
	case 'C':
		config->tls.ca_cert = text;
		return true;
	case OPTION_DRAIN:
		return options_duration(&table, option, text, true, &config->drain_ns);
	default:
		return take_switch_option(options, option, text);
	}
}

/* The interface to make is none that is there to be taken. */
static bool local_fits(const struct client_options *options)
{
	const char *local = options->config.ports.local;

	for (size_t i = 0; local && i < options->interfaces.count; i++)
		if (!strcmp(local, options->interfaces.texts[i]))
			return options_wrong(
			        &table, OPTION_LOCAL, local,
			        "-i names it too: choose another name for the interface to "
			        "make");
	return true;
}

/* Somebody can control the switch, or it has something to do without. */
static bool has_purpose(const struct client_options *options)
{
	const struct client_config *config = &options->config;

	if (options->controllers.count || options->listen.count)
		return true;
	if (config->agent.fail_mode != AGENT_FAIL_STANDALONE) {
		fputs(PROGRAM ": nobody could control this switch: name a controller (as "
		              "tcp:192.168.1.1:6633), or use --listen, or --fail-mode "
		              "standalone\n",
		      stderr);
		return false;
	}
	if (options->interfaces.count || config->ports.local)
		return true;
	fputs(PROGRAM ": this switch has no ports and nobody could control it: name interfaces, "
	              "as -i eth1,eth2\n",
	      stderr);
	return false;
}

static const char *first_of(const struct options_list *list, const char *method)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strncmp(list->texts[i], method, strlen(method)))
			return list->texts[i];
	return NULL;
}

/* A controller or listener of TLS; NULL: there is none. */
static const char *tls_name(const struct client_options *options)
{
	const char *name = first_of(&options->controllers, "ssl:");

	if (!name)
		name = first_of(&options->listen, "pssl:");
	return name ? name : first_of(&options->snoop, "pssl:");
}

/* Keys and certificates are all there where they are needed, and only there. */
static bool tls_fits(const struct client_options *options)
{
	const struct tls_config *tls = &options->config.tls;
	const char *name = tls_name(options);

	if (name && tls_config_missing(tls)) {
		fprintf(stderr,
		        PROGRAM ": '%s' needs --private-key, --certificate and --ca-cert: --%s is "
		                "missing\n",
		        name, tls_config_missing(tls));
		return false;
	}
	if (!name && tls_config_given(tls)) {
		fprintf(stderr,
		        PROGRAM
		        ": --%s is for TLS, and no connection is: write ssl:HOST[:PORT] for "
		        "a controller, or --listen pssl:[PORT][:HOST]\n",
		        tls_config_given(tls));
		return false;
	}
	return true;
}

/* What goes together, once all is read. */
static bool finish(struct client_options *options)
{
	struct client_config *config = &options->config;
	bool secure = config->agent.fail_mode == AGENT_FAIL_SECURE;

	if (!options->has_attempts)
		config->reconnect.attempts_max = secure ? RECONNECT_UNLIMITED : ATTEMPTS_DEFAULT;
	config->reconnect.attempt_timeout_ns = config->agent.handshake_timeout_ns;
	return local_fits(options) && has_purpose(options) && tls_fits(options);
}

static enum options_result take(void *ctx, int option, char *text)
{
	switch (option) {
	case 'h':
		help(stdout);
		return OPTIONS_DONE;
	case 'V':
		printf(PROGRAM " %s\n", FLOWBED_VERSION);
		return OPTIONS_DONE;
	default:
		return take_option(ctx, option, text) ? OPTIONS_GO_ON : OPTIONS_WRONG;
	}
}

enum options_result client_options_read(struct client_options *options, int argc, char **argv)
{
	enum options_result result;

	*options = (struct client_options){.log_level = LOG_LEVEL_INFO};
	client_config_default(&options->config);
	result = options_read(&table, ":i:p:c:C:vhV", argc, argv, take, options,
	                      &options->controllers);
	return result == OPTIONS_GO_ON ? options_finish(&table, finish(options)) : result;
}

void client_options_destroy(struct client_options *options)
{
	options_list_destroy(&options->interfaces);
	options_list_destroy(&options->queues);
	options_list_destroy(&options->listen);
	options_list_destroy(&options->snoop);
	options_list_destroy(&options->controllers);
}

/* --- To the client --- */

/* The number of the port that 'text' (of 'len' bytes) names; 0: none. */
static uint16_t port_number(const struct client_options *options, const char *text, size_t len)
{
	char name[64];
	uint64_t number;

	snprintf(name, sizeof name, "%.*s", (int)len, text);
	for (size_t i = 0; i < options->interfaces.count; i++)
		if (!strcmp(options->interfaces.texts[i], name))
			return (uint16_t)(i + 1);
	if (options->config.ports.local &&
	    (!strcmp(options->config.ports.local, name) || !strcmp(name, "LOCAL")))
		return OFPP_LOCAL;
	if (values_number(name, &number) || number > options->interfaces.count)
		return 0;
	return (uint16_t)number;
}

/* "2:7:25%": port 2's queue 7 has at least a quarter of the port. */
static bool apply_queue(const struct client_options *options, struct client *client,
                        const char *text, char *error)
{
	static const char right[] = "write PORT:QUEUE:RATE, as 2:7:25%";
	const char *queue = strchr(text, ':'), *rate = queue ? strchr(queue + 1, ':') : NULL;
	uint64_t queue_id, ppm;
	char number[32];
	uint16_t port_no;

	if (!rate)
		return options_fail(error, CLIENT_ERROR_BYTES, "--queue", text, right);
	port_no = port_number(options, text, (size_t)(queue - text));
	if (!port_no)
		return options_fail(
		        error, CLIENT_ERROR_BYTES, "--queue", text,
		        "no port has this number or name: ports are numbered from 1 in the order "
		        "of -i");
	snprintf(number, sizeof number, "%.*s", (int)(rate - queue - 1), queue + 1);
	if (values_number(number, &queue_id))
		return options_fail(error, CLIENT_ERROR_BYTES, "--queue", text, right);
	if (queue_id >= OFPQ_ALL)
		return options_fail(
		        error, CLIENT_ERROR_BYTES, "--queue", text,
		        "a queue's number is at most 4294967294: 4294967295 means all queues");
	if (values_share(rate + 1, &ppm) || ppm % 1000)
		return options_fail(
		        error, CLIENT_ERROR_BYTES, "--queue", text,
		        "the minimum rate is a share of the port, at most 100%, in tenths of a "
		        "percent, as 30% or 12.5%");
	if (!client_add_queue(client, port_no, (uint32_t)queue_id, (uint16_t)(ppm / 1000), error))
		return options_fail(error, CLIENT_ERROR_BYTES, "--queue", text, error);
	return true;
}

/* A listener's name is one, and the system lets us listen. */
static bool apply_listener(struct client *client, const char *text, bool snoops, char *error,
                           bool *wrong_usage)
{
	const char *option = snoops ? "--snoop" : "--listen";
	struct conn_name name;

	if (!conn_name_parse_for(text, CONN_NAME_LISTEN, &name, error, CLIENT_ERROR_BYTES))
		return options_fail(error, CLIENT_ERROR_BYTES, option, text, error);
	*wrong_usage = false;
	if (!(snoops ? client_snoop : client_listen)(client, &name, error))
		return options_fail(error, CLIENT_ERROR_BYTES, option, text, error);
	*wrong_usage = true;
	return true;
}

/* Add a controller; say what was meant where it is the name of an interface. */
static bool apply_controller(const struct client_options *options, struct client *client,
                             const char *text, char *error)
{
	char why[CLIENT_ERROR_BYTES];
	size_t count = options->interfaces.count;

	if (!strchr(text, ':') && if_nametoindex(text)) {
		snprintf(why, sizeof why, "this is an interface, not a controller: write -i %s%s%s",
		         count ? options->interfaces.texts[count - 1] : "", count ? "," : "", text);
		return options_fail(error, CLIENT_ERROR_BYTES, "controller", text, why);
	}
	return client_add_controller(client, text, error) ||
	       options_fail(error, CLIENT_ERROR_BYTES, "controller", text, error);
}

bool client_options_apply(const struct client_options *options, struct client *client, char *error,
                          bool *wrong_usage)
{
	*wrong_usage = true;
	if (tls_name(options) && !client_read_tls(client, error))
		return false;
	for (size_t i = 0; i < options->controllers.count; i++)
		if (!apply_controller(options, client, options->controllers.texts[i], error))
			return false;
	for (size_t i = 0; i < options->interfaces.count; i++)
		if (!client_add_interface(client, options->interfaces.texts[i], error))
			return options_fail(error, CLIENT_ERROR_BYTES, "--interfaces",
			                    options->interfaces.texts[i], error);
	for (size_t i = 0; i < options->queues.count; i++)
		if (!apply_queue(options, client, options->queues.texts[i], error))
			return false;
	for (size_t i = 0; i < options->listen.count; i++)
		if (!apply_listener(client, options->listen.texts[i], false, error, wrong_usage))
			return false;
	for (size_t i = 0; i < options->snoop.count; i++)
		if (!apply_listener(client, options->snoop.texts[i], true, error, wrong_usage))
			return false;
	return true;
}
