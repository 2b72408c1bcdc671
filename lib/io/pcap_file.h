/* Captures with nanosecond time stamps, one Ethernet frame a record, as Wireshark and tcpdump read
 * them. A pcap file is of one place; a pcapng file tells with each frame at which interface it was
 * seen and whether it came in or went out.
 *
 * A capture never stops what it records: the first error (a full disk, say) is kept as a text and
 * the file takes nothing more; the owner asks at the end, or when it likes. */
#ifndef IO_PCAP_FILE_H
#define IO_PCAP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pcap_file;

/* Longest record; what is longer is cut and keeps its length in the record's header. */
enum { PCAP_FILE_SNAPLEN = 65535 + 32 };

/* Create the file 'path', or empty the one that is there; "-" is standard output. Never NULL: where
 * it cannot be opened, pcap_file_error() tells.
 *
 * A FIFO is waited for until somebody reads it. Whoever reads a FIFO or a pipe too slowly, so that a
 * mebibyte waits, is an error like a full disk. */
struct pcap_file *pcap_file_create(const char *path);

/* The same for a pcapng file. */
struct pcap_file *pcap_file_create_ng(const char *path);
/* Either. Without 'wait' it never waits: a FIFO that nobody reads is an error. */
struct pcap_file *pcap_file_create_as(const char *path, bool ng, bool wait);
/* Name an interface of a pcapng file, before its first frame. Its number: they count from 0. */
uint32_t pcap_file_add_interface(struct pcap_file *file, const char *name);

/* Which way a frame went by an interface; the values are those of the file. */
enum pcap_file_way { PCAP_FILE_IN = 1, PCAP_FILE_OUT = 2 };

/* As pcap_file_write(), for a pcapng file. */
bool pcap_file_write_at(struct pcap_file *file, uint64_t time_ns, uint32_t interface,
                        enum pcap_file_way way, const void *bytes, size_t len);

/* Append the frame of 'len' bytes at 'bytes', seen at 'time_ns'. True when it was taken (its bytes
 * may still be in a buffer). */
bool pcap_file_write(struct pcap_file *file, uint64_t time_ns, const void *bytes, size_t len);

/* What went wrong first, with the path: "/dev/full: No space left on device"; NULL when all is
 * well. The file's. */
const char *pcap_file_error(const struct pcap_file *file);

/* Frames that were taken, and those that were not since the first error. */
uint64_t pcap_file_written(const struct pcap_file *file);
uint64_t pcap_file_lost(const struct pcap_file *file);

/* Write out what is buffered. False when there was an error, now or earlier. */
bool pcap_file_flush(struct pcap_file *file);

/* Flush, close and free. Returns false when there was an error, now or earlier; with 'error' (of
 * 'error_size' bytes, may be NULL) its text. NULL is taken. */
bool pcap_file_close(struct pcap_file *file, char *error, size_t error_size);

#endif
