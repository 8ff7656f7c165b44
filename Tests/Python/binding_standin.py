# SPDX-License-Identifier: Apache-2.0
"""A stand-in for libascendcl.so that records each call and writes known values, and a process that drives it.

The C source is made from the prototypes in functions.tsv alone, so it knows nothing of how arguments are converted.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Sources" / "PyAclMdl"))
import function_table  # noqa: E402
from function_table import Function, Parameter  # noqa: E402

FUNCTIONS = function_table.read()
POINTER_BASE = 0xABC000
NUMBER_BASE = 1000
WRITTEN_FLOAT = 1.5
WRITTEN_TEXT = "text"

PRELUDE = r"""
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "acl/acl.h"
#include "acl/acl_rt_allocator.h"
struct dump_chunk { char file_name[4096]; uint32_t length, is_last; int64_t offset; int32_t flag; uint8_t data[8]; };
typedef int32_t (*acldumpCallback)(const struct dump_chunk *, int32_t);

static int code, calls, held, inside, met, count;
static char called[64], texts[8][256];
static int text_count;
static long long values[64];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
void *standin_held[16];

void standin_set(int new_code, int hold) { code = new_code; held = hold; inside = met = calls = 0; }
int standin_met(void) { return met; }
const char *standin_name(void) { return called; }
int standin_count(void) { return count; }
int standin_calls(void) { return calls; }
long long standin_value(int index) { return values[index]; }
int standin_text_count(void) { return text_count; }
const char *standin_text(int index) { return texts[index]; }

static void begin(const char *function)
{
    pthread_mutex_lock(&lock);
    calls++;
    count = text_count = 0;
    snprintf(called, sizeof called, "%s", function);
    if (held) {
        /* Ends when as many threads are inside as are expected; the deadline ends a failing test only. */
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 10;
        inside++;
        pthread_cond_broadcast(&moved);
        while (inside < held && !pthread_cond_timedwait(&moved, &lock, &until)) {
        }
        met = inside >= held;
    }
    pthread_mutex_unlock(&lock);
}
static void take(long long value) { if (count < 64) values[count++] = value; }
static void take_float(float value) { int bits; memcpy(&bits, &value, 4); take(bits); }
static void take_text(const char *text)
{
    take(text != NULL);
    if (text && text_count < 8) snprintf(texts[text_count++], 256, "%s", text);
}
static void take64(const int64_t *items, size_t length) { for (size_t i = 0; i < length; i++) take(items[i]); }
static void take32(const int32_t *items, size_t length) { for (size_t i = 0; i < length; i++) take(items[i]); }
static void write_dims(aclmdlIODims *dims) { strcpy(dims->name, "text"); dims->dimCount = 2; dims->dims[0] = 3; dims->dims[1] = -1; }

void standin_fire_exception(void)
{
    ((aclrtExceptionInfoCallback)standin_held[0])((aclrtExceptionInfo *)0xABC);
}
int standin_fire_dump(void)
{
    static struct dump_chunk chunk = {"file", 8, 1, -1, 3, {1, 2, 3, 4, 5, 6, 7, 8}};
    return ((acldumpCallback)standin_held[1])(&chunk, sizeof chunk);
}
long long standin_fire_allocator(int kind)
{
    switch (kind) {
    case 0: return (long long)((aclrtAllocatorAllocFunc)standin_held[2])((void *)1, 5000000000);
    case 1: ((aclrtAllocatorFreeFunc)standin_held[3])((void *)1, (void *)2); return 0;
    case 2: return (long long)((aclrtAllocatorAllocAdviseFunc)standin_held[4])((void *)1, 2, (void *)3);
    default: return (long long)((aclrtAllocatorGetAddrFromBlockFunc)standin_held[5])((void *)4);
    }
}
"""
# C that writes what the function delivers, by the pointed-to type; numbers and pointers are written by position.
STRUCT_WRITES = {
    "aclmdlIODims": "write_dims({0});",
    "aclmdlBatch": "{0}->batchCount = 2; {0}->batch[0] = 1; {0}->batch[1] = 4;",
    "aclmdlHW": "{0}->hwCount = 1; {0}->hw[0][0] = 224; {0}->hw[0][1] = 112;",
    "aclmdlIODimsRange": "{0}->rangeCount = 1; {0}->range[0][0] = 1; {0}->range[0][1] = -1;",
    "aclrtUtilizationInfo": "{0}->cubeUtilization = 1; {0}->vectorUtilization = 2; {0}->aicpuUtilization = 3; {0}->memoryUtilization = -1;",
    "aclrtPtrAttributes": "{0}->location.id = 7; {0}->location.type = 1; {0}->pageSize = 4096; {0}->rsv[3] = 9;",
    "aclrtUuid": "memcpy({0}->bytes, \"0123456789abcde\", 16);",
    "aclCANNPackageVersion": "strcpy({0}->version, \"8.1.RC2\"); strcpy({0}->majorVersion, \"8\");",
    "aclrtStreamAttrValue": "{0}->failureMode = 6;",
    "aclAippInfo": "{0}->matrixR0C2 = 5; {0}->minChn1 = 0.5f; {0}->srcFormat = -1; {0}->shapeCount = 1; "
                   "write_dims(&{0}->outDims[0].srcDims); {0}->outDims[0].srcSize = 8;",
}
# C that records what a pointer to a struct holds.
STRUCT_TAKES = {
    "aclrtMallocConfig": "take({0} != NULL); if ({0}) {{ take({0}->numAttrs); for (size_t i = 0; i < {0}->numAttrs; i++) "
                         "{{ take({0}->attrs[i].attr); take({0}->attrs[i].value.deviceId); }} }}",
    "aclrtPhysicalMemProp": "take({0}->handleType); take({0}->memAttr); take({0}->location.id); take({0}->location.type); take({0}->reserve);",
    "aclrtBinaryLoadOptions": "take({0} != NULL); if ({0}) {{ take({0}->numOpt); take({0}->options[0].type); take({0}->options[0].value.magic); }}",
    "aclrtLaunchKernelCfg": "take({0} != NULL); if ({0}) {{ take({0}->numAttrs); take({0}->attrs[0].id); take({0}->attrs[0].value.rsv[0]); }}",
    "aclrtPlaceHolderInfo": "take({0} != NULL); if ({0}) {{ take({0}[0].addrOffset); take({0}[0].dataOffset); }}",
    "aclmdlIODims": "take({0}->dimCount); take64({0}->dims, {0}->dimCount); take_text({0}->name);",
    "aclrtMemUceInfo": "take((long long){0}->addr); take({0}->len); take({0}->reserved[1]);",
}
# Functions whose C side is more than parameters in and out.
BODIES = {
    "aclAppLog": "take(logLevel); va_list list; va_start(list, fmt); take_text(fmt); take_text(va_arg(list, const char *)); va_end(list);",
    "aclGetCannAttributeList": "static const aclCannAttr list[2] = {0, 2}; if (!code) { *cann_attr_list = list; *num = 2; } return code;",
    "aclsysGetVersionStr": "take_text(pkg_name); if (!code) strcpy(version_str, \"text\"); return code;",
    "aclrtGetFunctionName": "take((long long)func_handle); take(max_len); if (!code) strcpy(name, \"text\"); return code;",
    "aclrtSetExceptionInfoCallback": "take(callback != NULL); if (!code) standin_held[0] = (void *)callback; return code;",
    "acldumpRegCallback": "take(flag); if (!code) standin_held[1] = (void *)func; return code;",
    "acldumpUnregCallback": "standin_held[1] = NULL;",
    "aclrtAllocatorSetAllocFuncToDesc": "standin_held[2] = (void *)func; return code;",
    "aclrtAllocatorSetFreeFuncToDesc": "standin_held[3] = (void *)func; return code;",
    "aclrtAllocatorSetAllocAdviseFuncToDesc": "standin_held[4] = (void *)func; return code;",
    "aclrtAllocatorSetGetAddrFromBlockFuncToDesc": "standin_held[5] = (void *)func; return code;",
    "aclrtLaunchCallback": "take(block_type); take((long long)stream); if (!code) { standin_held[6] = (void *)fn; standin_held[7] = user_data; } return code;",
    "aclrtProcessReport": "take(timeout); if (standin_held[6]) { aclrtCallback run = (aclrtCallback)standin_held[6]; standin_held[6] = NULL; run(standin_held[7]); } return code;",
    "aclrtGetGroupInfoDetail": "int32_t *to = attr_value; to[0] = 4; to[1] = 5; *param_ret_size = 8; take(group_index); take(attr); take(value_len); return code;",
    "aclrtGetMemUceInfo": "take(device_id); take(array_size); if (!code) { mem_uce_info_array[0].len = 3; *ret_size = 1; } return code;",
    "aclmdlSetConfigOpt": "take((long long)config_handle); take(attr); take(value_size); if (attr == 2) take_text(*(const char *const *)attr_value);"
                          " else take(value_size == 4 ? *(const int32_t *)attr_value : *(const int64_t *)attr_value); return code;",
    "aclmdlSetExecConfigOpt": "take((long long)handle); take(attr); take(value_size); take(*(const uint32_t *)attr_value); return code;",
    "aclmdlGetInputDynamicDims": "take((long long)model_desc); take(index); take(gear_count); if (!code) for (size_t i = 0; i < gear_count; i++) write_dims(&dims[i]); return code;",
    "aclGetTensorDescDimRange": "take((long long)tensor_desc); take(index); take(dim_range_num); if (!code) { dim_range[0] = 1; dim_range[1] = -1; } return code;",
    "aclrtSetStreamAttribute": "take((long long)stream); take(stm_attr_type); take(value->reserve[0]); take(value->reserve[1]); return code;",
}
NUMBERS = {"size_t", "int", "int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t", "int64_t", "uint64_t", "float"}


def _write(parameter: Parameter, position: int) -> str:
    base = parameter.type[:-1].strip()
    target = parameter.name
    if base in STRUCT_WRITES:
        return STRUCT_WRITES[base].format(target)
    if base == "char":
        return f'strcpy({target}, "{WRITTEN_TEXT}");'
    if base == "float":
        return f"*{target} = {WRITTEN_FLOAT}f;"
    if base.endswith("*") or base.startswith("aclrt") and base.removeprefix("aclrt") in POINTER_HANDLES:
        return f"*{target} = ({base})(uintptr_t){POINTER_BASE + position};"
    return f"*{target} = ({base}){NUMBER_BASE + position};"


POINTER_HANDLES = {
    "BinHandle", "FuncHandle", "ArgsHandle", "ParamHandle", "Binary", "Stream", "Event", "Context", "Notify",
    "DrvMemHandle", "AllocatorDesc",
}


def _take(parameter: Parameter, units: dict[str, str]) -> str:
    base = parameter.type.removesuffix("*").strip().removeprefix("const ")
    unit = units.get(parameter.name)
    if parameter.type.endswith("*") and base == "char" and unit == "s":
        return f"take_text({parameter.name});"
    if unit in ("dims", "notifies"):
        return f"take64((const int64_t *){parameter.name}, num_{parameter.name});"
    if unit in ("shape_range", "value_range"):
        return f"take64((const int64_t *){parameter.name}, 2 * num_{parameter.name});"
    if unit == "pids":
        return f"take32({parameter.name}, num_{parameter.name});"
    if base in STRUCT_TAKES and unit not in ("k", "K"):
        return STRUCT_TAKES[base].format(parameter.name)
    if parameter.type == "float":
        return f"take_float({parameter.name});"
    return f"take((long long){parameter.name});"


def delivered(function: Function) -> list[Parameter]:
    names = {result.name for result in function.returns} - {a.name for a in function.args or ()} | {"op_name"}
    return [p for p in function.c_parameters if p.name in names and p.type.endswith("*")]


def _body(function: Function) -> str:
    begin = f'begin("{function.c_name}");'
    if function.c_name in BODIES:
        return f"{begin} {BODIES[function.c_name]}"
    units = {a.name: a.unit for a in function.args or ()}
    out = delivered(function)
    takes = " ".join(_take(p, units) for p in function.c_parameters if p not in out)
    writes = " ".join(_write(p, function.c_parameters.index(p)) for p in out)
    result = function.c_result
    if result == "void":
        answer = ""
    elif result == "aclError":
        answer = f"if (!code) {{ {writes} }} return code;"
    elif result.endswith("char *"):
        answer = f'return code ? NULL : "{WRITTEN_TEXT}";'
    elif result == "float":
        answer = f"return {WRITTEN_FLOAT}f;"
    elif result.endswith("*") or result.removeprefix("aclrt") in POINTER_HANDLES:
        answer = f"return ({result})(uintptr_t){POINTER_BASE};"
    else:
        answer = f"return ({result}){NUMBER_BASE};"
    return f"{begin} {takes} {answer}"


def source() -> str:
    parts = ["#include <stdarg.h>", PRELUDE]
    for function in {f.c_name: f for f in FUNCTIONS if f.c_name}.values():
        prototype = function.prototype.replace("log_level", "logLevel")
        parts.append(f"{prototype}\n{{ {_body(function)} }}")
    return "\n".join(parts)


def build(folder: Path) -> Path:
    """Compiles the stand-in; returns the library."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler, "a C compiler is needed"
    (folder / "standin.c").write_text(source(), encoding="utf-8")
    library = folder / "libascendcl.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-I", str(ROOT / "Sources/CAscendCL/include"),
                    str(folder / "standin.c"), "-o", str(library), "-lpthread"], check=True)
    return library


class Driver:
    """A Python process whose acl module drives the stand-in. Expressions are evaluated there."""

    def __init__(self, library: Path) -> None:
        environment = {**os.environ, "PYACLMDL_LIBRARY": str(library), "PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "binding_worker.py"), str(library)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, expression: str, code: int = 0, hold: int = 0) -> dict:
        """Evaluates with C answering `code`, in `hold` threads at once when given.

        The answer has `value` or `error` (type and text), and `c`: name, values, texts of the last C call.
        """
        self.process.stdin.write(json.dumps([expression, code, hold]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the process ended while it evaluated {expression}"
        return json.loads(line)

    def close(self) -> int:
        self.process.stdin.close()
        return self.process.wait(timeout=60)
