/* Parsing: a flow as ovs-ofctl's add-flow reads it. Lines of dump-flows are read too: what they
 * tell of an entry's past (how old it is, what it did) is passed over. */
#include "lib/wire/parse.h"

static const char *const keys[] = {
        "priority",      "cookie",        "idle_timeout", "hard_timeout",
        "send_flow_rem", "check_overlap", "emerg",        "out_port",
        "table",         "actions",       NULL,
};

static bool deletes(uint16_t command)
{
	return command == OFPFC_DELETE || command == OFPFC_DELETE_STRICT;
}

static int number(const struct parse_pair *pair, uint64_t max, uint64_t *value,
                  struct fb_text *error)
{
	char buf[PARSE_WHY_BYTES];
	struct fb_text why = fb_text_make(buf, sizeof buf);

	if (!pair->has_value)
		return parse_fail(error, "%s needs a value: '%s=...'", pair->key, pair->key);
	if (parse_number(pair->value, max, value, &why) < 0)
		return parse_fail_in(error, pair->key, &why);
	return 0;
}

/* "priority=10" and its like, of 16 bits; 1 or -1. */
static int small_number(const struct parse_pair *pair, uint16_t *value, struct fb_text *error)
{
	uint64_t v;

	if (number(pair, UINT16_MAX, &v, error) < 0)
		return -1;
	*value = (uint16_t)v;
	return 1;
}

static int cookie(const struct parse_pair *pair, struct fb_flow_mod *fm, struct fb_text *error)
{
	return number(pair, UINT64_MAX, &fm->cookie, error) < 0 ? -1 : 1;
}

static int out_port(const struct parse_pair *pair, struct fb_flow_mod *fm, struct fb_text *error)
{
	char buf[PARSE_WHY_BYTES];
	struct fb_text why = fb_text_make(buf, sizeof buf);

	if (!deletes(fm->command))
		return parse_fail(
		        error, "out_port restricts what a deletion deletes: this adds or modifies");
	if (fb_parse_port(pair->value, &fm->out_port, &why) < 0)
		return parse_fail_in(error, pair->key, &why);
	return 1;
}

/* A flow of OpenFlow 1.0 has no table: dump-flows prints the first. */
static int table(const struct parse_pair *pair, struct fb_text *error)
{
	uint64_t v;

	if (number(pair, UINT8_MAX, &v, error) < 0)
		return -1;
	return v ? parse_fail(error, "table: OpenFlow 1.0 puts flows into table 0 only") : 1;
}

static int flag(const struct parse_pair *pair, struct fb_flow_mod *fm, struct fb_text *error)
{
	static const struct {
		const char *name;
		uint16_t bit;
	} flags[] = {
	        {"send_flow_rem", OFPFF_SEND_FLOW_REM},
	        {"check_overlap", OFPFF_CHECK_OVERLAP},
	        {"emerg", OFPFF_EMERG},
	};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		if (strcmp(pair->key, flags[i].name) != 0)
			continue;
		if (pair->has_value)
			return parse_fail(error, "%s takes no value", pair->key);
		fm->flags |= flags[i].bit;
		return 1;
	}
	return 0;
}

/* True for what dump-flows tells of an entry's past. */
static bool is_past(const char *key)
{
	static const char *const names[] = {"duration", "n_packets", "n_bytes", "idle_age",
	                                    "hard_age"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(key, names[i]) == 0)
			return true;
	}
	return false;
}

/* One element that is not about the match: 1, 0 when it is unknown, -1 with 'error' told. */
static int flow_pair(const struct parse_pair *pair, struct fb_flow_mod *fm, struct fb_text *error)
{
	if (strcmp(pair->key, "priority") == 0)
		return small_number(pair, &fm->priority, error);
	if (strcmp(pair->key, "idle_timeout") == 0)
		return small_number(pair, &fm->idle_timeout, error);
	if (strcmp(pair->key, "hard_timeout") == 0)
		return small_number(pair, &fm->hard_timeout, error);
	if (strcmp(pair->key, "cookie") == 0)
		return cookie(pair, fm, error);
	if (strcmp(pair->key, "out_port") == 0)
		return out_port(pair, fm, error);
	if (strcmp(pair->key, "table") == 0)
		return table(pair, error);
	if (is_past(pair->key))
		return 1;
	if (strcmp(pair->key, "actions") == 0)
		return parse_fail(error, "actions needs a value: 'actions=...'");
	return flag(pair, fm, error);
}

static bool is_separator(char c)
{
	return strchr(", \t\r\n", c) != NULL;
}

/* The text after "actions=", or NULL; '*head_len' is the length of what stands before, without
 * separators at its end. That a separator was there, parse_head() finds. */
static const char *find_actions(const char *s, size_t *head_len)
{
	static const char key[] = "actions=";
	const char *found = strstr(s, key);

	*head_len = found ? (size_t)(found - s) : strlen(s);
	while (*head_len && is_separator(s[*head_len - 1]))
		--*head_len;
	return found ? found + strlen(key) : NULL;
}

static int parse_head(const char *s, size_t head_len, struct fb_flow_mod *fm, struct fb_text *error)
{
	struct parse_match pm = {.names = {NULL}};
	struct parse_pair pair;
	const char *end = s + head_len;
	int r = 0;

	while (s < end && (r = parse_next(&s, PARSE_FIELDS, &pair, error)) > 0) {
		int taken = parse_match_pair(&pm, &pair, error);

		if (taken == 0)
			taken = flow_pair(&pair, fm, error);
		if (taken < 0)
			return -1;
		if (taken == 0)
			return parse_match_unknown(pair.key, keys, error);
	}
	if (r < 0)
		return -1;
	if (s > end)
		return parse_fail(error, "a comma is missing before 'actions='");
	return parse_match_finish(&pm, &fm->match, error);
}

int fb_parse_flow(const char *s, uint16_t command, struct fb_flow_mod *out, struct fb_buf *actions,
                  struct fb_text *error)
{
	size_t head_len;
	const char *actions_text = find_actions(s, &head_len);
	size_t before = actions->len;

	*out = (struct fb_flow_mod){
	        .command = command,
	        .priority = OFP_DEFAULT_PRIORITY,
	        .buffer_id = OFP_NO_BUFFER,
	        .out_port = OFPP_NONE,
	};
	if (parse_head(s, head_len, out, error) < 0)
		return -1;
	if (!actions_text && !deletes(command))
		return parse_fail(error, "'actions=' is missing");
	if (actions_text && fb_parse_actions(actions_text, actions, error) < 0)
		return -1;
	out->actions.data = actions->data ? actions->data + before : NULL;
	out->actions.len = actions->len - before;
	return 0;
}
