/* How long the hot paths of lib/wire's packets take: one line each, in nanoseconds and in millions
 * a second.
 *
 * The frames are those of a bulk transfer, all different in what a switch looks at; each figure is
 * the best of several rounds. Results feed a sum that is printed, so that no compiler leaves the
 * work out. */
#include <flowbed/action.h>
#include <flowbed/match.h>
#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include <stdio.h>
#include <time.h>

enum { FRAMES = 64, ROUNDS = 7, CALLS = 2000000, PAYLOAD_BYTES = 1460, FRAME_ROOM = 1600 };

struct bench_frames {
	uint8_t memory[FRAMES][FRAME_ROOM];
	size_t len;
	struct fb_match keys[FRAMES];
	struct fb_match entry;  /* hits every frame */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void make_frames(struct bench_frames *f)
{
	static const struct fb_eth_spec eth = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, false, 0};
	static uint8_t payload[PAYLOAD_BYTES];
	struct fb_ipv4_spec ip = {.nw_src = 0xc0a80201, .nw_dst = 0xc0a80202};
	struct fb_tcp_spec tcp = {.tp_dst = 22, .flags = FB_TCP_ACK, .window = 65535};
	struct fb_packet packet;

	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < FRAMES; i++) {
		struct fb_buf out = fb_buf_make(f->memory[i], FRAME_ROOM);

		tcp.tp_src = (uint16_t)(40000 + i);
		fb_build_tcp(&out, &eth, &ip, &tcp, payload, sizeof payload);
		f->len = out.len;
		fb_packet_parse(&packet, out.data, out.len);
		fb_match_from_packet(&f->keys[i], &packet, 1);
	}
	f->entry = f->keys[0];
	f->entry.wildcards = OFPFW_TP_SRC | OFPFW_NW_TOS | OFPFW_IN_PORT;
	fb_match_normalize(&f->entry);
}

/* What is measured: each does one call on frame 'i' and returns something of its result. */

static uint64_t one_parse(struct bench_frames *f, size_t i)
{
	struct fb_packet packet;

	fb_packet_parse(&packet, f->memory[i], f->len);
	return packet.tp_src;
}

static uint64_t one_parse_and_key(struct bench_frames *f, size_t i)
{
	struct fb_packet packet;
	struct fb_match key;

	fb_packet_parse(&packet, f->memory[i], f->len);
	fb_match_from_packet(&key, &packet, 1);
	return key.tp_src;
}

static uint64_t one_hit(struct bench_frames *f, size_t i)
{
	return fb_match_hits(&f->entry, &f->keys[i]);
}

static uint64_t one_checksum(struct bench_frames *f, size_t i)
{
	return fb_checksum_finish(fb_checksum_add(0, f->memory[i] + 54, PAYLOAD_BYTES));
}

static uint64_t one_edit(struct bench_frames *f, size_t i)
{
	struct fb_action action = {.type = OFPAT_SET_NW_DST, .nw_addr = (uint32_t)i};
	struct fb_edit edit;

	fb_edit_begin(&edit, f->memory[i], f->len, 0);
	fb_edit_apply(&edit, &action);
	return edit.packet.nw_dst;
}

static void measure(const char *name, uint64_t (*one)(struct bench_frames *, size_t),
		    struct bench_frames *f)
{
	uint64_t best_ns = UINT64_MAX, sum = 0, start_ns, took_ns;

	for (unsigned round = 0; round < ROUNDS; round++) {
		start_ns = now_ns();
		for (unsigned i = 0; i < CALLS; i++)
			sum += one(f, i % FRAMES);
		took_ns = now_ns() - start_ns;
		best_ns = took_ns < best_ns ? took_ns : best_ns;
	}
	printf("%-28s %7.1f ns  %7.1f million/s  (sum %llx)\n", name, (double)best_ns / CALLS,
	       CALLS * 1000.0 / (double)best_ns, (unsigned long long)sum);
}

int main(void)
{
	static struct bench_frames frames;

	make_frames(&frames);
	measure("parse", one_parse, &frames);
	measure("parse, match fields", one_parse_and_key, &frames);
	measure("match against an entry", one_hit, &frames);
	measure("checksum of 1,460 bytes", one_checksum, &frames);
	measure("parse, set_nw_dst", one_edit, &frames);
	return 0;
}
