"""The defaults of operator attributes, as a Paddle registers them (runs under 1.8.5 and 2.6.2).

Writes {operator: {attribute: [type number, value]}}. Paddle itself fills in these values where a
stored program lacks the attribute.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import paddle  # noqa: E402

if paddle.__version__.startswith("1."):
    from paddle.fluid import core
    from paddle.fluid.proto import framework_pb2
else:
    from paddle.base import core
    from paddle.base.proto import framework_pb2

found = {}
for raw in core.get_all_op_protos():
    proto = framework_pb2.OpProto.FromString(bytes(raw))
    if proto.type.endswith("_grad"):
        continue
    types = {attr.name: int(attr.type) for attr in proto.attrs}
    try:
        defaults = core.get_op_attrs_default_value(proto.type.encode())
    except Exception:  # an operator without a checker has no defaults
        continue
    found[proto.type] = {
        name: [types[name], value]
        for name, value in defaults.items()
        if name in types and isinstance(value, (bool, int, float, str, list))
    }
json.dump(found, open(sys.argv[1], "w"))
