/* Watches connections; see conn_watch.h. */
#include "lib/io/conn_watch.h"

enum {
	PORT_LISTENS = 6653,
	PORT_CONNECTS_FIRST = 40000,
	PORTS_CONNECTS = 20000,
	HOSTS_CONNECT = 200, /* with so many ports each */
};

/* Ends of a trace: the way to us is CONN_WATCH_IN. */
enum { END_OWN = CONN_WATCH_IN, END_PEER = CONN_WATCH_OUT };

/* Addresses for a connection that has no IPv4 addresses. */
static void invent_ends(struct tcp_trace *trace, enum conn_watch_role role, unsigned connects,
                        uint32_t number)
{
	bool is_switch = role != CONN_WATCH_CONTROLLER_LISTENS;

	trace->ip[is_switch ? END_OWN : END_PEER] = CONN_WATCH_SWITCH_IP;
	trace->ip[is_switch ? END_PEER : END_OWN] = CONN_WATCH_CONTROLLER_IP;
	trace->ip[connects] += number / PORTS_CONNECTS % HOSTS_CONNECT;
	trace->port[connects] = (uint16_t)(PORT_CONNECTS_FIRST + number % PORTS_CONNECTS);
}

void conn_watch_begin(struct conn_watch *watch, struct pcap_file *file, uint64_t unix_ns,
                      const struct stream *stream, enum conn_watch_role role, uint32_t number)
{
	unsigned connects = role == CONN_WATCH_SWITCH_CONNECTS ? END_OWN : END_PEER;
	struct tcp_trace *trace = &watch->trace;

	*watch = (struct conn_watch){.traced = file != NULL};
	framer_init(&watch->framer);
	if (!file)
		return;
	trace->file = file;
	if (!stream_ipv4_ends(stream, &trace->ip[END_OWN], &trace->port[END_OWN],
	                      &trace->ip[END_PEER], &trace->port[END_PEER]))
		invent_ends(trace, role, connects, number);
	trace->port[!connects] = PORT_LISTENS;
	tcp_trace_open(trace, unix_ns, connects);
}

void conn_watch_bytes(struct conn_watch *watch, struct pcap_file *file, uint64_t unix_ns,
                      enum conn_watch_way way, const uint8_t *bytes, size_t len)
{
	if (!watch->traced || !file)
		return;
	watch->trace.file = file;
	tcp_trace_bytes(&watch->trace, unix_ns, way, bytes, len);
}

void conn_watch_messages(struct conn_watch *watch, enum conn_watch_way way, const uint8_t *bytes,
                         size_t len,
                         void (*tell)(void *ctx, enum conn_watch_way way, const uint8_t *bytes,
                                      size_t len),
                         void *ctx)
{
	const uint8_t *msg;
	size_t msg_len;

	if (way == CONN_WATCH_IN) {
		framer_push(&watch->framer, bytes, len);
		while (framer_next(&watch->framer, &msg, &msg_len) == FRAMER_MESSAGE)
			tell(ctx, way, msg, msg_len);
		framer_finish(&watch->framer);
		return;
	}
	for (; len; bytes += msg_len, len -= msg_len) {
		msg_len = (size_t)bytes[2] << 8 | bytes[3];
		tell(ctx, way, bytes, msg_len);
	}
}

void conn_watch_end(struct conn_watch *watch, struct pcap_file *file, uint64_t unix_ns,
                    enum conn_watch_way way)
{
	if (watch->traced && file) {
		watch->trace.file = file;
		tcp_trace_close(&watch->trace, unix_ns, way == CONN_WATCH_IN ? END_PEER : END_OWN);
	}
	watch->traced = false;
	framer_destroy(&watch->framer);
}
