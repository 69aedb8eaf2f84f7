#!/usr/bin/python
# Copyright: the Skerry authors
# Apache License 2.0 (see LICENSE)
"""The module skerry_image_prune: one call to the engine, its answer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: skerry_image_prune
short_description: Delete the images that no container is made of
description:
  - Deletes every image that no container on the host is made of, and the files that only these images have. A file that
    an image in use has too stays.
  - In check mode it says what would go, and how much of the pool that frees.
extends_documentation_fragment:
  - skerry.host.engine
author: The Skerry authors (@skerry)
attributes:
  check_mode:
    description: Asks the engine for its plan.
    support: full
  diff_mode:
    description: Shows the steps.
    support: full
options: {}
seealso:
  - module: skerry.host.skerry_image
"""

EXAMPLES = r"""
- name: Delete the unused images
  skerry.host.skerry_image_prune:
"""

RETURN = r"""
steps:
  description: What was done, in order; in check mode what would be done.
  returned: success
  type: list
  elements: str
stored:
  description: How much of the pool is free by each image that went, in words.
  returned: success
  type: list
  elements: str
  sample: ["12.5 MiB of the pool, which image shop took, are free"]
code:
  description: The class of error, one of busy, host, failed, forbidden.
  returned: failure
  type: str
"""

from ..module_utils.engine_handler import API
from ..module_utils.engine_module import EngineModule
from ..module_utils.image_handler import prune_images

# By the words `from ansible.module_utils.` Mitogen tells a module from another script.


def main() -> None:
    """One call, the answer."""
    module = EngineModule(API, supports_check_mode=True)
    module.exit_json(**prune_images(module))


if __name__ == "__main__":
    main()
