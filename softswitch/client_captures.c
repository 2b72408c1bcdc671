/* The client's captures: of the frames through the ports, and of the connections. See client.h.
 *
 * A capture never stops the switch: one that cannot be written any more (the disk is full) is told
 * once and left alone. What is buffered is written out once a second, so that somebody who follows
 * the file sees what happens. */
#include "softswitch/client_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { CAPTURES = 2 };

/* Both, for loops. */
static struct client_capture *capture_at(struct client *client, unsigned place)
{
	return place ? &client->control : &client->frames;
}

/* Write out what waits; tell of the first error. */
static void flush(struct client *client, struct client_capture *capture)
{
	if (!capture->file || capture->told || pcap_file_flush(capture->file))
		return;
	capture->told = true;
	client_log(client, LOG_LEVEL_ERROR, "%s: the capture ends here, the switch goes on: %s",
	           capture->option, pcap_file_error(capture->file));
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < CAPTURES; i++)
		flush(client, capture_at(client, i));
}

/* Create the file; one of frames names the ports. */
static void create(struct client *client, struct client_capture *capture)
{
	const char *name;

	capture->told = false;
	if (!capture->ng) {
		capture->file = pcap_file_create(capture->path);
		return;
	}
	capture->file = pcap_file_create_ng(capture->path);
	for (uint32_t place = 0; (name = client_ports_name(client, place)) != NULL; place++)
		pcap_file_add_interface(capture->file, name);
}

bool client_captures_open(struct client *client, char *error)
{
	const struct timeval second = {1, 0};

	if (!client->frames.path && !client->control.path)
		return true;
	for (unsigned i = 0; i < CAPTURES; i++) {
		struct client_capture *capture = capture_at(client, i);

		if (!capture->path)
			continue;
		create(client, capture);
		if (pcap_file_error(capture->file)) {
			snprintf(error, CLIENT_ERROR_BYTES, "%s: %s", capture->option,
			         pcap_file_error(capture->file));
			capture->told = true;
			return false;
		}
	}
	client->flush_timer = event_new(client->base, -1, EV_PERSIST, on_flush, client);
	if (!client->flush_timer)
		xalloc_failed("the captures' timer");
	event_add(client->flush_timer, &second);
	return true;
}

void client_captures_frame(struct client *client, uint16_t port_no, enum pcap_file_way way,
                           struct frame *frame)
{
	struct client_capture *capture = &client->frames;

	if (capture->file && !capture->told)
		pcap_file_write_at(capture->file, client_unix_ns(),
		                   client_ports_place(client, port_no), way, frame_data(frame),
		                   frame->len);
}

static void close_file(struct client *client, struct client_capture *capture)
{
	flush(client, capture);
	pcap_file_close(capture->file, NULL, 0);
	capture->file = NULL;
}

void client_captures_reopen(struct client *client)
{
	struct client_conn *conn;

	for (unsigned i = 0; i < CAPTURES; i++) {
		struct client_capture *capture = capture_at(client, i);

		/* Standard output cannot be begun anew. */
		if (!capture->file || strcmp(capture->path, "-") == 0)
			continue;
		close_file(client, capture);
		create(client, capture);
		if (pcap_file_error(capture->file))
			flush(client, capture);
		else
			client_log(client, LOG_LEVEL_INFO, "%s: begun anew: %s", capture->option,
			           capture->path);
	}
	TAILQ_FOREACH(conn, &client->conns, link)
	{
		if (conn->trace)
			conn->trace->file = client->control.file;
	}
}

void client_captures_close(struct client *client)
{
	if (client->flush_timer)
		event_free(client->flush_timer);
	client->flush_timer = NULL;
	for (unsigned i = 0; i < CAPTURES; i++)
		if (capture_at(client, i)->file)
			close_file(client, capture_at(client, i));
}
