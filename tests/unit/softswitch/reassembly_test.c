/* Reassembly of IPv4 datagrams, and cutting them again: every order and cut of random datagrams,
 * each way in which fragments can be wrong, and the limits. */
#include "tests/unit/harness.h"

#include <flowbed/openflow.h>
#include <flowbed/time.h>
#include <stdlib.h>

#include "lib/base/rng.h"
#include "softswitch/reassembly.h"
#include "softswitch/refragment.h"

enum {
	DATAGRAMS_MAX = 4,
	PAYLOAD_MAX = 65535 - 34,
	EXPIRY_NS = 1000,
};

struct fixture {
	struct frame_pool *pool;
	struct reassembly r;
	uint8_t payload[PAYLOAD_MAX + 64];
	struct reassembled whole; /* of the last fragment that completed one */
	uint64_t now_ns;
};

static struct fixture *begin(void)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->pool = frame_pool_new();
	reassembly_init(&f->r, f->pool, DATAGRAMS_MAX, EXPIRY_NS);
	for (uint32_t i = 0; i < sizeof f->payload; i++)
		f->payload[i] = (uint8_t)(i * 2654435761u >> 24);
	return f;
}

static void end(struct fixture *f)
{
	reassembly_clear(&f->r);
	CU_ASSERT_EQUAL(frame_pool_in_use(f->pool), 0);
	frame_pool_free(f->pool);
	free(f);
}

/* A fragment: 'len' bytes of the payload at 'offset'. */
struct piece {
	uint32_t offset, len;
	bool more;
	uint16_t vlan; /* tag control field; 0: untagged */
	uint16_t in_port, ip_id;
	uint8_t nw_tos;
	bool dont_fragment;
};

static struct frame *piece_frame(struct fixture *f, struct piece piece)
{
	static uint8_t bytes[65536];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.dl_dst = {2, 0, 0, 0, 0, 2},
	                          .dl_src = {2, 0, 0, 0, 0, 1},
	                          .has_vlan = piece.vlan != 0,
	                          .vlan_tci = piece.vlan};
	struct fb_ipv4_spec ip = {.nw_src = 0x0a000001,
	                          .nw_dst = 0x0a000002,
	                          .nw_tos = piece.nw_tos,
	                          .ip_id = piece.ip_id,
	                          .dont_fragment = piece.dont_fragment,
	                          .more_fragments = piece.more,
	                          .frag_offset = (uint16_t)piece.offset};

	CU_ASSERT_TRUE_FATAL(
	        fb_build_ipv4(&out, &eth, &ip, FB_IP_UDP, f->payload + piece.offset, piece.len));
	return frame_copy_of(f->pool, out.data, out.len);
}

/* Give 'frame' to the reassembly; true when a datagram became whole (f->whole). */
static bool take_frame(struct fixture *f, struct frame *frame, uint16_t in_port)
{
	struct fb_packet packet;

	fb_packet_parse(&packet, frame_data(frame), frame->len);
	CU_ASSERT_TRUE(reassembly_wants(&packet));
	return reassembly_add(&f->r, frame, &packet, in_port, f->now_ns, &f->whole);
}

static bool take(struct fixture *f, struct piece piece)
{
	return take_frame(f, piece_frame(f, piece), piece.in_port);
}

/* f->whole is a datagram of 'len' bytes of the payload; lets go of it. */
static void assert_whole(struct fixture *f, uint32_t len)
{
	struct fb_packet p;

	CU_ASSERT_EQUAL(fb_packet_parse(&p, frame_data(f->whole.frame), f->whole.frame->len), 0);
	CU_ASSERT_TRUE_FATAL(p.is_ipv4);
	CU_ASSERT_EQUAL(p.frag_offset, 0);
	CU_ASSERT_FALSE(p.more_fragments);
	CU_ASSERT_EQUAL(p.l4_len, len);
	CU_ASSERT_EQUAL(p.l4_ofs + p.l4_len, f->whole.frame->len);
	CU_ASSERT_EQUAL(p.ip_total_len, 20 + len);
	CU_ASSERT_EQUAL(memcmp(p.data + p.l4_ofs, f->payload, len), 0);
	CU_ASSERT_EQUAL(fb_checksum_finish(fb_checksum_add(0, p.data + p.l3_ofs, 20)), 0);
	frame_unref(f->whole.frame);
}

static void two_fragments_make_a_datagram_in_either_order(void)
{
	struct piece first = {.len = 1480, .more = true, .in_port = 3, .ip_id = 7};
	struct piece last = {.offset = 1480, .len = 21, .in_port = 3, .ip_id = 7};
	struct fixture *f = begin();

	CU_ASSERT_FALSE(take(f, first));
	CU_ASSERT_TRUE_FATAL(take(f, last));
	CU_ASSERT_EQUAL(f->whole.origin.in_port, 3);
	CU_ASSERT_EQUAL(f->whole.origin.fragment_max, 1500);
	CU_ASSERT_EQUAL(f->whole.fragments, 2);
	assert_whole(f, 1501);
	CU_ASSERT_FALSE(take(f, last));
	CU_ASSERT_TRUE_FATAL(take(f, first));
	assert_whole(f, 1501);
	CU_ASSERT_EQUAL(f->r.completed, 2);
	CU_ASSERT_EQUAL(f->r.fragments_held, 4);
	CU_ASSERT_EQUAL(f->r.fragments_lost, 0);
	CU_ASSERT_EQUAL(reassembly_deadline(&f->r), FB_NEVER);
	end(f);
}

/* Cut 'len' bytes, over 8, at random places into 'pieces', two at least; returns how many. */
static uint32_t cut(struct rng *rng, uint32_t len, struct piece *pieces, uint32_t pieces_max)
{
	uint32_t count = 0, offset = 0;
	uint32_t most = 8 * (1 + (uint32_t)rng_below(rng, 400));

	if (most >= len)
		most = 8;
	while (offset < len) {
		uint32_t part = 8 * (1 + (uint32_t)rng_below(rng, most / 8));

		if (offset + part >= len || count == pieces_max - 1)
			part = len - offset;
		pieces[count++] = (struct piece){
		        .offset = offset, .len = part, .more = offset + part < len, .in_port = 1};
		offset += part;
	}
	return count;
}

static void random_cuts_in_random_order_with_duplicates_give_the_datagram(void)
{
	enum { PIECES_MAX = 600, ROUNDS = 400 };
	static struct piece pieces[PIECES_MAX];
	struct fixture *f = begin();
	struct rng rng;

	rng_init(&rng, 1, "reassembly");
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t len = 9 + (uint32_t)rng_below(&rng, round % 20 ? 4000 : PAYLOAD_MAX - 9);
		uint32_t count = cut(&rng, len, pieces, PIECES_MAX);
		bool whole = false;

		for (uint32_t i = 0; i < count; i++) {
			uint32_t other = i + (uint32_t)rng_below(&rng, count - i);
			struct piece piece = pieces[other];

			pieces[other] = pieces[i];
			pieces[i] = piece;
			CU_ASSERT_FALSE_FATAL(whole);
			whole = take(f, piece);
			if (!whole && rng_below(&rng, 4) == 0)
				CU_ASSERT_FALSE_FATAL(take(f, pieces[rng_below(&rng, i + 1)]));
		}
		CU_ASSERT_TRUE_FATAL(whole);
		assert_whole(f, len);
	}
	CU_ASSERT_EQUAL(f->r.completed, ROUNDS);
	CU_ASSERT_EQUAL(f->r.failed, 0);
	end(f);
}

static void a_frame_that_is_no_fragment_is_not_wanted(void)
{
	static const uint8_t in_802_3[] = {2,  0,    0,    0, 0,  2,  2, 0, 0,  0,    0, 1, 0,
	                                   36, 0xaa, 0xaa, 3, 0,  0,  0, 8, 0,  0x45, 0, 0, 28,
	                                   0,  0,    0x20, 0, 64, 17, 0, 0, 10, 0,    0, 1, 10,
	                                   0,  0,    2,    0, 0,  0,  0, 0, 0,  0,    0};
	struct fixture *f = begin();
	struct frame *frame = piece_frame(f, (struct piece){.len = 64, .dont_fragment = true});
	struct fb_packet p;

	fb_packet_parse(&p, frame_data(frame), frame->len);
	CU_ASSERT_FALSE(reassembly_wants(&p));
	frame_unref(frame);
	/* The whole would not fit the length in the header. */
	fb_packet_parse(&p, in_802_3, sizeof in_802_3);
	CU_ASSERT_TRUE(p.is_ipv4 && p.more_fragments);
	CU_ASSERT_FALSE(reassembly_wants(&p));
	end(f);
}

static void datagrams_are_told_apart_by_every_part_of_their_key(void)
{
	struct piece first = {.len = 8, .more = true, .in_port = 1, .ip_id = 1, .vlan = 0x2005};
	struct piece last = {.offset = 8, .len = 8, .in_port = 1, .ip_id = 1, .vlan = 0x2005};
	struct piece other = last;
	struct frame *frame;
	struct fixture *f = begin();
	static const uint8_t offsets[] = {27, 30, 34}; /* protocol, source, destination */

	for (size_t i = 0; i < sizeof offsets; i++) {
		uint16_t check;

		CU_ASSERT_FALSE(take(f, first));
		frame = piece_frame(f, last);
		frame_data(frame)[offsets[i]] ^= 1;
		check = fb_get16(frame_data(frame) + 28);
		check = fb_checksum_update16(check, offsets[i] == 27 ? 17 : 0x0a00,
		                             offsets[i] == 27 ? 16 : 0x0b00);
		fb_set16(frame_data(frame) + 28, check);
		CU_ASSERT_FALSE(take_frame(f, frame, 1));
		CU_ASSERT_EQUAL(f->r.fragments_malformed, 0);
		CU_ASSERT_TRUE_FATAL(take(f, last));
		frame_unref(f->whole.frame);
		reassembly_clear(&f->r);
	}
	CU_ASSERT_FALSE(take(f, first));
	other.ip_id = 2;
	CU_ASSERT_FALSE(take(f, other));
	other = last;
	other.in_port = 2;
	CU_ASSERT_FALSE(take(f, other));
	other = last;
	other.vlan = 0;
	CU_ASSERT_FALSE(take(f, other));
	reassembly_clear(&f->r);
	CU_ASSERT_FALSE(take(f, first));
	other.vlan = 0x2006;
	CU_ASSERT_FALSE(take(f, other));
	/* A priority is no part of it. */
	last.vlan = 0x0005;
	CU_ASSERT_TRUE_FATAL(take(f, last));
	CU_ASSERT_EQUAL(fb_get16(frame_data(f->whole.frame) + 14), 0x2005);
	assert_whole(f, 16);
	end(f);
}

static void fragments_that_overlap_in_part_end_their_datagram(void)
{
	static const struct piece bad[] = {
	        {.offset = 8, .len = 16, .more = true},
	        {.offset = 0, .len = 24, .more = true},
	        {.offset = 16, .len = 24, .more = true},
	        {.offset = 16, .len = 9, .more = false},
	};
	struct piece middle = {.offset = 16, .len = 8, .more = true};
	struct fixture *f = begin();

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CU_ASSERT_FALSE(take(f, middle));
		CU_ASSERT_FALSE(take(f, bad[i]));
		CU_ASSERT_EQUAL(f->r.failed, i + 1);
		CU_ASSERT_EQUAL(f->r.fragments_lost, 2 * (i + 1));
		CU_ASSERT_EQUAL(reassembly_deadline(&f->r), FB_NEVER);
	}
	end(f);
}

static void fragments_that_disagree_about_the_end_end_their_datagram(void)
{
	static const struct {
		struct piece a, b;
	} cases[] = {
	        {{.offset = 16, .len = 8}, {.offset = 24, .len = 8, .more = true}},
	        {{.offset = 16, .len = 8}, {.offset = 24, .len = 8}},
	        {{.offset = 16, .len = 8}, {.offset = 8, .len = 8}},
	        {{.offset = 16, .len = 8}, {.offset = 16, .len = 8, .more = true}},
	        {{.offset = 16, .len = 8, .more = true}, {.offset = 8, .len = 8}},
	};
	struct fixture *f = begin();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CU_ASSERT_FALSE(take(f, cases[i].a));
		CU_ASSERT_FALSE(take(f, cases[i].b));
		CU_ASSERT_EQUAL(f->r.failed, i + 1);
		CU_ASSERT_EQUAL(reassembly_deadline(&f->r), FB_NEVER);
	}
	end(f);
}

static void malformed_fragments_are_dropped_and_the_datagram_waits(void)
{
	struct piece first = {.len = 16, .more = true}, last = {.offset = 16, .len = 8};
	struct fixture *f = begin();
	struct frame *frame;

	CU_ASSERT_FALSE(take(f, first));
	frame = piece_frame(f, last);
	frame->len--;
	CU_ASSERT_FALSE(take_frame(f, frame, 0));
	frame = piece_frame(f, last);
	frame_data(frame)[24] ^= 1; /* of the checksum */
	CU_ASSERT_FALSE(take_frame(f, frame, 0));
	CU_ASSERT_FALSE(take(f, (struct piece){.offset = 16, .len = 7, .more = true}));
	CU_ASSERT_FALSE(take(f, (struct piece){.offset = 16, .len = 0}));
	CU_ASSERT_EQUAL(f->r.fragments_malformed, 4);
	CU_ASSERT_EQUAL(f->r.fragments_held, 1);
	CU_ASSERT_TRUE_FATAL(take(f, last));
	assert_whole(f, 24);
	end(f);
}

static void a_datagram_as_long_as_a_frame_can_be_is_taken_and_none_longer(void)
{
	struct piece first = {.len = 65496, .more = true}, last = {.offset = 65496, .len = 5};
	struct fixture *f = begin();

	CU_ASSERT_FALSE(take(f, last));
	CU_ASSERT_TRUE_FATAL(take(f, first));
	CU_ASSERT_EQUAL(f->whole.frame->len, FB_FRAME_BYTES_MAX);
	assert_whole(f, 65501);
	last.len = 6;
	CU_ASSERT_FALSE(take(f, last));
	CU_ASSERT_EQUAL(f->r.failed, 1);
	/* With a tag, four bytes less. */
	first.vlan = last.vlan = 5;
	first.len = last.offset = 65488;
	last.len = 9;
	CU_ASSERT_FALSE(take(f, first));
	CU_ASSERT_TRUE_FATAL(take(f, last));
	assert_whole(f, 65497);
	last.len = 10;
	CU_ASSERT_FALSE(take(f, last));
	CU_ASSERT_EQUAL(f->r.failed, 2);
	CU_ASSERT_EQUAL(reassembly_deadline(&f->r), FB_NEVER);
	end(f);
}

/* A first fragment with 'options_len' bytes of options that are all NOP. */
static struct frame *with_options(struct fixture *f, struct piece piece, uint32_t options_len)
{
	struct frame *plain = piece_frame(f, piece);
	struct frame *frame = frame_new(f->pool, plain->len + options_len);
	uint8_t *ip = frame_data(frame) + 14;

	memcpy(frame_data(frame), frame_data(plain), 34);
	memset(ip + 20, 1, options_len);
	memcpy(ip + 20 + options_len, frame_data(plain) + 34, plain->len - 34);
	frame_unref(plain);
	ip[0] = (uint8_t)(0x45 + options_len / 4);
	fb_set16(ip + 2, (uint16_t)(frame->len - 14));
	fb_set16(ip + 10, 0);
	fb_set16(ip + 10, fb_checksum_finish(fb_checksum_add(0, ip, 20 + options_len)));
	return frame;
}

static void options_of_a_late_first_fragment_count_for_the_length(void)
{
	struct piece first = {.len = 8, .more = true};
	struct piece last = {.offset = 8, .len = 16};
	struct fixture *f = begin();
	struct fb_packet p;

	CU_ASSERT_FALSE(take(f, last));
	CU_ASSERT_TRUE_FATAL(take_frame(f, with_options(f, first, 40), 0));
	fb_packet_parse(&p, frame_data(f->whole.frame), f->whole.frame->len);
	CU_ASSERT_EQUAL(p.l4_ofs, 14 + 60);
	CU_ASSERT_EQUAL(p.l4_len, 24);
	CU_ASSERT_EQUAL(memcmp(p.data + p.l4_ofs, f->payload, 24), 0);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&p) || p.is_udp);
	CU_ASSERT_EQUAL(f->whole.origin.fragment_max, 68);
	frame_unref(f->whole.frame);
	last.offset = 65488;
	last.len = 13;
	CU_ASSERT_FALSE(take(f, last));
	CU_ASSERT_EQUAL(f->r.failed, 0);
	CU_ASSERT_FALSE(take_frame(f, with_options(f, first, 4), 0));
	CU_ASSERT_EQUAL(f->r.failed, 1);
	end(f);
}

static void congestion_met_by_one_fragment_marks_the_whole(void)
{
	static const struct {
		uint8_t first, last, whole;
	} cases[] = {{2, 3, 3}, {1, 3, 3}, {3, 2, 3}, {2, 2, 2}, {0, 3, 0}, {0xb8, 0xbb, 0xb8}};
	struct fixture *f = begin();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		take(f, (struct piece){.len = 8, .more = true, .nw_tos = cases[i].first});
		CU_ASSERT_TRUE_FATAL(
		        take(f, (struct piece){.offset = 8, .len = 8, .nw_tos = cases[i].last}));
		CU_ASSERT_EQUAL(frame_data(f->whole.frame)[15], cases[i].whole);
		assert_whole(f, 16);
	}
	end(f);
}

static void a_datagram_is_given_up_when_its_time_is_over(void)
{
	struct piece first = {.len = 8, .more = true}, last = {.offset = 16, .len = 8};
	struct fixture *f = begin();

	f->now_ns = 50;
	take(f, first);
	f->now_ns = 900;
	take(f, last); /* does not prolong it */
	CU_ASSERT_EQUAL(reassembly_deadline(&f->r), 50 + EXPIRY_NS);
	reassembly_expire(&f->r, 50 + EXPIRY_NS - 1);
	CU_ASSERT_EQUAL(f->r.failed, 0);
	reassembly_expire(&f->r, 50 + EXPIRY_NS);
	CU_ASSERT_EQUAL(f->r.failed, 1);
	CU_ASSERT_EQUAL(f->r.fragments_lost, 2);
	CU_ASSERT_EQUAL(reassembly_deadline(&f->r), FB_NEVER);
	end(f);
}

static void the_oldest_datagram_makes_room_for_a_new_one(void)
{
	struct piece piece = {.len = 8, .more = true};
	struct fixture *f = begin();

	for (piece.ip_id = 0; piece.ip_id < DATAGRAMS_MAX + 1; piece.ip_id++) {
		f->now_ns = piece.ip_id;
		CU_ASSERT_FALSE(take(f, piece));
	}
	CU_ASSERT_EQUAL(f->r.failed, 1);
	CU_ASSERT_EQUAL(reassembly_deadline(&f->r), 1 + EXPIRY_NS);
	CU_ASSERT_TRUE_FATAL(take(f, (struct piece){.offset = 8, .len = 8, .ip_id = 1}));
	assert_whole(f, 16);
	end(f);
}

static void any_fragments_in_any_order_leave_the_books_in_balance(void)
{
	struct fixture *f = begin();
	uint64_t used = 0;
	struct rng rng;

	rng_init(&rng, 3, "any fragments");
	for (unsigned i = 0; i < 30000; i++) {
		struct piece piece = {.offset = 8 * (uint32_t)rng_below(&rng, 3)};

		piece.len = rng_below(&rng, 6) ? 8 : 16;
		piece.more = rng_below(&rng, 5) > 0;
		piece.ip_id = (uint16_t)rng_below(&rng, 7);
		if (rng_below(&rng, 50) == 0)
			piece.offset = 8 * (uint32_t)rng_below(&rng, 8192);
		if (rng_below(&rng, 10) == 0)
			piece.len = (uint32_t)rng_below(&rng, 32);
		if (piece.offset == 0 && !piece.more)
			continue;
		f->now_ns += rng_below(&rng, 100);
		reassembly_expire(&f->r, f->now_ns);
		if (take(f, piece)) {
			used += f->whole.fragments;
			frame_unref(f->whole.frame);
		}
		CU_ASSERT_TRUE_FATAL(f->r.fragments_held >= used + f->r.fragments_lost);
		CU_ASSERT_TRUE(fb_table_count(f->r.datagrams) <= DATAGRAMS_MAX);
	}
	CU_ASSERT_TRUE(f->r.completed > 400);
	CU_ASSERT_TRUE(f->r.failed > 1000);
	CU_ASSERT_TRUE(f->r.fragments_malformed > 1000);
	reassembly_clear(&f->r);
	CU_ASSERT_EQUAL(f->r.fragments_held, used + f->r.fragments_lost);
	end(f);
}

/* --- Cutting again --- */

static void fragments_that_are_cut_again_pass_where_they_came_from(void)
{
	enum { PIECES_MAX = 600 };
	static struct piece pieces[PIECES_MAX];
	struct fixture *f = begin();
	struct rng rng;

	rng_init(&rng, 2, "refragment");
	for (unsigned round = 0; round < 200; round++) {
		uint32_t len = 9 + (uint32_t)rng_below(&rng, 5000);
		uint32_t count = cut(&rng, len, pieces, PIECES_MAX);
		struct refragment parts;
		struct frame *whole, *part;
		bool completed = false;
		uint16_t longest = 0;

		for (uint32_t i = 0; i < count; i++) {
			pieces[i].vlan = round % 2 ? 0x3007 : 0;
			completed = take(f, pieces[i]);
			if (pieces[i].len + 20 > longest)
				longest = (uint16_t)(pieces[i].len + 20);
		}
		CU_ASSERT_TRUE_FATAL(completed);
		CU_ASSERT_EQUAL(f->whole.origin.fragment_max, longest);
		whole = f->whole.frame;
		CU_ASSERT_TRUE_FATAL(refragment_begin(&parts, f->pool, whole, longest));
		completed = false;
		while ((part = refragment_next(&parts)) != NULL) {
			CU_ASSERT_TRUE(part->len <= 14u + 4 * (round % 2) + longest);
			CU_ASSERT_FALSE_FATAL(completed);
			completed = take_frame(f, part, 1);
		}
		CU_ASSERT_TRUE_FATAL(completed);
		CU_ASSERT_TRUE(f->whole.origin.fragment_max <= longest);
		CU_ASSERT_EQUAL(f->whole.frame->len, whole->len);
		CU_ASSERT_EQUAL(memcmp(frame_data(f->whole.frame), frame_data(whole), whole->len),
		                0);
		frame_unref(whole);
		assert_whole(f, len);
	}
	CU_ASSERT_EQUAL(f->r.completed, 400);
	end(f);
}

static void a_last_fragment_may_fill_what_is_allowed(void)
{
	struct fixture *f = begin();
	struct frame *frame = piece_frame(f, (struct piece){.len = 8 + 13}), *first, *second;
	struct refragment parts;

	CU_ASSERT_TRUE_FATAL(refragment_begin(&parts, f->pool, frame, 33));
	first = refragment_next(&parts);
	second = refragment_next(&parts);
	CU_ASSERT_EQUAL(first->len, 34 + 8);
	CU_ASSERT_EQUAL(second->len, 34 + 13);
	CU_ASSERT_PTR_NULL(refragment_next(&parts));
	frame_unref(first);
	frame_unref(second);
	frame_unref(frame);
	end(f);
}

static void what_is_short_enough_goes_as_it_is(void)
{
	struct fixture *f = begin();
	struct frame *frame = piece_frame(f, (struct piece){.len = 100});
	struct refragment parts;

	CU_ASSERT_FALSE(refragment_begin(&parts, f->pool, frame, 120));
	CU_ASSERT_TRUE(refragment_begin(&parts, f->pool, frame, 119));
	frame_data(frame)[12] = 0x88;
	CU_ASSERT_FALSE(refragment_begin(&parts, f->pool, frame, 119));
	frame_unref(frame);
	end(f);
}

/* Cut 'whole' into fragments of at most 'fragment_max' and check the second one's IP header of
 * 'header_len' bytes against 'options'. */
static void assert_later_options(struct fixture *f, const uint8_t *options, uint32_t options_len,
                                 const char *copied, uint32_t copied_len)
{
	struct frame *whole = with_options(f, (struct piece){.len = 64}, options_len);
	struct refragment parts;
	struct frame *first, *second;
	struct fb_packet p;

	memcpy(frame_data(whole) + 34, options, options_len);
	CU_ASSERT_TRUE(refragment_begin(&parts, f->pool, whole, 84));
	first = refragment_next(&parts);
	second = refragment_next(&parts);
	fb_packet_parse(&p, frame_data(first), first->len);
	CU_ASSERT_EQUAL(p.l4_ofs, 34 + options_len);
	CU_ASSERT_EQUAL(memcmp(p.data + 34, options, options_len), 0);
	fb_packet_parse(&p, frame_data(second), second->len);
	CU_ASSERT_TRUE(p.is_ipv4);
	CU_ASSERT_EQUAL(p.l4_ofs, 34 + copied_len);
	CU_ASSERT_EQUAL(memcmp(p.data + 34, copied, copied_len), 0);
	CU_ASSERT_EQUAL(fb_checksum_finish(fb_checksum_add(0, p.data + 14, 20 + copied_len)), 0);
	frame_unref(first);
	frame_unref(second);
	frame_unref(whole);
}

static void later_fragments_have_the_options_that_are_copied(void)
{
	static const uint8_t mixed[] = {1, 0x83, 3, 9, 7, 3, 4, 1, 0x94, 4, 0, 0};
	static const uint8_t ended[] = {0x94, 4, 0, 5, 0, 2, 0x82, 2};
	static const uint8_t too_long[] = {0x87, 9, 4, 0, 0x94, 4, 0, 0};
	static const uint8_t too_short[] = {7, 1, 0x94, 4, 0, 0, 0, 0};
	static const uint8_t alone[] = {1, 1, 1, 0x94};
	struct fixture *f = begin();

	assert_later_options(f, mixed, sizeof mixed, "\x83\3\x9\x94\4\0\0\0", 8);
	assert_later_options(f, ended, sizeof ended, "\x94\4\0\5", 4);
	assert_later_options(f, too_long, sizeof too_long, "", 0);
	assert_later_options(f, too_short, sizeof too_short, "", 0);
	assert_later_options(f, alone, sizeof alone, "", 0);
	end(f);
}

static void flags_other_than_more_fragments_stay(void)
{
	struct piece first = {.len = 16, .more = true, .dont_fragment = true};
	struct piece last = {.offset = 16, .len = 8, .dont_fragment = true};
	struct fixture *f = begin();
	struct refragment parts;
	struct frame *part;

	take(f, first);
	CU_ASSERT_TRUE_FATAL(take(f, last));
	CU_ASSERT_EQUAL(fb_get16(frame_data(f->whole.frame) + 20), 0x4000);
	CU_ASSERT_TRUE(refragment_begin(&parts, f->pool, f->whole.frame, 36));
	part = refragment_next(&parts);
	CU_ASSERT_EQUAL(fb_get16(frame_data(part) + 20), 0x6000);
	frame_unref(part);
	part = refragment_next(&parts);
	CU_ASSERT_EQUAL(fb_get16(frame_data(part) + 20), 0x4002);
	frame_unref(part);
	CU_ASSERT_PTR_NULL(refragment_next(&parts));
	assert_whole(f, 24);
	end(f);
}

static void at_the_end_of_time_nothing_is_due(void)
{
	struct fixture *f = begin();

	reassembly_expire(&f->r, FB_NEVER);
	f->now_ns = FB_NEVER - EXPIRY_NS / 2;
	CU_ASSERT_FALSE(take(f, (struct piece){.offset = 0, .len = 8, .more = true}));
	CU_ASSERT_EQUAL(reassembly_deadline(&f->r), FB_NEVER);
	reassembly_expire(&f->r, FB_NEVER);
	CU_ASSERT_EQUAL(f->r.failed, 0);
	reassembly_clear(&f->r);
	reassembly_expire(&f->r, FB_NEVER);
	CU_ASSERT_EQUAL(f->r.failed, 1);
	end(f);
}

UNIT_TESTS("reassembly", UNIT_TEST(at_the_end_of_time_nothing_is_due),
           UNIT_TEST(two_fragments_make_a_datagram_in_either_order),
           UNIT_TEST(random_cuts_in_random_order_with_duplicates_give_the_datagram),
           UNIT_TEST(a_frame_that_is_no_fragment_is_not_wanted),
           UNIT_TEST(datagrams_are_told_apart_by_every_part_of_their_key),
           UNIT_TEST(fragments_that_overlap_in_part_end_their_datagram),
           UNIT_TEST(fragments_that_disagree_about_the_end_end_their_datagram),
           UNIT_TEST(malformed_fragments_are_dropped_and_the_datagram_waits),
           UNIT_TEST(a_datagram_as_long_as_a_frame_can_be_is_taken_and_none_longer),
           UNIT_TEST(options_of_a_late_first_fragment_count_for_the_length),
           UNIT_TEST(congestion_met_by_one_fragment_marks_the_whole),
           UNIT_TEST(a_datagram_is_given_up_when_its_time_is_over),
           UNIT_TEST(the_oldest_datagram_makes_room_for_a_new_one),
           UNIT_TEST(any_fragments_in_any_order_leave_the_books_in_balance),
           UNIT_TEST(fragments_that_are_cut_again_pass_where_they_came_from),
           UNIT_TEST(a_last_fragment_may_fill_what_is_allowed),
           UNIT_TEST(what_is_short_enough_goes_as_it_is),
           UNIT_TEST(later_fragments_have_the_options_that_are_copied),
           UNIT_TEST(flags_other_than_more_fragments_stay))
