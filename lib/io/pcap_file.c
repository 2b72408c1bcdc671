/* Writes captures; see pcap_file.h. Pcap files go through libpcap. pcap_dump() tells of no error, so
 * stdio is asked: ferror() after each record, fflush() and fclose() at the end.
 *
 * Libpcap writes no pcapng, so that is done here: a section header, an interface description for
 * each interface, an enhanced packet block for each frame (draft-ietf-opsawg-pcapng), all in the
 * machine's byte order, which the section header tells. */
#include "lib/io/pcap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <flowbed/time.h>

#include "lib/base/xalloc.h"
#include "lib/io/out_file.h"

enum {
	ERROR_BYTES = 512,
	PIPE_BYTES = 1 << 20, /* what a pipe takes before its reader has */
};

/* Of pcapng. */
enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	OPTION_INTERFACE_NAME = 2,
	OPTION_RESOLUTION = 9, /* of time: 9 decimals of a second */
	OPTION_PACKET_FLAGS = 2,
	BLOCK_BYTES_MAX = 512, /* of a block without a frame */
};

struct pcap_file {
	char *path;
	uint32_t interfaces; /* of a pcapng file */
	pcap_t *link;        /* carries link type and precision for the header */
	pcap_dumper_t *dumper;
	FILE *stream; /* of the dumper, or our own; NULL: not open */
	char error[ERROR_BYTES];
	uint64_t written; /* frames taken */
	uint64_t lost;    /* frames not taken */
};

/* Keep the first error. */
static void failed(struct pcap_file *file, const char *why)
{
	if (!file->error[0])
		snprintf(file->error, sizeof file->error, "%s: %s", file->path, why);
}

/* The same for an error of the system; 'error' may be 0. */
static void failed_write(struct pcap_file *file, int error)
{
	if (error == EAGAIN)
		failed(file, "who reads it does not keep up");
	else
		failed(file, error ? strerror(error) : "write error");
}

/* A pipe must not stop who writes. */
static void widen_pipe(int fd)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0 || !S_ISFIFO(stat.st_mode))
		return;
	fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Open 'file->stream'. */
static bool open_stream(struct pcap_file *file, bool wait)
{
	const char *why = "standard output is closed";
	int fd = strcmp(file->path, "-") ? out_file_open(file->path, O_TRUNC, 0640, wait, &why)
	                                 : dup(STDOUT_FILENO);

	if (fd < 0) {
		failed(file, why);
		return false;
	}
	file->stream = fdopen(fd, "w");
	if (!file->stream)
		xalloc_failed("a capture's stream");
	widen_pipe(fd);
	return true;
}

/* What pcapng files do not have: the dumper, which writes the header. */
static void begin_pcap(struct pcap_file *file)
{
	file->link = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, PCAP_FILE_SNAPLEN,
	                                                  PCAP_TSTAMP_PRECISION_NANO);
	if (!file->link)
		xalloc_failed("a capture's header");
	file->dumper = pcap_dump_fopen(file->link, file->stream);
	if (!file->dumper) { /* and it has closed the stream */
		file->stream = NULL;
		failed(file, pcap_geterr(file->link));
	}
}

bool pcap_file_write(struct pcap_file *file, uint64_t time_ns, const void *bytes, size_t len)
{
	struct pcap_pkthdr header = {
	        .ts.tv_sec = (time_t)(time_ns / FB_NS_PER_S),
	        .ts.tv_usec =
	                (suseconds_t)(time_ns % FB_NS_PER_S), /* ns, by the precision asked for */
	        .caplen = (bpf_u_int32)(len < PCAP_FILE_SNAPLEN ? len : PCAP_FILE_SNAPLEN),
	        .len = (bpf_u_int32)len,
	};

	if (file->error[0]) {
		file->lost++;
		return false;
	}
	errno = 0;
	pcap_dump((u_char *)file->dumper, &header, bytes);
	if (ferror(file->stream)) {
		failed_write(file, errno);
		file->lost++;
		return false;
	}
	file->written++;
	return true;
}

/* --- pcapng --- */

/* A block that is being built. */
struct block {
	uint8_t bytes[BLOCK_BYTES_MAX];
	size_t len;
};

static void put(struct block *block, const void *bytes, size_t len)
{
	memcpy(block->bytes + block->len, bytes, len);
	block->len += len;
}

static void put16(struct block *block, uint16_t value)
{
	put(block, &value, sizeof value);
}

static void put32(struct block *block, uint32_t value)
{
	put(block, &value, sizeof value);
}

/* Bytes up to the next multiple of four. */
static size_t padding(size_t len)
{
	return -len & 3;
}

static void put_option(struct block *block, uint16_t code, const void *bytes, size_t len)
{
	static const uint8_t zeros[4];

	put16(block, code);
	put16(block, (uint16_t)len);
	put(block, bytes, len);
	put(block, zeros, padding(len));
}

/* The head of a block; its length is filled in by finish(). */
static void begin(struct block *block, uint32_t type)
{
	block->len = 0;
	put32(block, type);
	put32(block, 0);
}

/* The end of a block. */
static void finish(struct block *block)
{
	uint32_t len;

	put32(block, 0); /* the last of the options */
	len = (uint32_t)(block->len + sizeof len);
	memcpy(block->bytes + 4, &len, sizeof len);
	put32(block, len);
}

static bool write_bytes(struct pcap_file *file, const void *bytes, size_t len)
{
	errno = 0;
	if (fwrite(bytes, 1, len, file->stream) == len)
		return true;
	failed_write(file, errno);
	return false;
}

static void begin_pcapng(struct pcap_file *file)
{
	static const uint32_t unknown_len[] = {UINT32_MAX, UINT32_MAX}; /* of the section */
	struct block block;

	begin(&block, BLOCK_SECTION);
	put32(&block, BYTE_ORDER_MAGIC);
	put16(&block, 1); /* version 1.0 */
	put16(&block, 0);
	put(&block, unknown_len, sizeof unknown_len);
	finish(&block);
	write_bytes(file, block.bytes, block.len);
}

uint32_t pcap_file_add_interface(struct pcap_file *file, const char *name)
{
	static const uint8_t nanoseconds = 9;
	struct block block;

	if (file->error[0])
		return file->interfaces++;
	begin(&block, BLOCK_INTERFACE);
	put16(&block, DLT_EN10MB);
	put16(&block, 0);
	put32(&block, PCAP_FILE_SNAPLEN);
	put_option(&block, OPTION_INTERFACE_NAME, name, strnlen(name, BLOCK_BYTES_MAX / 2));
	put_option(&block, OPTION_RESOLUTION, &nanoseconds, sizeof nanoseconds);
	finish(&block);
	write_bytes(file, block.bytes, block.len);
	return file->interfaces++;
}

/* The part of a packet block behind 'head' and the 'len' bytes of the frame. */
static void put_packet_end(struct block *end, const struct block *head, size_t len,
                           enum pcap_file_way way)
{
	static const uint8_t zeros[4];
	uint32_t flags = way;

	end->len = 0;
	put(end, zeros, padding(len));
	put_option(end, OPTION_PACKET_FLAGS, &flags, sizeof flags);
	put32(end, 0);
	put32(end, (uint32_t)(head->len + len + end->len + sizeof(uint32_t)));
}

bool pcap_file_write_at(struct pcap_file *file, uint64_t time_ns, uint32_t interface,
                        enum pcap_file_way way, const void *bytes, size_t len)
{
	size_t kept = len < PCAP_FILE_SNAPLEN ? len : PCAP_FILE_SNAPLEN;
	struct block head, end;

	if (file->error[0]) {
		file->lost++;
		return false;
	}
	begin(&head, BLOCK_PACKET);
	put32(&head, interface);
	put32(&head, (uint32_t)(time_ns >> 32));
	put32(&head, (uint32_t)time_ns);
	put32(&head, (uint32_t)kept);
	put32(&head, (uint32_t)len);
	put_packet_end(&end, &head, kept, way);
	memcpy(head.bytes + 4, end.bytes + end.len - 4, 4);
	if (!write_bytes(file, head.bytes, head.len) || !write_bytes(file, bytes, kept) ||
	    !write_bytes(file, end.bytes, end.len)) {
		file->lost++;
		return false;
	}
	file->written++;
	return true;
}

/* --- Both --- */

struct pcap_file *pcap_file_create_as(const char *path, bool ng, bool wait)
{
	struct pcap_file *file = xcalloc(1, sizeof *file);

	file->path = xstrdup(path);
	if (!open_stream(file, wait))
		return file;
	if (ng)
		begin_pcapng(file);
	else
		begin_pcap(file);
	return file;
}

struct pcap_file *pcap_file_create(const char *path)
{
	return pcap_file_create_as(path, false, true);
}

struct pcap_file *pcap_file_create_ng(const char *path)
{
	return pcap_file_create_as(path, true, true);
}

const char *pcap_file_error(const struct pcap_file *file)
{
	return file->error[0] ? file->error : NULL;
}

uint64_t pcap_file_written(const struct pcap_file *file)
{
	return file->written;
}

uint64_t pcap_file_lost(const struct pcap_file *file)
{
	return file->lost;
}

bool pcap_file_flush(struct pcap_file *file)
{
	if (file->stream && !file->error[0] && fflush(file->stream) != 0)
		failed_write(file, errno);
	return !file->error[0];
}

bool pcap_file_close(struct pcap_file *file, char *error, size_t error_size)
{
	bool ok;

	if (!file)
		return true;
	ok = pcap_file_flush(file);
	if (error && error_size)
		snprintf(error, error_size, "%s", file->error);
	if (file->dumper)
		pcap_dump_close(file->dumper);
	else if (file->stream)
		fclose(file->stream);
	if (file->link)
		pcap_close(file->link);
	free(file->path);
	free(file);
	return ok;
}
