# What modules declare: it comes from src/skerry/model and src/skerry/protocol.
.PHONY: options

options: .venv ## the modules' options, from the model
	@$(PY) -m tools.gen_module_options
	@$(PY) -m tools.gen_docs
