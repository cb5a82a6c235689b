"""What build systems and package managers want beside the C."""

import json

# Names that CMake keeps for targets of its own.
TARGETS_OF_CMAKE = frozenset(
    """ALL_BUILD INSTALL PACKAGE RUN_TESTS ZERO_CHECK all clean edit_cache help install package
    package_source preinstall rebuild_cache test""".split()  # noqa: SIM905 (as it is easy to read)
)


def cmake(name: str) -> str:
    """Return CMakeLists.txt: a static library, and the self-test where it is wanted.

    Beside other files of a project it is ``add_subdirectory(digits)``; by itself it builds and
    tests the net.
    """
    upper, target = name.upper(), cmake_target(name)
    return f"""cmake_minimum_required(VERSION 3.13)
project({target} C)

add_library({target} STATIC {name}.c)
target_include_directories({target} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
set_target_properties({target} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON)

# By itself, the self-test is built; as a part of something else, if that asks for it.
set(alone OFF)
if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)
  set(alone ON)
endif()
option({upper}_SELFTEST "Build the self-test of {name}" ${{alone}})
if({upper}_SELFTEST)
  enable_testing()
  add_executable({target}_test {name}_test.c)
  set_target_properties({target}_test PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON)
  target_compile_definitions({target}_test PRIVATE {upper}_TEST_MAIN)
  target_link_libraries({target}_test PRIVATE {target})
  add_test(NAME {target}_selftest COMMAND {target}_test)
endif()
"""


def cmake_target(name: str) -> str:
    """Return the name of the library in CMake, which keeps some names.

    Example:
        >>> cmake_target("digits"), cmake_target("test")
        ('digits', 'test_net')
    """
    return f"{name}_net" if name in TARGETS_OF_CMAKE else name


def arduino(name: str) -> str:
    """Return library.properties."""
    return f"""name={name}
version=1.0.0
author=qnn-core
maintainer=qnn-core
sentence=The neural network {name}, in integers.
paragraph=Made by qnn-core from a packed model. {name}_predict() gives the class of an input.
category=Data Processing
url=
architectures=*
includes={name}.h
"""


def platformio(name: str) -> str:
    """Return library.json."""
    about = {
        "name": name,
        "version": "1.0.0",
        "description": f"The neural network {name}, made by qnn-core from a packed model",
        "keywords": "neural network, quantization",
        "frameworks": "*",
        "platforms": "*",
        "headers": f"{name}.h",
        "examples": [
            {"name": name, "base": f"examples/{name}", "files": [f"{name}.ino"]},
        ],
        "build": {
            "srcDir": ".",
            "includeDir": ".",
            "srcFilter": [f"+<{name}.c>", f"+<{name}_test.c>"],
        },
    }
    return json.dumps(about, indent=2) + "\n"


def zephyr(name: str) -> dict[str, str]:
    """Return the files of the folder ``zephyr``, which make the folder above a module.

    Options have a prefix: a net may well be called ``net``, and CONFIG_NET is another thing.
    """
    option, library = f"QNN_{name.upper()}", f"qnn_{name}"
    return {
        "module.yml": f"""name: {library}
build:
  cmake: zephyr
  kconfig: zephyr/Kconfig
""",
        "CMakeLists.txt": f"""if(CONFIG_{option})
  zephyr_library_named({library})
  zephyr_library_sources(${{CMAKE_CURRENT_LIST_DIR}}/../{name}.c)
  zephyr_library_sources_ifdef(CONFIG_{option}_SELFTEST
                               ${{CMAKE_CURRENT_LIST_DIR}}/../{name}_test.c)
  zephyr_include_directories(${{CMAKE_CURRENT_LIST_DIR}}/..)
endif()
""",
        "Kconfig": _kconfig(name, option),
    }


def _kconfig(name: str, option: str) -> str:
    """Return Kconfig, whose lines begin with tabs, as all of Zephyr's."""
    text = f"""config {option}
    bool "The neural network {name}"
    help
      {name}_predict() of {name}.h, made by qnn-core from a packed model.

config {option}_SELFTEST
    bool "The self-test of {name}"
    depends on {option}
    help
      {name}_selftest(), which compares the net with what the packed
      model gives for some inputs.
"""
    return text.replace("    ", "\t")
