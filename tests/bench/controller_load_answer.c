/* Whether a match fits a frame, and what becomes of a frame by a list of actions; see
 * controller_load.h. */
#include "tests/bench/controller_load.h"

bool answer_fits(const struct ofp_match *match, const struct load_frame *frame)
{
	uint32_t wildcards = fb_get32(&match->wildcards);
	uint32_t src_bits = wildcards >> OFPFW_NW_SRC_SHIFT & 63;
	uint32_t dst_bits = wildcards >> OFPFW_NW_DST_SHIFT & 63;

	return (wildcards & OFPFW_IN_PORT || fb_get16(&match->in_port) == frame->in_port) &&
	       (wildcards & OFPFW_DL_SRC || fb_mac_to_u64(match->dl_src) == frame->dl_src) &&
	       (wildcards & OFPFW_DL_DST || fb_mac_to_u64(match->dl_dst) == frame->dl_dst) &&
	       (wildcards & OFPFW_DL_VLAN || fb_get16(&match->dl_vlan) == OFP_VLAN_NONE) &&
	       (wildcards & OFPFW_DL_TYPE || fb_get16(&match->dl_type) == FB_ETH_IPV4) &&
	       (wildcards & OFPFW_NW_PROTO || match->nw_proto == frame->nw_proto) &&
	       (wildcards & OFPFW_NW_TOS || match->nw_tos == 0) &&
	       (src_bits >= 32 || !((fb_get32(&match->nw_src) ^ frame->nw_src) >> src_bits)) &&
	       (dst_bits >= 32 || !((fb_get32(&match->nw_dst) ^ frame->nw_dst) >> dst_bits)) &&
	       (wildcards & OFPFW_TP_SRC || fb_get16(&match->tp_src) == frame->tp_src) &&
	       (wildcards & OFPFW_TP_DST || fb_get16(&match->tp_dst) == frame->tp_dst);
}

uint16_t answer_follow(const uint8_t *actions, size_t len, struct load_frame *frame)
{
	struct fb_of_error error;
	struct fb_action action;
	uint16_t port = 0;
	size_t at = 0;

	if (fb_actions_check(actions, len, false, &error) < 0)
		return 0;
	while (fb_action_next(actions, len, &at, &action)) {
		if (port)
			return 0;
		if (action.type == OFPAT_SET_DL_SRC)
			frame->dl_src = fb_mac_to_u64(action.dl_addr);
		else if (action.type == OFPAT_SET_DL_DST)
			frame->dl_dst = fb_mac_to_u64(action.dl_addr);
		else if (action.type == OFPAT_OUTPUT)
			port = action.output.port;
		else
			return 0;
	}
	return port;
}
