/* What the parse*.c files share: numbers, words and pairs of a flow in the syntax of ovs-ofctl. */
#ifndef WIRE_PARSE_H
#define WIRE_PARSE_H

#include <flowbed/text.h>

/* The longest key or value, terminator included: more than any that is right. */
enum { PARSE_WORD_BYTES = 80 };

/* One element of a list: "tcp", "nw_dst=10.0.0.1", "output:2", "enqueue(1,2)". */
struct parse_pair {
	char key[PARSE_WORD_BYTES];
	char value[PARSE_WORD_BYTES]; /* empty without one */
	bool has_value;
};

/* How elements of a list look. */
enum parse_style {
	PARSE_FIELDS,  /* key=value */
	PARSE_ACTIONS, /* key:value, key=value, key(value) */
};

/* Read the next element at '*s', which advances past it: commas and blanks separate. Returns 1, or
 * 0 at the end of the text, or -1 with 'error' told. */
int parse_next(const char **s, enum parse_style style, struct parse_pair *pair,
               struct fb_text *error);

/* Tell an error; 'error' may be NULL. Always -1. */
int parse_fail(struct fb_text *error, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* Tell an error of the part 'name': "name: " and the message in 'why'. Always -1. */
int parse_fail_in(struct fb_text *error, const char *name, const struct fb_text *why);

/* Tell that 'word' is no 'kind' ("field"), with the nearest of 'known'. Always -1. */
int parse_fail_unknown(struct fb_text *error, const char *kind, const char *word,
                       const char *const *known);

/* A decimal number or one of "0x...", at most 'max'. 0 or -1. */
int parse_number(const char *s, uint64_t max, uint64_t *value, struct fb_text *error);

/* True when both are the same but for capital letters (ASCII). */
bool parse_same_word(const char *a, const char *b);

/* The longest message about a part. */
enum { PARSE_WHY_BYTES = 256 };

/* A match while it is read: the fields in the order of parse_match.c. */
enum { PARSE_MATCH_FIELDS = 12 };

struct parse_match {
	uint64_t values[PARSE_MATCH_FIELDS];
	const char
	        *names[PARSE_MATCH_FIELDS]; /* under which the field was given; NULL: it was not */
};

/* Take one element: 1 when it is about the match, 0 when it is not, -1 with 'error' told. */
int parse_match_pair(struct parse_match *pm, const struct parse_pair *pair, struct fb_text *error);

/* All that was taken as a normalised match. 0, or -1 with 'error' told where fields do not go
 * together. */
int parse_match_finish(const struct parse_match *pm, struct fb_match *match, struct fb_text *error);

/* Tell that 'word' is no field of a match nor one of the 'more' (NULL-terminated). Always -1. */
int parse_match_unknown(const char *word, const char *const *more, struct fb_text *error);

#endif
