/* JSON as it came, with a line for each value; see server_ask_json.h. Nothing is understood of it but
 * brackets, commas, colons and where texts end: what was right stays right. */
#include "controller/server_ask_json.h"

#include <stdbool.h>
#include <stdio.h>

enum { INDENT = 2 };

static void new_line(int depth)
{
	printf("\n%*s", depth * INDENT, "");
}

/* The length of the text that begins at 'json', with its quotes. */
static size_t text_len(const char *json, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (json[i] == '\\')
			i++;
		else if (json[i] == '"')
			return i + 1;
	}
	return len;
}

void server_ask_json_print(const char *json, size_t len)
{
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		bool closes_next = i + 1 < len && (json[i + 1] == ']' || json[i + 1] == '}');
		size_t run = 1;

		switch (json[i]) {
		case '"':
			run = text_len(json + i, len - i);
			fwrite(json + i, 1, run, stdout);
			i += run - 1;
			break;
		case '{':
		case '[':
			putchar(json[i]);
			if (closes_next)
				putchar(json[++i]);
			else
				new_line(++depth);
			break;
		case '}':
		case ']':
			new_line(--depth);
			putchar(json[i]);
			break;
		case ',':
			putchar(',');
			new_line(depth);
			break;
		case ':':
			fputs(": ", stdout);
			break;
		default:
			putchar(json[i]);
		}
	}
}
