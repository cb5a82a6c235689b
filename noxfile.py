"""The sessions of this repository: ``nox --list``."""

import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"  # nox.project.dependency_groups, default=False
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests"]

ROOT = Path(__file__).parent
PACKAGES = ("qnn-core", "qnn-quantizers", "qnn-data", "qnn-compare")
APPS = (
    "one_page",
    "mnist",
    "qmnist",
    "bmnist",
    "deploy",
    "deploy_c",
    "from_torch",
    "compare_bits",
    "paradox",
)
PYPROJECT = nox.project.load_toml("pyproject.toml")

# Files stay together in a worker, as far as it has work, and so do the fixtures that they share.
IN_PROCESSES = ("--numprocesses=auto", "--dist=worksteal")
# The test workers share the cores; a BLAS that starts a thread per core in each only slows them.
ONE_BLAS_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "QNN")}


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group of the root pyproject.toml."""
    return list(nox.project.dependency_groups(PYPROJECT, name))


def copy_packages(session: nox.Session) -> list[str]:
    """Copy the packages' sources out of the tree and return the copies' paths.

    A build writes beside what it builds, and ships what an earlier one left there; a build of a
    fresh copy does neither.
    """
    copies = Path(session.create_tmp()) / "packages"
    shutil.rmtree(copies, ignore_errors=True)
    built = ("build", "dist", "*.egg-info", "__pycache__", "*.so", "*.pyd")
    shutil.copytree(ROOT / "packages", copies, ignore=shutil.ignore_patterns(*built))
    return [str(copies / name) for name in PACKAGES]


def install_packages(session: nox.Session, *requirements: str, **environment: str) -> None:
    """Install our packages, not editable, and `requirements`.

    In one command: our packages depend on each other and need not be on an index.
    """
    session.install(*copy_packages(session), *requirements, env=environment)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and the direction of imports."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("cython-lint", "packages")
    sources = os.pathsep.join(str(ROOT / "packages" / name / "src") for name in PACKAGES)
    session.run("lint-imports", env={"PYTHONPATH": sources})


@nox.session
def types(session: nox.Session) -> None:
    """Check types, and that the stubs of the compiled modules are true."""
    install_packages(session, *group("types"))
    sources = [f"packages/{name}/src" for name in PACKAGES]
    session.run("mypy", *sources, "apps", "benchmarks", "studies", "tools", "noxfile.py")
    # Away from the sources, where the installed modules are found with their installed stubs.
    session.chdir(session.create_tmp())
    session.run("mypy", "--strict", str(ROOT / "tests" / "types" / "of_a_user.py"))
    allowed = str(ROOT / "packages" / "qnn-core" / "stubtest-allowlist.txt")
    session.run("python", "-m", "mypy.stubtest", "qnn_core._kernels", "--allowlist", allowed)
    session.run("python", "-m", "mypy.stubtest", "qnn_data._kernels")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests against the installed packages: nox -s tests -- -k tensor."""
    install_packages(session, *group("test"), *group("apps"))
    session.run("pytest", *IN_PROCESSES, *session.posargs, env=ONE_BLAS_THREAD)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Damage files and read them: nox -s fuzz -- packed --tries 1000000 (or --list)."""
    install_packages(session, *group("test"))
    session.run("python", "tests/fuzz/fuzz.py", *session.posargs, env=ONE_BLAS_THREAD)


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Say which lines the tests do not reach."""
    requirements = [*group("test"), *group("apps"), *group("coverage")]
    # The tape uncompiled: what is reached inside an extension cannot be seen.
    install_packages(session, *requirements, QNN_TAPE="python")
    measured = [f"--cov={name.replace('-', '_')}" for name in PACKAGES]
    options = [*measured, "--cov-report=term-missing:skip-covered", *session.posargs]
    session.run("pytest", *IN_PROCESSES, *options, env=ONE_BLAS_THREAD)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Make the documentation site in site/, check its links, and look at it in a browser."""
    install_packages(session, *group("docs"))
    temporary, site = Path(session.create_tmp()).resolve(), ROOT / "site"
    # A build begins anew: what is left of an earlier one would hide a page that is gone.
    for folder in (temporary / "site", site):
        shutil.rmtree(folder, ignore_errors=True)
    environment = ONE_BLAS_THREAD | {"PYTHONPATH": str(ROOT / "tools")}
    options = ["--fail-on-warning", "--keep-going", "--quiet", "--jobs=auto"]
    pages = [f"--doctree-dir={temporary / 'doctrees'}", "docs", str(temporary / "site")]
    session.run("sphinx-build", "--fresh-env", *options, *pages, env=environment)
    session.run("python", "-m", "docsite.check", str(temporary / "site"), env=environment)
    shutil.copytree(temporary / "site", site)
    looked = environment | {"QNN_SITE": str(site)}
    session.run("pytest", "tests/docs/test_site.py", "-m", "site", *session.posargs, env=looked)
    session.log(f"Open {site / 'index.html'}")


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Look at pages in a browser without a screen: chromium, or what QNN_CHROMIUM names."""
    install_packages(session, *group("browser"))
    session.run("pytest", "tests/browser", "-m", "browser", *session.posargs, env=ONE_BLAS_THREAD)


# Stop at the first fault; lines without symbols are enough to find it, and -O3 takes too long.
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined"
SANITIZED = f"-O1 -g1 -fno-omit-frame-pointer {SANITIZERS}"


@nox.session(default=False)
def trackers(session: nox.Session) -> None:
    """Send a comparison to MLflow and TensorBoard, as docs/trackers.md says."""
    install_packages(session, *group("trackers"))
    session.run("pytest", "tests/trackers", "-m", "trackers", *session.posargs)


@nox.session(default=False)
def torch(session: nox.Session) -> None:
    """Take nets and weights from PyTorch itself."""
    install_packages(session, *group("torch"))
    session.run("pytest", "tests/torch", "-m", "torch", *session.posargs, env=ONE_BLAS_THREAD)


@nox.session(default=False)
def sanitize(session: nox.Session) -> None:
    """Run tests of kernels and files, and the fuzzers, under ASan and UBSan: -- SECONDS each."""
    compiler = os.environ.get("CC", "gcc")
    libraries = [sanitizer(session, compiler, name) for name in ("libasan.so", "libstdc++.so")]
    build = {"CC": compiler, "QNN_CFLAGS": SANITIZED, "LDFLAGS": SANITIZERS}
    install_packages(session, *group("test"), **build)
    environment = ONE_BLAS_THREAD | {
        "QNN_NUM_THREADS": "2",
        "LD_PRELOAD": " ".join(libraries),
        "PYTHONMALLOC": "malloc",  # else most of memory is Python's own, and is not watched
        # Python leaves memory behind; and some tests ask for more memory than there is.
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    seconds = session.posargs[0] if session.posargs else "60"
    tests = ("tests/core/kernels", "tests/core/deploy", "tests/golden")
    session.run("pytest", "--numprocesses=2", *tests, env=environment)
    fuzzer = str(ROOT / "tests" / "fuzz" / "fuzz.py")
    listed = session.run("python", fuzzer, "--list", silent=True, env=environment)
    limits = ["--seconds", seconds, "--tries", "1000000000"]  # as many as there is time for
    for line in str(listed).splitlines():
        session.run("python", fuzzer, line.split()[0], *limits, env=environment)


def sanitizer(session: nox.Session, compiler: str, name: str) -> str:
    """Return where a library of the compiler is, or skip the session and say what is missing."""
    found = compiler
    if shutil.which(compiler):
        asked = [compiler, f"-print-file-name={name}"]
        found = str(session.run(*asked, external=True, silent=True)).strip()
    if not Path(found).is_absolute():
        session.skip(f"there is no {name} of {compiler} (Debian: apt-get install gcc)")
    return found


@nox.session(default=False)
def emulate(session: nox.Session) -> None:
    """Compare the loops of the kernels with those of aarch64 in an emulator, and of clang."""
    install_packages(session, *group("test"))
    session.run("pytest", "tests/emulated", "-m", "emulated", *session.posargs)


@nox.session(default=False)
def boards(session: nox.Session) -> None:
    """Build C for microcontrollers and emulate them; what is not installed is skipped and said."""
    install_packages(session, *group("boards"))
    options = [*IN_PROCESSES, "-m", "boards", *session.posargs]
    session.run("pytest", "tests/boards", *options, env=ONE_BLAS_THREAD)


@nox.session(default=False)
def warnings(session: nox.Session) -> None:
    """Build the extensions with gcc and with clang under -Wall -Wextra; warnings are errors."""
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler) is None:
            session.warn(f"there is no {compiler} (Debian: apt-get install {compiler})")
            continue
        flags = {"CC": compiler, "QNN_CFLAGS": "-O1 -Wall -Wextra -Werror"}
        install_packages(session, "--force-reinstall", "--no-deps", **flags)


@nox.session(default=False)
def wheels(session: nox.Session) -> None:
    """Build sdists, and wheels from them, into dist/; test what they hold and that they work."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.install(*group("wheels"))
    for package in copy_packages(session):
        # Neither --sdist nor --wheel: build then makes the wheel from the sdist.
        session.run("python", "-m", "build", "--outdir", str(dist), package)
    session.run("pytest", "tests/packaging", "-m", "packaging", *session.posargs)


@nox.session(default=False)
def apps(session: nox.Session) -> None:
    """Run each app with --quick."""
    install_packages(session, *group("apps"))
    for app in APPS:
        session.run("python", f"apps/{app}.py", "--quick", *session.posargs)


@nox.session(default=False)
def compare_bits(session: nox.Session) -> None:
    """Compare bit widths on MNIST: nox -s compare_bits -- --help (or --plugin PATH ...)."""
    arguments = list(session.posargs)
    plugins = []
    while "--plugin" in arguments[:-1]:
        at = arguments.index("--plugin")
        plugins.append(str(Path(session.invoked_from) / arguments[at + 1]))
        del arguments[at : at + 2]
    install_packages(session, *group("apps"), *plugins)
    # After Ctrl-C it reports on what is done: that takes longer than nox waits by itself.
    session.run("python", "apps/compare_bits.py", *arguments, interrupt_timeout=30)


@nox.session(default=False)
def compare(session: nox.Session) -> None:
    """Run the comparison that a TOML file describes: nox -s compare -- studies/bits.toml."""
    install_packages(session, *group("apps"))
    session.run("qnn", "compare", *session.posargs, interrupt_timeout=30)


@nox.session(default=False)
def study(session: nox.Session) -> None:
    """Train the nets of a study of docs/results on MNIST: nox -s study -- mlp (or --help)."""
    install_packages(session, *group("studies"))
    # After Ctrl-C it reports on what is done: that takes longer than nox waits by itself.
    session.run("python", "studies/study.py", *session.posargs, interrupt_timeout=30)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Time training beside other frameworks, those that are installed: nox -s bench -- --help."""
    install_packages(session, *group("bench"))
    arguments = list(session.posargs)
    if "--install-peers" in arguments:
        arguments.remove("--install-peers")
        for peer in group("training_peers"):
            # One that no index has for this machine is left out; the report says so.
            session.install(peer, success_codes=[0, 1])
    session.run("python", "benchmarks/training.py", *arguments)


@nox.session(default=False)
def bench_inference(session: nox.Session) -> None:
    """Time packed models and products beside NumPy and other libraries; -- --no-peers for less."""
    install_packages(session, *group("bench"))
    if "--no-peers" not in session.posargs:
        for peer in group("peers"):
            # One that no index has for this machine is left out; the report says so.
            session.install(peer, success_codes=[0, 1])
    session.run("python", "benchmarks/inference.py", *session.posargs)


@nox.session(default=False, venv_backend="none")
def dev(session: nox.Session) -> None:
    """Make .venv, with the packages editable and every tool; again: rebuild the extensions."""
    venv = ROOT / ".venv"
    scripts = venv / ("Scripts" if os.name == "nt" else "bin")
    if not scripts.exists():
        session.run(sys.executable, "-m", "venv", str(venv))
    editable = [argument for name in PACKAGES for argument in ("-e", str(ROOT / "packages" / name))]
    session.run(str(scripts / "python"), "-m", "pip", "install", *editable, *group("dev"))
    activate = str(scripts / "activate") if os.name == "nt" else f"source {scripts / 'activate'}"
    session.log(f"Activate it with: {activate}")
