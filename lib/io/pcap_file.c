/* Writes captures through libpcap; see pcap_file.h. pcap_dump() tells of no error, so stdio is
 * asked: ferror() after each record, fflush() and fclose() at the end. */
#include "lib/io/pcap_file.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/time.h>

#include "lib/base/xalloc.h"

enum { ERROR_BYTES = 512 };

struct pcap_file {
	char *path;
	pcap_t *link; /* carries link type and precision for the header */
	pcap_dumper_t *dumper;
	FILE *stream; /* of the dumper */
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

struct pcap_file *pcap_file_create(const char *path)
{
	struct pcap_file *file = xcalloc(1, sizeof *file);

	file->path = xstrdup(path);
	file->link = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, PCAP_FILE_SNAPLEN,
	                                                  PCAP_TSTAMP_PRECISION_NANO);
	if (!file->link) {
		failed(file, "out of memory");
		return file;
	}
	/* libpcap's text names the path already. */
	file->dumper = pcap_dump_open(file->link, path);
	if (file->dumper)
		file->stream = pcap_dump_file(file->dumper);
	else
		snprintf(file->error, sizeof file->error, "%s", pcap_geterr(file->link));
	return file;
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
		failed(file, errno ? strerror(errno) : "write error");
		file->lost++;
		return false;
	}
	file->written++;
	return true;
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
	if (file->dumper && !file->error[0] && pcap_dump_flush(file->dumper) != 0)
		failed(file, strerror(errno));
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
	if (file->link)
		pcap_close(file->link);
	free(file->path);
	free(file);
	return ok;
}
