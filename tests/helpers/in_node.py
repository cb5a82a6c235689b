"""Packed nets run by the page's JavaScript in Node, where there is one: without a browser."""

import base64
import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.deploy.browser.blob import Blob
from qnn_core.deploy.browser.export import ENGINE
from qnn_core.deploy.browser.lower import lower
from qnn_core.deploy.graph import Graph

NODE = shutil.which("node")

LIBRARY = files("qnn_core.deploy.browser").joinpath("library")

RUN = """
const { program, arrays, inputs } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64")).buffer;
const net = new Engine.Net(Engine.filled(program, bytes(arrays)));
for (const input of inputs) {
  const found = net.run(new Float32Array(bytes(input)));
  console.log(JSON.stringify(found.map((y) => Buffer.from(y.buffer).toString("base64"))));
}
"""


CALL = """
const [name, ...given] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64")).buffer;
const arrays = given.map((text) => new Float32Array(bytes(text)));
const y = arrays[0].map((_, n) => eval(name)(...arrays.map((array) => array[n])));
console.log(Buffer.from(y.buffer).toString("base64"));
"""


def answers_in_node(
    graph: Graph, x: NDArray[Any]
) -> tuple[list[dict[str, Any]], list[NDArray[np.float32]]]:
    """Return the steps, and the outputs of a graph for samples, ``[samples, numbers]`` each."""
    lowered = lower(graph, Blob())
    given = {
        "program": lowered.program,
        "arrays": _text(lowered.blob.content),
        "inputs": [_text(np.asarray(one, "<f4").tobytes()) for one in x],
    }
    lines = [json.loads(line) for line in _ran(RUN, given).splitlines()]
    outputs = [
        np.stack([np.frombuffer(base64.b64decode(line[n]), "<f4") for line in lines])
        for n in range(len(lowered.program["outputs"]))
    ]
    return lowered.program["steps"], outputs


def called_in_node(name: str, *arrays: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a function of the page gives for each number."""
    given = [name, *(_text(array.tobytes()) for array in arrays)]
    return np.frombuffer(base64.b64decode(_ran(CALL, given)), "<f4")


def _ran(script: str, given: Any) -> str:
    assert NODE is not None
    engine = "".join(LIBRARY.joinpath(name).read_text(encoding="utf-8") for name in ENGINE)
    command = [NODE, "-e", engine + script]
    ran = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
