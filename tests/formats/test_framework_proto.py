"""The schema: what it says is on the wire, and that the generated module was made from it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import descriptor_pb2

import weightquant_cli
from weightquant_cli.formats import framework_pb2

ROOT = Path(weightquant_cli.__file__).parent.parent
PROTO = "weightquant_cli/formats/framework.proto"

# Number, label, type and name of every field, as found inside PaddlePaddle 1.8.5, 2.6.2 and 3.3.1.
# Its `string` is our `bytes`: text that is not UTF-8 must survive.
FIELDS = """
Version: 1 opt int64 version
ProgramDesc: 1 rep BlockDesc blocks; 4 opt Version version; 5 opt OpVersionMap op_version_map
OpVersionMap: 1 rep OpVersionPair pair
OpVersionPair: 1 req string op_name; 2 req OpVersion op_version
OpVersion: 1 req int32 version
BlockDesc: 1 req int32 idx; 2 req int32 parent_idx; 3 rep VarDesc vars; 4 rep OpDesc ops
BlockDesc: 5 opt int32 forward_block_idx
VarDesc: 1 req string name; 2 req VarType type; 3 opt bool persistable; 4 opt bool need_check_feed
VarDesc: 5 opt bool is_parameter; 6 opt bool stop_gradient; 7 rep Attr attrs
VarDesc.Attr: 1 req string name; 2 req AttrType type; 3 opt int32 i; 4 opt string s
VarDesc.Attr: 5 rep int32 ints
VarType: 1 req Type type; 2 opt TensorDesc selected_rows; 3 opt LoDTensorDesc lod_tensor
VarType: 4 opt LoDTensorArrayDesc tensor_array; 5 opt ReaderDesc reader; 7 opt Tuple tuple
VarType: 8 opt TensorDesc string; 9 opt TensorDesc strings; 10 opt TensorDesc vocab
VarType: 11 opt TensorDesc sparse_coo; 12 opt TensorDesc sparse_csr
TensorDesc: 1 req Type data_type; 2 rep int64 dims
LoDTensorDesc: 1 req TensorDesc tensor; 2 opt int32 lod_level
LoDTensorArrayDesc: 1 req TensorDesc tensor; 2 opt int32 lod_level
ReaderDesc: 1 rep LoDTensorDesc lod_tensor
Tuple: 1 rep Type element_type
OpDesc: 1 rep Var inputs; 2 rep Var outputs; 3 req string type; 4 rep Attr attrs
OpDesc: 5 opt bool is_target
Var: 1 req string parameter; 2 rep string arguments
OpDesc.Attr: 1 req string name; 2 req AttrType type; 3 opt int32 i; 4 opt float f; 5 opt string s
OpDesc.Attr: 6 rep int32 ints; 7 rep float floats; 8 rep string strings; 10 opt bool b
OpDesc.Attr: 11 rep bool bools; 12 opt int32 block_idx; 13 opt int64 l; 14 rep int32 blocks_idx
OpDesc.Attr: 15 rep int64 longs; 16 rep double float64s; 17 opt string var_name
OpDesc.Attr: 18 rep string vars_name; 19 opt double float64; 20 opt Scalar scalar
OpDesc.Attr: 21 rep Scalar scalars
Scalar: 1 req Type type; 2 opt bool b; 3 opt int64 i; 4 opt double r; 5 opt Complex c
Complex: 1 req double r; 2 req double i
"""

ENUMERATIONS = """
AttrType: INT=0 FLOAT=1 STRING=2 INTS=3 FLOATS=4 STRINGS=5 BOOLEAN=6 BOOLEANS=7 BLOCK=8 LONG=9
AttrType: BLOCKS=10 LONGS=11 FLOAT64S=12 VAR=13 VARS=14 FLOAT64=15 SCALAR=16 SCALARS=17
VarType.Type: BOOL=0 INT16=1 INT32=2 INT64=3 FP16=4 FP32=5 FP64=6 LOD_TENSOR=7 SELECTED_ROWS=8
VarType.Type: FEED_MINIBATCH=9 FETCH_LIST=10 STEP_SCOPES=11 LOD_RANK_TABLE=12 LOD_TENSOR_ARRAY=13
VarType.Type: PLACE_LIST=14 READER=15 RAW=17 TUPLE=18 SIZE_T=19 UINT8=20 INT8=21 BF16=22
VarType.Type: COMPLEX64=23 COMPLEX128=24 STRING=25 STRINGS=26 VOCAB=27 FEED_LIST=28 PSTRING=29
VarType.Type: SPARSE_COO=30 SPARSE_CSR=31 FP8_E4M3FN=32 FP8_E5M2=33 UINT16=36 UINT32=37 UINT64=38
Scalar.Type: BOOLEAN=1 LONG=2 FLOAT64=3 COMPLEX128=4
"""


def schema() -> descriptor_pb2.FileDescriptorProto:
    """The schema inside the generated module."""
    return descriptor_pb2.FileDescriptorProto.FromString(framework_pb2.DESCRIPTOR.serialized_pb)


def messages(
    found: descriptor_pb2.FileDescriptorProto | descriptor_pb2.DescriptorProto, outer: str = ""
) -> Iterator[tuple[str, descriptor_pb2.DescriptorProto]]:
    """Every message with its full name, nested ones too."""
    inner = (
        found.message_type
        if isinstance(found, descriptor_pb2.FileDescriptorProto)
        else found.nested_type
    )
    for message in inner:
        name = f"{outer}{message.name}"
        yield name, message
        yield from messages(message, f"{name}.")


def test_every_field_has_the_number_label_and_type_that_paddle_writes() -> None:
    expected = set()
    for line in FIELDS.strip().splitlines():
        owner, fields = line.split(": ")
        for field in fields.split("; "):
            number, label, type, name = field.split()
            kind = "bytes" if type == "string" else type
            expected.add((owner, int(number), label, kind, name))
    found = set()
    for full_name, message in messages(schema()):
        short = full_name if full_name.endswith(".Attr") else full_name.rpartition(".")[2]
        for entry in message.field:
            kind = entry.type_name.rpartition(".")[2] or entry.Type.Name(entry.type)[5:].lower()
            label = entry.Label.Name(entry.label)[6:9].lower()
            found.add((short, entry.number, label, kind, entry.name))
    assert found == expected


def test_every_enumeration_has_the_values_that_paddle_writes() -> None:
    expected = {
        (line.split(":")[0], name, int(number))
        for line in ENUMERATIONS.strip().splitlines()
        for name, number in re.findall(r"(\w+)=(\d+)", line)
    }
    file = schema()
    enumerations = [(enum.name, enum) for enum in file.enum_type]
    for name, message in messages(file):
        enumerations += [(f"{name}.{enum.name}", enum) for enum in message.enum_type]
    found = {
        (name, value.name, value.number) for name, enum in enumerations for value in enum.value
    }
    assert found == expected


def test_repeated_numbers_are_not_packed() -> None:
    desc = framework_pb2.VarType.TensorDesc(data_type=framework_pb2.VarType.FP32, dims=[1, 2])
    assert desc.SerializeToString() == b"\x08\x05\x10\x01\x10\x02"


def test_the_generated_module_was_made_from_the_schema(tmp_path: Path) -> None:
    target = tmp_path / "framework.desc"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--descriptor_set_out={target}"]
    subprocess.run([*command, PROTO], cwd=ROOT, check=True, capture_output=True)
    (compiled,) = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes()).file
    for _, message in messages(compiled):
        for field in message.field:
            field.ClearField("json_name")  # left out of generated modules
    assert compiled == schema()
