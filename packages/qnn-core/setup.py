"""The compiled part of qnn-core: the loops of _kernels, the tape, and programs.

A module of autodiff or program is compiled if a .pxd of its name, beside it, gives types to its
variables. The .py is its only source: Python runs it too, with the same results, where it was not
compiled. With ``QNN_TAPE=python`` in the environment it is not, to see which of its lines are
reached.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = Path("src/qnn_core/_kernels")
TAPE = [Path("src/qnn_core/autodiff"), Path("src/qnn_core/program")]

COMMON = {
    "language_level": 3,
    "autotestdict": False,  # else each module has a __test__, which its stub has not
}
KERNEL_DIRECTIVES = COMMON | {
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": True,
}
TAPE_DIRECTIVES = COMMON | {
    "annotation_typing": False,  # annotations are mypy's; what the compiler knows is in the .pxd
}

# Every path through the kernels gives the same bits, so the compiler must not contract a*b + c to
# an FMA on some of them. Nothing reads errno or floating-point traps: without them loops vectorize.
GCC_FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-g0"]
MSVC_FLAGS = ["/O2", "/fp:precise"]

# Of who looks for faults, such as -fsanitize=address: after ours, so that they count.
MORE_FLAGS = os.environ.get("QNN_CFLAGS", "").split()


def directives(extension):
    return TAPE_DIRECTIVES if extension.sources[0].endswith(".py") else KERNEL_DIRECTIVES


class BuildExtensions(build_ext):
    """Translate with the directives above, then compile, in parallel, with the compiler's flags."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or True

    def build_extensions(self):
        flags = MSVC_FLAGS if self.compiler.compiler_type == "msvc" else GCC_FLAGS
        # C files go to the build directory, never beside the sources.
        c_sources = {
            translated.name: translated.sources
            for ext in self.extensions
            for translated in cythonize(
                [ext],
                build_dir=self.build_temp,
                compiler_directives=directives(ext),
                force=self.force,
                quiet=True,
            )
        }
        for ext in self.extensions:
            ext.sources = c_sources[ext.name]
            ext.extra_compile_args = flags + MORE_FLAGS
        super().build_extensions()


kernels = [
    Extension(
        f"qnn_core._kernels.{source.stem}",
        [source.as_posix()],
        include_dirs=[KERNELS.as_posix()],
        depends=sorted(header.as_posix() for header in KERNELS.glob("*.h")),
    )
    for source in sorted(KERNELS.glob("*.pyx"))
]
typed = sorted(types for folder in TAPE for types in folder.glob("*.pxd"))
tape = [
    Extension(
        f"qnn_core.{types.parent.name}.{types.stem}",
        [types.with_suffix(".py").as_posix()],
        depends=[other.as_posix() for other in typed],
    )
    for types in typed
]
if os.environ.get("QNN_TAPE") == "python":
    tape = []
setup(ext_modules=kernels + tape, cmdclass={"build_ext": BuildExtensions})
