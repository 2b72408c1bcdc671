/* Frames for packet_crosscheck.py: writes a capture of built and of edited frames to the file that
 * its argument names, and for each frame one line of what the parser found in it, fields by tabs,
 * to its output. The order of the fields is that of FIELDS in the script. */
#include <flowbed/action.h>
#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include "tests/unit/wire/frame_gen.h"

#include <stdio.h>

enum { FRAMES = 600, HEADROOM = 4 };

/* The header of a pcap file (little-endian, microseconds) for Ethernet, and that of one frame. */
struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, sigfigs, snaplen, linktype;
};

struct frame_header {
	uint32_t seconds, microseconds, captured, length;
};

static void print_mac(const uint8_t *mac)
{
	printf("%02x:%02x:%02x:%02x:%02x:%02x\t", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* Print 'value', or nothing where the frame does not have the field. */
static void print_number(bool present, uint64_t value)
{
	if (present)
		printf("%llu", (unsigned long long)value);
	printf("\t");
}

static void print_l2(const struct fb_packet *p)
{
	print_mac(p->dl_dst);
	print_mac(p->dl_src);
	print_number(p->has_vlan, p->vlan_tci & 0xfff);
	print_number(p->has_vlan, p->vlan_tci >> 13);
	print_number(p->dl_type != FB_ETH_NOT_ETH_TYPE, p->dl_type);
}

static void print_l3(const struct fb_packet *p)
{
	print_number(p->is_arp, p->arp_op);
	print_number(p->is_arp || p->is_ipv4, p->nw_src);
	print_number(p->is_arp || p->is_ipv4, p->nw_dst);
	print_number(p->is_ipv4, p->nw_proto);
	print_number(p->is_ipv4, p->nw_tos);
	print_number(p->is_ipv4, p->nw_ttl);
	print_number(p->is_ipv4, p->ip_id);
	print_number(p->is_ipv4, fb_packet_is_later_fragment(p));
	print_number(p->is_ipv4, p->more_fragments);
}

static void print_l4(const struct fb_packet *p)
{
	bool l4 = p->is_tcp || p->is_udp || p->is_icmp;

	print_number(l4, p->tp_src);
	print_number(l4, p->tp_dst);
	print_number(p->is_tcp, p->tcp_seq);
	print_number(p->is_tcp, p->tcp_ack);
	print_number(p->is_tcp, p->tcp_flags);
	print_number(p->is_tcp, p->tcp_window);
	print_number(p->is_udp || (p->is_tcp && !p->more_fragments), p->payload_len);
	print_number(p->is_icmp, p->icmp_id);
	print_number(p->is_icmp, p->icmp_seq);
	printf("\n");
}

/* An edit that tshark can follow: to addresses and ports that mean nothing to it. */
static void edit(struct rng *rng, struct fb_edit *e)
{
	struct fb_action actions[] = {
		{.type = OFPAT_SET_NW_SRC, .nw_addr = 0x0a000000 | (uint32_t)rng_below(rng, 65536)},
		{.type = OFPAT_SET_NW_DST, .nw_addr = 0x0b000000 | (uint32_t)rng_below(rng, 65536)},
		{.type = OFPAT_SET_NW_TOS, .nw_tos = (uint8_t)rng_below(rng, 256)},
		{.type = OFPAT_SET_TP_SRC, .tp_port = (uint16_t)(61000 + rng_below(rng, 1000))},
		{.type = OFPAT_SET_TP_DST, .tp_port = (uint16_t)(61000 + rng_below(rng, 1000))},
		{.type = OFPAT_SET_VLAN_VID, .vlan_vid = (uint16_t)rng_below(rng, 4096)},
		{.type = OFPAT_STRIP_VLAN},
	};

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (rng_below(rng, 2))
			fb_edit_apply(e, &actions[i]);
}

static void write_frame(FILE *file, unsigned number, const uint8_t *data, uint32_t len)
{
	struct frame_header header = {number, 0, len, len};

	fwrite(&header, sizeof header, 1, file);
	fwrite(data, len, 1, file);
}

static void write_frames(FILE *file)
{
	const struct file_header header = {0xa1b2c3d4, 2, 4, 0, 0, 65535, 1};
	uint8_t memory[HEADROOM + FRAME_GEN_BYTES_MAX];
	struct fb_edit e;
	struct rng rng;
	size_t len;

	rng_init(&rng, 1, "samples");
	fwrite(&header, sizeof header, 1, file);
	for (unsigned i = 0; i < FRAMES; i++) {
		len = frame_gen_whole(&rng, memory + HEADROOM);
		fb_edit_begin(&e, memory + HEADROOM, len, HEADROOM);
		if (i % 2)
			edit(&rng, &e);
		write_frame(file, i, e.data, e.len);
		print_l2(&e.packet);
		print_l3(&e.packet);
		print_l4(&e.packet);
	}
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "wb") : NULL;

	if (!file) {
		fprintf(stderr, "usage: packet_samples CAPTURE\n");
		return 2;
	}
	write_frames(file);
	return fclose(file) == 0 ? 0 : 1;
}
