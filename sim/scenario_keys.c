/* What may be written where in a scenario file. See scenario_keys.h; the values' types are in the
 * functions that read each map. */
#include "sim/scenario_keys.h"

#include <stddef.h>

const char *const scenario_keys_file[] = {"name",       "description", "seed",       "end",
                                          "controller", "switches",    "hosts",      "links",
                                          "steps",      "expect",      "properties", "faults",
                                          NULL};
const char *const scenario_keys_properties[] = {"no_loops",         "no_duplicates",
                                                "no_blackholes",    "reachability",
                                                "session_affinity", "no_lost_buffers",
                                                "no_of_errors",     "tables_agree",
                                                "no_dead_entries",  "connections_end",
                                                "checksums",        "bounded",
                                                NULL};
const char *const scenario_keys_controller[] = {
        "apps", "echo_idle", "echo_timeout", "handshake_timeout", "miss_send_len", "delay", NULL};
const char *const scenario_keys_switch[] = {
        "dpid",      "buffers",      "buffer_expiry",     "entries",   "macs",  "mac_idle",
        "echo_idle", "echo_timeout", "handshake_timeout", "delay",     "flows", "queues",
        "fail_mode", "max_attempts", "backoff",           "fragments", NULL};
const char *const scenario_keys_queue[] = {"port", "queue", "min_rate", NULL};
const char *const scenario_keys_host[] = {"ip",     "mac",        "hostname", "gateway",
                                          "listen", "listen_udp", NULL};
const char *const scenario_keys_link[] = {"between", "delay",         "rate",      "queue",
                                          "loss",    "duplicate",     "corrupt",   "reorder",
                                          "jitter",  "reorder_delay", NULL};

const char *const scenario_keys_step[] = {
        "repeat", "wait",       "ping",    "arp", "udp",  "tcp",    "link",     "host",  "switch",
        "move",   "controller", "control", "app", "mark", "expect", "parallel", "steps", "fault",
        NULL};
const char *const scenario_keys_ping[] = {"from", "to",      "count",  "interval",
                                          "size", "timeout", "expect", NULL};
const char *const scenario_keys_arp[] = {"from", "to", "gratuitous", "expect", NULL};
const char *const scenario_keys_udp[] = {"from",    "to",     "send", "src_port",
                                         "timeout", "expect", NULL};
const char *const scenario_keys_tcp[] = {"from",      "to",    "send",      "src_port",
                                         "timeout",   "tos",   "tos_after", "ecn",
                                         "keep_open", "pause", "expect",    NULL};
const char *const scenario_keys_change[] = {"down", "up", NULL};
const char *const scenario_keys_switch_change[] = {"down", "up", "restart", "after", NULL};
const char *const scenario_keys_move[] = {"host", "to", "after", "announce", NULL};
const char *const scenario_keys_faults[] = {"until", "converge", "splits", "at", "rates", NULL};
const char *const scenario_keys_app[] = {"name", "command", "expect", NULL};
const char *const scenario_keys_ping_expect[] = {"answered", "duplicates", "mac", "outcome", NULL};
const char *const scenario_keys_arp_expect[] = {"mac", "outcome", NULL};
const char *const scenario_keys_udp_expect[] = {"reply", "replies", "order",   "sticky",
                                                "moved", "mac",     "outcome", NULL};
const char *const scenario_keys_tcp_expect[] = {"reply", "replies", "order",  "sticky",
                                                "moved", "outcome", "intact", "setup_time",
                                                NULL};

const char *const scenario_keys_expect[] = {
        "answered",   "accepted",    "connections", "split_connections",
        "packet_ins", "packet_outs", "flow_mods",   "errors",
        "flows",      "frames",      "counters",    "buffers_in_use",
        "queues",     "backends",    "sessions",    "per_connection",
        "dump",       "control_bytes", "within",    "since",
        "at_end",     NULL};
const char *const scenario_keys_bounds[] = {"at_least", "at_most", NULL};
const char *const scenario_keys_flows[] = {"switch", "match", "emergency", "count", NULL};
const char *const scenario_keys_frames[] = {"on", "at", "direction", "filter", "count", NULL};

const char *const scenario_keys_queues[] = {"at", "queue", "sent", "dropped", NULL};
/* Those from 'up' on are states. */
const char *const scenario_keys_backends[] = {"of",    "host", "state",  "sessions", "weight",
                                              "count", "up",   "silent", "drained",  "failed",
                                              "away",  "down", NULL};

/* In the order of EXPECT_CONNECTION_*. */
const char *const scenario_keys_per_connection[] = {"packet_ins", "flow_mods", "flows",
                                                    "setup_time", NULL};
const char *const scenario_keys_dump[] = {"flows", "ports", "counters", "is", NULL};

const char *const scenario_keys_services[] = {"none", "hostname", "echo", "discard", NULL};
const char *const scenario_keys_orders[] = {"any", "exact", "alternating", NULL};
const char *const scenario_keys_fail_modes[] = {"secure", "standalone", "emergency", NULL};
const char *const scenario_keys_fragments[] = {"normal", "drop", "reassemble", NULL};
const char *const scenario_keys_up[] = {"down", "up", NULL};
const char *const scenario_keys_answers[] = {"ok", "refused", NULL};
const char *const scenario_keys_backend_states[] = {"up",   "silent", "drained", "failed",
                                                    "away", "down",   "none",    NULL};
const char *const scenario_keys_sessions[] = {"unanswered", "open",   "live",
                                              "unsure",     "closed", NULL};
const char *const scenario_keys_directions[] = {"in", "out", "both", NULL};
