/* The options of the balancer: names, defaults and limits, and the numbers that they become. */
#include "controller/apps/balancer_options.h"

#define S  FB_NS_PER_S
#define MS FB_NS_PER_MS
#define H  (3600 * FB_NS_PER_S)

/* The places of the options in the table. */
enum option {
	MODE,
	ENTRIES,
	PRIORITY,
	IDLE_TIMEOUT,
	GRACE,
	SESSIONS_MAX,
	ADDRESSES_MAX,
	OWNERS_MAX,
	OWNER_TIMEOUT,
	PROBE_INTERVAL,
	PROBES_LOST_MAX,
	HOLD,
	HOLD_MAX,
	OPTIONS,
};
_Static_assert((int)OPTIONS == (int)BALANCER_OPTIONS_COUNT, "the header tells another number");

static const char *const modes[] = {"flows", "packet", NULL};  /* enum balancer_mode */
static const char *const entries[] = {"tuple", "exact", NULL}; /* enum balancer_entries */

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

const struct fb_option balancer_options[BALANCER_OPTIONS_COUNT] = {
        [MODE] = CHOICE("mode", modes, "flows",
                        "flows: entries in the switch; packet: each packet through the controller"),
        [ENTRIES] = CHOICE("entries", entries, "tuple",
                           "tuple: TOS and VLAN priority wildcarded; exact: all twelve fields"),
        [PRIORITY] = INTEGER("priority", 1, UINT16_MAX, "32768", "priority of the flow entries"),
        [IDLE_TIMEOUT] = DURATION("idle_timeout", S, (uint64_t)UINT16_MAX *S, "60s",
                                  "idle timeout of the flow entries, rounded up to whole seconds"),
        [GRACE] = DURATION("grace", S, 720 * H, "300s",
                           "how long a session is kept when its entries are gone"),
        [SESSIONS_MAX] = INTEGER("sessions_max", 1, 1 << 24, "65536", "sessions of a switch"),
        [ADDRESSES_MAX] =
                INTEGER("addresses_max", 2, 1 << 24, "16384", "addresses learned of a switch"),
        [OWNERS_MAX] = INTEGER("owners_max", 1, 4096, "64", "owners of an address"),
        [OWNER_TIMEOUT] = DURATION("owner_timeout", S, 24 * H, "10m",
                                   "silence after which an owner that is not probed is forgotten"),
        [PROBE_INTERVAL] = DURATION("probe_interval", 100 * MS, H, "5s",
                                    "time between ARP probes for an address that is connected to"),
        [PROBES_LOST_MAX] =
                INTEGER("probes_lost_max", 1, 100, "3",
                        "probes without answer after which an owner leaves the rotation"),
        [HOLD] = DURATION("hold", MS, 10 * S, "200ms",
                          "how long a SYN waits for the owner of its address"),
        [HOLD_MAX] = INTEGER("hold_max", 0, 65536, "256", "SYNs of a switch that wait at a time"),
};

struct balancer_config balancer_options_read(const uint64_t *values)
{
	return (struct balancer_config){
	        .mode = (enum balancer_mode)values[MODE],
	        .entries = (enum balancer_entries)values[ENTRIES],
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
	};
}
