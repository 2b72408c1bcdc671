/* Reports: what a part of the controller knows, as a map of names and values in JSON, for people
 * who ask a running program ("flowbed-controller status").
 *
 * Whoever describes itself calls the functions below in the order in which the values are to stand.
 * A value has a key in a map and none (NULL) in a list. Numbers are whole; durations are seconds
 * with milliseconds, under a key that ends in "_s"; what there is not is null. A text may hold any
 * bytes: those that are no UTF-8 become U+FFFD, control characters are escaped.
 *
 * A list that can be long is written as a map of its own:
 *
 *     "stations": {"count": 4711, "limit": 131072, "items": [{...}, {...}], "shown": 2}
 *
 * 'count' are there, 'limit' may be there (null: no limit of its own), 'shown' of them are written:
 * as many as the asker wants, fewer when the report becomes too large.
 *
 * Pure: the report grows in memory up to a limit. A report that passed it ('overflow') is no JSON
 * and worth nothing; lists end long before that. */
#ifndef FLOWBED_REPORT_H
#define FLOWBED_REPORT_H

#include <flowbed/bytes.h>

enum { FB_REPORT_DEPTH_MAX = 32 }; /* maps and lists in each other */

struct fb_report {
	char *text; /* terminated; NULL: nothing written yet */
	size_t len, size;
	size_t bytes_max;  /* of 'len' */
	uint32_t list_max; /* items shown of one list */
	bool overflow;     /* more than 'bytes_max' were written */
	bool cut;          /* a list has fewer items than were wanted, for 'bytes_max' */

	/* The maps and lists that are open */
	unsigned depth;
	uint32_t shown[FB_REPORT_DEPTH_MAX]; /* items, where it is a list */
	bool comma;                          /* a value stands in front of the next one */
};

/* An empty report of at most 'bytes_max' bytes and 'list_max' items of a list. */
void fb_report_init(struct fb_report *report, size_t bytes_max, uint32_t list_max);
void fb_report_destroy(struct fb_report *report);

/* --- Values --- */

void fb_report_u64(struct fb_report *report, const char *key, uint64_t value);
void fb_report_bool(struct fb_report *report, const char *key, bool value);
void fb_report_null(struct fb_report *report, const char *key);
void fb_report_text(struct fb_report *report, const char *key, const char *text);
void fb_report_mac(struct fb_report *report, const char *key, const uint8_t mac[FB_MAC_BYTES]);
void fb_report_ip(struct fb_report *report, const char *key, uint32_t ip);
/* "0000000000000001" */
void fb_report_dpid(struct fb_report *report, const char *key, uint64_t dpid);
/* The number of a VLAN; null for OFP_VLAN_NONE. */
void fb_report_vlan(struct fb_report *report, const char *key, uint16_t dl_vlan);
/* 12.345; null for FB_NEVER. The key ends in "_s". */
void fb_report_duration(struct fb_report *report, const char *key, uint64_t ns);
/* The time from 'since_ns' to 'now_ns', 0 where it is to come. */
void fb_report_age(struct fb_report *report, const char *key, uint64_t since_ns, uint64_t now_ns);
/* Names that stand with commas between them in 'names', as a plain list: ["COPPER", "1GB_FD"]. "0"
 * and "" are none. */
void fb_report_names(struct fb_report *report, const char *key, const char *names);
/* 'len' bytes that are a value in JSON already. */
void fb_report_json(struct fb_report *report, const char *key, const char *json, size_t len);

/* --- Maps and lists --- */

void fb_report_begin_map(struct fb_report *report, const char *key);
void fb_report_end_map(struct fb_report *report);

/* A list of which there are 'count' and may be 'limit' (0: no limit of its own). For each item ask
 * fb_report_more() first:
 *
 *     for (s = newest(); s && fb_report_more(report); s = older(s))
 *             describe(report, s);
 */
void fb_report_begin_list(struct fb_report *report, const char *key, uint64_t count,
                          uint64_t limit);
/* True: write one more item next. False: no more are wanted. */
bool fb_report_more(struct fb_report *report);
void fb_report_end_list(struct fb_report *report);

/* A short list as it is: ["a", "b"]. */
void fb_report_begin_plain_list(struct fb_report *report, const char *key);
void fb_report_end_plain_list(struct fb_report *report);

#endif
