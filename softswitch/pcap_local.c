/* The TAP interface of OFPP_LOCAL: a port whose other end is this machine's own network stack. It
 * is gone when the program ends, unless it was there before. The kernel cuts and completes what
 * leaves through a TAP, so that no offload shows. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "softswitch/pcap_private.h"

enum { FRAME_BYTES_MAX = 65535 };

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct pcap_port *port = ctx;
	uint32_t left = port->ports->config.batch_max;
	uint8_t bytes[FRAME_BYTES_MAX];

	(void)fd;
	(void)what;
	if (!pcap_port_before_reading(port))
		return;
	for (; left; left--) {
		ssize_t len = read(port->fd, bytes, sizeof bytes);

		if (len > 0) {
			pcap_port_deliver(port, bytes, (size_t)len);
			continue;
		}
		/* An interface that went away: netlink tells of it. */
		if (len == 0 || (errno != EAGAIN && errno != EINTR))
			event_del(port->readable);
		return;
	}
}

/* What to do about 'error' of the system. */
static void explain(struct pcap_port *port, int error)
{
	const char *advice = "";

	if (error == ENOENT || error == ENODEV || error == ENXIO)
		advice = "; load the kernel's module: modprobe tun";
	else if (error == EPERM || error == EACCES)
		advice = "; run as root or with CAP_NET_ADMIN";
	else if (error == EBUSY)
		advice = "; another program has it: choose another name";
	else if (error == EINVAL)
		advice = "; an interface of that name is there and is no TAP: choose another name";
	snprintf(port->failure, sizeof port->failure, "cannot make the TAP interface '%s': %s%s",
	         port->name, strerror(error), advice);
}

bool pcap_local_open(struct pcap_port *port)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	memcpy(request.ifr_name, port->name, sizeof port->name);
	port->failure[0] = '\0';
	port->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (port->fd < 0 || ioctl(port->fd, TUNSETIFF, &request) < 0) {
		explain(port, errno);
		pcap_local_close(port);
		return false;
	}
	port->readable =
	        event_new(port->ports->base, port->fd, EV_READ | EV_PERSIST, on_readable, port);
	if (!port->readable || event_add(port->readable, NULL) < 0) {
		explain(port, ENOMEM);
		pcap_local_close(port);
		return false;
	}
	return true;
}

void pcap_local_close(struct pcap_port *port)
{
	if (port->readable)
		event_free(port->readable);
	port->readable = NULL;
	if (port->fd >= 0)
		close(port->fd);
	port->fd = -1;
}

enum datapath_sent pcap_local_send(struct pcap_port *port, struct frame *frame)
{
	if (write(port->fd, frame_data(frame), frame->len) == (ssize_t)frame->len)
		return DATAPATH_SENT;
	return errno == EAGAIN || errno == ENOBUFS ? DATAPATH_DROPPED : DATAPATH_FAILED;
}
