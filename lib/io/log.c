/* Writes log lines; see log.h. */
#include "lib/io/log.h"

#include <string.h>
#include <time.h>

#include <flowbed/time.h>

static const char *const names[] = {
        [LOG_LEVEL_ERROR] = "error",
        [LOG_LEVEL_WARNING] = "warning",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_DEBUG] = "debug",
};

void log_init(struct log *log, FILE *stream, enum log_level level, const char *program)
{
	*log = (struct log){.stream = stream, .level = level, .program = program};
}

const char *log_level_name(enum log_level level)
{
	return names[level];
}

bool log_level_parse(const char *name, enum log_level *level)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(name, names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_time_text(char text[LOG_TIME_BYTES], uint64_t unix_ns)
{
	time_t sec = (time_t)(unix_ns / FB_NS_PER_S);
	struct tm tm;
	size_t len;

	gmtime_r(&sec, &tm);
	len = strftime(text, LOG_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, LOG_TIME_BYTES - len, ".%06uZ",
	         (unsigned)(unix_ns % FB_NS_PER_S / FB_NS_PER_US));
}

/* Control characters of the message become '?'. Bytes of UTF-8 stay. */
static void clean(char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
	}
}

void log_vline(struct log *log, enum log_level level, const char *time_text, const char *format,
               va_list args)
{
	char message[LOG_LINE_BYTES];
	int n;

	if (!log_wants(log, level))
		return;
	n = vsnprintf(message, sizeof message, format, args);
	if (n < 0)
		strcpy(message, "(a message that cannot be formatted)");
	if (n >= (int)sizeof message)
		memcpy(message + sizeof message - 4, "...", 4);
	clean(message);
	n = fprintf(log->stream, "%s%s%s %s%s%s\n", time_text ? time_text : "",
	            time_text ? " " : "", names[level], log->program ? log->program : "",
	            log->program ? ": " : "", message);
	if (n < 0 || fflush(log->stream) != 0)
		log->lost++;
}

void log_line(struct log *log, enum log_level level, const char *time_text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vline(log, level, time_text, format, args);
	va_end(args);
}
