/* The one answer of the null responder, which the load generator expects of it. */
#ifndef CONTROLLER_NULL_H
#define CONTROLLER_NULL_H

#include <flowbed/match.h>
#include <flowbed/openflow.h>

enum {
	NULL_ANSWER_BYTES = sizeof(struct ofp_flow_mod) + sizeof(struct ofp_action_output),
	NULL_ANSWER_PORT = 2,
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

#endif
