"""Where an image comes from: what a text is taken for, and what is refused."""

import pytest

from skerry.model import oci

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("docker.io/library/nginx:1.27", "docker.io/library/nginx:1.27"),
        ("docker://docker.io/library/nginx", "docker.io/library/nginx:latest"),
        (f"ghcr.io/a/b-c__d.e@sha256:{HEX}", f"ghcr.io/a/b-c__d.e@sha256:{HEX}"),
        (f"ghcr.io/a/b:1@sha256:{HEX}", f"ghcr.io/a/b@sha256:{HEX}"),
        ("localhost/app", "localhost/app:latest"),
        ("127.0.0.1:5000/app:x", "127.0.0.1:5000/app:x"),
        ("[::1]:5000/app:x", "[::1]:5000/app:x"),
        ("oci:/srv/image", "oci:/srv/image"),
        ("oci-archive:/srv/image.tar:web", "oci:/srv/image.tar:web"),
        ("docker-archive:/srv/x.tar:docker.io/library/web:1", "oci:/srv/x.tar:docker.io/library/web:1"),
    ],
)
def test_a_source_is_read(text: str, shown: str) -> None:
    assert str(oci.parse(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "nginx", "library/nginx:1", "", "docker.io/", "docker.io/UPPER", "docker.io/a b", "-x.io/a", "--help",
        "docker.io/a:-x",
        "docker.io/a@sha256:12", "docker.io/../a", "docker.io/a//b", "https://docker.io/a", "oci:image", "oci:", "dir:/x",
        "docker.io/a\n", "user:pw@docker.io/a", f"docker.io/{'a' * 2000}", "containers-storage:x", "docker.io/a:b:c",
    ],
)  # fmt: skip
def test_what_names_no_image_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"names no image; give HOST/PATH:TAG, such as docker\.io/library/nginx:1\.27"
    ):
        oci.parse(text)


@pytest.mark.parametrize(
    ("registry", "host"), [("a.io", "a.io"), ("a.io:5", "a.io"), ("[::1]:5", "::1"), ("[::1]", "::1")]
)
def test_the_host_of_a_registry(registry: str, host: str) -> None:
    assert oci.Source(registry, "x").host == host
