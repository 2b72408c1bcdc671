/* Captures, read back through libpcap. */
#include "tests/unit/harness.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/pcap_file.h"

static char dir[64];
static char path[128];

/* A fresh folder with the name of a file in it. */
static void begin(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof dir, "%.30s/pcap_file_XXXXXX", tmp ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/capture.pcap", dir);
}

static void end(void)
{
	unlink(path);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static pcap_t *open_capture(void)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap =
	        pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(pcap);
	return pcap;
}

static void expect_record(pcap_t *pcap, long sec, long nsec, const void *bytes, size_t len)
{
	struct pcap_pkthdr *header;
	const u_char *data;

	CU_ASSERT_EQUAL_FATAL(pcap_next_ex(pcap, &header, &data), 1);
	CU_ASSERT_EQUAL(header->ts.tv_sec, sec);
	CU_ASSERT_EQUAL(header->ts.tv_usec, nsec);
	CU_ASSERT_EQUAL(header->len, len);
	CU_ASSERT_EQUAL_FATAL(header->caplen, len);
	CU_ASSERT(memcmp(data, bytes, len) == 0);
}

static void expect_end(pcap_t *pcap)
{
	struct pcap_pkthdr *header;
	const u_char *data;

	CU_ASSERT_EQUAL(pcap_next_ex(pcap, &header, &data), PCAP_ERROR_BREAK);
	pcap_close(pcap);
}

static void frames_are_read_back_with_their_nanoseconds(void)
{
	struct pcap_file *file;
	char error[256];
	pcap_t *pcap;

	begin();
	file = pcap_file_create(path);
	CU_ASSERT_PTR_NULL(pcap_file_error(file));
	CU_ASSERT_TRUE(pcap_file_write(file, 0, "first", 5));
	CU_ASSERT_TRUE(pcap_file_write(file, 1000000001, "second frame", 12));
	CU_ASSERT_TRUE(pcap_file_write(file, UINT64_C(3599999999999), "third", 5));
	CU_ASSERT_EQUAL(pcap_file_written(file), 3);
	CU_ASSERT_EQUAL(pcap_file_lost(file), 0);
	CU_ASSERT_TRUE(pcap_file_close(file, error, sizeof error));
	CU_ASSERT_STRING_EQUAL(error, "");
	pcap = open_capture();
	CU_ASSERT_EQUAL(pcap_datalink(pcap), DLT_EN10MB);
	expect_record(pcap, 0, 0, "first", 5);
	expect_record(pcap, 1, 1, "second frame", 12);
	expect_record(pcap, 3599, 999999999, "third", 5);
	expect_end(pcap);
	end();
}

static void pcapng_files_are_read_back_too(void)
{
	static const char name[] = "a name of several lengths";
	struct pcap_file *file;
	pcap_t *pcap;

	begin();
	file = pcap_file_create_ng(path);
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(pcap_file_add_interface(file, name + i), i);
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_TRUE(pcap_file_write_at(file, UINT64_C(1795000000123456789) + i, i,
		                                  i % 2 ? PCAP_FILE_IN : PCAP_FILE_OUT,
		                                  "a frame, longer", 10 + i));
	CU_ASSERT_EQUAL(pcap_file_written(file), 5);
	CU_ASSERT_TRUE(pcap_file_close(file, NULL, 0));
	pcap = open_capture();
	for (unsigned i = 0; i < 5; i++)
		expect_record(pcap, 1795000000, 123456789 + i, "a frame, longer", 10 + i);
	expect_end(pcap);
	end();
}

static void a_pcapng_file_on_a_full_disk_is_told(void)
{
	struct pcap_file *file = pcap_file_create_ng("/dev/full");
	char error[256];

	CU_ASSERT_EQUAL(pcap_file_add_interface(file, "eth0"), 0);
	CU_ASSERT_FALSE(pcap_file_flush(file));
	CU_ASSERT_FALSE(pcap_file_write_at(file, 1, 0, PCAP_FILE_IN, "x", 1));
	CU_ASSERT_EQUAL(pcap_file_lost(file), 1);
	CU_ASSERT_EQUAL(pcap_file_add_interface(file, "eth1"), 1);
	CU_ASSERT_FALSE(pcap_file_close(file, error, sizeof error));
	CU_ASSERT_STRING_EQUAL(error, "/dev/full: No space left on device");
	file = pcap_file_create_ng("/no/such/folder/file");
	CU_ASSERT_FALSE(pcap_file_close(file, error, sizeof error));
	CU_ASSERT_STRING_EQUAL(error, "/no/such/folder/file: No such file or directory");
}

static void a_fifo_that_nobody_reads_is_not_waited_for(void)
{
	static const char nobody[] = "nobody reads it";
	char error[256];
	int reader;

	begin();
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	alarm(30); /* a guard */
	for (int ng = 0; ng < 2; ng++) {
		CU_ASSERT_FALSE(
		        pcap_file_close(pcap_file_create_as(path, ng, false), error, sizeof error));
		CU_ASSERT_PTR_NOT_NULL(strstr(error, nobody));
	}
	alarm(0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	CU_ASSERT_TRUE(pcap_file_close(pcap_file_create_as(path, false, false), NULL, 0));
	close(reader);
	end();
}

static void a_capture_without_frames_is_a_capture(void)
{
	begin();
	CU_ASSERT_TRUE(pcap_file_close(pcap_file_create(path), NULL, 0));
	expect_end(open_capture());
	end();
}

static void what_was_flushed_can_be_read_while_the_file_is_open(void)
{
	struct pcap_file *file;
	pcap_t *pcap;

	begin();
	file = pcap_file_create(path);
	CU_ASSERT_TRUE(pcap_file_write(file, 5, "frame", 5));
	CU_ASSERT_TRUE(pcap_file_flush(file));
	pcap = open_capture();
	expect_record(pcap, 0, 5, "frame", 5);
	expect_end(pcap);
	CU_ASSERT_TRUE(pcap_file_close(file, NULL, 0));
	end();
}

static void the_largest_frame_with_a_tag_is_kept_whole(void)
{
	static uint8_t frame[65535 + 4];
	struct pcap_file *file;
	pcap_t *pcap;

	begin();
	memset(frame, 0x5a, sizeof frame);
	file = pcap_file_create(path);
	CU_ASSERT_TRUE(pcap_file_write(file, 0, frame, sizeof frame));
	CU_ASSERT_TRUE(pcap_file_close(file, NULL, 0));
	pcap = open_capture();
	expect_record(pcap, 0, 0, frame, sizeof frame);
	expect_end(pcap);
	end();
}

static void creating_a_file_empties_the_one_that_is_there(void)
{
	struct pcap_file *file;

	begin();
	file = pcap_file_create(path);
	CU_ASSERT_TRUE(pcap_file_write(file, 0, "old", 3));
	CU_ASSERT_TRUE(pcap_file_close(file, NULL, 0));
	CU_ASSERT_TRUE(pcap_file_close(pcap_file_create(path), NULL, 0));
	expect_end(open_capture());
	end();
}

static void a_file_that_cannot_be_created_tells_why_and_takes_nothing(void)
{
	struct pcap_file *file;
	char error[256];

	begin();
	strcat(path, "/x");
	file = pcap_file_create(path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pcap_file_error(file));
	CU_ASSERT_PTR_NOT_NULL(strstr(pcap_file_error(file), path));
	CU_ASSERT_PTR_NOT_NULL(strstr(pcap_file_error(file), "No such file or directory"));
	CU_ASSERT_FALSE(pcap_file_write(file, 0, "x", 1));
	CU_ASSERT_EQUAL(pcap_file_written(file), 0);
	CU_ASSERT_EQUAL(pcap_file_lost(file), 1);
	CU_ASSERT_FALSE(pcap_file_flush(file));
	CU_ASSERT_FALSE(pcap_file_close(file, error, sizeof error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "No such file or directory"));
	end();
}

static void a_full_disk_is_told_once_and_for_all(void)
{
	static const uint8_t frame[1500];
	struct pcap_file *file = pcap_file_create("/dev/full");
	unsigned taken = 0;
	char error[256];

	CU_ASSERT_PTR_NULL(pcap_file_error(file));
	for (int i = 0; i < 100; i++)
		taken += pcap_file_write(file, 0, frame, sizeof frame);
	CU_ASSERT(taken < 100); /* the buffer of stdio is smaller */
	CU_ASSERT_EQUAL(pcap_file_written(file), taken);
	CU_ASSERT_EQUAL(pcap_file_lost(file), 100 - taken);
	CU_ASSERT_STRING_EQUAL(pcap_file_error(file), "/dev/full: No space left on device");
	CU_ASSERT_FALSE(pcap_file_close(file, error, sizeof error));
	CU_ASSERT_STRING_EQUAL(error, "/dev/full: No space left on device");
}

static void a_full_disk_is_found_at_the_end_when_all_was_buffered(void)
{
	struct pcap_file *file = pcap_file_create("/dev/full");
	char error[256];

	CU_ASSERT_TRUE(pcap_file_write(file, 0, "frame", 5));
	CU_ASSERT_FALSE(pcap_file_close(file, error, sizeof error));
	CU_ASSERT_STRING_EQUAL(error, "/dev/full: No space left on device");
}

static void who_does_not_read_a_fifo_ends_the_capture_and_stops_nobody(void)
{
	static const uint8_t frame[60000];
	struct pcap_file *file;
	char error[256], right[256];
	int reader;

	begin();
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CU_ASSERT(reader >= 0);
	file = pcap_file_create(path);
	while (pcap_file_write(file, 0, frame, sizeof frame))
		continue;
	snprintf(right, sizeof right, "%s: who reads it does not keep up", path);
	CU_ASSERT_STRING_EQUAL(pcap_file_error(file), right);
	CU_ASSERT_FALSE(pcap_file_close(file, error, sizeof error));
	CU_ASSERT_STRING_EQUAL(error, right);
	close(reader);
	end();
}

static void closing_no_file_is_allowed(void)
{
	CU_ASSERT_TRUE(pcap_file_close(NULL, NULL, 0));
}

UNIT_TESTS("pcap_file", UNIT_TEST(frames_are_read_back_with_their_nanoseconds),
           UNIT_TEST(pcapng_files_are_read_back_too),
           UNIT_TEST(a_pcapng_file_on_a_full_disk_is_told),
           UNIT_TEST(a_fifo_that_nobody_reads_is_not_waited_for),
           UNIT_TEST(a_capture_without_frames_is_a_capture),
           UNIT_TEST(what_was_flushed_can_be_read_while_the_file_is_open),
           UNIT_TEST(the_largest_frame_with_a_tag_is_kept_whole),
           UNIT_TEST(creating_a_file_empties_the_one_that_is_there),
           UNIT_TEST(a_file_that_cannot_be_created_tells_why_and_takes_nothing),
           UNIT_TEST(a_full_disk_is_told_once_and_for_all),
           UNIT_TEST(a_full_disk_is_found_at_the_end_when_all_was_buffered),
           UNIT_TEST(who_does_not_read_a_fifo_ends_the_capture_and_stops_nobody),
           UNIT_TEST(closing_no_file_is_allowed))
