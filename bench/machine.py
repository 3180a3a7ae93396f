"""What the numbers were measured on."""
import datetime
import os
import pathlib
import subprocess

FLAGS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx_vnni": "AVX-VNNI", "avx512_vnni": "AVX512-VNNI",
         "avx512_bf16": "AVX512-BF16", "amx_tile": "AMX", "amx_bf16": "AMX-BF16", "amx_int8": "AMX-INT8"}


def commit(root):
    """The last commit that changed the programs, with + where they were changed since."""
    try:
        git = ["git", "-C", str(root)]
        name = subprocess.run([*git, "log", "-1", "--abbrev=7", "--format=%h", "--", "src", "apps"], capture_output=True,
                              text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "--untracked-files=no", "--", "src", "apps"],
                                 capture_output=True, text=True, check=True)
        return name.stdout.strip() + ("+" if changed.stdout.strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def describe(root):
    name, flags = "unknown processor", set()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() == "flags":
            flags = set(value.split())
            break
    return {
        "cpu": name,
        "cores": len(os.sched_getaffinity(0)),
        "flags": [text for flag, text in FLAGS.items() if flag in flags],
        "load": os.getloadavg()[0],
        "date": datetime.date.today().isoformat(),
        "commit": commit(root),
    }
