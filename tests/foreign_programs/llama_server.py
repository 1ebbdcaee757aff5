"""Run llama.cpp's own server on a model file: `python llama_server.py MODEL`; its address is the first line said."""

import socket
import sys

import xllamacpp


def serve(model: str) -> None:
    """Serve until stdin ends, so that the server never outlives the test that started it."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = free_port()
    params.n_parallel = 2
    params.n_ctx = 1024
    params.model_alias = {"tiny-gibberish"}
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    serve(sys.argv[1])
