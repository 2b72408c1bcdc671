/* Connections written as TCP, read back through libpcap. */
#include "tests/unit/harness.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flowbed/packet.h>

#include "lib/io/tcp_trace.h"

static char dir[64];
static char path[128];
static struct tcp_trace trace;
static pcap_t *pcap;

static void begin(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof dir, "%.30s/tcp_trace_XXXXXX", tmp ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/capture.pcap", dir);
	trace = (struct tcp_trace){.file = pcap_file_create(path),
	                           .ip = {0x0a000001, 0x0a000002},
	                           .port = {6653, 40000},
	                           .next = {100, 200}};
}

/* Done with writing: read from the start. */
static void turn(void)
{
	char error[PCAP_ERRBUF_SIZE];

	CU_ASSERT_TRUE(pcap_file_close(trace.file, NULL, 0));
	pcap = pcap_open_offline(path, error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pcap);
}

/* The next segment, from port 'from', is of 'len' bytes that begin with 'bytes'. */
static void expect(uint16_t from, uint8_t flags, uint32_t seq, uint32_t ack, const char *bytes,
                   size_t len)
{
	struct pcap_pkthdr *header;
	struct fb_packet packet;
	const u_char *data;

	CU_ASSERT_EQUAL_FATAL(pcap_next_ex(pcap, &header, &data), 1);
	CU_ASSERT_EQUAL_FATAL(fb_packet_parse(&packet, data, header->caplen), 0);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&packet));
	CU_ASSERT_EQUAL(packet.tp_src, from);
	CU_ASSERT_EQUAL(packet.tcp_flags, flags);
	CU_ASSERT_EQUAL(packet.tcp_seq, seq);
	CU_ASSERT_EQUAL(packet.tcp_ack, ack);
	CU_ASSERT_EQUAL_FATAL(packet.payload_len, len);
	CU_ASSERT(memcmp(packet.data + packet.payload_ofs, bytes, strlen(bytes)) == 0);
}

static void end(void)
{
	struct pcap_pkthdr *header;
	const u_char *data;

	CU_ASSERT_EQUAL(pcap_next_ex(pcap, &header, &data), PCAP_ERROR_BREAK);
	pcap_close(pcap);
	unlink(path);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void a_connection_is_a_handshake_segments_and_two_fins(void)
{
	begin();
	tcp_trace_open(&trace, 1, 1);
	tcp_trace_bytes(&trace, 2, 0, (const uint8_t *)"question", 8);
	tcp_trace_bytes(&trace, 3, 1, (const uint8_t *)"an answer", 9);
	tcp_trace_close(&trace, 4, 1);
	tcp_trace_close(&trace, 5, 0); /* is closed already */
	turn();
	expect(40000, FB_TCP_SYN, 200, 0, "", 0);
	expect(6653, FB_TCP_SYN | FB_TCP_ACK, 100, 201, "", 0);
	expect(40000, FB_TCP_ACK, 201, 101, "", 0);
	expect(40000, FB_TCP_ACK | FB_TCP_PSH, 201, 101, "question", 8);
	expect(6653, FB_TCP_ACK | FB_TCP_PSH, 101, 209, "an answer", 9);
	expect(40000, FB_TCP_FIN | FB_TCP_ACK, 209, 110, "", 0);
	expect(6653, FB_TCP_FIN | FB_TCP_ACK, 110, 210, "", 0);
	expect(40000, FB_TCP_ACK, 210, 111, "", 0);
	end();
}

static void every_second_segment_is_acknowledged_at_once(void)
{
	static const uint8_t bytes[2 * TCP_TRACE_MSS + 100];

	begin();
	tcp_trace_bytes(&trace, 1, 1, bytes, sizeof bytes);
	turn();
	expect(6653, FB_TCP_ACK | FB_TCP_PSH, 100, 200, "", TCP_TRACE_MSS);
	expect(6653, FB_TCP_ACK | FB_TCP_PSH, 100 + TCP_TRACE_MSS, 200, "", TCP_TRACE_MSS);
	expect(40000, FB_TCP_ACK, 200, 100 + 2 * TCP_TRACE_MSS, "", 0);
	expect(6653, FB_TCP_ACK | FB_TCP_PSH, 100 + 2 * TCP_TRACE_MSS, 200, "", 100);
	end();
}

static void pieces_of_a_header_wait_for_the_rest(void)
{
	begin();
	tcp_trace_bytes(&trace, 1, 0, (const uint8_t *)"abc", 3);
	tcp_trace_bytes(&trace, 2, 0, (const uint8_t *)"defghijkl", 9);
	tcp_trace_bytes(&trace, 3, 1, (const uint8_t *)"xyz", 3);
	tcp_trace_close(&trace, 4, 0);
	turn();
	expect(40000, FB_TCP_ACK | FB_TCP_PSH, 200, 100, "abcdefgh", 8);
	/* The other four bytes got no further ones before the other end spoke. */
	expect(40000, FB_TCP_ACK | FB_TCP_PSH, 208, 100, "ijkl", 4);
	expect(6653, FB_TCP_ACK, 100, 212, "", 0);
	expect(6653, FB_TCP_ACK | FB_TCP_PSH, 100, 212, "xyz", 3);
	end();
}

static void bytes_are_found_in_their_segments(void)
{
	static const uint8_t bytes[2 * TCP_TRACE_MSS + 3];

	trace = (struct tcp_trace){.ip = {1, 2}}; /* without a file: counting alone */
	tcp_trace_open(&trace, 1, 1);             /* 1, 2 and 3 */
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, 0), 0);
	tcp_trace_bytes(&trace, 2, 0, bytes, 16); /* 4 */
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, 0), 4);
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 1, 0), 0);
	tcp_trace_bytes(&trace, 3, 0, bytes, sizeof bytes); /* 5, its acknowledgement, 7; 3 wait */
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, 0), 8);
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, 2), 8);
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, 3), 7);
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, 3 + TCP_TRACE_MSS - 1), 7);
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, 3 + TCP_TRACE_MSS), 5);
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, sizeof bytes), 4);
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, sizeof bytes + 15), 4);
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, sizeof bytes + 16), 0);
	tcp_trace_bytes(&trace, 4, 1, bytes, 20); /* 8 brings what waited, 9 this */
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 0, 0), 8);
	CU_ASSERT_EQUAL(trace.segments, 10); /* 8 was the second: it is acknowledged */
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 1, 0), 10);
	for (unsigned i = 0; i < TCP_TRACE_SEGMENTS; i++)
		tcp_trace_bytes(&trace, 5, 1, bytes, 20);
	CU_ASSERT_EQUAL(tcp_trace_number(&trace, 1, TCP_TRACE_SEGMENTS * 20), 0);
	CU_ASSERT_NOT_EQUAL(tcp_trace_number(&trace, 1, (TCP_TRACE_SEGMENTS - 1) * 20 - 1), 0);
}

UNIT_TESTS("tcp_trace", UNIT_TEST(a_connection_is_a_handshake_segments_and_two_fins),
           UNIT_TEST(every_second_segment_is_acknowledged_at_once),
           UNIT_TEST(pieces_of_a_header_wait_for_the_rest),
           UNIT_TEST(bytes_are_found_in_their_segments))
