# The hardened kernel: make kernel [FLAVOUR=lab] [SOURCE=linux-source-7.3].
KERNEL_BUILDER := PYTHONPATH=$(CURDIR)/src python3 -m skerry_kernel
KERNEL_CHOICE = $(or $(FLAVOUR),metal) $(if $(SOURCE),--source $(SOURCE))

.PHONY: kernel kernel-score

kernel: ## the hardened kernel, from Debian's source (FLAVOUR=metal or lab; 15 minutes and more)
	@$(KERNEL_BUILDER) build $(KERNEL_CHOICE)

kernel-score: ## what kernel-hardening-checker says of its configuration, beside Debian's
	@$(KERNEL_BUILDER) score $(KERNEL_CHOICE)
