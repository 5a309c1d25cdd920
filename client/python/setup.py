"""Puts libmaskd.so.1, and the libraries that it brings, into the wheel. scripts/wheel builds them."""

import pathlib
import shutil
import subprocess

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = REPOSITORY / "build" / "wheel" / "lib"


def version() -> str:
    """Of the project, as CMake has it; checks that this is a checkout."""
    project = REPOSITORY / "CMakeLists.txt"
    if not project.exists() or not (REPOSITORY / "scripts" / "wheel").exists():
        raise SystemExit(
            "maskd is installed from a checkout of its repository, which has the sources of its library, or from the "
            "wheel that scripts/wheel makes there; this folder alone is neither"
        )
    return project.read_text().split("project(maskd VERSION ")[1].split()[0]


class BuildWithLibraries(build_py):
    """The modules, and lib/ beside them."""

    def run(self) -> None:
        """Builds the libraries, or fails with what scripts/wheel says."""
        super().run()
        subprocess.run([REPOSITORY / "scripts" / "wheel", "--libraries"], check=True)
        target = pathlib.Path(self.build_lib) / "maskd" / "lib"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(LIBRARIES, target)


class PlatformDistribution(Distribution):
    """One that is not of Python alone."""

    def has_ext_modules(self) -> bool:
        """Says so to setuptools, which has no other word for it."""
        return True


class PlatformWheel(bdist_wheel):
    """For any Python on the platforms that the libraries run on."""

    def get_tag(self) -> tuple:
        """Python, ABI and platform; scripts/wheel has found the last."""
        return "py3", "none", (LIBRARIES.parent / "platform_tag").read_text().strip()


setup(
    version=version(),
    distclass=PlatformDistribution,
    cmdclass={"build_py": BuildWithLibraries, "bdist_wheel": PlatformWheel},
)
