/* Captures of a run (--pcap DIR): what tcpdump would have seen, everywhere at once.
 *
 *     h1.pcap                 host h1's interface: all that it sends, all that it gets
 *     h1--s1-1.h1.pcap        the link h1 -- s1:1 at its end at h1: what leaves and arrives there
 *     h1--s1-1.s1-1.pcap      the same link at port 1 of s1
 *     control-s1.pcap         the control connection of s1 as TCP on port 6653, for Wireshark's
 *                             OpenFlow dissector
 *
 * Time stamps are virtual time from 1970 on, in nanoseconds. */
#ifndef SIM_CAPTURE_H
#define SIM_CAPTURE_H

#include "sim/network.h"

struct capture;

/* Open all files of 'scenario' in the folder 'dir', which is made when it is not there. NULL with
 * the reason in 'error' when that fails. */
struct capture *capture_open(const struct scenario *scenario, const char *dir,
                             struct fb_text *error);
struct network_observer capture_observer(struct capture *capture);
/* End the control connections at 'now_ns', write out and free. False with the first reason in
 * 'error' when something could not be written. */
bool capture_close(struct capture *capture, uint64_t now_ns, struct fb_text *error);

#endif
