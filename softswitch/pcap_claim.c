/* Who has an interface besides this switch: another switch, or the machine's own stack; see
 * pcap_port.h.
 *
 * Two switches on one interface would both forward each frame. So each binds, for every interface
 * it takes, a Unix socket whose abstract name holds the interface's index: like indexes, such names
 * belong to a network namespace, and they vanish with their process, however it ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "softswitch/pcap_private.h"

bool pcap_claim_take(struct pcap_port *port)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int len = snprintf(address.sun_path + 1, sizeof address.sun_path - 1,
	                   "flowbed-switch/interface/%d", port->ifindex);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);

	port->failure[0] = '\0';
	port->claim_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (port->claim_fd >= 0 && bind(port->claim_fd, (struct sockaddr *)&address, size) == 0)
		return true;
	if (errno == EADDRINUSE)
		snprintf(port->failure, sizeof port->failure,
		         "another flowbed-switch has the interface '%s': end that one, or choose "
		         "another interface",
		         port->name);
	else
		snprintf(port->failure, sizeof port->failure, "cannot claim the interface '%s': %s",
		         port->name, strerror(errno));
	pcap_claim_give(port);
	return false;
}

void pcap_claim_give(struct pcap_port *port)
{
	if (port->claim_fd >= 0)
		close(port->claim_fd);
	port->claim_fd = -1;
}

/* The address as a text in 'text'; false for one that every interface has by itself. */
static bool address_text(const struct sockaddr *address, char text[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

	if (address && address->sa_family == AF_INET)
		return inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
	if (address && address->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
		return inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
	return false;
}

void pcap_claim_look_at_addresses(struct pcap_port *port)
{
	char text[INET6_ADDRSTRLEN];
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		if (strcmp(at->ifa_name, port->name) != 0 || !address_text(at->ifa_addr, text))
			continue;
		pcap_port_log(
		        port, LOG_LEVEL_WARNING,
		        "has the address %s, so this machine itself answers on it too: take "
		        "it away: ip address flush dev %s (--local NAME makes an interface for "
		        "the machine's own address)",
		        text, port->name);
		break;
	}
	freeifaddrs(list);
}
