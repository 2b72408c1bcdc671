/* Who is told what by ARP.
 *
 * An address that several hosts share has one MAC towards everybody else, made from the address
 * itself (0e:fc and its four bytes), so that it is the same after a restart and on every switch. The
 * controller answers for it. Nobody ever learns the MAC of a replica as that of the shared address:
 * neither from its answers, which are taken; nor from its announcements, which are taken too; nor
 * from its questions, whose sender others would remember.
 *
 *     a question for                    of a host               of a replica
 *     a shared address                  answered: stable MAC    answered: stable MAC
 *     an address with one owner         passed on to it alone   answered: the owner's MAC
 *     an address that nobody has yet    waits                   waits
 *
 * A question waits while the controller asks by a probe of its own, everywhere but where it came
 * in. The first owner that is heard does not decide it yet: others have 'arp_settle' to speak up,
 * and who has asked learns the stable MAC where there are several. Where nobody was heard within
 * the hold time there may still be a host that answers to no probe: then the question is flooded.
 * That of a replica is not; the controller asks all hosts in its place, for the shared address and
 * with the stable MAC, and the next time that the replica asks, which it does within a second, the
 * answer is known.
 *
 * A host that asks whether it may use a shared address (RFC 5227: sender address 0.0.0.0) gets no
 * answer, which it would take for a conflict: it may be a further replica. For an address that
 * nobody was heard under its question is flooded at once, and answers reach it. A probe of the
 * controller would be a conflict, too: for a while none for that address goes there
 * (balancer_probes.c). Announcements of hosts that share nothing are flooded, and what they answer
 * goes to who has asked. Answers of replicas reach the controller all the same where a question was
 * passed on to a host that was alone then: who has asked gets the stable MAC in their place.
 *
 * A frame that came over a link was looked at where it had entered the network, and is on its way
 * through a flood. It goes on as it is; nothing of it is answered twice.
 *
 * arp=flood, as the article had it: questions are flooded, answers go to their target.
 *
 * Limits: 'hold_max' questions wait at a time; at that limit they are flooded at once. The same
 * question again, while it waits, is dropped.
 *
 * What is left to others: hearing who speaks for an address, and consuming what is for the
 * controller's own MAC (balancer.c); probes (balancer_owners.c, balancer_probes.c). */
#include "controller/apps/balancer_arp.h"

#include <stdlib.h>

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"

enum {
	STABLE_FIRST = 0x0e, /* of the stable MACs */
	STABLE_SECOND = 0xfc,
	WAIT_BYTES_MAX = 2048, /* of one frame: more than ARP has */
	FRAME_BYTES = FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES + FB_ARP_BYTES,
};

static const uint32_t multicast_from = UINT32_C(0xe0000000);

/* A question that waits. */
struct balancer_arp_wait {
	TAILQ_ENTRY(balancer_arp_wait) link;
	uint64_t due_ns;
	uint16_t node;          /* of the switch that it came in by */
	struct fb_packet_in pi; /* pi.packet.data is 'bytes' */
	uint8_t bytes[];
};

void balancer_arp_init(struct balancer_arp *arp)
{
	TAILQ_INIT(&arp->asked);
	TAILQ_INIT(&arp->settling);
	arp->count = 0;
}

static void forget(struct balancer_arp *arp, struct balancer_arp_waits *list,
                   struct balancer_arp_wait *wait)
{
	TAILQ_REMOVE(list, wait, link);
	arp->count--;
	free(wait);
}

static void forget_all(struct balancer_arp *arp, struct balancer_arp_waits *list)
{
	while (!TAILQ_EMPTY(list))
		forget(arp, list, TAILQ_FIRST(list));
}

void balancer_arp_free(struct balancer_arp *arp)
{
	forget_all(arp, &arp->asked);
	forget_all(arp, &arp->settling);
}

void balancer_arp_mac(uint8_t mac[FB_MAC_BYTES], uint32_t ip)
{
	mac[0] = STABLE_FIRST;
	mac[1] = STABLE_SECOND;
	fb_set32(mac + 2, ip);
}

bool balancer_arp_is_mac(const uint8_t mac[FB_MAC_BYTES], uint32_t *ip)
{
	if (mac[0] != STABLE_FIRST || mac[1] != STABLE_SECOND)
		return false;
	*ip = fb_get32(mac + 2);
	return true;
}

static bool is_shared(const struct balancer_call *call, uint32_t ip, uint16_t vlan)
{
	const struct balancer_address *address = balancer_owners_find(call, ip, vlan);

	return address && address->shared;
}

/* The owner of 'address', which is not shared; NULL: nobody was heard. */
static const struct balancer_owner *only_owner(const struct balancer_address *address)
{
	if (!address || address->owners_count == 0 || balancer_owners_is_recalled(address) ||
	    !balancer_owner_is_there(&address->owners[0]))
		return NULL;
	return &address->owners[0];
}

/* --- What is done to a frame: each of these releases it --- */

static void take(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	call->b->counters.arp_taken++;
	balancer_send_drop(call, pi);
}

/* Send the answer "'ip' is at 'mac'" to the host 'to' with the address 'to_ip', which is at 'at'.
 * 'p' tells the VLAN. */
static void send_answer(const struct balancer_call *call, const struct fb_packet *p,
                        const uint8_t mac[FB_MAC_BYTES], uint32_t ip,
                        const uint8_t to[FB_MAC_BYTES], uint32_t to_ip, struct fb_place at)
{
	uint8_t bytes[FRAME_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = p->has_vlan, .vlan_tci = p->vlan_tci};

	memcpy(eth.dl_src, mac, FB_MAC_BYTES);
	memcpy(eth.dl_dst, to, FB_MAC_BYTES);
	if (!fb_build_arp(&frame, &eth, FB_ARP_REPLY, mac, ip, to, to_ip))
		return;
	balancer_send_frame(call, &frame, at);
	call->b->counters.arp_answered++;
}

/* Answer the question 'pi' with 'mac'. */
static void answer(const struct balancer_call *call, const struct fb_packet_in *pi,
                   const uint8_t mac[FB_MAC_BYTES])
{
	const struct fb_packet *p = &pi->packet;

	send_answer(call, p, mac, p->nw_dst, p->arp_sha, p->nw_src, balancer_place(call, pi));
	balancer_send_drop(call, pi);
}

/* Of a frame that came cut the ARP part is here, and that is all that counts: the rest is padding.
 */
static void send_part(const struct balancer_call *call, const struct fb_packet_in *pi,
                      const struct balancer_rewrite *rewrite)
{
	const struct fb_packet *p = &pi->packet;
	uint8_t bytes[FRAME_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	if (fb_buf_put(&frame, p->data, (size_t)p->l3_ofs + FB_ARP_BYTES)) {
		if (rewrite->dl_dst)
			memcpy(bytes, rewrite->dl_dst, FB_MAC_BYTES);
		balancer_send_frame(call, &frame, rewrite->at);
	}
	balancer_send_drop(call, pi);
}

/* To the host at 'at' alone, with 'dl_dst' as its destination where not NULL. What came in there has
 * been heard there. */
static void pass_on(const struct balancer_call *call, const struct fb_packet_in *pi,
                    const uint8_t *dl_dst, struct fb_place at)
{
	const struct balancer_rewrite rewrite = {.dl_dst = dl_dst, .at = at};

	if (!dl_dst && balancer_same_place(at, balancer_place(call, pi))) {
		take(call, pi);
		return;
	}
	call->b->counters.arp_passed++;
	if (pi->packet.len < pi->total_len && at.node != call->node)
		send_part(call, pi, &rewrite);
	else
		balancer_send_through(call, pi, &rewrite);
}

/* Where the host 'mac', which speaks for 'ip', is; port 0: unknown. */
static struct fb_place place_of(const struct balancer_call *call, const uint8_t mac[FB_MAC_BYTES],
                                uint32_t ip, uint16_t vlan)
{
	const struct fb_host *host = fb_discovery_host(call->b->discovery, mac, vlan);
	const struct balancer_address *address;
	const struct balancer_owner *owner;

	if (host)
		return host->at;
	address = balancer_owners_find(call, ip, vlan);
	owner = address ? balancer_owners_by_mac(address, mac) : NULL;
	return owner ? owner->at : (struct fb_place){0};
}

/* To whom the frame is for, or to all. */
static void forward(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	struct fb_place at = place_of(call, p->dl_dst, p->nw_dst, balancer_vlan(p));

	if (at.port != 0)
		pass_on(call, pi, NULL, at);
	else
		balancer_send_flood(call, pi);
}

/* --- Questions --- */

/* Ask all hosts in place of the replica that sent 'pi'. */
static void ask_for_replica(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	static const uint8_t nobody[FB_MAC_BYTES];
	const struct fb_packet *p = &pi->packet;
	struct fb_place except[BALANCER_WANTERS_MAX + 1];
	size_t count = balancer_probes_wanters(call, p->nw_src, balancer_vlan(p), except);
	uint8_t bytes[FRAME_BYTES], mac[FB_MAC_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = p->has_vlan, .vlan_tci = p->vlan_tci};

	except[count++] = balancer_place(call, pi);
	balancer_arp_mac(mac, p->nw_src);
	memset(eth.dl_dst, 0xff, FB_MAC_BYTES);
	memcpy(eth.dl_src, mac, FB_MAC_BYTES);
	if (fb_build_arp(&frame, &eth, FB_ARP_REQUEST, mac, p->nw_src, nobody, p->nw_dst)) {
		balancer_send_everywhere(call, &frame, except, count);
		call->b->counters.probes++;
	}
	take(call, pi);
}

/* Deal with the question 'pi' by what is known of its target. False where that is nothing: 'pi' is
 * not released then. */
static bool decide(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	const uint16_t vlan = balancer_vlan(p);
	const struct balancer_address *address = balancer_owners_find(call, p->nw_dst, vlan);
	const struct balancer_owner *owner;
	uint8_t mac[FB_MAC_BYTES];

	if (address && address->shared) {
		balancer_arp_mac(mac, p->nw_dst);
		if (p->nw_src == 0)
			take(call, pi);
		else
			answer(call, pi, mac);
		return true;
	}
	owner = only_owner(address);
	if (!owner)
		return false;
	if (is_shared(call, p->nw_src, vlan)) {
		answer(call, pi, owner->mac);
		return true;
	}
	/* The asker may believe in a MAC that nobody has any more. */
	if (fb_mac_is_multicast(p->dl_dst) || fb_mac_equal(p->dl_dst, owner->mac))
		pass_on(call, pi, NULL, owner->at);
	else
		pass_on(call, pi, owner->mac, owner->at);
	return true;
}

/* Nobody was heard under the address that 'pi' asks for. */
static void give_up(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;

	if (is_shared(call, p->nw_src, balancer_vlan(p)))
		ask_for_replica(call, pi);
	else
		balancer_send_flood(call, pi);
}

/* --- Waiting --- */

static bool asks_for(const struct balancer_arp_wait *wait, uint32_t ip, uint16_t vlan)
{
	return wait->pi.packet.nw_dst == ip && balancer_vlan(&wait->pi.packet) == vlan;
}

static bool has_question_for(const struct balancer_arp_waits *list, const struct fb_packet *p)
{
	const struct balancer_arp_wait *wait;

	TAILQ_FOREACH(wait, list, link)
	{
		if (asks_for(wait, p->nw_dst, balancer_vlan(p)))
			return true;
	}
	return false;
}

/* True when the question 'p' is in 'list': of the same host, about the same address. */
static bool has_question(const struct balancer_arp_waits *list, const struct fb_packet *p)
{
	const struct balancer_arp_wait *wait;

	TAILQ_FOREACH(wait, list, link)
	{
		if (asks_for(wait, p->nw_dst, balancer_vlan(p)) &&
		    wait->pi.packet.nw_src == p->nw_src &&
		    fb_mac_equal(wait->pi.packet.arp_sha, p->arp_sha))
			return true;
	}
	return false;
}

static struct balancer_arp_wait *copy_of(const struct balancer_call *call,
                                         const struct fb_packet_in *pi)
{
	struct balancer_arp_wait *wait = malloc(sizeof *wait + pi->packet.len);

	if (!wait)
		return NULL;
	wait->node = call->node;
	wait->pi = *pi;
	memcpy(wait->bytes, pi->packet.data, pi->packet.len);
	fb_packet_parse(&wait->pi.packet, wait->bytes, pi->packet.len);
	return wait;
}

/* Let 'pi' wait in 'list' until 'due_ns'. False when that cannot be. */
static bool enter(const struct balancer_call *call, const struct fb_packet_in *pi,
                  struct balancer_arp_waits *list, uint64_t due_ns)
{
	struct balancer_arp *arp = &call->b->arp;
	struct balancer_arp_wait *wait = NULL;

	if (arp->count < call->b->config.hold_max && pi->packet.len <= WAIT_BYTES_MAX)
		wait = copy_of(call, pi);
	if (!wait) {
		call->b->counters.arp_full++;
		return false;
	}
	wait->due_ns = due_ns;
	TAILQ_INSERT_TAIL(list, wait, link);
	arp->count++;
	call->b->counters.arp_waited++;
	return true;
}

/* Nobody was heard under the address yet: ask once for all who want to know. */
static void wait_for_owner(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	struct balancer_arp *arp = &call->b->arp;
	bool is_asked = has_question_for(&arp->asked, p);
	uint64_t due_ns = fb_time_after(call->now_ns, call->b->config.hold_ns);

	if (!enter(call, pi, &arp->asked, due_ns))
		give_up(call, pi);
	if (!is_asked)
		balancer_owners_ask_others(call, p->nw_dst, balancer_vlan(p),
		                           balancer_place(call, pi));
}

void balancer_arp_ask(const struct balancer_call *call)
{
	const struct balancer_arp_wait *wait, *other;

	TAILQ_FOREACH(wait, &call->b->arp.asked, link)
	{
		const struct fb_packet *p = &wait->pi.packet;
		const struct fb_place at = {.node = wait->node, .port = wait->pi.in_port};

		TAILQ_FOREACH(other, &call->b->arp.asked, link)
		{
			if (other == wait || (other->pi.packet.nw_dst == p->nw_dst &&
			                      balancer_vlan(&other->pi.packet) == balancer_vlan(p)))
				break;
		}
		if (other == wait)
			balancer_owners_ask_others(call, p->nw_dst, balancer_vlan(p), at);
	}
}

/* A host asks whether it may use an address: the answer, which would be a conflict, must come from
 * who has it, and so must the question come from that host alone. */
static void may_i_use(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	if (!decide(call, pi))
		balancer_send_flood(call, pi);
}

static void question(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	struct balancer_arp *arp = &call->b->arp;
	uint64_t settled_ns = fb_time_after(call->now_ns, call->b->config.arp_settle_ns);

	if (p->nw_dst == 0 || p->nw_dst >= multicast_from || fb_mac_is_multicast(p->arp_sha) ||
	    has_question(&arp->asked, p) || has_question(&arp->settling, p))
		take(call, pi);
	else if (p->nw_src == 0)
		may_i_use(call, pi);
	else if (!(has_question_for(&arp->settling, p) &&
	           enter(call, pi, &arp->settling, settled_ns)) &&
	         !decide(call, pi))
		wait_for_owner(call, pi);
}

void balancer_arp_found(const struct balancer_call *call, uint32_t ip, uint16_t vlan)
{
	struct balancer_arp *arp = &call->b->arp;
	struct balancer_arp_wait *wait = TAILQ_FIRST(&arp->asked), *next;

	for (; wait; wait = next) {
		next = TAILQ_NEXT(wait, link);
		if (!asks_for(wait, ip, vlan))
			continue;
		wait->due_ns = fb_time_after(call->now_ns, call->b->config.arp_settle_ns);
		TAILQ_REMOVE(&arp->asked, wait, link);
		TAILQ_INSERT_TAIL(&arp->settling, wait, link);
	}
}

static void forget_those_of(struct balancer_arp *arp, struct balancer_arp_waits *list,
                            uint16_t node)
{
	struct balancer_arp_wait *wait = TAILQ_FIRST(list), *next;

	for (; wait; wait = next) {
		next = TAILQ_NEXT(wait, link);
		if (wait->node == node)
			forget(arp, list, wait);
	}
}

void balancer_arp_switch_down(struct balancer_arp *arp, uint16_t node)
{
	forget_those_of(arp, &arp->asked, node);
	forget_those_of(arp, &arp->settling, node);
}

static void run_list(const struct balancer_call *call, struct balancer_arp_waits *list)
{
	struct balancer_arp_wait *wait;

	while ((wait = TAILQ_FIRST(list)) && wait->due_ns <= call->now_ns) {
		const struct balancer_call there = {
		        .b = call->b,
		        .sw = fb_discovery_switch(call->b->discovery, wait->node),
		        .node = wait->node,
		        .now_ns = call->now_ns,
		};

		if (there.sw && !decide(&there, &wait->pi))
			give_up(&there, &wait->pi);
		forget(&call->b->arp, list, wait);
	}
}

void balancer_arp_run(const struct balancer_call *call)
{
	run_list(call, &call->b->arp.settling);
	run_list(call, &call->b->arp.asked);
}

static uint64_t due_of(const struct balancer_arp_waits *list)
{
	const struct balancer_arp_wait *wait = TAILQ_FIRST(list);

	return wait ? wait->due_ns : FB_NEVER;
}

uint64_t balancer_arp_due(const struct balancer_arp *arp)
{
	return fb_time_min(due_of(&arp->asked), due_of(&arp->settling));
}

/* --- Frames --- */

/* What a replica says about its shared address. Who has asked it, when it was not known to be
 * shared, still waits for an answer. */
static void take_from_replica(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	const uint16_t vlan = balancer_vlan(p);
	uint8_t mac[FB_MAC_BYTES];
	struct fb_place at;

	if (p->arp_op == FB_ARP_REPLY && !fb_mac_is_multicast(p->dl_dst) && p->nw_dst != 0 &&
	    p->nw_dst != p->nw_src) {
		at = place_of(call, p->dl_dst, p->nw_dst, vlan);
		balancer_arp_mac(mac, p->nw_src);
		if (at.port != 0)
			send_answer(call, p, mac, p->nw_src, p->dl_dst, p->nw_dst, at);
	}
	take(call, pi);
}

/* The frame enters the network here, and the controller speaks for shared addresses. */
static void frame_enters(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	bool is_question = p->arp_op == FB_ARP_REQUEST && p->nw_src != p->nw_dst;
	uint32_t ip;

	if (is_question)
		question(call, pi);
	else if (is_shared(call, p->nw_src, balancer_vlan(p)))
		take_from_replica(call, pi);
	else if (balancer_arp_is_mac(p->dl_dst, &ip))
		take(call, pi); /* what ask_for_replica() has asked */
	else
		forward(call, pi);
}

/* Whether a host asks for an address that it is about to use, or uses it now. */
static void note_wanter(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	const struct fb_place at = balancer_place(call, pi);

	if (p->arp_op != FB_ARP_REQUEST || p->nw_dst == 0)
		return;
	if (p->nw_src == 0)
		balancer_probes_host_asks(call, p->nw_dst, balancer_vlan(p), at);
	else if (p->nw_src == p->nw_dst)
		balancer_probes_host_has(call, p->nw_dst, balancer_vlan(p), at);
}

void balancer_arp_frame(const struct balancer_call *call, const struct fb_packet_in *pi,
                        bool is_edge)
{
	if (is_edge)
		note_wanter(call, pi);
	if (!is_edge && pi->packet.len >= pi->total_len)
		balancer_send_flood(call, pi);
	else if (is_edge && call->b->config.arp == BALANCER_ARP_PROXY)
		frame_enters(call, pi);
	else
		forward(call, pi);
}
