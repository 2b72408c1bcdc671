/* The answers of the null responder; the load generator knows the fixed one. */
#ifndef CONTROLLER_NULL_H
#define CONTROLLER_NULL_H

#include <flowbed/match.h>
#include <flowbed/openflow.h>

enum {
	NULL_ANSWER_BYTES = sizeof(struct ofp_flow_mod) + sizeof(struct ofp_action_output),
	NULL_ANSWER_PORT = 2,
	NULL_ANSWERS_BYTES_MAX = 512, /* all that one packet-in is answered with */
};

/* A flow-mod that sends everything to one port. Of it only xid and buffer id change. */
static inline void null_answer(uint8_t bytes[NULL_ANSWER_BYTES])
{
	struct ofp_flow_mod *fm = (struct ofp_flow_mod *)bytes;
	struct ofp_action_output *output = (struct ofp_action_output *)fm->actions;

	memset(bytes, 0, NULL_ANSWER_BYTES);
	fm->header.version = OFP_VERSION;
	fm->header.type = OFPT_FLOW_MOD;
	fb_set16(&fm->header.length, NULL_ANSWER_BYTES);
	fb_set32(&fm->match.wildcards, OFPFW_ALL);
	fb_set16(&fm->idle_timeout, 60);
	fb_set16(&fm->priority, OFP_DEFAULT_PRIORITY);
	fb_set16(&fm->out_port, OFPP_NONE);
	fb_set16(&output->type, OFPAT_OUTPUT);
	fb_set16(&output->len, sizeof *output);
	fb_set16(&output->port, NULL_ANSWER_PORT);
}

/* --- Answers that look at the packet-in (controller_null_answers.c) --- */

enum null_kind { NULL_FIXED, NULL_LEARNING, NULL_HUB, NULL_BALANCER, NULL_KINDS };

/* Ways to be wrong. */
enum null_wrong {
	NULL_RIGHT,
	NULL_WRONG_BUFFER,  /* another buffer id */
	NULL_WRONG_PORT,    /* the frame goes to another port */
	NULL_WRONG_MATCH,   /* a match, or in_port of a packet-out, that does not fit the frame */
	NULL_WRONG_ADDRESS, /* a match with another dl_dst */
	NULL_WRONG_TWICE,
	NULL_WRONG_NEVER,
	NULL_WRONG_ENTRY,    /* the entry before the release leads to another port */
	NULL_WRONG_NO_ENTRY, /* that entry is missing */
	NULL_WRONGS,
};

/* Write the answers to a packet-in of 'len' bytes to 'out' and return how many bytes they have. The
 * last of them releases the buffer. */
size_t null_answers_put(uint8_t out[NULL_ANSWERS_BYTES_MAX], enum null_kind kind,
                        const uint8_t *packet_in, size_t len, uint32_t xid);
/* Make the answers in the 'len' bytes at 'out' wrong; returns how many bytes they have then. */
size_t null_answers_spoil(uint8_t out[NULL_ANSWERS_BYTES_MAX], size_t len, enum null_wrong wrong);

#endif
