# The lab: machines on this computer. Runs on the system's own Python, before any virtual environment.
LAB := PYTHONPATH=$(CURDIR)/src python3 -m skerry_lab

# Ours, unless Debian's is asked for. It is built once, which takes a quarter of an hour, and then kept.
OWN_KERNEL = $(if $(filter-out debian hardened,$(KERNEL)),$(error KERNEL is hardened, the default, or debian),$(KERNEL_CHOSEN))
KERNEL_CHOSEN = $(filter-out debian,$(or $(KERNEL),hardened))

.PHONY: try lab lab-list lab-down lab-ssh lab-logs lab-images

try: .venv ## a host, a container and its URL, in two minutes (another one beside it: NAME=...)
	@$(PY) -m skerry_lab demo $(or $(NAME),try) --kind fast

lab: .venv ## the same from blank disks, encrypted, on our kernel (KERNEL=debian: on Debian's; IMAGE=host: prepared disk)
	@$(if $(OWN_KERNEL),kernel=$$($(PY) -m skerry_kernel build lab) &&) \
		$(PY) -m skerry_lab demo $(or $(NAME),lab) --kind metal --image $(or $(IMAGE),rescue) $(if $(OWN_KERNEL),--kernel "$$kernel")

lab-list: ## the labs of this computer
	@$(LAB) list

lab-ssh: ## log in: make lab-ssh NAME=try
	@$(LAB) ssh $(or $(NAME),try)

lab-logs: ## what a machine said: make lab-logs NAME=try
	@$(LAB) logs $(or $(NAME),try)

lab-down: ## end the labs of make try and make lab, or another: make lab-down NAME=...
	@$(LAB) down $(or $(NAME),try lab)

lab-images: ## make the images ahead of time
	@$(LAB) image --kind fast
	@$(LAB) image --kind metal
	@$(LAB) image --kind metal --image rescue
