/* Streams over real sockets of this machine, all in one loop. */
#include "lib/io/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "tests/unit/io/stream_bench.h"
#include "tests/unit/io/stream_rules.h"

static void assert_carries_bytes_both_ways(const char *listen)
{
	struct bench *b = bench_new();
	char text[160];

	snprintf(text, sizeof text, listen, b->dir);
	bench_connect(b, text);
	rule_bytes_go_both_ways(b);
	bench_free(b);
}

static void bytes_go_both_ways(void)
{
	assert_carries_bytes_both_ways("ptcp:0:127.0.0.1");
	assert_carries_bytes_both_ways("ptcp:0");
	assert_carries_bytes_both_ways("punix:%s/s");
}

static void ends_have_names_and_addresses(void)
{
	struct bench *b = bench_new();
	uint32_t own_ip = 0, peer_ip = 0;
	uint16_t own_port = 0, peer_port = 0;
	char text[64];

	bench_listen(b, "ptcp:0");
	CU_ASSERT_EQUAL(strncmp(stream_listener_name(b->listener), "ptcp:", 5), 0);
	bench_open_listener(b, 0);
	RUN_UNTIL(b, b->opened[0].connected && b->accepted_count);
	CU_ASSERT_TRUE(
	        stream_ipv4_ends(b->accepted[0].stream, &own_ip, &own_port, &peer_ip, &peer_port));
	CU_ASSERT_EQUAL(own_ip, 0x7f000001);
	CU_ASSERT_EQUAL(peer_ip, 0x7f000001);
	CU_ASSERT_EQUAL(own_port, atoi(stream_listener_name(b->listener) + 5));
	snprintf(text, sizeof text, "tcp:127.0.0.1:%u", peer_port);
	CU_ASSERT_STRING_EQUAL(stream_peer(b->accepted[0].stream), text);
	snprintf(text, sizeof text, "tcp:127.0.0.1:%u", own_port);
	CU_ASSERT_STRING_EQUAL(stream_peer(b->opened[0].stream), text);
	bench_free(b);
}

/* Of a Unix socket alone. */
static void the_user_who_connected_is_known(void)
{
	for (int tcp = 0; tcp < 2; tcp++) {
		struct bench *b = bench_new();
		char text[128];
		pid_t process = -1;
		uid_t user = (uid_t)-1;

		snprintf(text, sizeof text, tcp ? "ptcp:0:127.0.0.1" : "punix:%s/s", b->dir);
		bench_connect(b, text);
		CU_ASSERT_EQUAL(stream_peer_user(b->accepted[0].stream, &user, &process), !tcp);
		CU_ASSERT_EQUAL(user, tcp ? (uid_t)-1 : geteuid());
		CU_ASSERT_EQUAL(process, tcp ? -1 : getpid());
		bench_free(b);
	}
}

static void what_is_sent_before_the_connection_stands_waits(void)
{
	struct bench *b = bench_new();

	bench_listen(b, "ptcp:0:127.0.0.1");
	bench_open_listener(b, 0);
	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "early", 5));
	CU_ASSERT_EQUAL(stream_pending_bytes(b->opened[0].stream), 5);
	RUN_UNTIL(b, b->accepted[0].received == 5);
	bench_free(b);
}

static void a_connection_that_is_refused_is_told_from_the_loop(void)
{
	struct bench *b = bench_new();
	char text[160];

	snprintf(text, sizeof text, "unix:%s/nobody", b->dir);
	bench_open(b, 1, text);
	bench_open(b, 2, "ssl:127.0.0.1");
	RUN_UNTIL(b, b->opened[1].closed && b->opened[2].closed);
	CU_ASSERT_STRING_EQUAL(b->opened[1].reason, strerror(ENOENT));
	CU_ASSERT_PTR_NOT_NULL(strstr(b->opened[2].reason, "TLS"));
	CU_ASSERT_FALSE(b->opened[1].connected);
	bench_free(b);
}

/* A free port that nobody listens on. */
static void nobody_listens_at_a_port_means_connection_refused(void)
{
	struct bench *b = bench_new();
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[64];

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	getsockname(fd, (struct sockaddr *)&address, &len);
	snprintf(text, sizeof text, "tcp:127.0.0.1:%u", ntohs(address.sin_port));
	bench_open(b, 0, text);
	RUN_UNTIL(b, b->opened[0].closed);
	CU_ASSERT_STRING_EQUAL(b->opened[0].reason, strerror(ECONNREFUSED));
	close(fd);
	bench_free(b);
}

static void a_name_without_address_is_told_and_may_be_given_up(void)
{
	struct bench *b = bench_new();

	bench_open(b, 0, "tcp:no-such-host.invalid:6653");
	bench_open(b, 1, "tcp:no-such-host.invalid:6653");
	CU_ASSERT_STRING_EQUAL(stream_peer(b->opened[1].stream), "tcp:no-such-host.invalid:6653");
	stream_close(b->opened[1].stream, 0);
	b->opened[1].stream = NULL;
	RUN_UNTIL(b, b->opened[0].closed);
	CU_ASSERT_FALSE(b->opened[1].closed);
	event_base_loop(b->base, EVLOOP_NONBLOCK);
	bench_free(b);
}

static void names_of_this_machine_are_found(void)
{
	struct bench *b = bench_new();
	char text[64];

	bench_listen(b, "ptcp:0");
	snprintf(text, sizeof text, "tcp:localhost:%d",
	         atoi(stream_listener_name(b->listener) + 5));
	bench_open(b, 0, text);
	RUN_UNTIL(b, b->opened[0].connected || b->opened[0].closed);
	CU_ASSERT_TRUE(b->opened[0].connected);
	bench_free(b);
}

static void the_peers_end_is_told_once(void)
{
	struct bench *b = bench_new();

	bench_connect(b, "ptcp:0:127.0.0.1");
	rule_the_peers_end_is_told_once(b);
	bench_free(b);
}

static void a_stream_may_be_closed_in_its_own_callback(void)
{
	struct bench *b = bench_new();

	bench_connect(b, "ptcp:0:127.0.0.1");
	rule_a_stream_may_be_closed_in_its_own_callback(b);
	bench_free(b);
}

static void what_a_peer_does_not_read_is_bounded(void)
{
	struct bench *b = bench_new();

	bench_connect(b, "ptcp:0:127.0.0.1");
	rule_what_a_peer_does_not_read_is_bounded(b);
	bench_free(b);
}

/* A long message is no reason to say that the peer does not read. */
static void one_message_is_taken_whatever_its_length(void)
{
	static uint8_t bytes[4 * OUT_BYTES_MAX];
	struct bench *b = bench_new();
	struct end *from = &b->opened[0];

	bench_connect(b, "ptcp:0:127.0.0.1");
	CU_ASSERT_TRUE(stream_send(from->stream, bytes, sizeof bytes));
	RUN_UNTIL(b, b->accepted[0].received == sizeof bytes);
	bench_free(b);
}

static void the_order_of_bytes_is_kept_when_they_wait(void)
{
	struct bench *b = bench_new();
	struct end *from = &b->opened[0];
	uint64_t sum = 0;
	size_t sent = 0;

	bench_connect(b, "ptcp:0:127.0.0.1");
	for (unsigned round = 0; round < 2000; round++) {
		uint8_t bytes[3001];

		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)(round * 13 + i);
		if (!stream_send(from->stream, bytes, sizeof bytes)) {
			event_base_loop(b->base, EVLOOP_ONCE);
			continue;
		}
		sent += sizeof bytes;
		for (size_t i = 0; i < sizeof bytes; i++)
			sum = sum * 31 + bytes[i];
	}
	RUN_UNTIL(b, b->accepted[0].received == sent);
	CU_ASSERT_EQUAL(b->accepted[0].sum, sum);
	bench_free(b);
}

static void a_closed_stream_still_sends_what_waits(void)
{
	struct bench *b = bench_new();

	bench_connect(b, "ptcp:0:127.0.0.1");
	rule_a_closed_stream_still_sends_what_waits(b);
	bench_free(b);
}

static void a_peer_that_never_reads_holds_a_closed_stream_only_so_long(void)
{
	struct bench *b = bench_new();

	bench_connect(b, "ptcp:0:127.0.0.1");
	rule_a_closed_stream_is_held_only_so_long(b);
	bench_free(b);
}

/* The peer is gone, which only the send finds out. */
static void a_send_that_fails_is_told_from_the_loop(void)
{
	struct bench *b = bench_new();
	struct end *from = &b->opened[0];
	char text[100];

	snprintf(text, sizeof text, "punix:%s/s", b->dir);
	bench_connect(b, text);
	stream_close(b->accepted[0].stream, 0);
	b->accepted[0].stream = NULL;
	CU_ASSERT_TRUE(stream_send(from->stream, "x", 1));
	CU_ASSERT_TRUE(stream_send(from->stream, "x", 1));
	CU_ASSERT_FALSE(from->closed);
	RUN_UNTIL(b, from->closed);
	CU_ASSERT_STRING_EQUAL(from->reason, strerror(EPIPE));
	bench_free(b);
}

static void an_accepted_stream_may_be_turned_away(void)
{
	struct bench *b = bench_new();

	b->refuse = true;
	bench_listen(b, "ptcp:0:127.0.0.1");
	bench_open_listener(b, 0);
	RUN_UNTIL(b, b->opened[0].closed);
	bench_free(b);
}

static void a_listener_without_descriptors_waits_and_goes_on(void)
{
	struct bench *b = bench_new();
	struct rlimit all, few;

	bench_listen(b, "ptcp:0:127.0.0.1");
	bench_open_listener(b, 0);
	getrlimit(RLIMIT_NOFILE, &all);
	few = all;
	few.rlim_cur = (rlim_t)dup(0);
	close((int)few.rlim_cur);
	setrlimit(RLIMIT_NOFILE, &few);
	RUN_UNTIL(b, b->accept_failures);
	CU_ASSERT_EQUAL(b->accepted_count, 0);
	setrlimit(RLIMIT_NOFILE, &all);
	RUN_UNTIL(b, b->accepted_count);
	CU_ASSERT_EQUAL(b->accept_failures, 1);
	bench_free(b);
}

static void an_abandoned_unix_socket_is_replaced_and_a_served_one_is_not(void)
{
	struct bench *b = bench_new();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stream_listener *other;
	struct conn_name name;
	char text[100], error[256] = "";
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", b->dir);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	snprintf(text, sizeof text, "punix:%s/s", b->dir);
	bench_listen(b, text);
	name = name_of(text);
	other = stream_listen(b->base, &name, NULL, &listener_ops, b, error, sizeof error);
	CU_ASSERT_PTR_NULL(other);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, strerror(EADDRINUSE)));
	bench_free(b);
}

static void a_socket_of_another_kind_is_not_replaced(void)
{
	struct bench *b = bench_new();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct conn_name name;
	char text[100], error[256] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", b->dir);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	snprintf(text, sizeof text, "punix:%s/s", b->dir);
	name = name_of(text);
	CU_ASSERT_PTR_NULL(
	        stream_listen(b->base, &name, NULL, &listener_ops, b, error, sizeof error));
	CU_ASSERT_EQUAL(access(address.sun_path, F_OK), 0);
	close(fd);
	unlink(address.sun_path);
	bench_free(b);
}

static void a_file_that_is_no_socket_is_left_alone(void)
{
	struct bench *b = bench_new();
	struct conn_name name;
	char path[80], text[100], error[256] = "";
	int fd;

	snprintf(path, sizeof path, "%s/file", b->dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	snprintf(text, sizeof text, "punix:%s", path);
	name = name_of(text);
	CU_ASSERT_PTR_NULL(
	        stream_listen(b->base, &name, NULL, &listener_ops, b, error, sizeof error));
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	unlink(path);
	bench_free(b);
}

static void what_cannot_be_listened_on_is_told(void)
{
	struct bench *b = bench_new();
	struct conn_name name;
	char text[64], error[256] = "";

	bench_listen(b, "ptcp:0:127.0.0.1");
	snprintf(text, sizeof text, "ptcp:%d:127.0.0.1",
	         atoi(stream_listener_name(b->listener) + 5));
	name = name_of(text);
	CU_ASSERT_PTR_NULL(
	        stream_listen(b->base, &name, NULL, &listener_ops, b, error, sizeof error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, strerror(EADDRINUSE)));
	name = name_of("ptcp:0:not-an-address");
	CU_ASSERT_PTR_NULL(
	        stream_listen(b->base, &name, NULL, &listener_ops, b, error, sizeof error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "is no address"));
	name = name_of("pssl:");
	CU_ASSERT_PTR_NULL(
	        stream_listen(b->base, &name, NULL, &listener_ops, b, error, sizeof error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "TLS"));
	bench_free(b);
}

UNIT_TESTS("stream", UNIT_TEST(bytes_go_both_ways), UNIT_TEST(ends_have_names_and_addresses),
           UNIT_TEST(the_user_who_connected_is_known),
           UNIT_TEST(what_is_sent_before_the_connection_stands_waits),
           UNIT_TEST(a_connection_that_is_refused_is_told_from_the_loop),
           UNIT_TEST(nobody_listens_at_a_port_means_connection_refused),
           UNIT_TEST(a_name_without_address_is_told_and_may_be_given_up),
           UNIT_TEST(names_of_this_machine_are_found), UNIT_TEST(the_peers_end_is_told_once),
           UNIT_TEST(a_stream_may_be_closed_in_its_own_callback),
           UNIT_TEST(what_a_peer_does_not_read_is_bounded),
           UNIT_TEST(one_message_is_taken_whatever_its_length),
           UNIT_TEST(the_order_of_bytes_is_kept_when_they_wait),
           UNIT_TEST(a_closed_stream_still_sends_what_waits),
           UNIT_TEST(a_peer_that_never_reads_holds_a_closed_stream_only_so_long),
           UNIT_TEST(a_send_that_fails_is_told_from_the_loop),
           UNIT_TEST(an_accepted_stream_may_be_turned_away),
           UNIT_TEST(a_listener_without_descriptors_waits_and_goes_on),
           UNIT_TEST(an_abandoned_unix_socket_is_replaced_and_a_served_one_is_not),
           UNIT_TEST(a_socket_of_another_kind_is_not_replaced),
           UNIT_TEST(a_file_that_is_no_socket_is_left_alone),
           UNIT_TEST(what_cannot_be_listened_on_is_told))
