/* Reading the JSON of a report (<flowbed/report.h>) in place: a value is a piece of the text, and is
 * looked at only as far as somebody asks. For text that our own writer made: what is no JSON is not
 * told as such, but never read beyond its end. */
#ifndef SIM_JSON_H
#define SIM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	const char *text;
	size_t len; /* 0: nothing */
};

/* The value of 'key' in a map; false when there is none, or 'map' is none. */
bool json_member(struct json map, const char *key, struct json *value);
/* The items of a list one by one: '*offset' is 0 at first. False after the last. */
bool json_item(struct json list, size_t *offset, struct json *item);
/* A whole number; false for what is none or has more than 64 bits. */
bool json_number(struct json value, uint64_t *number);
/* A text, cut to 'size' bytes with its terminator. False for what is none. Escapes stay as they are
 * written. */
bool json_text(struct json value, char *text, size_t size);

#endif
