// SPDX-License-Identifier: GPL-2.0
/*
 * Says why symbols have the values they have, with the kernel's own Kconfig: it is built beside scripts/kconfig/conf.
 * Reads names of symbols from standard input, and .config as every Kconfig program does. Answers one line each, in
 * fields parted by tabs:
 *   NAME unknown            no Kconfig file defines it
 *   NAME needs PART         what it depends on and does not hold
 *   NAME selected BY        who switches it on, whatever was asked for
 *   NAME choice NAME        another answer to the same question was taken
 *   NAME fixed              nobody is asked: others decide
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "lkc.h"

static void part(const char *name, const char *word, struct expr *e)
{
	struct expr *leaf = e->type == E_NOT ? e->left.expr : e;
	struct symbol *sym = leaf->type == E_SYMBOL || leaf->type >= E_EQUAL ? leaf->left.sym : NULL;

	printf("%s\t%s\t", name, word);
	expr_fprint(e, stdout);
	if (sym && sym->name && !(sym->flags & SYMBOL_CONST)) {
		printf(e->type == E_SYMBOL ? ", which is " : ", and %s is ", sym->name);
		printf("%s", sym->type == S_UNKNOWN ? "unknown" : sym_get_string_value(sym));
	}
	putchar('\n');
}

/* What of an expression keeps it below `wanted` */
static void blame(const char *name, struct expr *e, tristate wanted)
{
	if (!e || expr_calc_value(e) >= wanted)
		return;
	if (e->type == E_AND || e->type == E_OR) {
		blame(name, e->left.expr, wanted);
		blame(name, e->right.expr, wanted);
	} else {
		part(name, "needs", e);
	}
}

/* Which of those who select it are on: `A`, or `A && condition` */
static void selectors(const char *name, struct expr *e)
{
	if (!e || expr_calc_value(e) == no)
		return;
	if (e->type == E_OR) {
		selectors(name, e->left.expr);
		selectors(name, e->right.expr);
	} else {
		part(name, "selected", e);
	}
}

static void choice(const char *name, struct symbol *sym)
{
	struct menu *menu = sym_get_choice_menu(sym), *child;

	for (child = menu ? menu->list : NULL; child; child = child->next)
		if (child->sym && child->sym != sym && sym_get_tristate_value(child->sym) == yes)
			printf("%s\tchoice\t%s\n", name, child->sym->name);
}

static bool asked(struct symbol *sym)
{
	struct property *prompt;

	for_all_prompts(sym, prompt)
		return true;
	return false;
}

static void explain(const char *name)
{
	struct symbol *sym = sym_find(name);

	if (!sym || sym->type == S_UNKNOWN) {
		printf("%s\tunknown\n", name);
		return;
	}
	sym_calc_value(sym);
	/* for a yes or no, a module is as good as a yes */
	blame(name, sym->dir_dep.expr, sym->type == S_TRISTATE ? yes : mod);
	selectors(name, sym->rev_dep.expr);
	choice(name, sym);
	if (!asked(sym))
		printf("%s\tfixed\n", name);
}

int main(int argc, char **argv)
{
	char name[256];

	if (argc != 2)
		return 2;
	conf_set_message_callback(NULL);
	conf_parse(argv[1]);
	conf_read(NULL);
	while (fgets(name, sizeof(name), stdin)) {
		name[strcspn(name, "\n")] = '\0';
		explain(name);
	}
	return 0;
}
