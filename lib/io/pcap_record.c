/* Keeps a capture; see pcap_record.h. */
#include "lib/io/pcap_record.h"

#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 700 };

static void create(struct pcap_record *record, bool wait)
{
	record->told = false;
	record->file = pcap_file_create_as(record->path, record->ng, wait);
	if (record->head)
		record->head(record->ctx, record->file);
}

bool pcap_record_open(struct pcap_record *record, char *error, size_t error_size)
{
	if (!record->path)
		return true;
	/* Whoever reads a FIFO, as Wireshark does, may begin to after us. */
	create(record, true);
	if (!pcap_file_error(record->file))
		return true;
	snprintf(error, error_size, "%s: %s", record->option, pcap_file_error(record->file));
	record->told = true;
	return false;
}

void pcap_record_flush(struct pcap_record *record)
{
	char line[LINE_BYTES];

	if (!pcap_record_wants(record) || pcap_file_flush(record->file))
		return;
	record->told = true;
	snprintf(line, sizeof line, "%s: the capture ends here, %s goes on: %s", record->option,
	         record->owner, pcap_file_error(record->file));
	record->log(record->ctx, LOG_LEVEL_ERROR, line);
}

void pcap_record_reopen(struct pcap_record *record)
{
	char line[LINE_BYTES];

	if (!record->file || strcmp(record->path, "-") == 0)
		return;
	pcap_record_close(record);
	create(record, false);
	if (pcap_file_error(record->file)) {
		pcap_record_flush(record);
		return;
	}
	snprintf(line, sizeof line, "%s: begun anew: %s", record->option, record->path);
	record->log(record->ctx, LOG_LEVEL_INFO, line);
}

void pcap_record_close(struct pcap_record *record)
{
	if (!record->file)
		return;
	pcap_record_flush(record);
	pcap_file_close(record->file, NULL, 0);
	record->file = NULL;
}
