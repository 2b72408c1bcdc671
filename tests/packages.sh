# shellcheck shell=bash disable=SC2034
# Debian and Ubuntu packages that the project needs, and how missing ones are installed. Sourced by scenarios/run,
# tests/run and tests/bench/run.

packages_build="gcc libc6-dev cmake ninja-build pkg-config libfyaml-dev libpcap-dev libevent-dev libssl-dev libxxhash-dev libcunit1-dev"
packages_tests="python3 python3-yaml python3-jsonschema python3-openflow tshark iproute2 ethtool openssl"
# Open vSwitch, to compare with (its services are not used, the tests start programs of their own); what reads scenario
# files and captures links for tests in real networks.
packages_live="openvswitch-common openvswitch-switch openvswitch-testcontroller python3-yaml tcpdump"
packages_all="clang"

package_is_installed()
{
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# packages_need PACKAGE...: install those that are missing, after saying so. Ends the program with 3 where that fails.
packages_need()
{
	local package missing="" as_root=""
	if ! command -v dpkg-query >/dev/null; then
		echo "This is no Debian or Ubuntu: these packages' counterparts must be installed: $*" >&2
		return
	fi
	for package in "$@"; do
		package_is_installed "$package" || missing="$missing $package"
	done
	[ -z "$missing" ] && return
	[ "$(id -u)" = 0 ] || as_root=sudo
	echo "Installing with apt-get:$missing"
	# shellcheck disable=SC2086
	if ! { $as_root apt-get update -qq &&
	       $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
	       >"${TMPDIR:-/tmp}/flowbed-apt.$$" 2>&1; then
		cat "${TMPDIR:-/tmp}/flowbed-apt.$$" >&2
		rm -f "${TMPDIR:-/tmp}/flowbed-apt.$$"
		echo "apt-get failed. Install these packages by hand and run this again:$missing" >&2
		exit 3
	fi
	rm -f "${TMPDIR:-/tmp}/flowbed-apt.$$"
}

# clang's sanitizer and fuzzer runtime has clang's version in its name.
packages_clang_runtime()
{
	echo "libclang-rt-$(clang -dumpversion | sed 's/\..*//')-dev"
}
