/* Packet captures of a run. See capture.h.
 *
 * The control channel has no TCP below it, so its capture is made up (tcp_trace.h). */
#include "sim/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/base/xalloc.h"
#include "lib/io/tcp_trace.h"
#include "sim/capture_numbers.h"

enum {
	CONTROL_PORT = 6653,
	SWITCH_PORT_FIRST = 40000,
	SWITCH_PORTS = 20000,
	PATH_BYTES = 4096,
	SPARE_FILES = 32, /* descriptors for everything else */
};

#define CONTROLLER_IP UINT32_C(0xc0000201) /* 192.0.2.1 */
#define SWITCH_IP     UINT32_C(0xc6120000) /* 198.18.0.0 and up: for benchmarks, never routed */

struct capture {
	const struct scenario *scenario;
	struct pcap_file **hosts;
	struct pcap_file **link_ends; /* 2 for each link */
	struct tcp_trace *controls;   /* by switch; ends are CHANNEL_* */
};

/* --- Files --- */

/* Each file costs a descriptor: raise the limit as far as the system lets us. */
static void raise_file_limit(size_t files)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= files + SPARE_FILES)
		return;
	limit.rlim_cur =
	        limit.rlim_max < files + SPARE_FILES ? limit.rlim_max : files + SPARE_FILES;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Make 'dir' with what is above it. */
static bool make_folder(const char *dir, struct fb_text *error)
{
	char path[PATH_BYTES];
	struct stat st;

	if (!dir[0] || strlen(dir) >= sizeof path) {
		fb_text_puts(error, "--pcap: the folder's name is empty or too long");
		return false;
	}
	strcpy(path, dir);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0777);
		*slash = '/';
	}
	if (!mkdir(path, 0777) || errno == EEXIST) {
		if (!stat(path, &st) && S_ISDIR(st.st_mode))
			return true;
		errno = ENOTDIR;
	}
	fb_text_printf(error, "--pcap: cannot make the folder %.200s: %s", dir, strerror(errno));
	return false;
}

static struct pcap_file *open_file(const char *dir, const char *name, bool *failed,
                                   struct fb_text *error)
{
	char path[PATH_BYTES + 256];
	struct fb_text text = fb_text_make(path, sizeof path);
	struct pcap_file *file;

	fb_text_printf(&text, "%s/%s.pcap", dir, name);
	file = pcap_file_create(path);
	if (pcap_file_error(file) && !*failed) {
		fb_text_printf(error, "--pcap: %s", pcap_file_error(file));
		*failed = true;
	}
	return file;
}

static void open_link_files(struct capture *capture, const char *dir, bool *failed,
                            struct fb_text *error)
{
	const struct scenario *scenario = capture->scenario;

	for (size_t i = 0; i < scenario->links_count; i++) {
		for (unsigned e = 0; e < 2; e++) {
			char name[4 * SCENARIO_NAME_BYTES_MAX];
			struct fb_text text = fb_text_make(name, sizeof name);

			capture_link_name(scenario, (uint32_t)i, e, &text);
			capture->link_ends[2 * i + e] = open_file(dir, name, failed, error);
			if (*failed)
				return;
		}
	}
}

struct capture *capture_open(const struct scenario *scenario, const char *dir,
                             struct fb_text *error)
{
	struct capture *capture;
	bool failed = false;
	char name[SCENARIO_NAME_BYTES_MAX + 16];

	if (!make_folder(dir, error))
		return NULL;
	raise_file_limit(scenario->hosts_count + 2 * scenario->links_count +
	                 scenario->switches_count);
	capture = xcalloc(1, sizeof *capture);
	capture->scenario = scenario;
	capture->hosts = xcalloc(scenario->hosts_count + 1, sizeof(struct pcap_file *));
	capture->link_ends = xcalloc(2 * scenario->links_count + 1, sizeof(struct pcap_file *));
	capture->controls = xcalloc(scenario->switches_count + 1, sizeof *capture->controls);
	for (size_t i = 0; i < scenario->hosts_count && !failed; i++)
		capture->hosts[i] = open_file(dir, scenario->hosts[i].name, &failed, error);
	if (!failed)
		open_link_files(capture, dir, &failed, error);
	for (size_t i = 0; i < scenario->switches_count && !failed; i++) {
		struct fb_text text = fb_text_make(name, sizeof name);

		capture_control_name(scenario, (uint32_t)i, &text);
		capture->controls[i] =
		        (struct tcp_trace){.file = open_file(dir, name, &failed, error),
		                           .ip = {[CHANNEL_CONTROLLER] = CONTROLLER_IP,
		                                  [CHANNEL_SWITCH] = SWITCH_IP + (uint32_t)i + 1},
		                           .port = {[CHANNEL_CONTROLLER] = CONTROL_PORT}};
	}
	if (failed) {
		capture_close(capture, 0, NULL);
		return NULL;
	}
	return capture;
}

/* --- Frames --- */

static void write_frame(struct pcap_file *file, uint64_t now_ns, const struct frame *frame)
{
	pcap_file_write(file, now_ns, frame->memory + frame->offset, frame->len);
}

static void take_frame(void *ctx, uint64_t now_ns, uint32_t link, unsigned end,
                       enum link_event event, const struct frame *frame)
{
	struct capture *capture = ctx;

	if (event == LINK_SENT || event == LINK_DELIVERED)
		write_frame(capture->link_ends[2 * link + end], now_ns, frame);
}

static void take_host_frame(void *ctx, uint64_t now_ns, uint32_t host, bool sent,
                            const struct frame *frame)
{
	struct capture *capture = ctx;

	(void)sent;
	write_frame(capture->hosts[host], now_ns, frame);
}

/* --- The control connection --- */

static void take_connected(void *ctx, uint64_t now_ns, uint32_t sw)
{
	struct capture *capture = ctx;
	struct tcp_trace *c = &capture->controls[sw];
	uint16_t *port = &c->port[CHANNEL_SWITCH];

	tcp_trace_close(c, now_ns, CHANNEL_SWITCH);
	*port = *port ? (uint16_t)(SWITCH_PORT_FIRST +
	                           (*port - SWITCH_PORT_FIRST + 1) % SWITCH_PORTS)
	              : SWITCH_PORT_FIRST;
	/* Numbers that no earlier connection of the pair has used. */
	c->next[CHANNEL_SWITCH] += 0x10000;
	c->next[CHANNEL_CONTROLLER] += 0x20000;
	tcp_trace_open(c, now_ns, CHANNEL_SWITCH);
}

static void take_bytes(void *ctx, uint64_t now_ns, uint32_t sw, unsigned to, const uint8_t *bytes,
                       size_t len)
{
	struct capture *capture = ctx;

	tcp_trace_bytes(&capture->controls[sw], now_ns, to, bytes, len);
}

/* The close of the other end arrived at 'at'. */
static void take_closed(void *ctx, uint64_t now_ns, uint32_t sw, unsigned at)
{
	struct capture *capture = ctx;

	tcp_trace_close(&capture->controls[sw], now_ns, !at);
}

struct network_observer capture_observer(struct capture *capture)
{
	return (struct network_observer){.frame = take_frame,
	                                 .host_frame = take_host_frame,
	                                 .connected = take_connected,
	                                 .closed = take_closed,
	                                 .bytes = take_bytes,
	                                 .ctx = capture};
}

static void close_file(struct pcap_file *file, struct fb_text *error, bool *whole)
{
	char text[400];

	if (!pcap_file_close(file, text, sizeof text) && *whole) {
		*whole = false;
		if (error)
			fb_text_printf(error, "--pcap: %s", text);
	}
}

bool capture_close(struct capture *capture, uint64_t now_ns, struct fb_text *error)
{
	const struct scenario *scenario = capture->scenario;
	bool whole = true;

	for (size_t i = 0; i < scenario->hosts_count; i++)
		if (capture->hosts[i])
			close_file(capture->hosts[i], error, &whole);
	for (size_t i = 0; i < 2 * scenario->links_count; i++)
		if (capture->link_ends[i])
			close_file(capture->link_ends[i], error, &whole);
	for (size_t i = 0; i < scenario->switches_count; i++) {
		if (!capture->controls[i].file)
			continue;
		tcp_trace_close(&capture->controls[i], now_ns, CHANNEL_SWITCH);
		close_file(capture->controls[i].file, error, &whole);
	}
	free(capture->hosts);
	free(capture->link_ends);
	free(capture->controls);
	free(capture);
	return whole;
}
