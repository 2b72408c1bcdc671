/* The options of the balancer: names, defaults and limits, and the numbers that they become. */
#include "controller/apps/balancer_options.h"

#include <stdlib.h>
#include <string.h>

#define S  FB_NS_PER_S
#define MS FB_NS_PER_MS
#define H  (3600 * FB_NS_PER_S)

/* The places of the options in the table. */
enum option {
	VIP,
	PORTS,
	BACKENDS,
	SERVICES,
	SCHEDULER,
	MODE,
	ENTRIES,
	ARP,
	ON_FAILURE,
	CHECK,
	CHECK_ADDRESS,
	CHECK_INTERVAL,
	CHECK_TIMEOUT,
	CHECK_DOWN,
	CHECK_UP,
	PROBE_INTERVAL,
	PROBES_LOST_MAX,
	OWNER_TIMEOUT,
	OWNERS_MAX,
	ADDRESSES_MAX,
	SESSIONS_MAX,
	GRACE,
	IDLE_TIMEOUT,
	PRIORITY,
	HOLD,
	HOLD_MAX,
	ARP_SETTLE,
	BARRIER_TIMEOUT,
	INSTALLS_MAX,
	RECALL_TIMEOUT,
	RECOVERIES_MAX,
	RESET_TIMEOUT,
	RESET_TRIES,
	OPTIONS,
};
_Static_assert((int)OPTIONS == (int)BALANCER_OPTIONS_COUNT, "the header tells another number");

static const char *const modes[] = {"flows", "packet", NULL};    /* enum balancer_mode */
static const char *const entries[] = {"tuple", "exact", NULL};   /* enum balancer_entries */
static const char *const arp_modes[] = {"proxy", "flood", NULL}; /* enum balancer_arp_mode */
static const char *const failures[] = {"reset", "leave", NULL};  /* enum balancer_failure */
#define CHOICE(n, of, d, h)                                                                        \
	{                                                                                          \
		.name = n, .type = FB_OPTION_CHOICE, .default_text = d, .choices = of, .help = h   \
	}
#define INTEGER(n, lo, hi, d, h)                                                                   \
	{                                                                                          \
		.name = n, .type = FB_OPTION_INTEGER, .default_text = d, .min = lo, .max = hi,     \
		.help = h                                                                          \
	}
#define DURATION(n, lo, hi, d, h)                                                                  \
	{                                                                                          \
		.name = n, .type = FB_OPTION_DURATION, .default_text = d, .min = lo, .max = hi,    \
		.help = h                                                                          \
	}

#define TEXT(n, size, h)                                                                           \
	{                                                                                          \
		.name = n, .type = FB_OPTION_TEXT, .default_text = "", .max = size, .help = h      \
	}

const struct fb_option balancer_options[BALANCER_OPTIONS_COUNT] = {
        [VIP] = TEXT("vip", 15, "an address whose backends are configured, or at least shared"),
        [PORTS] = TEXT("ports", 2048, "what it serves: tcp/80+tcp/443+udp/53; all ports"),
        [BACKENDS] = TEXT("backends", 2048,
                          "who serves it, as MAC or MAC*WEIGHT: A*3+B; whoever is heard under it"),
        [SERVICES] = TEXT("services", 1024, "a file with many such addresses"),
        [SCHEDULER] = CHOICE("scheduler", balancer_scheduler_names, "rr",
                             "rr: in turn; wrr: in turn, by weight; lc: fewest connections; "
                             "source, maglev: by the client's address"),
        [MODE] = CHOICE("mode", modes, "flows",
                        "flows: entries in the switch; packet: each packet through the controller"),
        [ENTRIES] = CHOICE("entries", entries, "tuple",
                           "tuple: TOS and VLAN priority wildcarded; exact: all twelve fields"),
        [ARP] = CHOICE("arp", arp_modes, "proxy",
                       "proxy: the controller answers for shared addresses; flood: their owners"),
        [ON_FAILURE] = CHOICE("on_failure", failures, "reset",
                              "the sessions of a backend that failed: reset or leave"),
        [CHECK] = TEXT("check", 16, "tcp:PORT: connect to each backend now and then; not"),
        [CHECK_ADDRESS] = TEXT("check_address", 15,
                               "from which; a free one of the /24 of the shared address"),
        [CHECK_INTERVAL] = DURATION("check_interval", 100 * MS, H, "5s", "time between checks"),
        [CHECK_TIMEOUT] = DURATION("check_timeout", MS, 60 * S, "1s",
                                   "a check without answer has failed then"),
        [CHECK_DOWN] = INTEGER("check_down", 1, 100, "3",
                               "failed checks in a row after which a backend is down"),
        [CHECK_UP] = INTEGER("check_up", 1, 100, "2",
                             "good checks in a row after which it is up again"),
        [PROBE_INTERVAL] = DURATION("probe_interval", 100 * MS, H, "5s",
                                    "time between ARP probes for an address that is connected to"),
        [PROBES_LOST_MAX] =
                INTEGER("probes_lost_max", 1, 100, "3",
                        "probes without answer after which an owner leaves the rotation"),
        [OWNER_TIMEOUT] = DURATION("owner_timeout", S, 24 * H, "10m",
                                   "silence after which an owner that is not probed is forgotten"),
        [OWNERS_MAX] = INTEGER("owners_max", 1, 4096, "64", "owners of an address"),
        [ADDRESSES_MAX] = INTEGER("addresses_max", 2, 1 << 24, "131072", "addresses learned"),
        [SESSIONS_MAX] = INTEGER("sessions_max", 1, 1 << 24, "262144", "sessions"),
        [GRACE] = DURATION("grace", S, 720 * H, "300s",
                           "how long a session is kept when its entries are gone"),
        [IDLE_TIMEOUT] = DURATION("idle_timeout", S, (uint64_t)UINT16_MAX *S, "60s",
                                  "idle timeout of the flow entries, rounded up to whole seconds"),
        [PRIORITY] = INTEGER("priority", 1, UINT16_MAX, "32768", "priority of the flow entries"),
        [HOLD] = DURATION("hold", MS, 10 * S, "200ms",
                          "how long a packet waits for the owner of its address"),
        [HOLD_MAX] = INTEGER("hold_max", 0, 65536, "256", "packets that wait at a time"),
        [ARP_SETTLE] = DURATION("arp_settle", MS, S, "10ms",
                                "how long the owners of a new address have to answer"),
        [BARRIER_TIMEOUT] = DURATION("barrier_timeout", MS, 60 * S, "1s",
                                     "how long entries wait for those on other switches"),
        [INSTALLS_MAX] = INTEGER("installs_max", 1, 1 << 20, "16384",
                                 "sessions whose entries wait so, at a time"),
        [RECALL_TIMEOUT] = DURATION("recall_timeout", MS, 60 * S, "2s",
                                    "how long a switch that joined has to tell its entries"),
        [RECOVERIES_MAX] = INTEGER("recoveries_max", 0, 1 << 20, "16384",
                                   "unknown sessions whose backend is being found out"),
        [RESET_TIMEOUT] = DURATION("reset_timeout", MS, 60 * S, "600ms",
                                   "how long a client has to answer before it is asked again"),
        [RESET_TRIES] = INTEGER("reset_tries", 1, 100, "5", "how often it is asked"),
};

/* "tcp:PORT", or nothing. */
static bool read_check(const char *text, uint32_t *port)
{
	char *end;
	unsigned long value;

	*port = 0;
	if (!*text)
		return true;
	if (strncmp(text, "tcp:", 4) != 0 || text[4] < '0' || text[4] > '9')
		return false;
	value = strtoul(text + 4, &end, 10);
	*port = (uint32_t)value;
	return !*end && value >= 1 && value <= UINT16_MAX;
}

/* The parts that are texts. */
static bool read_texts(const struct balancer_texts *texts, struct balancer_config *config,
                       struct fb_text *error)
{
	char ignored[64];
	struct fb_text why = fb_text_make(ignored, sizeof ignored);

	if (!read_check(texts->check, &config->check_port)) {
		fb_text_printf(error, "balancer: check=%s: expected tcp:PORT, as tcp:80",
		               texts->check);
		return false;
	}
	config->check_ip = 0;
	if (*texts->check_address && fb_parse_ip(texts->check_address, &config->check_ip, &why)) {
		fb_text_printf(error,
		               "balancer: check_address=%s: expected an IPv4 address, as "
		               "192.168.2.254",
		               texts->check_address);
		return false;
	}
	return true;
}

bool balancer_options_read(const uint64_t *values, struct balancer_config *config,
                           struct balancer_texts *texts, struct fb_text *error)
{
	*texts = (struct balancer_texts){
	        .vip = fb_option_text(values[VIP]),
	        .ports = fb_option_text(values[PORTS]),
	        .backends = fb_option_text(values[BACKENDS]),
	        .services = fb_option_text(values[SERVICES]),
	        .check = fb_option_text(values[CHECK]),
	        .check_address = fb_option_text(values[CHECK_ADDRESS]),
	};
	*config = (struct balancer_config){
	        .mode = (enum balancer_mode)values[MODE],
	        .entries = (enum balancer_entries)values[ENTRIES],
	        .arp = (enum balancer_arp_mode)values[ARP],
	        .on_failure = (enum balancer_failure)values[ON_FAILURE],
	        .scheduler = (enum balancer_scheduler)values[SCHEDULER],
	        .priority = (uint16_t)values[PRIORITY],
	        .idle_timeout_s = (uint16_t)((values[IDLE_TIMEOUT] + S - 1) / S),
	        .grace_ns = values[GRACE],
	        .sessions_max = (uint32_t)values[SESSIONS_MAX],
	        .addresses_max = (uint32_t)values[ADDRESSES_MAX],
	        .owners_max = (uint32_t)values[OWNERS_MAX],
	        .owner_timeout_ns = values[OWNER_TIMEOUT],
	        .probe_interval_ns = values[PROBE_INTERVAL],
	        .probes_lost_max = (uint32_t)values[PROBES_LOST_MAX],
	        .hold_ns = values[HOLD],
	        .hold_max = (uint32_t)values[HOLD_MAX],
	        .arp_settle_ns = values[ARP_SETTLE],
	        .barrier_timeout_ns = values[BARRIER_TIMEOUT],
	        .installs_max = (uint32_t)values[INSTALLS_MAX],
	        .recall_timeout_ns = values[RECALL_TIMEOUT],
	        .probes_max = (uint32_t)values[RECOVERIES_MAX],
	        .reset_timeout_ns = values[RESET_TIMEOUT],
	        .reset_tries = (uint32_t)values[RESET_TRIES],
	        .check_interval_ns = values[CHECK_INTERVAL],
	        .check_timeout_ns = values[CHECK_TIMEOUT],
	        .check_down = (uint32_t)values[CHECK_DOWN],
	        .check_up = (uint32_t)values[CHECK_UP],
	};
	return read_texts(texts, config, error);
}
