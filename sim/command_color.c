/* Colours. See command_color.h. */
#include "sim/command_color.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/xalloc.h"

enum { LINE_BYTES_MAX = 65536 }; /* a longer line is passed on in pieces, without colours */

#define RED   "\033[1;31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

struct stream {
	FILE *out;
	size_t len;
	char line[LINE_BYTES_MAX];
};

/* Words at the beginning of a line, or at its end, and their colour. */
static const struct mark {
	const char *text;
	size_t skip; /* blanks before the word */
	const char *color;
	bool at_end;
} marks[] = {
        {"  ok      ", 2, GREEN, false},
        {"  FAILED  ", 2, RED, false},
        {"all held:", 0, GREEN, false},
        {"  FAILED", 2, RED, true},
};

static void put_colored(FILE *out, const char *text, size_t len, const char *color)
{
	size_t word = 0;

	while (word < len && (text[word] != ' ' || !strncmp(text, "all held", 8)))
		word++;
	fprintf(out, "%s%.*s" PLAIN "%.*s", color, (int)word, text, (int)(len - word), text + word);
}

/* "scenarios/x.yaml:35: FAILED at 1.1 s", "2 FAILED: 195 frames": the word stands within. */
static bool put_failed_within(FILE *out, const char *line, size_t len)
{
	static const char at[] = ": FAILED at ", count[] = " FAILED: ";
	const char *found = memmem(line, len, at, sizeof at - 1);
	size_t before;

	if (!found && line[0] >= '0' && line[0] <= '9')
		found = memmem(line, len, count, sizeof count - 1);
	if (!found || line[0] == ' ')
		return false;
	before = (size_t)(strstr(found, "FAILED") - line);
	fprintf(out, "%.*s" RED "FAILED" PLAIN "%.*s", (int)before, line, (int)(len - before - 6),
	        line + before + 6);
	return true;
}

/* One line without its end. */
static void put_line(FILE *out, const char *line, size_t len)
{
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		const struct mark *mark = &marks[i];
		const size_t mark_len = strlen(mark->text);
		const size_t place = mark->at_end ? len - mark_len : 0;

		if (len < mark_len || memcmp(line + place, mark->text, mark_len))
			continue;
		fwrite(line, 1, place + mark->skip, out);
		put_colored(out, line + place + mark->skip, len - place - mark->skip, mark->color);
		return;
	}
	if (!put_failed_within(out, line, len))
		fwrite(line, 1, len, out);
}

static ssize_t stream_write(void *cookie, const char *bytes, size_t size)
{
	struct stream *stream = cookie;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '\n') {
			stream->line[stream->len] = 0;
			put_line(stream->out, stream->line, stream->len);
			fputc('\n', stream->out);
			stream->len = 0;
			continue;
		}
		if (stream->len == LINE_BYTES_MAX - 1) {
			fwrite(stream->line, 1, stream->len, stream->out);
			stream->len = 0;
		}
		stream->line[stream->len++] = bytes[i];
	}
	return ferror(stream->out) ? 0 : (ssize_t)size;
}

static int stream_close(void *cookie)
{
	struct stream *stream = cookie;

	fwrite(stream->line, 1, stream->len, stream->out);
	fflush(stream->out);
	free(stream);
	return 0;
}

bool command_color_parse(const char *word, enum command_color *color)
{
	static const char *const words[] = {"auto", "always", "never"};

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(word, words[i]))
			continue;
		*color = (enum command_color)i;
		return true;
	}
	return false;
}

static bool wants_colors(FILE *out, enum command_color color)
{
	const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (color != COMMAND_COLOR_AUTO)
		return color == COMMAND_COLOR_ALWAYS;
	return isatty(fileno(out)) && !(none && none[0]) &&
	       !(terminal && !strcmp(terminal, "dumb"));
}

FILE *command_color_stream(FILE *out, enum command_color color)
{
	static const cookie_io_functions_t functions = {.write = stream_write,
	                                                .close = stream_close};
	struct stream *stream;
	FILE *colored;

	if (!wants_colors(out, color))
		return out;
	stream = xcalloc(1, sizeof *stream);
	stream->out = out;
	colored = fopencookie(stream, "w", functions);
	if (colored)
		return colored;
	free(stream);
	return out;
}
