/* Frame filters: the language of tcpdump (BPF) with the names of a scenario's hosts in it.
 *
 * libpcap resolves names by DNS and /etc, which would make a result depend on the machine. So a
 * filter is read word by word first: a host of the scenario becomes its address (its MAC address
 * after "ether"), port and protocol names come from a fixed table, and any other name is an error.
 * What pcap_compile() sees holds no name but its own keywords. */
#ifndef SIM_BPF_FILTER_H
#define SIM_BPF_FILTER_H

#include <pcap/pcap.h>

#include <flowbed/text.h>

enum { BPF_FILTER_BYTES_MAX = 1000 };

/* Finds the host 'name'; false when there is none. */
typedef bool bpf_filter_find_fn(void *ctx, const char *name, uint32_t *ip,
                                uint8_t mac[FB_MAC_BYTES]);

/* Write 'filter' without names to 'out'. False, with the reason in 'error', where it holds a word
 * that is none. */
bool bpf_filter_translate(const char *filter, bpf_filter_find_fn *find, void *ctx,
                          struct fb_text *out, struct fb_text *error);

/* Translate and compile for Ethernet into '*program', which pcap_freecode() frees. False with the
 * reason in 'error'. */
bool bpf_filter_compile(const char *filter, bpf_filter_find_fn *find, void *ctx,
                        struct bpf_program *program, struct fb_text *error);

#endif
