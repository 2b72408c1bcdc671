/* What is wrong with a file: all errors of it, each with its place, in the order of the places. */
#ifndef SIM_PROBLEMS_H
#define SIM_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A place in a text; both count from 1, columns in characters. Line 0: not in the text. */
struct position {
	uint32_t line, column;
};

struct problem {
	struct position at;
	uint32_t order; /* of its discovery: settles the order of two at one place */
	char *text;     /* owned; one line */
};

struct problems {
	struct problem *items;
	size_t count;
	size_t size;    /* room at 'items' */
	size_t dropped; /* problems beyond PROBLEMS_MAX */
};

enum {
	PROBLEMS_MAX = 1000,
	PROBLEM_TEXT_BYTES = 1000, /* a longer text is cut */
};

void problems_init(struct problems *problems);
void problems_destroy(struct problems *problems);

/* Add one: "what is wrong: what would be right". Control characters of quoted text become '?'. */
void problems_add(struct problems *problems, struct position at, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Sort by place and drop repetitions. */
void problems_sort(struct problems *problems);

/* Print each as "file:line:column: text", or "file: text" where the line is 0. */
void problems_print(const struct problems *problems, const char *file, FILE *out);

#endif
