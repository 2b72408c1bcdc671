/* Golden dumps, written anew. See dump_update.h.
 *
 * The dump's key 'is' is where its position says; what stands behind it is looked at as text, and
 * replaced by pieces. Edits go from the end of the file to its beginning, so that none moves another's
 * place. */
#include "sim/dump_update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

/* --- Lines --- */

/* A piece of a line that is compared: up to and with the next ',' or blank. */
static size_t piece_len(const char *text)
{
	const size_t len = strcspn(text, ", ");

	return text[len] ? len + strspn(text + len, ", ") : len;
}

/* A copy of 'len' bytes, terminated. */
static char *copy_of(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = 0;
	return copy;
}

/* Both begin with the same name, up to '=' or ':'. */
static bool same_field(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const size_t a_name = strcspn(a, "=:"), b_name = strcspn(b, "=:");

	return a_name < a_len && b_name < b_len && a_name == b_name && !memcmp(a, b, a_name);
}

/* The piece of 'pattern' for that of 'line' at 'at': one that has a wildcard, names the same field and
 * fits. NULL: none. */
static char *wild_piece(const char *pattern, const char *at, size_t len)
{
	for (; *pattern; pattern += piece_len(pattern)) {
		char *wild = copy_of(pattern, piece_len(pattern)), *piece = copy_of(at, len);
		const bool fits = strchr(wild, '<') && strncmp(wild, "<any>", 5) &&
		                  same_field(wild, strlen(wild), piece, len) &&
		                  dump_line_fits(wild, piece);

		free(piece);
		if (fits)
			return wild;
		free(wild);
	}
	return NULL;
}

/* 'line' with the wildcards of 'pattern' in place of what they fit. */
static char *with_wildcards(const char *pattern, const char *line)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		xalloc_failed("a line of a dump");
	for (const char *at = line; *at; at += piece_len(at)) {
		char *wild = wild_piece(pattern, at, piece_len(at));

		if (wild)
			fputs(wild, out);
		else
			fwrite(at, 1, piece_len(at), out);
		free(wild);
	}
	fclose(out);
	return text;
}

/* 'line', which the caller frees, with a wildcard for a cookie of more than 32 bits: that is a
 * controller's, which put its run into it, so that the next seed has another. */
static char *without_run(char *line)
{
	static const char wild[] = "cookie=<cookie>";
	char *at = strstr(line, "cookie=0x"), *text;
	size_t digits, before;

	if (!at)
		return line;
	before = (size_t)(at - line);
	digits = strspn(at + strlen("cookie=0x"), "0123456789abcdef");
	if (digits <= 8)
		return line;
	text = xmalloc(strlen(line) + sizeof wild);
	memcpy(text, line, before);
	strcpy(text + before, wild);
	strcat(text, at + strlen("cookie=0x") + digits);
	free(line);
	return text;
}

/* How many pieces of 'line' the pattern has, or has a wildcard for. */
static size_t likeness(const char *pattern, const char *line)
{
	size_t count = 0;

	for (const char *at = line; *at; at += piece_len(at)) {
		const size_t len = piece_len(at);
		char *wild = wild_piece(pattern, at, len);
		bool found = wild != NULL;

		free(wild);
		for (const char *p = pattern; *p && !found; p += piece_len(p))
			found = piece_len(p) == len && !memcmp(p, at, len);
		count += found;
	}
	return count;
}

static size_t pieces(const char *line)
{
	size_t count = 0;

	for (; *line; line += piece_len(line))
		count++;
	return count;
}

/* Of the lines that nobody has, the one most like 'pattern', if at least half of it is. */
static size_t most_like(const char *pattern, const struct dump_lines *got, const bool *had)
{
	size_t best = SIZE_MAX, best_likeness = 0;

	for (size_t i = 0; i < got->count; i++) {
		const size_t like = had[i] ? 0 : likeness(pattern, got->items[i]);

		if (like > best_likeness && 2 * like >= pieces(got->items[i])) {
			best = i;
			best_likeness = like;
		}
	}
	return best;
}

static void add_new(struct dump_lines *lines, const char *line)
{
	char *text = without_run(xstrdup(line));

	dump_add(lines, text);
	free(text);
}

void dump_update_lines(struct dump_lines *lines, const struct dump_change *change)
{
	const struct scenario_dump *dump = change->dump;
	const struct dump_lines *got = change->got;
	size_t *partner = xcalloc(dump->lines_count + 1, sizeof *partner);
	bool *had = xcalloc(got->count + 1, sizeof *had);
	char **new = xcalloc(dump->lines_count + 1, sizeof(char *));
	size_t next = 0;

	dump_match(dump->lines, dump->lines_count, got->items, got->count, partner);
	for (size_t i = 0; i < dump->lines_count; i++)
		if (partner[i] != SIZE_MAX)
			had[partner[i]] = true;
	for (size_t i = 0; i < dump->lines_count; i++) {
		if (partner[i] != SIZE_MAX) {
			new[i] = xstrdup(dump->lines[i]);
			continue;
		}
		partner[i] = most_like(dump->lines[i], got, had);
		if (partner[i] == SIZE_MAX)
			continue;
		had[partner[i]] = true;
		new[i] = without_run(with_wildcards(dump->lines[i], got->items[partner[i]]));
	}
	/* Those that are new come before the first that comes after them. */
	*lines = (struct dump_lines){0};
	for (size_t i = 0; i < dump->lines_count; i++) {
		if (!new[i])
			continue;
		for (; next < got->count && next < partner[i]; next++)
			if (!had[next])
				add_new(lines, got->items[next]);
		dump_add(lines, new[i]);
		free(new[i]);
	}
	for (; next < got->count; next++)
		if (!had[next])
			add_new(lines, got->items[next]);
	free(new);
	free(had);
	free(partner);
}

/* --- Text --- */

struct edit {
	size_t from, to; /* of the old text */
	char *text;      /* in place of it */
};

struct updating {
	const char *text;
	size_t len;
	const char *eol; /* as the file ends its lines */
	struct fb_text *error;
	struct edit *edits;
	size_t count;
};

static void add_edit(struct updating *u, size_t from, size_t to, char *text)
{
	u->edits = xrealloc(u->edits, (u->count + 1) * sizeof *u->edits);
	u->edits[u->count++] = (struct edit){from, to, text};
}

static size_t line_start(const struct updating *u, size_t at)
{
	while (at && u->text[at - 1] != '\n')
		at--;
	return at;
}

/* Behind the end of the line. */
static size_t line_after(const struct updating *u, size_t at)
{
	while (at < u->len && u->text[at] != '\n')
		at++;
	return at + (at < u->len);
}

/* The byte of a position, whose columns are characters. */
static size_t offset_of(const struct updating *u, struct position at)
{
	size_t offset = 0;

	for (uint32_t line = 1; line < at.line; line++)
		offset = line_after(u, offset);
	for (uint32_t column = 1; column < at.column && offset < u->len; column++)
		do
			offset++;
		while (offset < u->len && ((unsigned char)u->text[offset] & 0xc0) == 0x80);
	return offset;
}

static size_t blanks_at(const struct updating *u, size_t at)
{
	size_t count = 0;

	while (at + count < u->len && (u->text[at + count] == ' ' || u->text[at + count] == '\t'))
		count++;
	return count;
}

static bool line_is_empty(const struct updating *u, size_t at)
{
	at += blanks_at(u, at);
	return at >= u->len || u->text[at] == '\n' || u->text[at] == '\r';
}

/* The end of the quoted text that begins at 'at'. */
static size_t quoted_end(const struct updating *u, size_t at)
{
	const char quote = u->text[at++];

	for (; at < u->len; at++) {
		if (quote == '"' && u->text[at] == '\\')
			at++;
		else if (u->text[at] == quote && quote == '\'' && at + 1 < u->len &&
		         u->text[at + 1] == quote)
			at++;
		else if (u->text[at] == quote)
			return at + 1;
	}
	return u->len;
}

/* The next '#' from 'from' on, before 'to', that begins a comment; 'to': there is none. What begins as
 * a text in quotes has none before its end. */
static size_t comment_in(const struct updating *u, size_t from, size_t to)
{
	bool fresh = true; /* a text may begin here */

	for (size_t at = from; at < to; at++) {
		const char c = u->text[at];
		const char before = at ? u->text[at - 1] : '\n';

		if (c == '#' && strchr(" \t\n", before))
			return at;
		if (fresh && (c == '"' || c == '\'')) {
			at = quoted_end(u, at) - 1;
			fresh = false;
		} else if (!strchr(" \t\r\n", c)) {
			fresh = strchr("[{,:-", c) != NULL;
		} else {
			fresh |= c == '\n' || strchr("[{,:-", before) != NULL;
		}
	}
	return to;
}

/* The last character before 'at' that means something; 0: there is none. */
static char last_before(const struct updating *u, size_t at)
{
	for (;;) {
		const size_t start = line_start(u, at);
		size_t end = comment_in(u, start, at);

		while (end > start && strchr(" \t\r", u->text[end - 1]))
			end--;
		if (end > start)
			return u->text[end - 1];
		if (!start)
			return 0;
		at = start - 1;
	}
}

/* The key stands in {...}. */
static bool is_in_flow(const struct updating *u, size_t key)
{
	const char before = last_before(u, key);

	return before == '{' || before == ',';
}

static const char comment[] =
        "a comment stands within this value and would be lost: put it elsewhere";

static bool refuse(struct updating *u, const struct scenario_dump *dump, const char *why)
{
	fb_text_printf(u->error, "%u: %s", dump->key_at.line, why);
	return false;
}

/* --- Writing values --- */

static bool is_plain(const char *text)
{
	return text[0] && !strchr("-?:,[]{}#&*!|>'\"%@` ", text[0]) && !strstr(text, ": ") &&
	       !strstr(text, " #") && text[strlen(text) - 1] != ':';
}

static void put_quoted(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++)
		fputs(*text == '\'' ? "''" : (char[]){*text, 0}, out);
	fputc('\'', out);
}

/* In the style of what begins at 'style'; 0: plain where that may be. */
static void put_scalar(FILE *out, const char *text, char style)
{
	if (style == '"' && !strchr(text, '"') && !strchr(text, '\\'))
		fprintf(out, "\"%s\"", text);
	else if (style != '\'' && style != '"' && is_plain(text))
		fputs(text, out);
	else
		put_quoted(out, text);
}

static void put_flow_list(FILE *out, const struct dump_lines *lines)
{
	fputc('[', out);
	for (size_t i = 0; i < lines->count; i++) {
		fputs(i ? ", " : "", out);
		put_quoted(out, lines->items[i]);
	}
	fputc(']', out);
}

static void put_block(const struct updating *u, FILE *out, const struct dump_lines *lines,
                      size_t indent)
{
	for (size_t i = 0; i < lines->count; i++)
		fprintf(out, "%*s%s%s", (int)indent, "", lines->items[i], u->eol);
}

/* --- The forms --- */

/* Where a block that belongs to the key in column 'indent' ends: before what stands no deeper. */
static size_t block_end(const struct updating *u, size_t at, size_t indent)
{
	size_t end = at;

	while (at < u->len) {
		const bool empty = line_is_empty(u, at);

		if (!empty && blanks_at(u, at) <= indent)
			break;
		at = line_after(u, at);
		if (!empty)
			end = at;
	}
	return end;
}

/* How deep the first line that is not empty stands, and what is less deep is none of its text; at
 * least behind 'indent'. */
static size_t text_indent(const struct updating *u, size_t from, size_t indent)
{
	while (from < u->len && line_is_empty(u, from))
		from = line_after(u, from);
	return from < u->len && blanks_at(u, from) > indent ? blanks_at(u, from) - 1 : indent;
}

/* is: |, where the text of 'key', which stands in column 'indent', ends at 'to'. */
static void edit_block(struct updating *u, size_t from, size_t to, size_t indent,
                       const struct dump_lines *lines)
{
	size_t deeper = indent + 2, size = 0, first = from;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		xalloc_failed("a dump");
	while (first < to && line_is_empty(u, first))
		first = line_after(u, first);
	if (first < to)
		deeper = blanks_at(u, first);
	if (from == u->len && from && u->text[from - 1] != '\n')
		fputs(u->eol, out);
	put_block(u, out, lines, deeper);
	fclose(out);
	add_edit(u, from, to, text);
}

/* is: | and its text, up to what is less deep, as a comment may be. */
static void edit_literal(struct updating *u, size_t header, size_t indent,
                         const struct dump_lines *lines)
{
	const size_t from = line_after(u, header);

	edit_block(u, from, block_end(u, from, text_indent(u, from, indent)), indent, lines);
}

/* The end of the [...] that begins at 'at': what its comments hold is no part of it. */
static size_t list_end(const struct updating *u, size_t at)
{
	unsigned depth = 0;

	while (at < u->len) {
		const char c = u->text[at];

		if (c == '"' || c == '\'') {
			at = quoted_end(u, at);
			continue;
		}
		if (c == '#' && strchr(" \t\n", u->text[at - 1])) {
			at = line_after(u, at);
			continue;
		}
		depth += c == '[';
		depth -= c == ']';
		at++;
		if (!depth)
			return at;
	}
	return u->len;
}

/* The end of a plain text on one line. */
static size_t plain_end(const struct updating *u, size_t at, bool in_flow)
{
	size_t end = at;

	for (; at < u->len && u->text[at] != '\n' && u->text[at] != '\r'; at++) {
		if ((in_flow && strchr(",}]", u->text[at])) ||
		    (u->text[at] == '#' && u->text[at - 1] == ' '))
			break;
		if (u->text[at] != ' ')
			end = at + 1;
	}
	return end;
}

/* is: [...], is: "...", is: ..., or nothing behind it yet: what stands from 'from' to 'to'. */
static bool edit_inline(struct updating *u, const struct scenario_dump *dump, size_t from,
                        size_t to, size_t indent, bool in_flow, const struct dump_lines *lines)
{
	const size_t next = line_after(u, to), end = in_flow ? next : block_end(u, next, indent);
	const bool is_new = from + blanks_at(u, from) >= to,
	           is_list = !is_new && u->text[from] == '[';
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (comment_in(u, from, to) < to || comment_in(u, next, end) < end)
		return refuse(u, dump, comment);
	out = open_memstream(&text, &size);
	if (!out)
		xalloc_failed("a dump");
	fputs(is_new ? " " : "", out);
	if (is_list || in_flow || !lines->count) {
		if (lines->count == 1 && !is_list && !is_new)
			put_scalar(out, lines->items[0],
			           u->text[from] == '"' || in_flow ? '"' : u->text[from]);
		else
			put_flow_list(out, lines);
	} else if (lines->count == 1 && !is_new) {
		put_scalar(out, lines->items[0], u->text[from]);
	} else {
		/* The rest of the line, a comment, stays behind the '|'. */
		fputc('|', out);
		fclose(out);
		add_edit(u, from, to, text);
		edit_block(u, next, end, indent, lines);
		return true;
	}
	fclose(out);
	add_edit(u, from, to, text);
	return true;
}

/* Where the items of a list stand that begins behind the line of 'key'. False: none does. */
static bool find_items(const struct updating *u, size_t key, size_t indent, size_t *from,
                       size_t *item_indent)
{
	size_t at = line_after(u, key);

	while (at < u->len && (line_is_empty(u, at) || u->text[at + blanks_at(u, at)] == '#'))
		at = line_after(u, at);
	*from = at;
	*item_indent = blanks_at(u, at);
	return at < u->len && *item_indent >= indent && u->text[at + *item_indent] == '-' &&
	       at + *item_indent + 1 < u->len && u->text[at + *item_indent + 1] == ' ';
}

/* The item in the line at 'at', as text; NULL: not in one line. Its style goes to '*style'. */
static char *item_text(const struct updating *u, size_t at, size_t indent, char *style)
{
	size_t from = at + indent + 1, to;
	char *text, *out;

	from += blanks_at(u, from);
	*style = u->text[from];
	if (*style != '"' && *style != '\'')
		return copy_of(u->text + from, plain_end(u, from, false) - from);
	to = quoted_end(u, from);
	text = copy_of(u->text + from + 1, to - from - 2);
	if (*style == '\'')
		for (char *in = out = text; (*out = *in) != 0;
		     in += 1 + (in[0] == '\'' && in[1] == '\''))
			out++;
	return text;
}

/* In the line that begins at 'start'. */
static bool has_comment(const struct updating *u, size_t start)
{
	const size_t end = line_after(u, start);

	return comment_in(u, start, end) < end;
}

/* - item, a line each: those that stay keep theirs, with comments and quotes. */
static bool edit_items(struct updating *u, const struct dump_change *change, size_t key,
                       size_t from, size_t indent, const struct dump_lines *lines)
{
	size_t to = from, size = 0, used = 0;
	char *text = NULL, style = 0;
	FILE *out;
	size_t *starts = xcalloc(change->dump->lines_count + 1, sizeof *starts), count = 0;
	bool loses_comment = false;

	while (to < u->len && blanks_at(u, to) == indent && u->text[to + indent] == '-') {
		if (count < change->dump->lines_count)
			starts[count] = to;
		count++;
		to = line_after(u, to);
	}
	if (count != change->dump->lines_count) {
		free(starts);
		return refuse(u, change->dump,
		              "this list is not one line for each item: write it so");
	}
	out = open_memstream(&text, &size);
	if (!out)
		xalloc_failed("a dump");
	for (size_t i = 0; i < lines->count; i++) {
		bool kept = false;

		for (size_t j = used; j < count && !kept; j++) {
			char *item = item_text(u, starts[j], indent, &style);

			kept = !strcmp(item, lines->items[i]);
			free(item);
			if (!kept)
				continue;
			for (; used < j; used++)
				loses_comment |= has_comment(u, starts[used]);
			used = j + 1;
			fwrite(u->text + starts[j], 1, line_after(u, starts[j]) - starts[j], out);
		}
		if (kept)
			continue;
		fprintf(out, "%*s- ", (int)indent, "");
		put_scalar(out, lines->items[i], style);
		fputs(u->eol, out);
	}
	fclose(out);
	for (; used < count; used++)
		loses_comment |= has_comment(u, starts[used]);
	free(starts);
	if (loses_comment) {
		free(text);
		return refuse(u, change->dump, comment);
	}
	add_edit(u, from, to, text);
	if (!lines->count)
		add_edit(u, key, key, xstrdup(" []"));
	return true;
}

static bool edit_dump(struct updating *u, const struct dump_change *change)
{
	const struct scenario_dump *dump = change->dump;
	const size_t key = offset_of(u, dump->key_at);
	const size_t indent = key - line_start(u, key);
	const bool in_flow = is_in_flow(u, key);
	struct dump_lines lines;
	size_t at = key, value, items, item_indent;
	bool edited = true;
	char c;

	while (at < u->len && u->text[at] != ':' && u->text[at] != '\n')
		at++;
	if (at >= u->len || u->text[at] != ':')
		return refuse(u, dump, "'is' cannot be found here");
	at++;
	value = at + blanks_at(u, at);
	c = value < u->len ? u->text[value] : '\n';
	dump_update_lines(&lines, change);
	if (c == '|' && !in_flow)
		edit_literal(u, at, indent, &lines);
	else if (strchr("|>&*!", c))
		edited = refuse(u, dump,
		                "this is no plain text or list, and is not changed: write is: |");
	else if (c == '[')
		edited = edit_inline(u, dump, value, list_end(u, value), indent, in_flow, &lines);
	else if (c == '"' || c == '\'')
		edited = edit_inline(u, dump, value, quoted_end(u, value), indent, in_flow, &lines);
	else if (c != '\n' && c != '\r' && c != '#' && c != '}' && c != ',')
		edited = edit_inline(u, dump, value, plain_end(u, value, in_flow), indent, in_flow,
		                     &lines);
	else if (!in_flow && find_items(u, key, indent, &items, &item_indent))
		edited = edit_items(u, change, at, items, item_indent, &lines);
	else
		edited = edit_inline(u, dump, at, in_flow ? value : at, indent, in_flow, &lines);
	dump_destroy(&lines);
	return edited;
}

/* --- The whole --- */

static int by_place(const void *left, const void *right)
{
	const struct edit *a = left, *b = right;

	return (a->from > b->from) - (a->from < b->from);
}

static char *apply(struct updating *u)
{
	size_t at = 0, size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		xalloc_failed("a file");
	if (u->count)
		qsort(u->edits, u->count, sizeof *u->edits, by_place);
	for (size_t i = 0; i < u->count; i++) {
		const struct edit *edit = &u->edits[i];

		if (edit->from < at)
			continue; /* of a part that two share */
		fwrite(u->text + at, 1, edit->from - at, out);
		fputs(edit->text, out);
		at = edit->to;
	}
	fwrite(u->text + at, 1, u->len - at, out);
	fclose(out);
	return text;
}

char *dump_update(const char *text, size_t len, const struct dump_change *changes, size_t count,
                  struct fb_text *error)
{
	const char *first = memchr(text, '\n', len);
	struct updating updating = {.text = text,
	                            .len = len,
	                            .eol = first && first > text && first[-1] == '\r' ? "\r\n"
	                                                                              : "\n",
	                            .error = error};
	char *new = NULL;
	bool edited = true;

	for (size_t i = 0; i < count && edited; i++)
		edited = edit_dump(&updating, &changes[i]);
	if (edited)
		new = apply(&updating);
	for (size_t i = 0; i < updating.count; i++)
		free(updating.edits[i].text);
	free(updating.edits);
	return new;
}
