/* A capture that a program keeps while it runs, until it is told to end or cannot.
 *
 * A capture never stops what it records: one that cannot be written any more (the disk is full) is
 * told once and left alone. The owner flushes it every now and then, so that somebody who follows
 * the file sees what happens. */
#ifndef IO_PCAP_RECORD_H
#define IO_PCAP_RECORD_H

#include "lib/io/log.h"
#include "lib/io/pcap_file.h"

struct pcap_record {
	/* The owner's; 'path' NULL: no capture is asked for. */
	const char *option; /* for the log: "--pcap" */
	const char *path;   /* "-" is standard output */
	bool ng;            /* its records tell of interfaces */
	const char *owner;  /* for the log: "the switch" */
	void (*log)(void *ctx, enum log_level level, const char *line);
	void (*head)(void *ctx, struct pcap_file *file); /* write what it begins with; or NULL */
	void *ctx;                                       /* for both */

	struct pcap_file *file; /* NULL: not open */
	bool told;              /* that it cannot be written */
};

/* Open the file, where one is asked for; waits until somebody reads a FIFO: for the start of a
 * program. False with a text in 'error' when it cannot be. */
bool pcap_record_open(struct pcap_record *record, char *error, size_t error_size);
/* True when frames are to be written to 'record->file'. */
static inline bool pcap_record_wants(const struct pcap_record *record)
{
	return record->file && !record->told;
}
/* Write out what waits; tell of the first error. */
void pcap_record_flush(struct pcap_record *record);
/* Begin anew: in a new file, where the old was moved away. Never waits: in a FIFO that nobody reads
 * any more the capture ends, and may begin with the next call. Standard output goes on. */
void pcap_record_reopen(struct pcap_record *record);
void pcap_record_close(struct pcap_record *record);

#endif
