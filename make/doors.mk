# The doors: what the modules declare comes from src/skerry/model.
.PHONY: options

options: .venv ## the modules' options, from the model
	@$(PY) -m tools.gen_module_options
	@$(PY) -m tools.gen_docs
