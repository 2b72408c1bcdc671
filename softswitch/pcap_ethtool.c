/* The ethtool ioctls; see pcap_ethtool.h.
 *
 * Offloads are features of the kernel with a name and a bit; which bit it is differs from kernel to
 * kernel, so that the names are asked for once. A feature that is on may be fixed, or be turned on
 * by another one: what counts is what the kernel says after the change.
 *
 * Speeds come as link modes, of which OpenFlow 1.0 knows few; each is mapped to what it is on a
 * wire, as Open vSwitch does it. */
#include "softswitch/pcap_ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/xalloc.h"

enum {
	FEATURES_MAX = 256, /* of a kernel; 6.18 has 65 */
	WORD_BITS = 32,     /* of a word of features or of link modes */
	FEATURE_WORDS = FEATURES_MAX / WORD_BITS,
	MODE_WORDS_MAX = 16, /* of a set of link modes; 6.18 has 4 */
};

static const char *const offload_names[PCAP_OFFLOADS_COUNT] = {"rx-gro", "rx-gro-hw", "rx-lro"};

bool pcap_ethtool_init(struct pcap_ethtool *ethtool)
{
	*ethtool = (struct pcap_ethtool){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	return ethtool->fd >= 0;
}

void pcap_ethtool_destroy(struct pcap_ethtool *ethtool)
{
	if (ethtool->fd >= 0)
		close(ethtool->fd);
	ethtool->fd = -1;
}

static struct ifreq request_for(const char *name)
{
	struct ifreq request = {.ifr_flags = 0};

	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return request;
}

/* One ethtool command; negative with errno. */
static int command(struct pcap_ethtool *ethtool, const char *name, void *data)
{
	struct ifreq request = request_for(name);

	request.ifr_data = data;
	return ioctl(ethtool->fd, SIOCETHTOOL, &request);
}

static bool bring(struct pcap_ethtool *ethtool, const char *name, short up)
{
	struct ifreq request = request_for(name);

	if (ioctl(ethtool->fd, SIOCGIFFLAGS, &request) < 0)
		return false;
	if ((request.ifr_flags & IFF_UP) == up)
		return true;
	request.ifr_flags ^= IFF_UP;
	return ioctl(ethtool->fd, SIOCSIFFLAGS, &request) == 0;
}

bool pcap_ethtool_bring_up(struct pcap_ethtool *ethtool, const char *name)
{
	return bring(ethtool, name, IFF_UP);
}

bool pcap_ethtool_bring_down(struct pcap_ethtool *ethtool, const char *name)
{
	return bring(ethtool, name, 0);
}

/* How many features the kernel has; 0 with errno. */
static uint32_t features_count(struct pcap_ethtool *ethtool, const char *name)
{
	union {
		struct ethtool_sset_info info;
		uint8_t memory[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} ask = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = UINT64_C(1) << ETH_SS_FEATURES}};

	if (command(ethtool, name, &ask) < 0)
		return 0;
	if (ask.info.sset_mask && ask.info.data[0] <= FEATURES_MAX)
		return ask.info.data[0];
	errno = EOPNOTSUPP;
	return 0;
}

/* Find the bits of the offloads by their names. */
static bool features_learn(struct pcap_ethtool *ethtool, const char *name)
{
	uint32_t count = features_count(ethtool, name);
	struct ethtool_gstrings *strings;
	int status;

	if (count == 0)
		return false;
	strings = xcalloc(1, sizeof *strings + (size_t)count * ETH_GSTRING_LEN);
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = count;
	status = command(ethtool, name, strings);
	for (int i = 0; i < PCAP_OFFLOADS_COUNT; i++) {
		ethtool->feature_bit[i] = -1;
		for (uint32_t bit = 0; bit < count && status == 0; bit++) {
			const char *text = (const char *)strings->data + bit * ETH_GSTRING_LEN;

			if (strncmp(text, offload_names[i], ETH_GSTRING_LEN) == 0)
				ethtool->feature_bit[i] = (int)bit;
		}
	}
	free(strings);
	ethtool->features = status == 0 ? count : 0;
	return status == 0;
}

/* The offloads of 'name' that are on; false with errno. */
static bool offloads_get(struct pcap_ethtool *ethtool, const char *name, uint32_t *on)
{
	union {
		struct ethtool_gfeatures head;
		uint8_t memory[sizeof(struct ethtool_gfeatures) +
		               FEATURE_WORDS * sizeof(struct ethtool_get_features_block)];
	} get = {.head = {.cmd = ETHTOOL_GFEATURES, .size = FEATURE_WORDS}};

	*on = 0;
	if (command(ethtool, name, &get) < 0)
		return false;
	for (int i = 0; i < PCAP_OFFLOADS_COUNT; i++) {
		int bit = ethtool->feature_bit[i];

		if (bit >= 0 && get.head.features[bit / WORD_BITS].active >> bit % WORD_BITS & 1)
			*on |= 1u << i;
	}
	return true;
}

/* Turn 'offloads' on or off; those that are fixed stay. False with errno. */
static bool offloads_set(struct pcap_ethtool *ethtool, const char *name, uint32_t offloads, bool on)
{
	union {
		struct ethtool_sfeatures head;
		uint8_t memory[sizeof(struct ethtool_sfeatures) +
		               FEATURE_WORDS * sizeof(struct ethtool_set_features_block)];
	} set = {.head = {.cmd = ETHTOOL_SFEATURES,
	                  .size = (ethtool->features + WORD_BITS - 1) / WORD_BITS}};

	for (int i = 0; i < PCAP_OFFLOADS_COUNT; i++) {
		int bit = ethtool->feature_bit[i];
		uint32_t value = bit >= 0 && offloads >> i & 1 ? 1u << bit % WORD_BITS : 0;

		if (!value)
			continue;
		set.head.features[bit / WORD_BITS].valid |= value;
		set.head.features[bit / WORD_BITS].requested |= on ? value : 0;
	}
	return command(ethtool, name, &set) >= 0;
}

bool pcap_ethtool_offloads_off(struct pcap_ethtool *ethtool, const char *name, uint32_t *turned_off,
                               uint32_t *still_on)
{
	uint32_t before;

	*turned_off = *still_on = 0;
	if (!ethtool->features && !features_learn(ethtool, name))
		return false;
	if (!offloads_get(ethtool, name, &before))
		return false;
	if (before == 0)
		return true;
	offloads_set(ethtool, name, before, false);
	if (!offloads_get(ethtool, name, still_on))
		return false;
	*turned_off = before & ~*still_on;
	return true;
}

bool pcap_ethtool_offloads_on(struct pcap_ethtool *ethtool, const char *name, uint32_t offloads)
{
	return offloads_set(ethtool, name, offloads, true);
}

/* --- Speeds --- */

/* Link modes and what OpenFlow 1.0 calls them. */
static const struct {
	uint8_t mode; /* ETHTOOL_LINK_MODE_*_BIT */
	uint16_t feature;
} modes[] = {
        {ETHTOOL_LINK_MODE_10baseT_Half_BIT, OFPPF_10MB_HD},
        {ETHTOOL_LINK_MODE_10baseT_Full_BIT, OFPPF_10MB_FD},
        {ETHTOOL_LINK_MODE_100baseT_Half_BIT, OFPPF_100MB_HD},
        {ETHTOOL_LINK_MODE_100baseT_Full_BIT, OFPPF_100MB_FD},
        {ETHTOOL_LINK_MODE_1000baseT_Half_BIT, OFPPF_1GB_HD},
        {ETHTOOL_LINK_MODE_1000baseT_Full_BIT, OFPPF_1GB_FD},
        {ETHTOOL_LINK_MODE_1000baseKX_Full_BIT, OFPPF_1GB_FD},
        {ETHTOOL_LINK_MODE_1000baseX_Full_BIT, OFPPF_1GB_FD},
        {ETHTOOL_LINK_MODE_10000baseT_Full_BIT, OFPPF_10GB_FD},
        {ETHTOOL_LINK_MODE_10000baseKX4_Full_BIT, OFPPF_10GB_FD},
        {ETHTOOL_LINK_MODE_10000baseKR_Full_BIT, OFPPF_10GB_FD},
        {ETHTOOL_LINK_MODE_10000baseR_FEC_BIT, OFPPF_10GB_FD},
        {ETHTOOL_LINK_MODE_10000baseCR_Full_BIT, OFPPF_10GB_FD},
        {ETHTOOL_LINK_MODE_10000baseSR_Full_BIT, OFPPF_10GB_FD},
        {ETHTOOL_LINK_MODE_10000baseLR_Full_BIT, OFPPF_10GB_FD},
        {ETHTOOL_LINK_MODE_10000baseLRM_Full_BIT, OFPPF_10GB_FD},
        {ETHTOOL_LINK_MODE_10000baseER_Full_BIT, OFPPF_10GB_FD},
        {ETHTOOL_LINK_MODE_TP_BIT, OFPPF_COPPER},
        {ETHTOOL_LINK_MODE_FIBRE_BIT, OFPPF_FIBER},
        {ETHTOOL_LINK_MODE_Autoneg_BIT, OFPPF_AUTONEG},
        {ETHTOOL_LINK_MODE_Pause_BIT, OFPPF_PAUSE},
        {ETHTOOL_LINK_MODE_Asym_Pause_BIT, OFPPF_PAUSE_ASYM},
};

/* What the set of 'words' words at 'set' says in OpenFlow's terms. */
static uint32_t modes_features(const uint32_t *set, int words)
{
	uint32_t features = 0;

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		int word = modes[i].mode / WORD_BITS;

		if (word < words && set[word] >> modes[i].mode % WORD_BITS & 1)
			features |= modes[i].feature;
	}
	return features;
}

/* The rate in Mb/s, and what carries it. */
static uint32_t current_features(const struct ethtool_link_settings *link)
{
	bool full = link->duplex != DUPLEX_HALF;
	uint32_t features = 0;

	switch (link->speed) {
	case SPEED_10:
		features = full ? OFPPF_10MB_FD : OFPPF_10MB_HD;
		break;
	case SPEED_100:
		features = full ? OFPPF_100MB_FD : OFPPF_100MB_HD;
		break;
	case SPEED_1000:
		features = full ? OFPPF_1GB_FD : OFPPF_1GB_HD;
		break;
	case SPEED_10000:
		features = OFPPF_10GB_FD;
		break;
	}
	if (link->port == PORT_TP)
		features |= OFPPF_COPPER;
	else if (link->port == PORT_FIBRE)
		features |= OFPPF_FIBER;
	if (link->autoneg)
		features |= OFPPF_AUTONEG;
	return features;
}

void pcap_ethtool_describe(struct pcap_ethtool *ethtool, const char *name, struct fb_phy_port *desc)
{
	const struct ethtool_link_settings question = {.cmd = ETHTOOL_GLINKSETTINGS};
	union {
		struct ethtool_link_settings link;
		uint8_t memory[sizeof question + 3 * MODE_WORDS_MAX * sizeof(uint32_t)];
	} ask = {.link = question};
	const uint32_t *sets = ask.link.link_mode_masks; /* supported, advertised, the peer's */
	int words;

	/* The first answer is how many words a set has, negated. */
	if (command(ethtool, name, &ask) < 0 && errno == ENODEV)
		return;
	desc->curr = desc->advertised = desc->supported = desc->peer = 0;
	words = -ask.link.link_mode_masks_nwords;
	if (words <= 0 || words > MODE_WORDS_MAX)
		return;
	ask.link = question;
	ask.link.link_mode_masks_nwords = (int8_t)words;
	if (command(ethtool, name, &ask) < 0)
		return;
	desc->curr = current_features(&ask.link);
	desc->supported = modes_features(sets, words);
	desc->advertised = modes_features(sets + words, words);
	desc->peer = modes_features(sets + 2 * words, words);
}
