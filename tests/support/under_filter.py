# SPDX-License-Identifier: ISC
"""usage: under_filter.py UNIT PROGRAM [ARGUMENT...]

Run PROGRAM under the system call filters that systemd would make of UNIT.
What systemd lets fail with EPERM kills here, so that nothing slips by unseen.
"""

import os
import subprocess
import sys

import seccomp

PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
NAMESPACES = (
    0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000,
    0x40000000,
)


def read_unit(path):
    """What is set, every value of it."""
    found = {}
    for line in open(path):
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def sets():
    """What systemd-analyze says the @names stand for."""
    out = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    ).stdout
    found, name = {}, None
    for line in out.splitlines():
        word = line.strip()
        if line.startswith("@"):
            name = word
            found[name] = []
        elif line.startswith("    ") and name and not word.startswith("#"):
            found[name].append(word)
        elif word.startswith("#") and not line.startswith(" "):
            name = None  # what is in no set
    return found


def expand(names, known):
    calls = set()
    for name in names:
        if name.startswith("@"):
            calls |= expand(known[name], known)
        else:
            calls.add(name)
    return calls


def allowed(values):
    """The calls of an allow list: later lines add to it, or take away."""
    known = sets()
    calls = expand(["@default"], known)
    for value in values:
        if value.startswith("~"):
            calls -= expand(value[1:].split(), known)
        else:
            calls |= expand(value.split(), known)
    return calls


def filter_calls(unit):
    kill = seccomp.SyscallFilter(seccomp.KILL_PROCESS)
    calls = allowed(unit["SystemCallFilter"])
    # For root, which the service never is, SQLite keeps the owner of files.
    if os.geteuid() == 0:
        calls.add("fchown")
    for call in calls:
        try:
            kill.add_rule(seccomp.ALLOW, call)
        except RuntimeError:
            pass  # not on this machine
    kill.load()


def filter_arguments(unit):
    kill = seccomp.SyscallFilter(seccomp.ALLOW)

    def forbid(call, *arguments):
        kill.add_rule(seccomp.KILL_PROCESS, call, *arguments)

    def has(argument, bits):
        return seccomp.Arg(argument, seccomp.MASKED_EQ, bits, bits)

    if unit["MemoryDenyWriteExecute"] == ["yes"]:
        forbid("mmap", has(2, PROT_WRITE | PROT_EXEC))
        forbid("mprotect", has(2, PROT_EXEC))
        forbid("pkey_mprotect", has(2, PROT_EXEC))
        forbid("shmat", has(2, SHM_EXEC))
    if unit["RestrictNamespaces"] == ["yes"]:
        for flag in NAMESPACES:
            forbid("clone", has(0, flag))
        forbid("unshare")
        forbid("setns")
        # It cannot be looked into; libc goes on to clone.
        kill.add_rule(seccomp.ERRNO(38), "clone3")
    wanted = {
        FAMILIES[name] for name in unit["RestrictAddressFamilies"][0].split()
    }
    for family in set(range(64)) - wanted:
        forbid("socket", seccomp.Arg(0, seccomp.EQ, family))
    kill.load()


def main():
    unit = read_unit(sys.argv[1])
    # This one first: the other forbids to load any more.
    filter_arguments(unit)
    filter_calls(unit)
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
