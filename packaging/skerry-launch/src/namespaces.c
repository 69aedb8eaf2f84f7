/* namespaces: make the user and the network namespace of a container, and hand them over as descriptors.
 *
 * A service of its own, since the engine may make none. systemd hands it a listening socket (descriptor 3, packets, for
 * root alone). A request is one packet of zero-ended strings: first id of the container's range, index of the bridge,
 * the port's name, the container's MAC, its IPv4 address with the length of its prefix, gateway, and the same of IPv6.
 * The answer is one packet: nothing and the two descriptors, or what failed. Nothing of them is kept here: they live as
 * long as somebody holds them, and the port with them.
 *
 * The user namespace is made by the container's own first id, so what the kernel counts for a user (inotify, signals,
 * queues) ends at that user. The network namespace belongs to it, so its root rules over its network alone.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/securebits.h>
#include <linux/veth.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IDS = 65536, WORDS = 10, REQUEST_MAX = 1024, LISTENER = 3 };

struct wanted {
	unsigned id, bridge;
	const char *port;
	struct ether_addr mac;
	struct address {
		int family;
		unsigned char bytes[16], gateway[16];
		unsigned size, prefix;
	} addresses[2];
};

static char failure[256];

static bool failed(const char *what) {
	snprintf(failure, sizeof failure, "%s: %s", what, strerror(errno));
	return false;
}

/* Netlink: one request, one answer. */

struct message {
	struct nlmsghdr head;
	char room[768];
};

static void begin(struct message *message, unsigned short type, unsigned short flags, const void *body, unsigned size) {
	memset(message, 0, sizeof *message);
	message->head = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags)};
	memcpy(NLMSG_DATA(&message->head), body, size);
}

/* Add an attribute; where size is 0 its end is set by `close_attribute`. */
static struct rtattr *attribute(struct message *message, unsigned short type, const void *data, unsigned size) {
	struct rtattr *made = (struct rtattr *)(void *)((char *)message + NLMSG_ALIGN(message->head.nlmsg_len));
	if (NLMSG_ALIGN(message->head.nlmsg_len) + RTA_LENGTH(size) > sizeof *message) errx(1, "a message is too long");
	made->rta_type = type;
	made->rta_len = (unsigned short)RTA_LENGTH(size);
	if (size) memcpy(RTA_DATA(made), data, size);
	message->head.nlmsg_len = NLMSG_ALIGN(message->head.nlmsg_len) + RTA_ALIGN(made->rta_len);
	return made;
}

static void close_attribute(struct message *message, struct rtattr *made) {
	made->rta_len = (unsigned short)((char *)message + message->head.nlmsg_len - (char *)made);
}

static bool ask(int kernel, struct message *message) {
	struct { struct nlmsghdr head; struct nlmsgerr error; char echo[1024]; } answer;
	if (send(kernel, message, message->head.nlmsg_len, 0) < 0) return false;
	if (recv(kernel, &answer, sizeof answer, 0) < (ssize_t)(sizeof answer.head + sizeof answer.error.error)) return false;
	errno = -answer.error.error;
	return answer.error.error == 0;
}

static bool delete_link(int kernel, const char *name) {
	struct message message;
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	begin(&message, RTM_DELLINK, 0, &link, sizeof link);
	attribute(&message, IFLA_IFNAME, name, (unsigned)strlen(name) + 1);
	return ask(kernel, &message) || errno == ENODEV || failed("removing an older port");
}

/* A port on the bridge whose other end is eth0 of the namespace; both are down. */
static bool make_link(int kernel, const struct wanted *wanted, int network) {
	struct message message;
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	/* A bridge takes the lowest MAC of its ports for its own: this one is none that would be. */
	unsigned char outside[ETH_ALEN];
	memcpy(outside, wanted->mac.ether_addr_octet, ETH_ALEN);
	outside[0] = 0xfe;
	begin(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
	attribute(&message, IFLA_IFNAME, wanted->port, (unsigned)strlen(wanted->port) + 1);
	attribute(&message, IFLA_ADDRESS, outside, ETH_ALEN);
	attribute(&message, IFLA_MASTER, &wanted->bridge, sizeof wanted->bridge);
	struct rtattr *info = attribute(&message, IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
	attribute(&message, IFLA_INFO_KIND, "veth", 5);
	struct rtattr *data = attribute(&message, IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);
	struct rtattr *peer = attribute(&message, VETH_INFO_PEER | NLA_F_NESTED, &link, sizeof link);
	attribute(&message, IFLA_IFNAME, "eth0", 5);
	attribute(&message, IFLA_ADDRESS, wanted->mac.ether_addr_octet, ETH_ALEN);
	attribute(&message, IFLA_NET_NS_FD, &network, sizeof network);
	close_attribute(&message, peer);
	close_attribute(&message, data);
	close_attribute(&message, info);
	return ask(kernel, &message) || failed("making the port");
}

/* No frame passes between this port and another isolated one; it is so before the port is up. */
static bool isolate(int kernel, unsigned index) {
	struct message message;
	struct ifinfomsg link = {.ifi_family = AF_BRIDGE, .ifi_index = (int)index};
	unsigned char on = 1;
	begin(&message, RTM_SETLINK, 0, &link, sizeof link);
	struct rtattr *port = attribute(&message, IFLA_PROTINFO | NLA_F_NESTED, NULL, 0);
	attribute(&message, IFLA_BRPORT_ISOLATED, &on, 1);
	close_attribute(&message, port);
	return ask(kernel, &message) || failed("isolating the port");
}

static bool bring_up(int kernel, unsigned index) {
	struct message message;
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	begin(&message, RTM_NEWLINK, 0, &link, sizeof link);
	return ask(kernel, &message) || failed("bringing a link up");
}

static bool add_address(int kernel, unsigned index, const struct address *own) {
	struct message message;
	struct ifaddrmsg about = {.ifa_family = (unsigned char)own->family, .ifa_prefixlen = (unsigned char)own->prefix, .ifa_index = index};
	if (own->family == AF_INET6) about.ifa_flags = IFA_F_NODAD; /* no neighbour can have it */
	begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &about, sizeof about);
	attribute(&message, IFA_LOCAL, own->bytes, own->size);
	attribute(&message, IFA_ADDRESS, own->bytes, own->size);
	return ask(kernel, &message) || failed("adding an address");
}

static bool add_route(int kernel, unsigned index, const struct address *own) {
	struct message message;
	/* Its gateway is on no network of its own: it has a single address, so that each packet goes by the host. */
	struct rtmsg route = {.rtm_flags = RTNH_F_ONLINK, .rtm_family = (unsigned char)own->family, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST};
	begin(&message, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
	attribute(&message, RTA_GATEWAY, own->gateway, own->size);
	attribute(&message, RTA_OIF, &index, sizeof index);
	return ask(kernel, &message) || failed("adding a route");
}

/* Two descriptors at once, with a byte of zero. */
static bool hand_over(int channel, const int given[2]) {
	union { struct cmsghdr head; char room[CMSG_SPACE(2 * sizeof(int))]; } control = {0};
	struct iovec text = {.iov_base = "", .iov_len = 1};
	struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(2 * sizeof(int))};
	memcpy(CMSG_DATA(&control.head), given, 2 * sizeof(int));
	return sendmsg(channel, &message, MSG_NOSIGNAL) == 1 || failed("handing descriptors over");
}

/* The child: in the namespaces. */

static bool write_file(const char *path, const char *text) {
	int file = open(path, O_WRONLY | O_CLOEXEC);
	bool done = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
	if (!done) failed(path);
	if (file >= 0) close(file);
	return done;
}

/* Become the container's first id with the capabilities of the host's root, which unshare(2) may want. */
static bool become(unsigned id) {
	return (!prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) && !setgroups(0, NULL) && !setresgid(id, id, id) &&
	        !setresuid(id, id, id)) || failed("becoming the container's first id");
}

static bool wait_for(int channel) {
	char byte;
	if (read(channel, &byte, 1) == 1) return true;
	errno = ECANCELED;
	return failed("waiting for the other half");
}

static bool tell(int channel) { return write(channel, "+", 1) == 1 || failed("telling the other half"); }

static bool configure(const struct wanted *wanted) {
	int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	unsigned index = if_nametoindex("eth0");
	if (kernel < 0 || !index) return failed("finding eth0");
	return bring_up(kernel, if_nametoindex("lo")) && add_address(kernel, index, &wanted->addresses[0]) &&
	       add_address(kernel, index, &wanted->addresses[1]) && bring_up(kernel, index) &&
	       add_route(kernel, index, &wanted->addresses[0]) && add_route(kernel, index, &wanted->addresses[1]);
}

static bool inside(const struct wanted *wanted, int channel) {
	int own[2];
	if (!become(wanted->id)) return false;
	if (unshare(CLONE_NEWUSER)) return failed("unshare user");
	if (!tell(channel) || !wait_for(channel)) return false; /* its ids are mapped now */
	if (unshare(CLONE_NEWNET)) return failed("unshare net");
	/* Any port, and ping, without a capability: the network is the container's own. */
	if (!write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0") ||
	    !write_file("/proc/sys/net/ipv4/ping_group_range", "0 65535"))
		return false;
	/* Opened here: the parent may not look into a process of another user. */
	own[0] = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	own[1] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own[0] < 0 || own[1] < 0) return failed("opening the namespaces");
	return hand_over(channel, own) && wait_for(channel) && configure(wanted) && tell(channel);
}

static _Noreturn void child(const struct wanted *wanted, int channel) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!inside(wanted, channel)) (void)!write(channel, failure, strlen(failure) + 1);
	_exit(0);
}

/* The parent. */

static bool map_ids(pid_t pid, unsigned id) {
	char path[64], map[64];
	snprintf(map, sizeof map, "0 %u %d", id, IDS);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s_map", pid, i ? "gid" : "uid");
		if (!write_file(path, map)) return false;
	}
	return true;
}

static bool make_port(const struct wanted *wanted, int network) {
	int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (kernel < 0) return failed("netlink");
	bool done = delete_link(kernel, wanted->port) && make_link(kernel, wanted, network);
	unsigned index = done ? if_nametoindex(wanted->port) : 0;
	done = done && isolate(kernel, index) && bring_up(kernel, index);
	close(kernel);
	return done;
}

/* The child's next word, and its namespaces where it hands them over; what failed there is said here. */
static bool hear(int channel, int found[2]) {
	union { struct cmsghdr head; char room[CMSG_SPACE(2 * sizeof(int))]; } control = {0};
	struct iovec text = {.iov_base = failure, .iov_len = sizeof failure - 1};
	struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	if (got == 1) {
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		if (head && head->cmsg_type == SCM_RIGHTS) memcpy(found, CMSG_DATA(head), 2 * sizeof(int));
		return true;
	}
	if (got > 0) failure[got] = 0;
	else snprintf(failure, sizeof failure, "the child ended");
	return false;
}

static bool make(const struct wanted *wanted, int found[2]) {
	int channel[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel)) return failed("socketpair");
	pid_t pid = fork();
	if (!pid) {
		close(channel[0]);
		child(wanted, channel[1]);
	}
	close(channel[1]);
	bool done = pid > 0 || failed("fork");
	done = done && hear(channel[0], found) && map_ids(pid, wanted->id) && tell(channel[0]) && hear(channel[0], found);
	done = done && make_port(wanted, found[1]) && tell(channel[0]) && hear(channel[0], found);
	close(channel[0]);
	if (pid > 0) {
		if (!done) kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return done;
}

/* Requests. */

static bool parse_address(char *text, const char *gateway, int family, struct address *into) {
	char *slash = strchr(text, '/');
	if (!slash) return false;
	*slash = 0;
	into->family = family;
	into->size = family == AF_INET ? 4 : 16;
	into->prefix = (unsigned)strtoul(slash + 1, NULL, 10);
	return inet_pton(family, text, into->bytes) == 1 && inet_pton(family, gateway, into->gateway) == 1 && into->prefix <= into->size * 8;
}

static bool parse(char *request, ssize_t size, struct wanted *wanted) {
	char *words[WORDS];
	int count = 0;
	for (char *at = request; at < request + size; at += strlen(at) + 1) {
		if (count == WORDS) return false;
		words[count++] = at;
	}
	if (count != 8) return false;
	wanted->id = (unsigned)strtoul(words[0], NULL, 10);
	wanted->bridge = (unsigned)strtoul(words[1], NULL, 10);
	wanted->port = words[2];
	return wanted->id >= IDS && wanted->bridge && *wanted->port && strlen(wanted->port) < IFNAMSIZ &&
	       ether_aton_r(words[3], &wanted->mac) && parse_address(words[4], words[5], AF_INET, &wanted->addresses[0]) &&
	       parse_address(words[6], words[7], AF_INET6, &wanted->addresses[1]);
}

static void serve(int client) {
	char request[REQUEST_MAX + 1];
	struct wanted wanted = {0};
	int found[2] = {-1, -1};
	ssize_t size = recv(client, request, REQUEST_MAX, 0);
	if (size <= 0) return;
	request[size] = 0;
	snprintf(failure, sizeof failure, "the request is not understood");
	if (parse(request, size, &wanted) && make(&wanted, found)) hand_over(client, found);
	else (void)!send(client, failure, strlen(failure) + 1, MSG_NOSIGNAL);
	for (int i = 0; i < 2; i++)
		if (found[i] >= 0) close(found[i]);
}

int main(void) {
	struct timeval patience = {.tv_sec = 10};
	fcntl(LISTENER, F_SETFD, FD_CLOEXEC);
	for (;;) {
		int client = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 && errno == EINTR) continue;
		if (client < 0) err(1, "accept");
		setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		serve(client);
		close(client);
	}
}
