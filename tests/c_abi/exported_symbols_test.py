"""libmaskd.so.1 exports what the headers of the C ABI declare, and nothing else.

Run by ctest, which passes the library and the folder of the headers.
"""
import pathlib
import re
import subprocess
import sys
import unittest

LIBRARY, HEADERS = sys.argv[1], pathlib.Path(sys.argv[2])


class ExportedSymbolsTest(unittest.TestCase):
    def test_exports_are_the_functions_of_the_headers(self):
        listing = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True, check=True)
        exported = {line.split()[-1] for line in listing.stdout.splitlines()}
        declared = set()
        for header in HEADERS.glob("maskd*.h"):
            declared |= set(re.findall(r"^MASKD_API [^(]*?(\w+)\(", header.read_text(), re.MULTILINE))
        self.assertGreater(len(declared), 20)
        self.assertEqual(exported, declared)

    def test_soname_has_the_abi_version(self):
        dynamic = subprocess.run(["readelf", "-d", LIBRARY], capture_output=True, text=True, check=True).stdout
        version = re.search(r"#define MASKD_ABI_VERSION (\d+)", (HEADERS / "maskd.h").read_text())[1]
        self.assertIn(f"[libmaskd.so.{version}]", dynamic)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
