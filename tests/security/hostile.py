"""Values that break programs: what a mutation puts in place of an honest number, name or text."""

from __future__ import annotations

# Around every width that a size, a dim or an index passes through.
NUMBERS = (
    0, 1, -1, 2, 7, 8, 16, 63, 64, 65, 127, 128, 255, 256, 4095, 4096, 4097, 65535, 65536,
    2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**40, 2**53, 2**62, 2**63 - 1, -(2**63),
)  # fmt: skip

DIMS = (0, 1, -1, 2, 3, 5, 8, 64, 1000, 2**31, 2**32, 2**33, 2**62, 2**63 - 1, -(2**63))

FLOATS = (0.0, -0.0, 1e-45, -1.0, 3.4028235e38, float("inf"), float("-inf"), float("nan"))

# Terminal escapes, C1 controls, bidirectional marks, a byte order mark, surrogates (bytes that
# are not UTF-8), paths, shell, HTML, rich markup, printf and format strings, CSV formulas.
NAMES = (
    "", ".", "..", "/", "//", "a/", "/a", "a//b", "../x", "../../../../tmp/weightquant-escape",
    "/tmp/weightquant-escape", "a/../../x", "sub/dir/w", "~", "~root/x", "-", "--force", "-rf",
    "a\0b", "\0", "a\nb", "\r\n", "\t", "a\x1b[2Jb", "\x1b]0;title\x07", "\x9b2J", "\x7f", "\x85",
    "\u2028\u2029", "\u202eevil", "\u2066x", "\ufeff", "\udcff\udc80", "e\u0301", "\u200b", "名",
    "[red]x[/red]", "[/]", "[link=http://x]", "{0.__class__}", "%s%n", "=1+1", "$(id)", "`id`",
    "';id;'", '"; id; "', "<script>alert(1)</script>", "'\"><img src=x onerror=x>", "&lt;", "]]>",
    "C:\\x", "con", "x" * 255, "x" * 256, "é" * 128, "x/" * 40 + "y", "x/" * 3000 + "y",
    "x" * 5000, "__model__", "__params__", "weights", "params", "model", "x.pdmodel", "feed",
    "fetch", "convert_to_lite.sh", "_quant_scale", "conv.w", "fc1.w_quant_scale", "fc1.w",
    "quantize_weight_bits", "op_callstack", "sub_block", "@EMPTY@",
)  # fmt: skip

# Rare, for what they cost.
LONG_NAMES = ("n" * 100_000, "\x1b" * 100_000, "é\n" * 50_000, "a/" * 50_000)
