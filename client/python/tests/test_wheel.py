"""An installed package brings its libraries, and loads no others in their place."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import unittest

import maskd

LIBRARIES = pathlib.Path(maskd.__file__).parent / "lib"

if "MASKD_LIBRARY" in os.environ or not LIBRARIES.exists():
    raise unittest.SkipTest("no wheel here: maskd is not installed")


class WheelTest(unittest.TestCase):
    def test_libraries_are_its_own(self) -> None:
        # In a process with nothing else, as what else is here may bring the same.
        script = "import maskd; maskd.connect('localhost:1'); print(open('/proc/self/maps').read())"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        mapped = {pathlib.Path(line.split()[-1]) for line in done.stdout.splitlines() if ".so" in line}
        own = {path for path in mapped if path.parent == LIBRARIES}
        self.assertEqual({path.name for path in own}, {path.name for path in LIBRARIES.glob("*.so*")})
        names = {path.name.replace("-maskd", "").split(".so")[0] for path in own}
        self.assertIn("libgrpc", names)
        # libz and libcrypto may come with Python itself; what gRPC is made of may not.
        others = {path.name.split(".so")[0] for path in mapped - own}
        self.assertEqual({name for name in names & others if name not in ("libz", "libcrypto", "libssl")}, set())


if __name__ == "__main__":
    unittest.main()
