"""Free text that names somebody or says where they live. Notes are for what was done: the case number says about whom."""

import re

from schemas.plain import plain

_HAN = r"\u4e00-\u9fff"
_COUNT = r"[0-9零〇一二两三四五六七八九十百]{1,6}"
# The commonest surnames, nine in ten people; those that begin ordinary words of a note (如 时 于 和 方 向 安 应 …) are left out.
_SURNAME = (
    "(?:欧阳|司马|上官|诸葛|司徒|夏侯|皇甫|尉迟|"
    "[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范石姚谭廖邹熊金陆郝孔崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文])"
)
_NAME = rf"(?<![{_HAN}]){_SURNAME}[{_HAN}]{{1,2}}"
_ROAD = r"(?:路|街|巷|弄|胡同|大道|里弄|新村)"
_PATTERNS = (
    rf"(?:姓名|名字|姓\ 名|联系人|收件人|收信人)\ ?(?:[:=]|是|为)\ ?[{_HAN}A-Za-z]{{2}}",
    rf"{_NAME}[\ ,.()]{{0,2}}(?:现|家|暂|居)?住(?!院|宿|建|房|址|处|所)",
    rf"{_NAME}[\ ,.()]{{0,2}}[男女](?:[\ ,.()]|$)",
    rf"{_NAME}[\ ,.()]{{0,2}}(?:的)?(?:电话|手机|身份证|地址|住址)[^{_HAN}]{{0,4}}[0-9]",
    rf"[{_HAN}]{_ROAD}[东西南北中]?段?\ ?{_COUNT}(?:-[0-9]{{1,4}})?\ ?(?:号|弄|巷|栋|幢)(?!文|线|公交)",
    rf"(?:住|家在|住址|地址|户籍地?)[\ :在于]{{0,2}}[{_HAN}0-9\ ]{{1,20}}{_COUNT}\ ?(?:号|栋|幢|单元|室|组)",
    rf"{_COUNT}\ ?(?:栋|幢|单元|座)\ ?{_COUNT}\ ?(?:单元|室|门)",
    rf"{_COUNT}\ ?号\ ?(?:楼\ ?)?{_COUNT}\ ?单元",  # 2号楼301室 alone is a room of an office, too
    rf"[{_HAN}](?:村|社区)\ ?{_COUNT}\ ?组\ ?{_COUNT}\ ?号",
    r"(?:身份证|证件号?码?|护照号?|电话|手机|座机|联系方式|微信号?|QQ号?|车牌)[^0-9]{0,6}[A-Za-z]?(?:[0-9][\ .()-]{0,2}){7}",
    r"(?<![0-9])\(?0[1-9][0-9]{1,2}[)\ -]{1,2}[2-9][0-9]{6,7}(?![0-9])",
    r"(?i:\b(?:phone|tel|telephone|mobile|cell|id|passport|card)(?:\ no\.?|\ number)?)[\ :.=#]{1,3}[A-Za-z]?(?:\+?[0-9][\ .()-]{0,2}){7}",
    r"(?i:\b(?:full\ |first\ |last\ )?name)\ ?(?:[:=]|is\b)\ ?[A-Za-z]{2}",
    r"\b(?:Mr|Mrs|Ms|Miss)\.?\ [A-Z][a-z]{1,20}",
    r"\b[A-Z][a-z]{1,20}\ [A-Z][a-z]{1,20},?\ (?:lives|resides|living|residing)\b",
    r"(?i:\b(?:lives|resides|living|residing|address)(?:\ at|\ is|:))\ ?(?:[0-9]|No\b|Room\b|Flat\b|[A-Z][a-z]{1,20}\ (?:Road|Street|Lane|Avenue))",
    r"\b[0-9]{1,5}[A-Za-z]?,?\ (?:[A-Z][a-z]{1,20}\ ){1,3}(?:Road|Rd|Street|St|Avenue|Ave|Lane|Drive)\b",
    r"\b[A-Z][a-z]{1,20}\ (?:Road|Rd|Street|St|Avenue|Ave|Lane)\.?,?\ (?:[Nn]o\.?\ ?)?[0-9]",
    r"(?i:\b(?:flat|apartment|apt|unit)\.?\ (?:no\.?\ )?[0-9]{1,4}[a-z]?,\ (?:building|block|[0-9]))",
)
_PERSONAL = re.compile("|".join(_PATTERNS))
ADVICE = "seems to name a person, an address or a telephone; use the case number, do not name persons or addresses"
LONGEST = 1_000  # characters that are looked through; a note has 200 at most


def names_person(note: str) -> bool:
    """Whether a note seems to hold a name with an address, an address, or a labelled number; or is too long to say."""
    return len(note) > LONGEST or _PERSONAL.search(plain(note)) is not None
