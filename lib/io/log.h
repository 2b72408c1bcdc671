/* Log lines of the programs: "12:00:00.123456 warning controller: what happened", one write each,
 * to a stdio stream. What the time is, the caller says: virtual time in a simulation, the clock in
 * a network program. */
#ifndef IO_LOG_H
#define IO_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Longest line; the rest of a longer one is cut and ends in "...". */
enum { LOG_LINE_BYTES = 2048 };

struct log {
	FILE *stream;
	enum log_level level; /* lines above it are not written */
	const char *program;  /* in front of the message; NULL: nothing */
	uint64_t lost;        /* lines that could not be written */
};

/* Lines up to 'level' go to 'stream', which the caller owns, as does 'program'. */
void log_init(struct log *log, FILE *stream, enum log_level level, const char *program);

/* True when lines of 'level' are written. */
static inline bool log_wants(const struct log *log, enum log_level level)
{
	return level <= log->level;
}

/* Write one line with 'time_text' in front (NULL: none). Line breaks and control characters in the
 * message become "?", so that a line stays a line whatever a peer put into it. */
void log_line(struct log *log, enum log_level level, const char *time_text, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
void log_vline(struct log *log, enum log_level level, const char *time_text, const char *format,
               va_list args) __attribute__((format(printf, 4, 0)));

/* "error", "warning", "info", "debug", and back: false when 'name' is none of them. */
const char *log_level_name(enum log_level level);
bool log_level_parse(const char *name, enum log_level *level);

/* The UTC time of day in 'text' ("2026-11-21T06:40:27.123456Z") of 'unix_ns' nanoseconds since
 * 1970. */
enum { LOG_TIME_BYTES = 32 };
void log_time_text(char text[LOG_TIME_BYTES], uint64_t unix_ns);

#endif
