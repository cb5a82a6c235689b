"""The compiled part of qnn-core: one extension for each .pyx in _kernels."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = Path("src/qnn_core/_kernels")

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": True,
    "autotestdict": False,  # else each module has a __test__, which its stub has not
}

# Every path through the kernels gives the same bits, so the compiler must not contract a*b + c to
# an FMA on some of them. Nothing reads errno or floating-point traps: without them loops vectorize.
GCC_FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-g0"]
MSVC_FLAGS = ["/O2", "/fp:precise"]


class BuildKernels(build_ext):
    """Translate with the directives above, then compile, in parallel, with the compiler's flags."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or True

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
            ext.extra_compile_args = flags
        super().build_extensions()


setup(
    ext_modules=[
        Extension(
            f"qnn_core._kernels.{source.stem}",
            [source.as_posix()],
            include_dirs=[KERNELS.as_posix()],
            depends=sorted(header.as_posix() for header in KERNELS.glob("*.h")),
        )
        for source in sorted(KERNELS.glob("*.pyx"))
    ],
    cmdclass={"build_ext": BuildKernels},
)
