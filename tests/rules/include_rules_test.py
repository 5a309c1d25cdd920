"""scripts/check-includes passes on the tree and is seen to fail on planted violations."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1])

# A file, and an include that it may not have.
PLANTED = [
    ("kernels/cpu/planted.cc", "<grpcpp/grpcpp.h>"),
    ("kernels/planted.h", '"maskd/v1/masking.pb.h"'),
    ("kernels/planted.cc", "<google/protobuf/message.h>"),
    ("kernels/planted.cc", "<cuda_runtime_api.h>"),
    ("kernels/planted.cc", '"server/limits.h"'),
    ("kernels/planted.inc", "<grpcpp/grpcpp.h>"),
    ("kernels/planted.cc", '"absl/synchronization/mutex.h"'),
    ("kernels/cuda/planted.cu", '"absl/status/status.h"'),
    ("kernels/cuda/planted.cuh", '"kernels/masking_plan.h"'),
    ("server/planted.cc", "<cuda_runtime.h>"),
    ("server/planted.cc", '"client/masking_client.h"'),
    ("server/planted.h", '"kernels/cpu/rank_keys.h"'),
    ("client/planted.cc", '"server/limits.h"'),
    ("client/planted.cc", '"kernels/cuda/cuda_handles.h"'),
]

ALLOWED = [
    ("kernels/cpu/fine.cc", '"absl/strings/str_cat.h"'),
    ("kernels/cuda/fine.cu", "<cub/cub.cuh>"),
    ("kernels/cuda/fine.cc", "<cuda_runtime_api.h>"),
    ("server/fine.cc", '"kernels/masker.h"'),
    ("client/fine.cc", '"kernels/masking_spec.h"'),
]


def check(root):
    return subprocess.run([sys.executable, ROOT / "scripts/check-includes", f"--root={root}"], capture_output=True,
                          text=True, check=False)


class IncludeRulesTest(unittest.TestCase):
    def plant(self, path, include):
        """The result of checking a tree of one file."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True)
            file.write_text(f"// A file.\n#include <string>\n#include {include}\n")
            return check(folder)

    def test_the_tree_keeps_the_rules(self):
        done = check(ROOT)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_violations_are_found_and_named(self):
        for path, include in PLANTED:
            done = self.plant(path, include)
            self.assertEqual(done.returncode, 1, (path, include))
            self.assertIn(path, done.stderr)
            self.assertIn(include.strip('<>"'), done.stderr)

    def test_what_is_allowed_passes(self):
        for path, include in ALLOWED:
            done = self.plant(path, include)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
