"""How large and how fast a simulated network may be: scale.py PROGRAM. Measures whole runs of flowbed from outside, with
their memory; the scenarios are made here."""

import json
import os
import sys
import tempfile
import time

FAN = 32  # switches below each switch of a tree


def scenario(controller, switches, hosts, links, steps):
    return "\n".join(["name: scale", f"controller: {controller}", "switches:"] + [f"  {s}: {{}}" for s in switches]
                     + ["hosts:"] + [f"  {h}" for h in hosts] + ["links:"] + [f"  - {link}" for link in links]
                     + ["steps:"] + [f"  - {step}" for step in steps]) + "\n"


def tree(switches, hosts_each, steps):
    """A tree of switches with hosts at each."""
    links = [f"h{i * hosts_each + 1}..h{(i + 1) * hosts_each} -- s{i + 1}" for i in range(switches)]
    links += [f"s{i} -- s{(i - 2) // FAN + 1}" for i in range(2, switches + 1)]
    return scenario("forwarding", [f"s{i}" for i in range(1, switches + 1)],
                    [f"h1..h{switches * hosts_each}: {{ip: 10.0.0.1/8}}"], links, steps)


def shared_address(clients, connections):
    """'clients' that open 'connections' each to an address that two hosts share."""
    step = (f"parallel: [{{repeat: {connections}, tcp: {{from: c1..c{clients}, to: \"10.0.0.1:22\", "
            "expect: {outcome: ok}}}]")
    return scenario("balancer", ["s1"],
                    [f"c1..c{clients}: {{ip: 10.0.1.1/8}}", "h1: {ip: 10.0.0.1/8}", "h2: {ip: 10.0.0.1/8}"],
                    [f"c1..c{clients} -- s1", "h1 -- s1", "h2 -- s1"], [step])


def run(program, text, name):
    """One run: seconds of wall and CPU time, memory in MB, and its counts."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/{name}.yaml"
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        began = time.monotonic()
        pid = os.posix_spawn(program, [program, "run", "--json", f"{folder}/result", path], os.environ,
                             file_actions=[(os.POSIX_SPAWN_OPEN, 1, f"{folder}/out", os.O_WRONLY | os.O_CREAT, 0o600)])
        _, status, usage = os.wait4(pid, 0)
        wall = time.monotonic() - began
        if status:
            with open(f"{folder}/out", encoding="utf-8") as out:
                sys.exit(f"{name} ended with {os.waitstatus_to_exitcode(status)}:\n{out.read()[-3000:]}")
        with open(f"{folder}/result", encoding="utf-8") as out:
            counts = json.load(out)["files"][0]["counts"]
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, counts


def main(program):
    wall, cpu, memory, _ = run(program, tree(1000, 100, ["wait: 1ms"]), "built")
    print(f"1,000 switches and 100,000 hosts read, built, joined, all links found, and ended: {wall:.1f} s ({cpu:.1f} s of "
          f"CPU), {memory:,.0f} MB (target: built in 10 s and 4,096 MB)")
    for switches in (1, 100):
        each = 200 // switches
        step = (f"parallel: [{{repeat: 20, tcp: {{from: h1..h{199}, to: \"h200:9\", send: 100kB, "
                "expect: {intact: yes}}}]")
        _, cpu, memory, counts = run(program, tree(switches, each, [step]), f"{switches}-switches")
        print(f"{switches} switch{'es' if switches > 1 else ''} and 200 hosts, {counts['frames']:,} frames over links: "
              f"{counts['events'] / cpu:,.0f} events and {counts['frames'] / cpu:,.0f} frames a second of CPU, {memory:,.0f} MB")
    _, cpu, memory, counts = run(program, shared_address(200, 500), "connections")
    print(f"100,000 connections to a shared address: {cpu:.2f} s of CPU, {100000 / cpu:,.0f} connections and "
          f"{counts['events'] / cpu:,.0f} events a second, {memory:,.0f} MB")


main(sys.argv[1])
