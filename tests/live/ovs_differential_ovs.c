/* Open vSwitch as the differential test runs it: frames go in and commands are given over one
 * connection to its unixctl socket (JSON-RPC), OpenFlow goes over one connection to the bridge's
 * management socket, and what leaves by a port is read from the pipe that its 'options:tx_pcap'
 * names.
 *
 * What makes this exact is the order of the main loop of ovs-vswitchd, whose one thread does all of
 * it: frames that wait at dummy ports (one a port), then OpenFlow, then unixctl. An OpenFlow
 * message that is sent after the request that brought a frame was answered therefore meets a switch
 * that has forwarded the frame, with its copies in the pipes and its packet-ins on their way. So a
 * barrier follows each frame: its reply tells that all has come. (The next unixctl request would
 * not do: it may be taken in the same turn of the loop.)
 *
 * The datapath's cache of flows follows the table in threads of its own; 'revalidator/purge'
 * empties it and adds what it counted to the entries, at once. It is given before each message and
 * when time is to pass, where frames came since, and after each frame where frames teach
 * OFPP_NORMAL. Time is stopped ('time/stop') but for the program's steps ('time/warp').
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "lib/wire/framer.h"
#include "tests/live/ovs_differential_known.h"

enum {
	GUARD_MS = 30000, /* longest wait for anything; only ever fails */
	QUIET_MS = 100,   /* after a failure: silence that means that nothing is left over */
	INPUT_BYTES = 65536,
	PCAP_HEADER_BYTES = 24,
	PCAP_RECORD_BYTES = 16,
	PCAP_LEN_OFS = 8,
	BARRIER_XID = 0x40000000, /* and above: the driver's own */
	CLEAN_XID = 0x20000000,   /* the driver's own other requests */
	STAT_COUNTERS = 12,       /* of struct ofp_port_stats */
};

#define PCAP_MAGIC UINT32_C(0xa1b2c3d4)

/* What one port's pipe has brought and was not taken yet. */
struct pipe_input {
	int fd;
	size_t len;
	uint8_t bytes[INPUT_BYTES];
};

struct ovs {
	int ctl_fd, of_fd;
	unsigned request_id;
	char answer[4096]; /* to the latest request */
	uint32_t barrier_xid;
	struct framer framer;
	struct pipe_input pipes[PLACES_COUNT];

	/* The run. */
	const struct program *original; /* as it was made */
	const struct program *program;  /* as it is told to Open vSwitch */
	struct outcome *outcome;        /* NULL: what comes is not recorded */
	unsigned step;                  /* to which what comes belongs */
	uint32_t barrier_seen;          /* xid of the latest reply */
	unsigned step_removed;          /* flow-removed messages that came in the step */
	uint64_t patience_ms;           /* to wait for messages that should come */

	/* Counters as they stood before the program. */
	uint64_t port_base[PLACES_COUNT][STAT_COUNTERS];
	uint64_t lookup_base, matched_base;
};

static uint64_t real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void set_nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl: %s", strerror(errno));
}

static int connect_to(const char *dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if ((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name) >=
	    sizeof address.sun_path)
		die("%s/%s: too long for a socket's name", dir, name);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("%s: %s", address.sun_path, strerror(errno));
	return fd;
}

static void send_all(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd wait = {.fd = fd, .events = POLLOUT};

			if (poll(&wait, 1, GUARD_MS) <= 0)
				die("ovs-vswitchd does not read for 30 s");
			continue;
		}
		if (n < 0)
			die("ovs-vswitchd: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}

/* --- What comes from the bridge --- */

/* Counters since the program began: what stood before is taken off the entries of 'msg'. */
static void subtract_port_base(const struct ovs *ovs, uint8_t *entry)
{
	uint16_t port_no = fb_get16(entry);
	unsigned place = port_no == OFPP_LOCAL ? PORTS_COUNT : port_no - 1u;
	uint8_t *counter = entry + offsetof(struct ofp_port_stats, rx_packets);

	if (place >= PLACES_COUNT)
		return;
	for (unsigned i = 0; i < STAT_COUNTERS; i++, counter += 8) {
		uint64_t value = fb_get64(counter);

		if (value != UINT64_MAX)
			fb_set64(counter, value - ovs->port_base[place][i]);
	}
}

static void subtract_base(const struct ovs *ovs, uint8_t *msg, size_t len)
{
	uint16_t type = fb_get16(msg + sizeof(struct ofp_header));
	uint8_t *body = msg + sizeof(struct ofp_stats_reply), *end = msg + len;

	if (type == OFPST_PORT) {
		for (; body < end; body += sizeof(struct ofp_port_stats))
			subtract_port_base(ovs, body);
	} else if (type == OFPST_TABLE && body < end && body[0] == 0) {
		struct ofp_table_stats *table = (void *)body;

		fb_set64(&table->lookup_count, fb_get64(&table->lookup_count) - ovs->lookup_base);
		fb_set64(&table->matched_count,
		         fb_get64(&table->matched_count) - ovs->matched_base);
	}
}

/* Take down where the counters stand: a reply to one of the driver's own requests. */
static void take_base(struct ovs *ovs, const uint8_t *bytes, size_t len)
{
	struct fb_of_error error;
	struct fb_port_stats port;
	struct fb_table_stats table;
	struct fb_msg msg;
	size_t offset = 0;

	if (fb_msg_decode(bytes, len, &msg, &error) < 0 || msg.type != OFPT_STATS_REPLY)
		die("Open vSwitch refused a request of the test's own");
	if (msg.stats_reply.type == OFPST_TABLE) {
		if (fb_table_stats_next(msg.stats_reply.entries, &offset, &table) &&
		    table.table_id == 0) {
			ovs->lookup_base = table.lookup_count;
			ovs->matched_base = table.matched_count;
		}
		return;
	}
	while (fb_port_stats_next(msg.stats_reply.entries, &offset, &port)) {
		const uint8_t *counter = msg.stats_reply.entries.data + offset -
		                         sizeof(struct ofp_port_stats) +
		                         offsetof(struct ofp_port_stats, rx_packets);
		unsigned place = port.port_no == OFPP_LOCAL ? PORTS_COUNT : port.port_no - 1u;

		for (unsigned i = 0; i < STAT_COUNTERS && place < PLACES_COUNT; i++, counter += 8)
			ovs->port_base[place][i] = fb_get64(counter);
	}
}

static void take_message(struct ovs *ovs, const uint8_t *bytes, size_t len)
{
	uint8_t type = bytes[1];
	uint32_t xid = fb_get32(bytes + 4);
	const struct step *request = NULL;
	uint8_t *copy;

	if (type == OFPT_ECHO_REQUEST || type == OFPT_HELLO)
		return;
	if (type == OFPT_BARRIER_REPLY && xid >= BARRIER_XID) {
		ovs->barrier_seen = xid;
		return;
	}
	if (xid == CLEAN_XID) {
		take_base(ovs, bytes, len);
		return;
	}
	if (!ovs->outcome)
		return;
	/* Answers carry the step's number; what the switch says of itself has no xid. */
	if (xid > 0 && xid <= ovs->program->count && type != OFPT_PACKET_IN &&
	    type != OFPT_FLOW_REMOVED && type != OFPT_PORT_STATUS)
		request = &ovs->program->steps[xid - 1];
	copy = xmalloc(len);
	memcpy(copy, bytes, len);
	if (type == OFPT_STATS_REPLY)
		subtract_base(ovs, copy, len);
	known_message_from_ovs(&ovs->original->steps[ovs->step], copy, len);
	outcome_add_message(ovs->outcome, request ? xid - 1 : ovs->step, request, copy, len);
	ovs->step_removed += type == OFPT_FLOW_REMOVED;
	free(copy);
}

/* Take what the bridge has written, without waiting. */
static void drain_messages(struct ovs *ovs)
{
	static uint8_t input[4 * INPUT_BYTES];
	enum framer_result result;
	const uint8_t *msg;
	size_t msg_len;
	ssize_t n;

	while ((n = recv(ovs->of_fd, input, sizeof input, 0)) > 0) {
		framer_push(&ovs->framer, input, (size_t)n);
		while ((result = framer_next(&ovs->framer, &msg, &msg_len)) == FRAMER_MESSAGE)
			take_message(ovs, msg, msg_len);
		if (result != FRAMER_MORE)
			die("Open vSwitch sent what is no OpenFlow");
		framer_finish(&ovs->framer);
	}
	if (n == 0)
		die("Open vSwitch closed the OpenFlow connection");
	if (errno != EAGAIN)
		die("Open vSwitch's OpenFlow connection: %s", strerror(errno));
}

/* --- What comes from the ports --- */

/* A capture's header begins at 'bytes', no record: it stands before the first one, and again whenever
 * Open vSwitch configures the port anew. */
static bool is_pcap_header(const uint8_t *bytes)
{
	uint32_t first;

	memcpy(&first, bytes, sizeof first);
	return first == PCAP_MAGIC;
}

/* Take the whole records out of 'in'; returns how many bytes they were. */
static size_t take_records(struct ovs *ovs, struct pipe_input *in, uint16_t port_no)
{
	size_t at = 0;

	while (in->len - at >= PCAP_HEADER_BYTES) {
		uint32_t len;

		if (is_pcap_header(in->bytes + at)) {
			at += PCAP_HEADER_BYTES;
			continue;
		}
		memcpy(&len, in->bytes + at + PCAP_LEN_OFS, sizeof len);
		if (len > INPUT_BYTES / 2)
			die("port %u: Open vSwitch wrote what is no capture", port_no);
		if (in->len - at < PCAP_RECORD_BYTES + len)
			break;
		at += PCAP_RECORD_BYTES;
		if (ovs->outcome) {
			known_frame_from_ovs(&ovs->original->steps[ovs->step], in->bytes + at, len);
			outcome_add(ovs->outcome, ovs->step, port_no, in->bytes + at, len);
		}
		at += len;
	}
	return at;
}

static void drain_pipe(struct ovs *ovs, unsigned place)
{
	struct pipe_input *in = &ovs->pipes[place];
	ssize_t n;

	do {
		size_t taken;

		n = read(in->fd, in->bytes + in->len, sizeof in->bytes - in->len);
		if (n < 0 && errno != EAGAIN)
			die("the pipe of a port: %s", strerror(errno));
		if (n <= 0)
			break;
		in->len += (size_t)n;
		taken = take_records(ovs, in, port_of_place(place));
		memmove(in->bytes, in->bytes + taken, in->len - taken);
		in->len -= taken;
	} while (true);
}

static void drain(struct ovs *ovs)
{
	for (unsigned place = 0; place < PLACES_COUNT; place++)
		drain_pipe(ovs, place);
	drain_messages(ovs);
}

/* --- Requests --- */

/* The length of the whole JSON object at the front of the 'len' characters at 's'; 0: not whole. */
static size_t object_length(const char *s, size_t len)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (quoted) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				quoted = false;
		} else if (s[i] == '"') {
			quoted = true;
		} else if (s[i] == '{') {
			depth++;
		} else if (s[i] == '}' && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

/* Wait for the answer to the one request that is out; it stays in 'ovs->answer'. */
static void await_answer(struct ovs *ovs, const char *request)
{
	size_t len = 0;

	while (object_length(ovs->answer, len) == 0) {
		struct pollfd wait = {.fd = ovs->ctl_fd, .events = POLLIN};
		ssize_t n;

		if (poll(&wait, 1, GUARD_MS) <= 0)
			die("ovs-vswitchd does not answer for 30 s: %s", request);
		n = recv(ovs->ctl_fd, ovs->answer + len, sizeof ovs->answer - 1 - len, 0);
		if (n <= 0)
			die("ovs-vswitchd closed its control socket after: %s", request);
		len += (size_t)n;
	}
	ovs->answer[len] = '\0';
	if (!strstr(ovs->answer, "\"error\":null"))
		die("ovs-vswitchd refused %s: %s", request, ovs->answer);
}

/* Give the command 'method' with 'params' (JSON strings separated by commas) and wait for its
 * answer. */
static void command(struct ovs *ovs, const char *method, const char *params)
{
	char request[2 * FRAME_BYTES + 256];
	int len = snprintf(request, sizeof request, "{\"id\":%u,\"method\":\"%s\",\"params\":[%s]}",
	                   ++ovs->request_id, method, params);

	if (len < 0 || (size_t)len >= sizeof request)
		die("a command is too long: %s", method);
	send_all(ovs->ctl_fd, request, (size_t)len);
	await_answer(ovs, request);
}

/* Send a barrier request and wait for its reply: all messages before it have been dealt with, and
 * all that they led to has been read. */
static void barrier(struct ovs *ovs)
{
	uint8_t bytes[sizeof(struct ofp_header)];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);
	uint64_t end_ms = real_ms() + GUARD_MS;

	if (++ovs->barrier_xid < BARRIER_XID)
		ovs->barrier_xid = BARRIER_XID;
	fb_msg_put_header_only(&buf, OFPT_BARRIER_REQUEST, ovs->barrier_xid);
	send_all(ovs->of_fd, bytes, buf.len);
	while (ovs->barrier_seen != ovs->barrier_xid) {
		struct pollfd wait = {.fd = ovs->of_fd, .events = POLLIN};

		if (real_ms() > end_ms || poll(&wait, 1, GUARD_MS) <= 0)
			die("Open vSwitch does not answer a barrier for 30 s");
		drain_messages(ovs);
	}
	drain(ovs);
}

/* Empty the datapath's cache. A flow that a thread has in hand at that moment is passed over: then
 * it is done again. */
static void purge(struct ovs *ovs)
{
	uint64_t end_ms = real_ms() + GUARD_MS;

	do {
		if (real_ms() > end_ms)
			die("the datapath keeps flows for 30 s: %s", ovs->answer);
		command(ovs, "revalidator/purge", "");
		command(ovs, "dpctl/show", "");
	} while (!strstr(ovs->answer, " flows: 0\\n"));
}

/* Wait until the main loop has turned since all messages that were sent were taken, and read what
 * came: a packet-out's packet-ins are sent in that turn. */
static void settle(struct ovs *ovs)
{
	barrier(ovs);
	command(ovs, "version", "");
	barrier(ovs);
}

/* --- Life --- */

static int open_pipe(const char *dir, unsigned place)
{
	char name[512];
	uint16_t port_no = port_of_place(place);
	int fd;

	if (port_no == OFPP_LOCAL)
		snprintf(name, sizeof name, "%s/LOCAL.pipe", dir);
	else
		snprintf(name, sizeof name, "%s/%u.pipe", dir, port_no);
	fd = open(name, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		die("%s: %s", name, strerror(errno));
	return fd;
}

struct ovs *ovs_open(const char *dir)
{
	struct fb_msg config = {.type = OFPT_SET_CONFIG, .config.miss_send_len = 0xffff};
	struct ovs *ovs = xcalloc(1, sizeof *ovs);
	uint8_t bytes[64];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);

	for (unsigned place = 0; place < PLACES_COUNT; place++)
		ovs->pipes[place].fd = open_pipe(dir, place);
	ovs->ctl_fd = connect_to(dir, "ctl");
	ovs->of_fd = connect_to(dir, "br.mgmt");
	set_nonblocking(ovs->of_fd);
	framer_init(&ovs->framer);
	fb_msg_put_header_only(&buf, OFPT_HELLO, 0);
	fb_msg_encode(&buf, &config);
	send_all(ovs->of_fd, bytes, buf.len);
	barrier(ovs);
	command(ovs, "time/stop", "");
	ovs->patience_ms = GUARD_MS;
	return ovs;
}

void ovs_set_patience(struct ovs *ovs, unsigned patience_ms)
{
	ovs->patience_ms = patience_ms;
}

void ovs_close(struct ovs *ovs)
{
	for (unsigned place = 0; place < PLACES_COUNT; place++)
		close(ovs->pipes[place].fd);
	close(ovs->ctl_fd);
	close(ovs->of_fd);
	framer_destroy(&ovs->framer);
	free(ovs);
}

/* --- Running a program --- */

/* No entries, no stations, the configuration as it was, and the counters taken down. */
static void clean(struct ovs *ovs)
{
	struct fb_msg delete = {.type = OFPT_FLOW_MOD};
	struct fb_msg config = {.type = OFPT_SET_CONFIG, .config.miss_send_len = 0xffff};
	struct fb_msg table = {.type = OFPT_STATS_REQUEST, .xid = CLEAN_XID};
	struct fb_msg ports = table;
	uint8_t bytes[512];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);

	ovs->outcome = NULL;
	fb_match_any(&delete.flow_mod.match);
	delete.flow_mod.command = OFPFC_DELETE;
	delete.flow_mod.out_port = OFPP_NONE;
	table.stats_request.type = OFPST_TABLE;
	ports.stats_request.type = OFPST_PORT;
	ports.stats_request.port_no = OFPP_NONE;
	command(ovs, "fdb/flush", "\"br\"");
	purge(ovs);
	fb_msg_encode(&buf, &delete);
	fb_msg_encode(&buf, &config);
	fb_msg_encode(&buf, &table);
	fb_msg_encode(&buf, &ports);
	send_all(ovs->of_fd, bytes, buf.len);
	settle(ovs);
}

void ovs_recover(struct ovs *ovs)
{
	struct pollfd wait = {.fd = ovs->of_fd, .events = POLLIN};

	clean(ovs);
	while (poll(&wait, 1, QUIET_MS) > 0)
		drain_messages(ovs);
}

static void receive_frame(struct ovs *ovs, const struct step *step)
{
	static const char digits[] = "0123456789abcdef";
	char params[2 * FRAME_BYTES + 32];
	size_t at;

	if (step->port == OFPP_LOCAL)
		at = (size_t)sprintf(params, "\"br\",\"");
	else
		at = (size_t)sprintf(params, "\"p%u\",\"", step->port);
	for (uint32_t i = 0; i < step->len; i++) {
		params[at++] = digits[step->bytes[i] >> 4];
		params[at++] = digits[step->bytes[i] & 15];
	}
	memcpy(params + at, "\"", 2);
	command(ovs, "netdev-dummy/receive", params);
	barrier(ovs);
}

static void warp(struct ovs *ovs, const struct step *step)
{
	char params[32];

	snprintf(params, sizeof params, "\"%u\"", step->warp_ms);
	command(ovs, "time/warp", params);
	settle(ovs);
}

/* Flow-removed messages come when a thread of its own has found the time: wait until the step has
 * brought 'expected_count' of them. */
static void await_removed(struct ovs *ovs, unsigned expected_count)
{
	uint64_t end_ms = real_ms() + ovs->patience_ms;

	while (ovs->step_removed < expected_count && real_ms() < end_ms) {
		struct pollfd wait = {.fd = ovs->of_fd, .events = POLLIN};

		poll(&wait, 1, 10);
		drain_messages(ovs);
	}
}

/* How many flow-removed messages 'step' led to in 'outcome'. */
static unsigned removed_by_step(const struct outcome *outcome, unsigned step)
{
	unsigned count = 0;

	for (size_t i = 0; i < outcome->count; i++) {
		const struct event *e = &outcome->events[i];

		count += e->step == step && e->port == EVENT_MESSAGE &&
		         outcome->bytes[e->offset + 1] == OFPT_FLOW_REMOVED;
	}
	return count;
}

/* The message leads to more than an answer with its xid, or takes effect in the next turn of the
 * main loop only: the next step must not be mixed up with that. */
static bool has_late_effects(const struct step *step)
{
	if (step->bytes[1] != OFPT_FLOW_MOD)
		return step->bytes[1] == OFPT_PACKET_OUT || step->bytes[1] == OFPT_SET_CONFIG;
	return step->len < sizeof(struct ofp_flow_mod) ||
	       fb_get16(step->bytes + offsetof(struct ofp_flow_mod, command)) >= OFPFC_DELETE;
}

static struct program *program_for_ovs(const struct program *program)
{
	struct program *told = xmalloc(sizeof *told);

	*told = *program;
	for (unsigned i = 0; i < told->count; i++) {
		struct step *step = &told->steps[i];

		step->bytes = xmalloc(STEP_BYTES);
		if (step->len)
			memcpy(step->bytes, program->steps[i].bytes, step->len);
		known_step_for_ovs(step);
	}
	return told;
}

void ovs_run(struct ovs *ovs, const struct program *program, const struct outcome *expected,
             struct outcome *outcome)
{
	struct program *told;
	bool cached = false;  /* frames may have left flows in the datapath's cache */
	bool pending = false; /* messages were sent that may not have been taken yet */

	clean(ovs);
	outcome_clear(outcome);
	told = program_for_ovs(program);
	ovs->original = program;
	ovs->program = told;
	ovs->outcome = outcome;
	for (ovs->step = 0; ovs->step < program->count; ovs->step++) {
		const struct step *step = &ovs->program->steps[ovs->step];

		if (step->skip)
			continue;
		ovs->step_removed = 0;
		if (cached && (step->kind != STEP_FRAME || program->learns)) {
			purge(ovs);
			cached = false;
		}
		if (pending && step->kind != STEP_MESSAGE) {
			barrier(ovs);
			pending = false;
		}
		switch (step->kind) {
		case STEP_FRAME:
			receive_frame(ovs, step);
			cached = true;
			break;
		case STEP_MESSAGE:
			send_all(ovs->of_fd, step->bytes, step->len);
			pending = true;
			if (has_late_effects(step)) {
				settle(ovs);
				await_removed(ovs, removed_by_step(expected, ovs->step));
			}
			break;
		case STEP_WARP:
			warp(ovs, step);
			await_removed(ovs, removed_by_step(expected, ovs->step));
			break;
		}
	}
	settle(ovs);
	ovs->outcome = NULL;
	program_free(told);
}
