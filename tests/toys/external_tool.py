"""A program that speaks the protocol of external tools, well or badly: ``python external_tool.py HOW [FILE]``."""

import json
import math
import os
import signal
import sys
import time


def gradient(x):
    top = max(x)
    e = [math.exp(v - top) for v in x]
    return [v / sum(e) for v in e]


def timings(nanoseconds, count):
    return [{"name": "evaluate", "nanoseconds": nanoseconds}] * count


def evaluate(how, message):
    x, runs = message["input"]["x"], message["input"]["min_runs"]
    took = []
    for _ in range(runs):
        before = time.perf_counter_ns()
        output = gradient(x)
        took.append(time.perf_counter_ns() - before)
    each = [{"name": "evaluate", "nanoseconds": t} for t in took]
    good = {"success": True, "output": output, "timings": each}
    if how == "second-false" and runs == 1:
        return good
    return {
        "zeros": good | {"output": [0.0] * len(x)},
        "nan": good | {"output": [math.nan] * len(x)},
        "short": good | {"output": output[:-1]},
        "texts": good | {"output": [str(v) for v in output]},
        "nothing": {"success": True, "timings": good["timings"]},
        "false": {"success": False, "error": "this machine has no luck"},
        "second-false": {"success": False, "error": "once is enough"},
        "one-run": good | {"timings": each[:1]},
        "no-times": good | {"timings": []},
        "minus": good | {"timings": timings(-1, runs)},
        "coarse": good | {"timings": timings(0, runs)},
        "boasts": good | {"timings": timings(3_600_000_000_000, runs)},
    }.get(how, good)


def stuck(path):
    """Say who this is, and never answer."""
    with open(path + ".part", "w") as file:  # noqa: PTH123
        file.write(str(os.getpid()))
    os.rename(path + ".part", path)  # noqa: PTH104
    while True:
        time.sleep(60)


def misbehave(how):
    if how == "garbage":
        print("I am ready!", flush=True)
    elif how == "endless":
        while True:
            sys.stdout.write("x" * 4096)
    elif how == "silent":
        time.sleep(60)
    elif how == "closes":
        os.close(1)
        time.sleep(60)
    elif how == "leaves":
        sys.stderr.write("out of ideas\n")
        sys.exit(3)
    elif how == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "stuck":
        stuck(sys.argv[2])
    elif how == "eats":
        hoard = b"x" * 700_000_000
        time.sleep(60)
        print(len(hoard))


def answer(how, message):
    if message["kind"] == "start":
        config = {"rtol": {"gradient": 2.0}} if how == "promises" else None
        return {"tool": f"toy {how}", "config": config}
    if message["kind"] == "define":
        return {"success": message["module"] == "lse" and how != "knows-nothing"}
    return evaluate(how, message) if message["kind"] == "evaluate" else {}


def main(how):
    print("started", file=sys.stderr)
    for line in sys.stdin:
        message = json.loads(line)
        if message["kind"] == "evaluate":
            misbehave(how)
            message["id"] += how == "wrong-id"
        print(json.dumps({"id": message["id"]} | answer(how, message)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
