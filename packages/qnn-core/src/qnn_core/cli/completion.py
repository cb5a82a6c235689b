"""What a shell completes behind ``qnn``: for ``qnn completion``.

The scripts are made of the parser, so they know what is installed; they run no Python at a key.
"""

import argparse
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

SHELLS = ("bash", "zsh", "fish")
# Words of an argument that its parser checks itself, or that are anybody's: by command and name.
Words = Mapping[tuple[str, str], Iterable[str]]


@dataclass(frozen=True)
class Option:
    """An option, by its names: whether a value follows, and from which words it is."""

    names: tuple[str, ...]
    takes_value: bool
    words: tuple[str, ...]
    help: str


@dataclass(frozen=True)
class Command:
    """A command: its options, and the words that its arguments are from, if not files."""

    name: str
    help: str
    options: tuple[Option, ...]
    words: tuple[str, ...]


def add_completion(
    add_parser: Callable[..., argparse.ArgumentParser],
    make_parser: Callable[[], argparse.ArgumentParser],
    words: Callable[[], Words],
) -> None:
    """Add the command to a parser's commands.

    Args:
        add_parser: of the commands.
        make_parser: gives the parser with all commands.
        words: gives what some arguments may be.
    """
    parser = add_parser(
        "completion",
        help="print what lets a shell complete commands, options and names",
        description="Print a script that lets a shell complete commands, options and names. "
        'bash: eval "$(qnn completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc; '
        "fish: qnn completion fish > ~/.config/fish/completions/qnn.fish",
    )
    parser.add_argument("shell", choices=SHELLS)

    def run(options: argparse.Namespace) -> int:
        print(completion(make_parser(), options.shell, words()), end="")
        return 0

    parser.set_defaults(run=run)


def completion(parser: argparse.ArgumentParser, shell: str, words: Words) -> str:
    """Return the script of a shell.

    Example:
        >>> parser = argparse.ArgumentParser(prog="qnn")
        >>> _ = parser.add_subparsers().add_parser("info", help="show").add_argument("--limit")
        >>> "info" in completion(parser, "bash", {})
        True
    """
    commands = commands_of(parser, words)
    if shell == "fish":
        return _fish(commands)
    return (_ZSH if shell == "zsh" else "") + _bash(commands)


def commands_of(parser: argparse.ArgumentParser, words: Words) -> list[Command]:
    """Return the commands of a parser."""
    (group,) = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    helps = {action.dest: action.help or "" for action in group._choices_actions}
    return [
        _command(name, helps.get(name, ""), of._actions, words)
        for name, of in group.choices.items()
    ]


def _command(name: str, help: str, actions: Iterable[argparse.Action], words: Words) -> Command:
    options: list[Option] = []
    arguments: list[str] = []
    for action in actions:
        known = words.get((name, action.dest), action.choices or ())
        found = tuple(str(word) for word in known)
        if action.option_strings:
            takes = action.nargs != 0
            told = " ".join((action.help or "").split())
            options.append(Option(tuple(action.option_strings), takes, found, told))
        else:
            arguments += found
    return Command(name, help, tuple(options), tuple(arguments))


_ZSH = """\
autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit -u
bashcompinit
"""


def _bash(commands: list[Command]) -> str:
    values, options, arguments = [], [], []
    for c in commands:
        names = [name for option in c.options for name in option.names]
        options.append(f"{c.name}) words={shlex.quote(' '.join(names))} ;;")
        for option in c.options:
            if option.words:
                known = " | ".join(shlex.quote(f"{c.name} {name}") for name in option.names)
                values.append(f"{known}) words={shlex.quote(' '.join(option.words))} ;;")
        if c.words:
            arguments.append(f"{c.name}) words={shlex.quote(' '.join(c.words))} ;;")
    cases = {"values": values, "options": options, "arguments": arguments}
    inside = {name: "\n        ".join([*lines, "*) words='' ;;"]) for name, lines in cases.items()}
    return _BASH.format(commands=" ".join(c.name for c in commands), **inside)


# What is not completed from words is from files: `-o default`.
_BASH = """\
_qnn() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" words=''
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W '{commands} --help --version' -- "$current"))
        return
    fi
    case "$current" in
    -*)
        case "${{COMP_WORDS[1]}}" in
        {options}
        esac ;;
    *)
        case "${{COMP_WORDS[1]}} $before" in
        {values}
        esac
        if [ -z "$words" ] && [ "${{before#-}}" = "$before" ]; then
        case "${{COMP_WORDS[1]}}" in
        {arguments}
        esac
        fi ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _qnn qnn
"""


def _fish(commands: list[Command]) -> str:
    lines = [f"complete -c qnn -n __fish_use_subcommand -f{_told('print the version')} -l version"]
    for c in commands:
        lines.append(f"complete -c qnn -n __fish_use_subcommand -f -a {c.name}{_told(c.help)}")
        here = f"complete -c qnn -n '__fish_seen_subcommand_from {c.name}'"
        if c.words:
            lines.append(f"{here} -f -a {_quoted(' '.join(c.words))}")
        for option in c.options:
            names = "".join(
                f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}"
                for name in option.names
            )
            value = f" -x -a {_quoted(' '.join(option.words))}" if option.words else " -r"
            lines.append(f"{here}{names}{value if option.takes_value else ''}{_told(option.help)}")
    return "\n".join(lines) + "\n"


def _told(text: str) -> str:
    """Return a description: the beginning of a help text, up to its first stop."""
    first = text.replace("%%", "%").split(";")[0].split(" (")[0]
    return f" -d {_quoted(first)}" if first and "%(" not in first else ""


def _quoted(text: str) -> str:
    slashed = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{slashed}'"
