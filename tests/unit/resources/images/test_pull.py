"""Which files an OCI image is made of: new ones, or those of an image that has the same layers."""

import dataclasses

from skerry.model.container import Image
from skerry.resources.images import oci_manifest
from skerry.resources.images.pull import with_layers

CHAIN = oci_manifest.chain(["a" * 64, "b" * 64])
WEB = Image("d" * 64, "web", 0, ("/bin/a",), {}, "now", chain=CHAIN)


def test_an_image_has_a_file_of_its_base_and_one_of_the_rest() -> None:
    assert with_layers(WEB, 1, []).layers == oci_manifest.lowers(CHAIN, 1)
    assert len(with_layers(WEB, 1, []).layers) == 2


def test_of_the_same_layers_no_file_is_made_again() -> None:
    """With all of its layers in common, its base is the whole image: one more file that holds everything."""
    here = dataclasses.replace(WEB, digest="e" * 64, name="here", layers=oci_manifest.lowers(CHAIN, 1))
    other = dataclasses.replace(here, name="other", chain=CHAIN[:1], layers=("f" * 64,))
    assert with_layers(WEB, 2, [other, here]).layers == here.layers
    assert with_layers(WEB, 1, [other]).layers == oci_manifest.lowers(CHAIN, 1)
