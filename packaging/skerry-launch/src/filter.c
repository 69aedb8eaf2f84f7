/* filter POLICY: write the system-call filter of a policy of LXC's format 2, compiled, to standard output.
 *
 * For amd64 alone: a call of any other architecture gets the policy's default answer. Calls are found by a binary search.
 */
#include <ctype.h>
#include <err.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONDITIONS_MAX = 6 };

static enum scmp_compare operator_named(const char *name) {
	static const char *const names[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ",
	                                    "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};
	static const enum scmp_compare values[] = {SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, SCMP_CMP_EQ,
	                                           SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(names[i], name)) return values[i];
	errx(1, "unknown comparison %s", name);
}

/* [ARGUMENT,VALUE,OPERATOR] or [ARGUMENT,VALUE,OPERATOR,MASK], one after the other. */
static unsigned conditions_of(const char *text, struct scmp_arg_cmp conditions[]) {
	unsigned count = 0;
	for (; (text = strchr(text, '[')); text++) {
		unsigned argument;
		unsigned long long value, mask = 0;
		char value_text[32], name[32], mask_text[32] = "";
		int read = sscanf(text, "[%u,%31[^],],%31[^],],%31[^]]]", &argument, value_text, name, mask_text);
		if (read < 3 || count == CONDITIONS_MAX) errx(1, "not a condition: %s", text);
		value = strtoull(value_text, NULL, 0);
		mask = strtoull(mask_text, NULL, 0);
		enum scmp_compare compare = operator_named(name);
		if ((compare == SCMP_CMP_MASKED_EQ) != (read == 4)) errx(1, "a mask belongs to SCMP_CMP_MASKED_EQ alone: %s", text);
		conditions[count++] = read == 4 ? (struct scmp_arg_cmp){argument, compare, mask, value}
		                                : (struct scmp_arg_cmp){argument, compare, value, 0};
	}
	return count;
}

static void add(scmp_filter_ctx filter, char *line) {
	struct scmp_arg_cmp conditions[CONDITIONS_MAX];
	char name[64], action[16] = "allow";
	int number = 0;
	if (sscanf(line, "%63s %15s %i", name, action, &number) < 1 || !strcmp(action, "default")) return;
	int call = seccomp_syscall_resolve_name(name);
	if (call == __NR_SCMP_ERROR || call < 0) return; /* not amd64's */
	unsigned count = conditions_of(line, conditions);
	uint32_t result = strcmp(action, "errno") ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint32_t)number);
	if (action[0] != '[' && strcmp(action, "errno") && strcmp(action, "allow")) errx(1, "unknown action: %s", line);
	int failed = seccomp_rule_add_array(filter, result, call, count, conditions);
	if (failed) errx(1, "%s: %s", line, strerror(-failed));
}

int main(int count, char **words) {
	FILE *policy = count == 2 ? fopen(words[1], "re") : NULL;
	char line[512];
	int answer;
	if (!policy) err(1, "a policy to read");
	if (!fgets(line, sizeof line, policy) || strcmp(line, "2\n")) errx(1, "not of format 2");
	if (!fgets(line, sizeof line, policy) || sscanf(line, "allowlist errno %d", &answer) != 1) errx(1, "not an allowlist");
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO((uint32_t)answer));
	if (!filter || seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO((uint32_t)answer)) ||
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) || seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2))
		errx(1, "libseccomp refused");
	while (fgets(line, sizeof line, policy)) {
		line[strcspn(line, "\n")] = 0;
		if (isalpha((unsigned char)line[0]) || line[0] == '_') add(filter, line);
		else if (line[0] && line[0] != '#' && strcmp(line, "[all]")) errx(1, "not understood: %s", line);
	}
	int failed = seccomp_export_bpf(filter, STDOUT_FILENO);
	if (failed) errx(1, "export: %s", strerror(-failed));
	return 0;
}
