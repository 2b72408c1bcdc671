/* Reads lists of dpids; see server_dpid_list.h. */
#include "controller/server_dpid_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum {
	DIGITS_MAX = 16,
	SHOWN_BYTES = 60,  /* of what is wrong */
	LINE_BYTES = 1024, /* of a file, comment included */
};

static bool append(struct server_dpid_list *list, uint64_t dpid, char *error)
{
	if (list->count == SERVER_DPIDS_MAX) {
		snprintf(error, SERVER_ERROR_BYTES, "more than %d dpids", SERVER_DPIDS_MAX);
		return false;
	}
	if (list->count == list->size) {
		list->size = list->size ? 2 * list->size : 16;
		list->dpids = xrealloc(list->dpids, list->size * sizeof *list->dpids);
	}
	list->dpids[list->count++] = dpid;
	return true;
}

static int digit_value(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)((found - digits) % 16) : -1;
}

/* Read the 'len' characters at 'text', all of them. */
static bool read_dpid(const char *text, size_t len, uint64_t *dpid)
{
	bool colons = memchr(text, ':', len) != NULL;
	size_t digits = 0;

	*dpid = 0;
	if (len > 2 && text[0] == '"' && text[len - 1] == '"') { /* ovs-vsctl prints it so */
		text++;
		len -= 2;
	}
	if (!colons && len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		text += 2;
		len -= 2;
	}
	for (size_t i = 0; i < len; i++) {
		int value = digit_value(text[i]);

		if (colons && i % 3 == 2) { /* between pairs */
			if (text[i] != ':' || i + 1 == len)
				return false;
			continue;
		}
		if (value < 0 || ++digits > DIGITS_MAX)
			return false;
		*dpid = *dpid << 4 | (uint64_t)value;
	}
	return digits > 0 && (!colons || digits % 2 == 0);
}

static bool add_one(struct server_dpid_list *list, const char *text, size_t len, char *error)
{
	uint64_t dpid;

	if (!read_dpid(text, len, &dpid)) {
		snprintf(error, SERVER_ERROR_BYTES,
		         "'%.*s%s' is no dpid: write 1 to 16 hexadecimal digits, as "
		         "0000000000000001, 0x1 or 00:00:00:00:00:00:00:01",
		         (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES), text,
		         len > SHOWN_BYTES ? "..." : "");
		return false;
	}
	return append(list, dpid, error);
}

bool server_dpid_list_add(struct server_dpid_list *list, const char *text, char *error)
{
	for (;;) {
		size_t len = strcspn(text, ",");

		if (len == 0) {
			snprintf(error, SERVER_ERROR_BYTES,
			         "a dpid is missing: write dpids with one comma between, as 1,2a");
			return false;
		}
		if (!add_one(list, text, len, error))
			return false;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

/* --- Files --- */

/* Take comment and blanks off 'line'; returns where the rest begins. */
static const char *strip(char *line, size_t *len)
{
	static const char blanks[] = " \t\r\n\v\f";

	line[strcspn(line, "#")] = '\0';
	line += strspn(line, blanks);
	*len = strlen(line);
	while (*len && strchr(blanks, line[*len - 1]))
		(*len)--;
	return line;
}

static bool add_lines(struct server_dpid_list *list, FILE *file, const char *path, char *error)
{
	char line[LINE_BYTES], why[SERVER_ERROR_BYTES];

	for (unsigned long number = 1; fgets(line, sizeof line, file); number++) {
		const char *text;
		size_t len = strlen(line);

		/* Too long, or with a zero byte in it. */
		if (!len || (line[len - 1] != '\n' && !feof(file))) {
			snprintf(error, SERVER_ERROR_BYTES, "%.300s:%lu: this is no line of text",
			         path, number);
			return false;
		}
		text = strip(line, &len);
		if (len && !add_one(list, text, len, why)) {
			snprintf(error, SERVER_ERROR_BYTES, "%.200s:%lu: %.280s", path, number,
			         why);
			return false;
		}
	}
	return true;
}

bool server_dpid_list_add_file(struct server_dpid_list *list, const char *path, char *error,
                               bool *unreadable)
{
	FILE *file = fopen(path, "re");
	size_t before = list->count;
	bool ok;

	*unreadable = !file;
	if (!file) {
		snprintf(error, SERVER_ERROR_BYTES, "%.300s: %s", path, strerror(errno));
		return false;
	}
	errno = 0;
	ok = add_lines(list, file, path, error);
	if (ok && ferror(file)) {
		*unreadable = true;
		snprintf(error, SERVER_ERROR_BYTES, "%.300s: %s", path, strerror(errno));
		ok = false;
	} else if (ok && list->count == before) {
		snprintf(error, SERVER_ERROR_BYTES,
		         "%.300s: it names no dpid, so that no switch of it could join: write one "
		         "a line",
		         path);
		ok = false;
	}
	fclose(file);
	return ok;
}

void server_dpid_list_destroy(struct server_dpid_list *list)
{
	free(list->dpids);
	*list = (struct server_dpid_list){0};
}
