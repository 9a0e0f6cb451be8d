"""What vendors call columns, tables and types in their lists of registers. Pure.

Types: IEC 61131-3, and the usual ones of PLCs and meters.
"""

import re
from collections.abc import Collection

from sja_units.acquisition.points.types import TABLES, TYPES

_COLUMNS = {
    "name": "名称 名字 点名 变量名 变量名称 point point_name tag tag_name variable",
    "address": "地址 寄存器 寄存器地址 register register_address addr modbus_address",
    "reference": "modbus_reference ref",
    "table": "寄存器类型 功能码 register_type function function_code fc",
    "type": "类型 数据类型 data_type datatype format",
    "unit": "单位 units",
    "scale": "倍率 系数 比例 factor multiplier gain scaling scale_factor",
    "offset": "偏移 偏移量",
    "byte_order": "字节序 字节顺序 byteorder word_order endianness",
    "bit": "位",
    "registers": "寄存器数 寄存器数量 register_count length",
    "precision": "小数位 小数位数 decimals digits",
    "cn_name": "中文名 中文名称",
    "encoding": "编码",
}
_TABLES = {
    "holding": "holding_register holding_registers hr 4x 3 03 保持寄存器",
    "input": "input_register input_registers ir 3x 4 04 输入寄存器",
    "coil": "coils 0x 1 01 线圈",
    "discrete": "discrete_input discrete_inputs di 1x 2 02 离散输入",
}
_TYPES = {
    "bool": "boolean",
    "int8": "sint s8 i8 char",
    "uint8": "usint byte u8",
    "int16": "int short s16 i16 signed",
    "uint16": "uint word ushort u16 unsigned unsigned_short",
    "int32": "dint long s32 i32 integer32",
    "uint32": "udint dword ulong u32 unsigned_long",
    "int64": "lint s64 i64 longlong",
    "uint64": "ulint lword u64",
    "float16": "half f16",
    "float32": "real float single f32 ieee754",
    "float64": "lreal double f64",
    "string": "str text ascii",
    "bcd16": "bcd",
}


def _turn(words: dict[str, str]) -> dict[str, str]:
    return {alias: own for own, aliases in words.items() for alias in aliases.split()}


_COLUMN_OF, _TABLE_OF, _TYPE_OF = _turn(_COLUMNS), _turn(_TABLES), _turn(_TYPES)


def _plain(word: str) -> str:
    """Return a word as it stands in the lists: no case, one way to part words, no remark."""
    word = re.sub(r"[(\uff08\[].*", "", word.casefold()).strip()
    return re.sub(r"[\s_-]+", "_", word)


def find_column(word: str, columns: Collection[str]) -> str:
    """Return the column that is meant, the word itself where none is."""
    plain = _plain(word)
    return plain if plain in columns else _COLUMN_OF.get(plain, word)


def find_table(word: str) -> str:
    """Return the table that is meant, by name or by the code of the function that reads it."""
    plain = _plain(word)
    return plain if plain in TABLES else _TABLE_OF.get(plain, word)


def find_type(word: str) -> str:
    """Return the type that is meant."""
    plain = _plain(word)
    for each in (plain, plain.replace("_", "")):
        if each in TYPES:
            return each
        if each in _TYPE_OF:
            return _TYPE_OF[each]
    return word
