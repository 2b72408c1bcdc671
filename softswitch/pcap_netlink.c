/* News of interfaces from the kernel; see pcap_netlink.h.
 *
 * One socket serves both ways: it is in the group of link events, and questions (RTM_GETLINK by
 * name) are answered on it by the same RTM_NEWLINK messages, or by an error that quotes the
 * question. The kernel answers within sendto(), so that an answer waits when that returns. Events
 * are lost when the socket's buffer is full (ENOBUFS); the owner is told and asks. */
#include "softswitch/pcap_netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/xalloc.h"

enum {
	RECEIVE_BYTES = 64 * 1024,   /* of one read; a message about a link has a few KiB */
	SOCKET_BYTES = 1024 * 1024,  /* of the kernel, for what is not yet read */
	MESSAGES_PER_TURN_MAX = 256, /* so that a storm of events does not keep the loop */
};

struct pcap_netlink {
	struct pcap_netlink_ops ops;
	int fd;
	uint32_t port_id; /* our address: answers bear it */
	uint32_t seq;
	struct event *readable;
	uint8_t buffer[RECEIVE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	pcap_netlink_read(ctx);
}

/* Bind to the link events and learn our own address. */
static bool netlink_bind(struct pcap_netlink *netlink)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	socklen_t len = sizeof address;
	int bytes = SOCKET_BYTES;

	netlink->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (netlink->fd < 0)
		return false;
	if (setsockopt(netlink->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		setsockopt(netlink->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	if (bind(netlink->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    getsockname(netlink->fd, (struct sockaddr *)&address, &len) < 0)
		return false;
	netlink->port_id = address.nl_pid;
	return true;
}

struct pcap_netlink *pcap_netlink_new(struct event_base *base, const struct pcap_netlink_ops *ops)
{
	struct pcap_netlink *netlink = xcalloc(1, sizeof *netlink);

	netlink->ops = *ops;
	netlink->fd = -1;
	if (netlink_bind(netlink))
		netlink->readable =
		        event_new(base, netlink->fd, EV_READ | EV_PERSIST, on_readable, netlink);
	if (!netlink->readable || event_add(netlink->readable, NULL) < 0) {
		int error = errno;

		pcap_netlink_free(netlink);
		errno = error;
		return NULL;
	}
	return netlink;
}

void pcap_netlink_free(struct pcap_netlink *netlink)
{
	if (!netlink)
		return;
	if (netlink->readable)
		event_free(netlink->readable);
	if (netlink->fd >= 0)
		close(netlink->fd);
	free(netlink);
}

bool pcap_netlink_ask(struct pcap_netlink *netlink, const char *name)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct rtattr attribute;
		char name[IFNAMSIZ];
	} request = {
	        .header = {.nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
	        .attribute = {.rta_type = IFLA_IFNAME},
	};
	size_t name_bytes = strnlen(name, IFNAMSIZ - 1) + 1;
	ssize_t sent;

	memcpy(request.name, name, name_bytes - 1);
	request.attribute.rta_len = (unsigned short)RTA_LENGTH(name_bytes);
	request.header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof request.info) +
	                                      RTA_ALIGN(request.attribute.rta_len));
	request.header.nlmsg_seq = ++netlink->seq;
	sent = send(netlink->fd, &request, request.header.nlmsg_len, 0);
	return sent == (ssize_t)request.header.nlmsg_len;
}

/* Take one attribute of a link. */
static void attribute_take(struct pcap_link *link, const struct rtattr *attribute)
{
	const void *payload = RTA_DATA(attribute);
	size_t len = RTA_PAYLOAD(attribute);

	switch (attribute->rta_type) {
	case IFLA_IFNAME:
		if (len > 0)
			memcpy(link->name, payload, len < IFNAMSIZ ? len : IFNAMSIZ - 1);
		break;
	case IFLA_MTU:
		if (len == sizeof link->mtu_bytes)
			memcpy(&link->mtu_bytes, payload, len);
		break;
	case IFLA_ADDRESS:
		if (len == sizeof link->mac)
			memcpy(link->mac, payload, len);
		break;
	case IFLA_STATS64:
		link->has_stats = true;
		memcpy(&link->stats, payload, len < sizeof link->stats ? len : sizeof link->stats);
		break;
	}
}

/* Read the body of a message about a link, 'len' bytes at 'info'. False when it is not about a link
 * as such (bridges tell of their ports in the same way) or has no name. */
static bool link_read(struct pcap_link *link, const struct ifinfomsg *info, size_t len)
{
	const struct rtattr *attribute;
	int left;

	*link = (struct pcap_link){.ifindex = 0};
	if (len < sizeof *info || info->ifi_family != AF_UNSPEC)
		return false;
	link->ifindex = info->ifi_index;
	link->type = info->ifi_type;
	link->flags = info->ifi_flags;
	left = (int)(len - NLMSG_ALIGN(sizeof *info));
	attribute = (const void *)((const uint8_t *)info + NLMSG_ALIGN(sizeof *info));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		attribute_take(link, attribute);
	return link->name[0] != '\0';
}

/* A question was refused: tell that there is no such interface. */
static void error_handle(struct pcap_netlink *netlink, const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = NLMSG_DATA(header);
	size_t len = NLMSG_PAYLOAD(header, 0);
	struct pcap_link link;

	if (len < sizeof *error + sizeof(struct ifinfomsg) || error->error != -ENODEV ||
	    error->msg.nlmsg_type != RTM_GETLINK)
		return;
	if (link_read(&link, (const void *)(error + 1), len - sizeof *error))
		netlink->ops.gone(netlink->ops.ctx, link.name, 0);
}

static void message_handle(struct pcap_netlink *netlink, const struct nlmsghdr *header)
{
	struct pcap_link link;

	if (header->nlmsg_type == NLMSG_ERROR) {
		error_handle(netlink, header);
		return;
	}
	if (header->nlmsg_type != RTM_NEWLINK && header->nlmsg_type != RTM_DELLINK)
		return;
	if (!link_read(&link, NLMSG_DATA(header), NLMSG_PAYLOAD(header, 0)))
		return;
	link.answer = header->nlmsg_pid == netlink->port_id;
	if (header->nlmsg_type == RTM_DELLINK)
		netlink->ops.gone(netlink->ops.ctx, link.name, link.ifindex);
	else if (link.mtu_bytes)
		netlink->ops.there(netlink->ops.ctx, &link);
}

void pcap_netlink_read(struct pcap_netlink *netlink)
{
	bool lost = false;
	int left;

	for (left = MESSAGES_PER_TURN_MAX; left > 0; left--) {
		struct sockaddr_nl from = {.nl_pid = 0};
		struct iovec iov = {netlink->buffer, sizeof netlink->buffer};
		struct msghdr msg = {
		        .msg_name = &from,
		        .msg_namelen = sizeof from,
		        .msg_iov = &iov,
		        .msg_iovlen = 1,
		};
		ssize_t bytes = recvmsg(netlink->fd, &msg, 0);
		struct nlmsghdr *header = (void *)netlink->buffer;
		unsigned rest;

		if (bytes < 0 && errno == ENOBUFS) {
			lost = true;
			continue;
		}
		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes <= 0)
			break;
		rest = (unsigned)bytes;
		if (from.nl_pid != 0)
			continue;
		for (; NLMSG_OK(header, rest); header = NLMSG_NEXT(header, rest))
			message_handle(netlink, header);
	}
	netlink->ops.settled(netlink->ops.ctx, lost);
}
