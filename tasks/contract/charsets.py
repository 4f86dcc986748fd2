"""The character sets that a mail may be written in, under the names that MIME gives them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from tasks.contract.errors import Refused, quoted, refusal
from tasks.contract.text import line

#: MIME name → Python's codec, and the other names that people use. Python's own list would not do: it
#: knows transforms (rot13), escapes (unicode_escape) and encodings of names (idna) beside character sets.
_CHARSETS: Final[dict[str, tuple[str, str]]] = {
    "utf-8": ("utf-8", "utf8 unicode-1-1-utf-8 cp65001"),
    "us-ascii": ("ascii", "ascii ansi-x3.4-1968 iso646-us 646 cp367 ibm367"),
    "iso-8859-1": ("iso8859-1", "latin1 l1 iso8859-1 8859 cp819 ibm819 iso-ir-100"),
    "iso-8859-2": ("iso8859-2", "latin2 l2 iso8859-2 iso-ir-101"),
    "iso-8859-3": ("iso8859-3", "latin3 l3 iso8859-3 iso-ir-109"),
    "iso-8859-4": ("iso8859-4", "latin4 l4 iso8859-4 iso-ir-110"),
    "iso-8859-5": ("iso8859-5", "cyrillic iso8859-5 iso-ir-144"),
    "iso-8859-6": ("iso8859-6", "arabic iso8859-6 ecma-114 asmo-708 iso-ir-127"),
    "iso-8859-7": ("iso8859-7", "greek greek8 iso8859-7 ecma-118 elot-928 iso-ir-126"),
    "iso-8859-8": ("iso8859-8", "hebrew iso8859-8 iso-ir-138"),
    "iso-8859-8-i": ("iso8859-8", "iso8859-8-i logical"),
    "iso-8859-9": ("iso8859-9", "latin5 l5 iso8859-9 iso-ir-148"),
    "iso-8859-10": ("iso8859-10", "latin6 l6 iso8859-10 iso-ir-157"),
    "iso-8859-11": ("iso8859-11", "iso8859-11"),
    "iso-8859-13": ("iso8859-13", "latin7 l7 iso8859-13"),
    "iso-8859-14": ("iso8859-14", "latin8 l8 iso8859-14 iso-celtic iso-ir-199"),
    "iso-8859-15": ("iso8859-15", "latin9 l9 iso8859-15"),
    "iso-8859-16": ("iso8859-16", "latin10 l10 iso8859-16 iso-ir-226"),
    "windows-874": ("cp874", "cp874 x-windows-874"),
    "windows-1250": ("cp1250", "cp1250"),
    "windows-1251": ("cp1251", "cp1251"),
    "windows-1252": ("cp1252", "cp1252 ansi"),
    "windows-1253": ("cp1253", "cp1253"),
    "windows-1254": ("cp1254", "cp1254"),
    "windows-1255": ("cp1255", "cp1255"),
    "windows-1256": ("cp1256", "cp1256"),
    "windows-1257": ("cp1257", "cp1257"),
    "windows-1258": ("cp1258", "cp1258"),
    "koi8-r": ("koi8-r", "koi8r"),
    "koi8-u": ("koi8-u", "koi8u"),
    "tis-620": ("tis-620", "tis620"),
    "big5": ("big5", "big5-tw csbig5 cn-big5"),
    "big5-hkscs": ("big5hkscs", "big5hkscs hkscs"),
    "gb2312": ("gb2312", "euc-cn euccn gb2312-80 eucgb2312-cn csgb2312"),
    "gbk": ("gbk", "cp936 ms936 windows-936"),
    "gb18030": ("gb18030", "gb18030-2000"),
    "euc-jp": ("euc-jp", "eucjp ujis x-euc-jp"),
    "iso-2022-jp": ("iso2022-jp", "iso2022jp csiso2022jp jis"),
    "shift_jis": ("shift-jis", "sjis shiftjis s-jis x-sjis ms-kanji"),
    "windows-31j": ("cp932", "cp932 ms932 mskanji"),
    "euc-kr": ("euc-kr", "euckr ks-c-5601-1987 ksc5601 korean"),
    "iso-2022-kr": ("iso2022-kr", "iso2022kr csiso2022kr"),
}
#: Encodings of Unicode that mail cannot carry: they need NUL bytes, or read as another text when misread.
_OTHER_UNICODE: Final = re.compile(r"(utf|ucs|unicode|u)(7|8sig|16|32|2|4)?(be|le)?")
_LONGEST_NAME: Final = 40


def _squeeze(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


_NAMES: Final = {
    _squeeze(name): mime for mime, (_, aliases) in _CHARSETS.items() for name in (mime, *aliases.split())
}


def canonical(name: object) -> str:
    """
    Return the MIME name of a character set, in lower case, for any of its usual names.

    Raises:
        Refused: it is no character set, or one that mail cannot carry.

    """
    text = line(name)
    known = _NAMES.get(_squeeze(text)) if len(text) <= _LONGEST_NAME else None
    if known is None:
        raise _unknown(text)
    return known


def python_codec(name: str) -> str:
    """Return the name of Python's codec for the canonical *name* of a character set."""
    return _CHARSETS[name][0]


def _unknown(text: str) -> Refused:
    if _OTHER_UNICODE.fullmatch(_squeeze(text)[:_LONGEST_NAME]):
        return refusal(f"{quoted(text)} cannot carry mail", "use utf-8")
    near = get_close_matches(_squeeze(text)[:_LONGEST_NAME], _NAMES, n=1)
    advice = f"did you mean {_NAMES[near[0]]}?" if near else "use utf-8 or another character set of MIME"
    return refusal(f"{quoted(text)} is an unknown character set", advice)
