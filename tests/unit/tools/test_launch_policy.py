"""Several policies of system calls as one."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "packaging"))
from build_launch import policy

HEAD = "2\nallowlist errno 38\n# all\nread\nopen errno 1\n"


def test_what_a_later_one_names_stands_there_alone():
    first = f"{HEAD}clone allow [0,1,SCMP_CMP_EQ]\nclone allow [0,2,SCMP_CMP_EQ]\n"
    assert policy([first, "# other\nclone\n"]) == f"{HEAD}# other\nclone\n"
    assert policy([first]) == first
