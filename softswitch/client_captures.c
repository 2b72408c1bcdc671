/* The client's captures: of the frames through the ports, and of the connections. See client.h.
 *
 * What is buffered is written out once a second, so that somebody who follows the file sees what
 * happens. */
#include "softswitch/client_private.h"

#include "lib/base/xalloc.h"

enum { CAPTURES = 2 };

/* Both, for loops. */
static struct pcap_record *capture_at(struct client *client, unsigned place)
{
	return place ? &client->control : &client->frames;
}

static void on_log(void *ctx, enum log_level level, const char *line)
{
	client_log(ctx, level, "%s", line);
}

/* A capture of frames names the ports. */
static void name_ports(void *ctx, struct pcap_file *file)
{
	struct client *client = ctx;
	const char *name;

	for (uint32_t place = 0; (name = client_ports_name(client, place)) != NULL; place++)
		pcap_file_add_interface(file, name);
}

void client_captures_init(struct client *client)
{
	const struct pcap_record both = {.owner = "the switch", .log = on_log, .ctx = client};

	client->frames = client->control = both;
	client->frames.option = "--pcap";
	client->frames.path = client->config.pcap_path;
	client->frames.ng = true;
	client->frames.head = name_ports;
	client->control.option = "--control-pcap";
	client->control.path = client->config.control_pcap_path;
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < CAPTURES; i++)
		pcap_record_flush(capture_at(client, i));
}

bool client_captures_open(struct client *client, char *error)
{
	const struct timeval second = {1, 0};

	if (!client->frames.path && !client->control.path)
		return true;
	for (unsigned i = 0; i < CAPTURES; i++)
		if (!pcap_record_open(capture_at(client, i), error, CLIENT_ERROR_BYTES))
			return false;
	client->flush_timer = event_new(client->base, -1, EV_PERSIST, on_flush, client);
	if (!client->flush_timer)
		xalloc_failed("the captures' timer");
	event_add(client->flush_timer, &second);
	return true;
}

void client_captures_frame(struct client *client, uint16_t port_no, enum pcap_file_way way,
                           struct frame *frame)
{
	struct pcap_record *capture = &client->frames;

	if (pcap_record_wants(capture))
		pcap_file_write_at(capture->file, client_unix_ns(),
		                   client_ports_place(client, port_no), way, frame_data(frame),
		                   frame->len);
}

void client_captures_reopen(struct client *client)
{
	for (unsigned i = 0; i < CAPTURES; i++)
		pcap_record_reopen(capture_at(client, i));
}

void client_captures_close(struct client *client)
{
	if (client->flush_timer)
		event_free(client->flush_timer);
	client->flush_timer = NULL;
	for (unsigned i = 0; i < CAPTURES; i++)
		pcap_record_close(capture_at(client, i));
}
