/* Text: the names that the specification gives to types of messages (section 5.1) and to errors
 * (section 5.4.4). */
#include "lib/wire/text_parts.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const char *fb_text_msg_type(uint8_t type)
{
	static const char *const names[] = {
	        [OFPT_HELLO] = "HELLO",
	        [OFPT_ERROR] = "ERROR",
	        [OFPT_ECHO_REQUEST] = "ECHO_REQUEST",
	        [OFPT_ECHO_REPLY] = "ECHO_REPLY",
	        [OFPT_VENDOR] = "VENDOR",
	        [OFPT_FEATURES_REQUEST] = "FEATURES_REQUEST",
	        [OFPT_FEATURES_REPLY] = "FEATURES_REPLY",
	        [OFPT_GET_CONFIG_REQUEST] = "GET_CONFIG_REQUEST",
	        [OFPT_GET_CONFIG_REPLY] = "GET_CONFIG_REPLY",
	        [OFPT_SET_CONFIG] = "SET_CONFIG",
	        [OFPT_PACKET_IN] = "PACKET_IN",
	        [OFPT_FLOW_REMOVED] = "FLOW_REMOVED",
	        [OFPT_PORT_STATUS] = "PORT_STATUS",
	        [OFPT_PACKET_OUT] = "PACKET_OUT",
	        [OFPT_FLOW_MOD] = "FLOW_MOD",
	        [OFPT_PORT_MOD] = "PORT_MOD",
	        [OFPT_STATS_REQUEST] = "STATS_REQUEST",
	        [OFPT_STATS_REPLY] = "STATS_REPLY",
	        [OFPT_BARRIER_REQUEST] = "BARRIER_REQUEST",
	        [OFPT_BARRIER_REPLY] = "BARRIER_REPLY",
	        [OFPT_QUEUE_GET_CONFIG_REQUEST] = "QUEUE_GET_CONFIG_REQUEST",
	        [OFPT_QUEUE_GET_CONFIG_REPLY] = "QUEUE_GET_CONFIG_REPLY",
	};

	return type < COUNT(names) ? names[type] : NULL;
}

#define NAME(value)                                                                                \
	{                                                                                          \
		value, #value                                                                      \
	}

static const struct text_name hello_failed[] = {
        NAME(OFPHFC_INCOMPATIBLE),
        NAME(OFPHFC_EPERM),
};

static const struct text_name bad_request[] = {
        NAME(OFPBRC_BAD_VERSION), NAME(OFPBRC_BAD_TYPE),     NAME(OFPBRC_BAD_STAT),
        NAME(OFPBRC_BAD_VENDOR),  NAME(OFPBRC_BAD_SUBTYPE),  NAME(OFPBRC_EPERM),
        NAME(OFPBRC_BAD_LEN),     NAME(OFPBRC_BUFFER_EMPTY), NAME(OFPBRC_BUFFER_UNKNOWN),
};

static const struct text_name bad_action[] = {
        NAME(OFPBAC_BAD_TYPE),        NAME(OFPBAC_BAD_LEN),      NAME(OFPBAC_BAD_VENDOR),
        NAME(OFPBAC_BAD_VENDOR_TYPE), NAME(OFPBAC_BAD_OUT_PORT), NAME(OFPBAC_BAD_ARGUMENT),
        NAME(OFPBAC_EPERM),           NAME(OFPBAC_TOO_MANY),     NAME(OFPBAC_BAD_QUEUE),
};

static const struct text_name flow_mod_failed[] = {
        NAME(OFPFMFC_ALL_TABLES_FULL),   NAME(OFPFMFC_OVERLAP),     NAME(OFPFMFC_EPERM),
        NAME(OFPFMFC_BAD_EMERG_TIMEOUT), NAME(OFPFMFC_BAD_COMMAND), NAME(OFPFMFC_UNSUPPORTED),
};

static const struct text_name port_mod_failed[] = {
        NAME(OFPPMFC_BAD_PORT),
        NAME(OFPPMFC_BAD_HW_ADDR),
};

static const struct text_name queue_op_failed[] = {
        NAME(OFPQOFC_BAD_PORT),
        NAME(OFPQOFC_BAD_QUEUE),
        NAME(OFPQOFC_EPERM),
};

/* Error types with their codes, in the order of their numbers. */
static const struct {
	const char *name;
	const struct text_name *codes;
	size_t codes_count;
} error_types[] = {
        {"OFPET_HELLO_FAILED", hello_failed, COUNT(hello_failed)},
        {"OFPET_BAD_REQUEST", bad_request, COUNT(bad_request)},
        {"OFPET_BAD_ACTION", bad_action, COUNT(bad_action)},
        {"OFPET_FLOW_MOD_FAILED", flow_mod_failed, COUNT(flow_mod_failed)},
        {"OFPET_PORT_MOD_FAILED", port_mod_failed, COUNT(port_mod_failed)},
        {"OFPET_QUEUE_OP_FAILED", queue_op_failed, COUNT(queue_op_failed)},
};

void fb_text_error_code(struct fb_text *t, uint16_t type, uint16_t code)
{
	const char *name;

	if (type >= COUNT(error_types)) {
		fb_text_printf(t, "unknown %u/%u", type, code);
		return;
	}
	name = text_name_of(error_types[type].codes, error_types[type].codes_count, code);
	if (name)
		fb_text_puts(t, name);
	else
		fb_text_printf(t, "%s unknown %u", error_types[type].name, code);
}
