"""The compiled part of qnn-data: one extension for each .pyx in _kernels."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = Path("src/qnn_data/_kernels")

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": True,
    "autotestdict": False,  # else each module has a __test__, which its stub has not
}

# Augmented images are the same on every machine, so the compiler must not contract a*b + c to an
# FMA on some. Nothing reads errno or floating-point traps: without them loops vectorize.
GCC_FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-g0"]
MSVC_FLAGS = ["/O2", "/fp:precise"]

# Of who looks for faults, such as -fsanitize=address: after ours, so that they count.
MORE_FLAGS = os.environ.get("QNN_CFLAGS", "").split()


class BuildKernels(build_ext):
    """Translate with the directives above, then compile with the compiler's flags."""

    def build_extensions(self):
        flags = MSVC_FLAGS if self.compiler.compiler_type == "msvc" else GCC_FLAGS
        # C files go to the build directory, never beside the sources.
        translated = cythonize(
            self.extensions,
            build_dir=self.build_temp,
            compiler_directives=DIRECTIVES,
            force=self.force,
            quiet=True,
        )
        c_sources = {ext.name: ext.sources for ext in translated}
        for ext in self.extensions:
            ext.sources = c_sources[ext.name]
            ext.extra_compile_args = flags + MORE_FLAGS
        super().build_extensions()


setup(
    ext_modules=[
        Extension(
            f"qnn_data._kernels.{source.stem}",
            [source.as_posix()],
            include_dirs=[KERNELS.as_posix()],
            depends=sorted(header.as_posix() for header in KERNELS.glob("*.h")),
        )
        for source in sorted(KERNELS.glob("*.pyx"))
    ],
    cmdclass={"build_ext": BuildKernels},
)
