/* Fake switches that are wired to each other: discovery frames that the controller sends by one come
 * in by the other. All else that it sends stays to be looked at, without the discovery frames.
 *
 *     struct fake_network net = fake_network_begin("edge_after=50ms", &fb_app_forwarding, "");
 *     struct fake_switch *a = fake_network_join(&net, 1, 4), *b = fake_network_join(&net, 2, 4);
 *     fake_network_wire(&net, a, 3, b, 3);
 *     fake_network_pass(&net, FB_NS_PER_S);     time passes, and frames
 *     fake_network_end(&net);
 */
#ifndef UNIT_CONTROLLER_FAKE_NETWORK_H
#define UNIT_CONTROLLER_FAKE_NETWORK_H

#include <flowbed/discovery.h>

#include "tests/unit/controller/fake_switch.h"

enum { FAKE_WIRES_MAX = 256 };

/* What goes out of one end comes in at the other; one way. */
struct fake_wire {
	struct fake_switch *from, *to;
	uint16_t from_port, to_port;
	bool cut;
};

struct fake_network {
	struct bench *b;
	struct fake_wire wires[FAKE_WIRES_MAX];
	size_t wires_count;
	size_t lldp_count; /* discovery frames that were sent */
};

/* A controller with discovery, with 'options', and behind it 'cls' (NULL: none); no echoes. */
static inline struct fake_network fake_network_begin(const char *options,
                                                     const struct fb_app_class *cls,
                                                     const char *cls_options)
{
	struct fake_network net = {0};
	struct controller_config config;

	controller_config_default(&config);
	config.run_id = 0x1234abcd;
	config.liveness.echo_idle_ns = 0;
	net.b = bench_new_with(&config);
	bench_add(net.b, &fb_app_discovery, options);
	if (cls)
		bench_add(net.b, cls, cls_options);
	return net;
}

static inline void fake_network_end(struct fake_network *net)
{
	bench_free(net->b);
}

static inline void fake_network_wire_one_way(struct fake_network *net, struct fake_switch *from,
                                             uint16_t from_port, struct fake_switch *to,
                                             uint16_t to_port)
{
	assert(net->wires_count < FAKE_WIRES_MAX);
	net->wires[net->wires_count++] = (struct fake_wire){
	        .from = from, .to = to, .from_port = from_port, .to_port = to_port};
}

static inline void fake_network_wire(struct fake_network *net, struct fake_switch *a,
                                     uint16_t a_port, struct fake_switch *b, uint16_t b_port)
{
	fake_network_wire_one_way(net, a, a_port, b, b_port);
	fake_network_wire_one_way(net, b, b_port, a, a_port);
}

/* Nothing passes from 'sw' by 'port' any more, and nobody is told. */
static inline void fake_network_cut_one_way(struct fake_network *net, struct fake_switch *sw,
                                            uint16_t port, bool cut)
{
	for (size_t i = 0; i < net->wires_count; i++) {
		if (net->wires[i].from == sw && net->wires[i].from_port == port)
			net->wires[i].cut = cut;
	}
}

/* Nothing passes by 'port' of 'sw' in either direction, and nobody is told. */
static inline void fake_network_cut(struct fake_network *net, struct fake_switch *sw, uint16_t port,
                                    bool cut)
{
	fake_network_cut_one_way(net, sw, port, cut);
	for (size_t i = 0; i < net->wires_count; i++) {
		if (net->wires[i].to == sw && net->wires[i].to_port == port)
			net->wires[i].cut = cut;
	}
}

/* Take the first discovery frame out of what was sent to 'sw'; its length, 0: there is none. */
static inline size_t fake_network_take_lldp(struct fake_switch *sw, uint8_t frame[256],
                                            uint16_t *port)
{
	struct fb_of_error error;
	struct fb_msg msg;
	size_t len;

	for (size_t at = 0; at < sw->sent_len; at += len) {
		const struct fb_packet_out *po = &msg.packet_out;

		len = fb_get16(sw->sent + at + 2);
		if (sw->sent[at + 1] != OFPT_PACKET_OUT ||
		    fb_msg_decode(sw->sent + at, len, &msg, &error) < 0 || po->data.len < 14 ||
		    po->data.len > 256 || fb_get16(po->data.data + 12) != FB_ETH_LLDP)
			continue;
		memcpy(frame, po->data.data, po->data.len);
		*port = fake_only_output(po->actions);
		memmove(sw->sent + at, sw->sent + at + len, sw->sent_len - at - len);
		sw->sent_len -= len;
		if (sw->read_at > at)
			sw->read_at -= len;
		return msg.packet_out.data.len;
	}
	return 0;
}

/* Carry 'frame', which left 'sw' by 'port', to wherever it leads. */
static inline void fake_network_carry(struct fake_network *net, struct fake_switch *sw,
                                      uint16_t port, const uint8_t *frame, size_t len)
{
	for (size_t i = 0; i < net->wires_count; i++) {
		const struct fake_wire *wire = &net->wires[i];

		if (wire->from == sw && wire->from_port == port && !wire->cut && wire->to->session)
			fake_switch_packet_in(wire->to, OFP_NO_BUFFER, wire->to_port, frame, len);
	}
}

/* Carry all discovery frames that were sent, and those that they lead to. */
static inline void fake_network_settle(struct fake_network *net)
{
	uint8_t frame[256];
	bool again = true;
	uint16_t port;
	size_t len;

	while (again) {
		again = false;
		for (size_t i = 0; i < net->b->switches_count; i++) {
			struct fake_switch *sw = net->b->switches[i];

			while ((len = fake_network_take_lldp(sw, frame, &port)) > 0) {
				again = true;
				net->lldp_count++;
				fake_network_carry(net, sw, port, frame, len);
			}
		}
	}
}

/* Let 'ns' pass; discovery frames arrive at the time at which they are sent. */
static inline void fake_network_pass(struct fake_network *net, uint64_t ns)
{
	struct bench *b = net->b;
	uint64_t until_ns = b->now_ns + ns, deadline_ns;

	fake_network_settle(net);
	while ((deadline_ns = controller_deadline(b->ctl)) <= until_ns) {
		if (deadline_ns > b->now_ns)
			b->now_ns = deadline_ns;
		controller_run(b->ctl, b->now_ns);
		fake_network_settle(net);
	}
	b->now_ns = until_ns;
}

/* A switch that joins; what it is sent for that is discarded, but for discovery frames. */
static inline struct fake_switch *fake_network_join(struct fake_network *net, uint64_t dpid,
                                                    uint16_t ports_count)
{
	return fake_switch_join_keeping(net->b, dpid, ports_count, true);
}

/* Forget what was sent to all switches. */
static inline void fake_network_discard(struct fake_network *net)
{
	fake_network_settle(net);
	for (size_t i = 0; i < net->b->switches_count; i++)
		fake_switch_discard(net->b->switches[i]);
}

static inline uint64_t fake_network_counter(const struct fake_network *net, const char *name)
{
	return bench_counter(net->b, "discovery", name);
}

#endif
