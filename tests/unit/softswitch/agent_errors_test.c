/* The errors of section 5.4.4, each with the message that raises it, as it stands on the wire. */
#include "tests/unit/softswitch/agent_fixture.h"

/* --- Messages in hexadecimal digits, with the xid 0xaa --- */

#define XID   "000000aa"
#define ZERO4 "00000000"
#define ZERO8 ZERO4 ZERO4

#define ANY "003fffff" ZERO4 ZERO8 ZERO8 ZERO8 ZERO8 /* a match, 40 bytes */
#define IN1                                                                                        \
	"003ffffe0001"                                                                             \
	"0000" ZERO8 ZERO8 ZERO8 ZERO8

#define ADD           "0000"
#define NO_BUFFER     "ffffffff"
#define BUFFER_USED   "eeeeeeee" /* in a packet-out: replaced by the id of one that was used */
#define CHECK_OVERLAP "0002"
#define EMERG         "0004"

/* A flow-mod of priority 7; 'timeouts' is the idle and the hard one. */
#define FLOW_MOD(len, match, command, timeouts, buffer, flags)                                     \
	"010e" len XID match ZERO8 command timeouts "0007" buffer "ffff" flags
#define ADD_WITH(len, actions)               FLOW_MOD(len, ANY, ADD, ZERO4, NO_BUFFER, "0000") actions
#define PACKET_OUT(len, buffer, actions_len) "010d" len XID buffer "ffff" actions_len
#define PORT_MOD(port, hw_addr)              "010f0020" XID port hw_addr ZERO8 ZERO8
#define STATS(len, type)                     "0110" len XID type "0000"

struct row {
	const char *name;
	uint16_t type, code;
	const char *message;    /* that raises it; NULL: none does */
	const char *before;     /* the message in front of it, which is taken; NULL: none */
	const char *impossible; /* why none does */
};

#define CODE(type, code) #type " " #code, OFPET_##type, code

static const struct row rows[] = {
        {CODE(BAD_REQUEST, OFPBRC_BAD_VERSION), .message = "02120008" XID},
        {CODE(BAD_REQUEST, OFPBRC_BAD_VERSION), .message = "00050008" XID},
        {CODE(BAD_REQUEST, OFPBRC_BAD_VERSION), .message = "0402000a" XID "1234"},
        {CODE(BAD_REQUEST, OFPBRC_BAD_VERSION), .message = "ff630008" XID},
        {CODE(BAD_REQUEST, OFPBRC_BAD_TYPE), .message = "01160008" XID},
        {CODE(BAD_REQUEST, OFPBRC_BAD_TYPE), .message = "01ff0010" XID ZERO8},
        {CODE(BAD_REQUEST, OFPBRC_BAD_TYPE), .message = "01130008" XID},
        {CODE(BAD_REQUEST, OFPBRC_BAD_TYPE), .message = "0108000c" XID ZERO4},
        {CODE(BAD_REQUEST, OFPBRC_BAD_STAT), .message = STATS("000c", "0006")},
        {CODE(BAD_REQUEST, OFPBRC_BAD_STAT), .message = STATS("0010", "fffe") ZERO4},
        {CODE(BAD_REQUEST, OFPBRC_BAD_VENDOR), .message = "01040010" XID "00002320" ZERO4},
        {CODE(BAD_REQUEST, OFPBRC_BAD_VENDOR), .message = STATS("0014", "ffff") "00002320" ZERO4},
        {CODE(BAD_REQUEST, OFPBRC_BAD_SUBTYPE),
         .impossible = "a subtype is a vendor's, and no vendor is known"},
        {CODE(BAD_REQUEST, OFPBRC_EPERM),
         .impossible = "every connection may ask everything; who may connect is the driver's"},
        {CODE(BAD_REQUEST, OFPBRC_BAD_LEN), .message = "01050009" XID "00"},
        {CODE(BAD_REQUEST, OFPBRC_BAD_LEN), .message = PACKET_OUT("0010", NO_BUFFER, "0008")},
        {CODE(BAD_REQUEST, OFPBRC_BAD_LEN),
         .message = PACKET_OUT("001d", NO_BUFFER, "0000") ZERO8 ZERO4 "00"},
        {CODE(BAD_REQUEST, OFPBRC_BUFFER_EMPTY),
         .message = PACKET_OUT("0010", BUFFER_USED, "0000")},
        {CODE(BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN),
         .message = PACKET_OUT("0010", "00000001", "0000")},
        {CODE(BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN),
         .message = FLOW_MOD("0048", ANY, ADD, ZERO4, "00000001", "0000")},

        {CODE(BAD_ACTION, OFPBAC_BAD_TYPE), .message = ADD_WITH("0050", "000c0008" ZERO4)},
        {CODE(BAD_ACTION, OFPBAC_BAD_TYPE),
         .message = PACKET_OUT("0018", NO_BUFFER, "0008") "fffe0008" ZERO4},
        {CODE(BAD_ACTION, OFPBAC_BAD_LEN), .message = ADD_WITH("0050", "0000000c" ZERO4)},
        {CODE(BAD_ACTION, OFPBAC_BAD_LEN), .message = ADD_WITH("0050", "00000000" ZERO4)},
        {CODE(BAD_ACTION, OFPBAC_BAD_LEN), .message = ADD_WITH("004c", "00000008")},
        {CODE(BAD_ACTION, OFPBAC_BAD_VENDOR), .message = ADD_WITH("0050", "ffff000800002320")},
        {CODE(BAD_ACTION, OFPBAC_BAD_VENDOR_TYPE),
         .impossible = "a vendor's type of action is a vendor's, and no vendor is known"},
        {CODE(BAD_ACTION, OFPBAC_BAD_OUT_PORT), .message = ADD_WITH("0050", "0000000800000000")},
        {CODE(BAD_ACTION, OFPBAC_BAD_OUT_PORT), .message = ADD_WITH("0050", "00000008ffff0000")},
        {CODE(BAD_ACTION, OFPBAC_BAD_OUT_PORT), .message = ADD_WITH("0050", "00000008fff90000")},
        {CODE(BAD_ACTION, OFPBAC_BAD_OUT_PORT),
         .message = ADD_WITH("0058", "000b0010fffd0000" ZERO8)},
        {CODE(BAD_ACTION, OFPBAC_BAD_ARGUMENT), .message = ADD_WITH("0050", "0001000810000000")},
        {CODE(BAD_ACTION, OFPBAC_BAD_ARGUMENT), .message = ADD_WITH("0050", "0002000808000000")},
        {CODE(BAD_ACTION, OFPBAC_BAD_ARGUMENT), .message = ADD_WITH("0050", "0008000801000000")},
        {CODE(BAD_ACTION, OFPBAC_EPERM), .impossible = "every connection may use every action"},
        {CODE(BAD_ACTION, OFPBAC_TOO_MANY), .message = "many actions"},
        {CODE(BAD_ACTION, OFPBAC_BAD_QUEUE),
         .message = ADD_WITH("0058", "000b001000010000" ZERO4 "00000063")},
        {CODE(BAD_ACTION, OFPBAC_BAD_QUEUE),
         .message = ADD_WITH("0058", "000b001000010000" ZERO4 "ffffffff")},

        {CODE(FLOW_MOD_FAILED, OFPFMFC_ALL_TABLES_FULL), .before = ADD_WITH("0048", ""),
         .message = FLOW_MOD("0048", IN1, ADD, ZERO4, NO_BUFFER, "0000")},
        {CODE(FLOW_MOD_FAILED, OFPFMFC_ALL_TABLES_FULL), .before = ADD_WITH("0048", ""),
         .message = FLOW_MOD("0048", IN1, ADD, ZERO4, NO_BUFFER, EMERG)},
        {CODE(FLOW_MOD_FAILED, OFPFMFC_OVERLAP), .before = ADD_WITH("0048", ""),
         .message = FLOW_MOD("0048", IN1, ADD, ZERO4, NO_BUFFER, CHECK_OVERLAP)},
        {CODE(FLOW_MOD_FAILED, OFPFMFC_EPERM),
         .impossible = "every connection may change every entry"},
        {CODE(FLOW_MOD_FAILED, OFPFMFC_BAD_EMERG_TIMEOUT),
         .message = FLOW_MOD("0048", ANY, ADD, "00010000", NO_BUFFER, EMERG)},
        {CODE(FLOW_MOD_FAILED, OFPFMFC_BAD_EMERG_TIMEOUT),
         .message = FLOW_MOD("0048", ANY, ADD, "00000001", NO_BUFFER, EMERG)},
        {CODE(FLOW_MOD_FAILED, OFPFMFC_BAD_COMMAND),
         .message = FLOW_MOD("0048", ANY, "0005", ZERO4, NO_BUFFER, "0000")},
        {CODE(FLOW_MOD_FAILED, OFPFMFC_UNSUPPORTED),
         .impossible = "actions are done in the order they stand in, whatever it is"},

        {CODE(PORT_MOD_FAILED, OFPPMFC_BAD_PORT), .message = PORT_MOD("0009", "020000000109")},
        {CODE(PORT_MOD_FAILED, OFPPMFC_BAD_PORT), .message = PORT_MOD("fffb", "020000000101")},
        {CODE(PORT_MOD_FAILED, OFPPMFC_BAD_HW_ADDR), .message = PORT_MOD("0001", "020000000102")},

        {CODE(QUEUE_OP_FAILED, OFPQOFC_BAD_PORT), .message = "0114000c" XID "00090000"},
        {CODE(QUEUE_OP_FAILED, OFPQOFC_BAD_PORT), .message = "0114000c" XID "fffe0000"},
        {CODE(QUEUE_OP_FAILED, OFPQOFC_BAD_PORT), .message = "0114000c" XID "fffc0000"},
        {CODE(QUEUE_OP_FAILED, OFPQOFC_BAD_PORT),
         .message = STATS("0014", "0005") "00090000ffffffff"},
        {CODE(QUEUE_OP_FAILED, OFPQOFC_BAD_QUEUE),
         .message = STATS("0014", "0005") "0001000000000063"},
        {CODE(QUEUE_OP_FAILED, OFPQOFC_BAD_QUEUE),
         .message = STATS("0014", "0005") "fffc000000000063"},
        {CODE(QUEUE_OP_FAILED, OFPQOFC_EPERM),
         .impossible = "every connection may see every queue"},
};

enum {
	ROWS = sizeof rows / sizeof rows[0],
	HELLO_ROWS = 2, /* codes of HELLO_FAILED, which have tests of their own */
	CODES = HELLO_ROWS + 9 + 9 + 6 + 2 + 3,
	ERROR_BYTES_MIN = 64, /* of the cause that come back, at least */
	MESSAGE_BYTES_MAX = 8192,
};

static size_t from_hex(uint8_t *bytes, const char *digits)
{
	size_t len = 0;

	for (unsigned value; *digits; digits += 2) {
		CU_ASSERT_EQUAL_FATAL(sscanf(digits, "%2x", &value), 1);
		bytes[len++] = (uint8_t)value;
	}
	CU_ASSERT_EQUAL_FATAL(fb_get16(bytes + 2), len);
	return len;
}

/* One action more than a list may have: 513 outputs. */
static size_t many_actions(uint8_t *bytes)
{
	size_t len = from_hex(bytes, ADD_WITH("0048", ""));

	for (unsigned i = 0; i < 513; i++, len += 8)
		memcpy(bytes + len, (const uint8_t[]){0, 0, 0, 8, 0, 1, 0, 0}, 8);
	fb_set16(bytes + 2, (uint16_t)len);
	return len;
}

/* The id of a buffer that was given out and used. */
static uint32_t used_buffer(struct at *at)
{
	struct fb_msg po = {.version = OFP_VERSION, .type = OFPT_PACKET_OUT};
	struct peer *p = &at->peers[0];

	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	po.packet_out.buffer_id = p->msgs[0].packet_in.buffer_id;
	po.packet_out.in_port = OFPP_NONE;
	peer_clear(p);
	send_msg(at, 0, &po);
	CU_ASSERT_EQUAL(p->len, 0);
	peer_clear(&at->peers[1]);
	return po.packet_out.buffer_id;
}

static size_t build(struct at *at, uint8_t *bytes, const char *message)
{
	size_t len;

	if (strcmp(message, "many actions") == 0)
		return many_actions(bytes);
	len = from_hex(bytes, message);
	if (len >= 12 && fb_get32(bytes + 8) == 0xeeeeeeee)
		fb_set32(bytes + 8, used_buffer(at));
	return len;
}

/* The one message that came answers the 'len' bytes at 'bytes' with 'row's error. */
static bool is_answered(struct peer *p, const struct row *row, const uint8_t *bytes, size_t len)
{
	const struct fb_msg *msg = &p->msgs[0];

	return peer_read(p) == 1 && msg->type == OFPT_ERROR && msg->version == OFP_VERSION &&
	       msg->error.type == row->type && msg->error.code == row->code && msg->xid == 0xaa &&
	       msg->error.data.len >= (len < ERROR_BYTES_MIN ? len : ERROR_BYTES_MIN) &&
	       msg->error.data.len <= len &&
	       memcmp(msg->error.data.data, bytes, msg->error.data.len) == 0;
}

/* Room for one entry; port 1 has the queue 1. */
static struct at *at_for_errors(void)
{
	struct agent_config config;
	struct at *at;

	agent_config_default(&config);
	config.datapath.entries_max = 1;
	at = at_new_with(&config);
	CU_ASSERT_EQUAL(datapath_add_queue(agent_datapath(at->agent), 1, 1, 100), 0);
	connect_ready(at, 0);
	connect_ready(at, 1);
	return at;
}

static void raise_error(const struct row *row)
{
	static uint8_t bytes[MESSAGE_BYTES_MAX];
	struct at *at = at_for_errors();
	struct peer *p = &at->peers[0];
	size_t len;

	if (row->before) {
		len = build(at, bytes, row->before);
		send_bytes(at, 0, bytes, len);
		CU_ASSERT_EQUAL(p->len, 0);
	}
	len = build(at, bytes, row->message);
	send_bytes(at, 0, bytes, len);
	if (!is_answered(p, row, bytes, len)) {
		printf("# %s: %zu bytes came instead\n", row->name, p->len);
		CU_FAIL("another answer came");
	}
	CU_ASSERT_EQUAL(agent_counters(at->agent)->errors_out, 1);
	CU_ASSERT_EQUAL(at->peers[1].len, 0);
	peer_clear(p);
	send_type(at, 0, OFPT_BARRIER_REQUEST, 3);
	CU_ASSERT_EQUAL(peer_read(p), 1);
	at_free(at);
}

static void each_error_is_raised_by_its_message(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		CU_ASSERT_FATAL(!rows[i].message != !rows[i].impossible);
		if (rows[i].message)
			raise_error(&rows[i]);
	}
}

static void the_table_of_errors_is_whole(void)
{
	unsigned codes = HELLO_ROWS;

	for (size_t i = 0; i < ROWS; i++) {
		bool news = true;

		for (size_t k = 0; k < i; k++)
			news &= rows[k].type != rows[i].type || rows[k].code != rows[i].code;
		codes += news;
	}
	CU_ASSERT_EQUAL(codes, CODES);
}

/* --- HELLO_FAILED --- */

static void hello_failed_incompatible_is_for_a_peer_without_version_1(void)
{
	struct at *at = at_new();
	struct peer *p = &at->peers[0];

	connect_silently(at, 0);
	peer_clear(p);
	send_bytes(at, 0, (const uint8_t[]){0, OFPT_HELLO, 0, 8, 0, 0, 0, 0xaa}, 8);
	CU_ASSERT_TRUE(p->closed);
	assert_error(p, OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE, 0xaa);
	at_free(at);
}

/* The text of the HELLO_FAILED that came alone. */
static const char *hello_failed_text(struct peer *p)
{
	static char text[128];

	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL_FATAL(p->msgs[0].type, OFPT_ERROR);
	CU_ASSERT_EQUAL(p->msgs[0].error.type, OFPET_HELLO_FAILED);
	CU_ASSERT_EQUAL(p->msgs[0].error.code, OFPHFC_INCOMPATIBLE);
	snprintf(text, sizeof text, "%.*s", (int)p->msgs[0].error.data.len,
	         (const char *)p->msgs[0].error.data.data);
	return text;
}

static void a_peer_of_other_versions_is_told_which_in_all_places(void)
{
	static const uint8_t version_4_only[] = {4, 0, 0, 16, 0, 0, 0, 1,
	                                         0, 1, 0, 8,  0, 0, 0, 0x10};
	static const char text[] =
	        "the peer speaks OpenFlow version 0x04 (1.3), this switch 0x01 (1.0)";
	struct at *at = at_new();
	struct peer *p = &at->peers[0];

	connect_silently(at, 0);
	peer_clear(p);
	send_bytes(at, 0, version_4_only, sizeof version_4_only);
	CU_ASSERT_TRUE(p->closed);
	CU_ASSERT_STRING_EQUAL(p->reason, text);
	CU_ASSERT_STRING_EQUAL(hello_failed_text(p), text);
	CU_ASSERT_PTR_NOT_NULL(strstr(at->last_line, text));
	at_free(at);
}

static void a_version_without_a_name_is_told_by_its_number(void)
{
	struct at *at = at_new();
	struct peer *p = &at->peers[0];

	connect_silently(at, 0);
	peer_clear(p);
	send_bytes(at, 0, (const uint8_t[]){0, OFPT_HELLO, 0, 8, 0, 0, 0, 1}, 8);
	CU_ASSERT_STRING_EQUAL(hello_failed_text(p),
	                       "the peer speaks OpenFlow version 0x00, this switch 0x01 (1.0)");
	at_free(at);
}

/* Send the 8 bytes of a header of the first message that promises more, in pieces of 'cut'; true
 * when the connection survives. */
static bool survives_header(const uint8_t header[8], size_t cut)
{
	struct at *at = at_new();
	struct peer *p = &at->peers[0];
	bool alive;

	connect_silently(at, 0);
	peer_clear(p);
	for (size_t i = 0; i < 8; i += cut) {
		CU_ASSERT_FALSE(p->closed);
		send_bytes(at, 0, header + i, cut);
	}
	alive = !p->closed;
	if (!alive) {
		CU_ASSERT_EQUAL(agent_counters(at->agent)->messages_in, 1);
		assert_error(p, OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE, fb_get32(header + 4));
	}
	at_free(at);
	return alive;
}

static void a_first_message_is_refused_by_its_header(void)
{
	static const uint8_t refused[][8] = {
	        {'G', 'E', 'T', ' ', '/', ' ', 'H', 'T'},
	        {0, OFPT_HELLO, 0xff, 0xff, 0, 0, 0, 1},
	        {0, OFPT_ERROR, 0, 12, 0, 0, 0, 1},
	        {1, OFPT_FEATURES_REQUEST, 0, 9, 0, 0, 0, 1},
	};
	static const uint8_t waited_for[][8] = {
	        {1, OFPT_HELLO, 0, 9, 0, 0, 0, 1},
	        {4, OFPT_HELLO, 0, 16, 0, 0, 0, 1},
	        {1, OFPT_ERROR, 0, 12, 0, 0, 0, 1},
	};

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		for (size_t cut = 1; cut <= 8; cut *= 2)
			CU_ASSERT_FALSE(survives_header(refused[i], cut));
	for (size_t i = 0; i < sizeof waited_for / sizeof waited_for[0]; i++)
		for (size_t cut = 1; cut <= 8; cut *= 2)
			CU_ASSERT_TRUE(survives_header(waited_for[i], cut));
}

/* --- What the log says --- */

static void an_error_is_logged_by_its_name_and_its_message(void)
{
	struct fb_msg error = {.version = OFP_VERSION, .type = OFPT_ERROR, .xid = 5};
	struct at *at = at_ready();

	send_type(at, 0, OFPT_PORT_STATUS, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(at->last_line, "sent OFPBRC_BAD_TYPE about PORT_STATUS: "));
	CU_ASSERT_EQUAL(at->last_level, AGENT_LOG_INFO);
	send_bytes(at, 0, (const uint8_t[]){1, 99, 0, 8, 0, 0, 0, 2}, 8);
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(at->last_line, "sent OFPBRC_BAD_TYPE about an unknown message: "));
	error.error.type = OFPET_FLOW_MOD_FAILED;
	error.error.code = OFPFMFC_OVERLAP;
	send_msg(at, 0, &error);
	CU_ASSERT_PTR_NOT_NULL(strstr(at->last_line, "got ERROR xid=0x5 OFPFMFC_OVERLAP"));
	at_free(at);
}

/* ovs-ofctl tries its vendor's extensions on every connection. */
static void a_vendor_message_of_a_management_program_is_no_news(void)
{
	static const uint8_t vendor[] = {1, OFPT_VENDOR, 0, 12, 0, 0, 0, 1, 0, 0, 0x23, 0x20};
	struct at *at = at_new();

	connect_ready(at, 0);
	connect_ready_as(at, 1, AGENT_MANAGEMENT);
	send_bytes(at, 0, vendor, sizeof vendor);
	CU_ASSERT_EQUAL(at->last_level, AGENT_LOG_INFO);
	CU_ASSERT_PTR_NOT_NULL(strstr(at->last_line, "sent OFPBRC_BAD_VENDOR about VENDOR: "));
	send_bytes(at, 1, vendor, sizeof vendor);
	CU_ASSERT_EQUAL(at->last_level, AGENT_LOG_DEBUG);
	send_bytes(at, 1, (const uint8_t[]){1, 99, 0, 8, 0, 0, 0, 2}, 8);
	CU_ASSERT_EQUAL(at->last_level, AGENT_LOG_INFO);
	at_free(at);
}

static void a_management_program_that_is_refused_is_logged(void)
{
	struct at *at = at_new();

	connect_as(at, 0, AGENT_MANAGEMENT);
	send_bytes(at, 0, (const uint8_t *)"GET / HTTP/1.1", 14);
	CU_ASSERT_TRUE(at->peers[0].closed);
	CU_ASSERT_EQUAL(at->last_level, AGENT_LOG_INFO);
	CU_ASSERT_PTR_NOT_NULL(strstr(at->last_line, "the first message was not HELLO"));
	connect_ready_as(at, 1, AGENT_MANAGEMENT);
	leave(at, 1);
	CU_ASSERT_EQUAL(at->last_level, AGENT_LOG_DEBUG);
	at_free(at);
}

static void hello_failed_eperm_is_for_a_connection_too_many(void)
{
	struct agent_config config;
	struct at *at;
	struct peer *p;

	agent_config_default(&config);
	config.conns_max = 1;
	at = at_new_with(&config);
	p = &at->peers[1];
	connect_ready(at, 0);
	connect_silently(at, 1);
	CU_ASSERT_PTR_NULL(p->conn);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 2);
	CU_ASSERT_EQUAL(p->sends, 1);
	CU_ASSERT_EQUAL(p->msgs[0].type, OFPT_HELLO);
	CU_ASSERT_EQUAL(p->msgs[1].type, OFPT_ERROR);
	CU_ASSERT_EQUAL(p->msgs[1].error.type, OFPET_HELLO_FAILED);
	CU_ASSERT_EQUAL(p->msgs[1].error.code, OFPHFC_EPERM);
	CU_ASSERT(p->msgs[1].error.data.len > 10);
	at_free(at);
}

/* --- Lengths --- */

/* Messages of every type that a switch takes, as short as they may be. */
static const struct {
	const char *message;
	bool more; /* may be longer, as far as the length goes */
} shortest[] = {
        {"01000008" XID, true},
        {"01020008" XID, true},
        {"01030008" XID, true},
        {"0104000c" XID ZERO4, true},
        {"01050008" XID, false},
        {"01070008" XID, false},
        {"0109000c" XID ZERO4, false},
        {PACKET_OUT("001e", NO_BUFFER, "0000") ZERO8 ZERO4 "88b5", true},
        {ADD_WITH("0048", ""), true},
        {PORT_MOD("0001", "020000000101"), false},
        {STATS("000c", "0000"), false},
        {STATS("0038", "0001") ANY "ff00ffff", false},
        {STATS("0038", "0002") ANY "ff00ffff", false},
        {STATS("000c", "0003"), false},
        {STATS("0014", "0004") "ffff0000" ZERO4, false},
        {STATS("0014", "0005") "fffc0000ffffffff", false},
        {STATS("0010", "ffff") "00002320", true},
        {"01120008" XID, false},
        {"0114000c" XID "00010000", false},
};

/* Send the message with the length 'len'; true when BAD_REQUEST/BAD_LEN is the only answer. */
static bool is_bad_len(struct at *at, const uint8_t *message, size_t len)
{
	struct peer *p = &at->peers[0];
	uint8_t *bytes = malloc(len); /* not a byte more, for the sanitizer */

	memcpy(bytes, message, len);
	fb_set16(bytes + 2, (uint16_t)len);
	peer_clear(p);
	send_bytes(at, 0, bytes, len);
	free(bytes);
	return peer_read(p) == 1 && p->msgs[0].type == OFPT_ERROR &&
	       p->msgs[0].error.type == OFPET_BAD_REQUEST &&
	       p->msgs[0].error.code == OFPBRC_BAD_LEN && p->msgs[0].xid == 0xaa;
}

static void each_length_that_cannot_be_is_refused(void)
{
	struct at *at = at_for_errors();
	uint8_t message[128] = {0};

	for (size_t i = 0; i < sizeof shortest / sizeof shortest[0]; i++) {
		size_t right = from_hex(message, shortest[i].message);

		memset(message + right, 0, sizeof message - right);
		for (size_t len = 8; len < sizeof message; len++) {
			bool expected = len < right || (len > right && !shortest[i].more);

			if (len > right && shortest[i].more)
				break;
			if (is_bad_len(at, message, len) != expected) {
				printf("# type %u, %zu bytes\n", message[1], len);
				CU_FAIL("a wrong answer");
			}
		}
	}
	CU_ASSERT_FALSE(at->peers[0].closed);
	at_free(at);
}

static void a_length_below_eight_is_told_and_ends_the_connection(void)
{
	struct at *at = at_ready();

	send_bytes(at, 0, (const uint8_t[]){1, OFPT_HELLO, 0, 7, 0, 0, 0, 9}, 8);
	CU_ASSERT_TRUE(at->peers[0].closed);
	assert_error(&at->peers[0], OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, 9);
	at_free(at);
}

static void an_error_is_never_answered_with_an_error(void)
{
	struct at *at = at_ready();

	send_bytes(at, 0, (const uint8_t[]){1, OFPT_ERROR, 0, 8, 0, 0, 0, 9}, 8);
	send_bytes(at, 0, (const uint8_t[]){1, OFPT_ERROR, 0, 12, 0, 0, 0, 9, 0, 1, 0, 1}, 12);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->errors_in, 1);
	at_free(at);
}

static void an_error_before_hello_ends_the_connection_without_a_word(void)
{
	struct at *at = at_new();
	struct peer *p = &at->peers[0];

	connect_silently(at, 0);
	peer_clear(p);
	send_bytes(at, 0, (const uint8_t[]){1, OFPT_ERROR, 0, 12, 0, 0, 0, 9, 0, 1, 0, 1}, 12);
	CU_ASSERT_TRUE(p->closed);
	CU_ASSERT_EQUAL(p->len, 0);
	at_free(at);
}

/* A header-only message is the first of its connection: refused whatever it is, save HELLO. */
static void every_message_before_hello_ends_the_connection(void)
{
	for (unsigned type = 0; type < 256; type++) {
		struct at *at = at_new();
		struct peer *p = &at->peers[0];

		if (type == OFPT_HELLO || type == OFPT_ERROR) {
			at_free(at);
			continue;
		}
		connect_silently(at, 0);
		peer_clear(p);
		send_bytes(at, 0, (const uint8_t[]){1, (uint8_t)type, 0, 8, 0, 0, 0, 7}, 8);
		CU_ASSERT_TRUE(p->closed);
		CU_ASSERT_EQUAL(p->readies, 0);
		assert_error(p, OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE, 7);
		at_free(at);
	}
}

UNIT_TESTS("agent errors", UNIT_TEST(each_error_is_raised_by_its_message),
           UNIT_TEST(the_table_of_errors_is_whole),
           UNIT_TEST(hello_failed_incompatible_is_for_a_peer_without_version_1),
           UNIT_TEST(a_peer_of_other_versions_is_told_which_in_all_places),
           UNIT_TEST(a_version_without_a_name_is_told_by_its_number),
           UNIT_TEST(a_first_message_is_refused_by_its_header),
           UNIT_TEST(an_error_is_logged_by_its_name_and_its_message),
           UNIT_TEST(a_vendor_message_of_a_management_program_is_no_news),
           UNIT_TEST(a_management_program_that_is_refused_is_logged),
           UNIT_TEST(hello_failed_eperm_is_for_a_connection_too_many),
           UNIT_TEST(each_length_that_cannot_be_is_refused),
           UNIT_TEST(a_length_below_eight_is_told_and_ends_the_connection),
           UNIT_TEST(an_error_is_never_answered_with_an_error),
           UNIT_TEST(an_error_before_hello_ends_the_connection_without_a_word),
           UNIT_TEST(every_message_before_hello_ends_the_connection))
