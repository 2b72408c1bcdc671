/* What the system knows of a stream's peer; see stream.h. */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "lib/io/stream_private.h"

/* A peer of TCP has no user, and one in another container may have no process. */
bool stream_peer_user(const struct stream *s, uid_t *user, pid_t *process)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (s->fd < 0 || getsockopt(s->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
	    len != sizeof peer || peer.uid == (uid_t)-1)
		return false;
	*user = peer.uid;
	*process = peer.pid;
	return true;
}

bool stream_unread(const struct stream *s)
{
	int bytes = 0;

	return s->fd >= 0 && ioctl(s->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* Of a Unix socket it is known only what its peer has not read. */
static uint64_t unix_taken_bytes(const struct stream *s, bool *left)
{
	int bytes = 0;

	if (ioctl(s->fd, SIOCOUTQ, &bytes) < 0)
		bytes = 0;
	*left = bytes > 0;
	return (uint64_t)INT64_MAX - (uint64_t)bytes;
}

uint64_t stream_taken_bytes(const struct stream *s, bool *left)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof info;

	*left = false;
	if (s->fd < 0)
		return 0;
	if (getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
	    len < offsetof(struct tcp_info, tcpi_notsent_bytes) + sizeof info.tcpi_notsent_bytes)
		return unix_taken_bytes(s, left);
	*left = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0;
	return info.tcpi_bytes_acked;
}
