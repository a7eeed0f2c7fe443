"""Every list of codes that a payload may hold, with what people read: the one place for both."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Label(NamedTuple):
    """What people read instead of a code."""

    zh: str
    en: str


class Codes:
    """A closed list: `Annotated[str, CHANNEL]` is a text that must be one of its codes.

    Adding a code is compatible, removing one is not.
    """

    def __init__(self, **labels: tuple[str, str]) -> None:
        self.labels: Mapping[str, Label] = {code: Label(*label) for code, label in labels.items()}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.labels))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        labels = "; ".join(f"{code} {label.zh} ({label.en})" for code, label in self.labels.items())
        return {"type": "string", "enum": list(self.labels), "$comment": labels}


# release
RELEASE_KIND = Codes(
    EXPIRY=("刑满", "end of sentence"),
    AMNESTY=("特赦", "amnesty"),
    PAROLE=("假释", "parole"),
    TEMP_EXEC=("暂予监外执行", "temporary service outside prison"),
)
DATE_CHANGE_CAUSE = Codes(
    COMMUTATION=("减刑", "commutation"),
    NEW_OFFENCE=("又犯罪", "new offence"),
    CORRECTION=("更正", "correction"),
    REVOKED=("撤销", "revoked"),
)
CHANNEL = Codes(
    NETWORK=("网络", "network"),
    POST=("邮寄", "post"),
    HAND=("当面", "in person"),
    COURIER=("机要", "confidential courier"),
)
RISK_BAND = Codes(LOW=("低", "low"), MID=("中", "middle"), HIGH=("高", "high"))
HELP_KIND = Codes(
    EMPLOYMENT=("就业", "employment"),
    LEGAL_AID=("法律援助", "legal aid"),
    RELIEF=("救助", "relief"),
    MEDICAL=("医疗", "medical care"),
    HOUSING=("住房", "housing"),
    SCHOOL=("就学", "schooling"),
    PSYCH=("心理", "counselling"),
)
LEAVING_REASON = Codes(
    RELEASED=("释放", "released"),
    TEMPORARY_ABSENCE=("临时离监", "temporary absence"),
    HOSPITAL=("送医", "taken to hospital"),
    COURT=("出庭", "taken to court"),
    TRANSFERRED=("调动", "transferred"),
    UNKNOWN=("不明", "unknown"),
)
REVERSAL_CAUSE = Codes(
    MISTAKE=("误报", "reported by mistake"), RETURNED=("返回", "came back"), MERGE=("合并", "merged")
)
CANCELLATION_CAUSE = Codes(
    DEATH=("死亡", "death"),
    ESCAPE=("脱逃", "escape"),
    NEW_CASE=("另案", "another case"),
    HOSPITAL=("住院", "in hospital"),
    PRISON_TRANSFER=("调监", "moved to another prison"),
    ERROR=("差错", "error"),
)
DECISION_KIND = Codes(
    PUBLIC_SURVEILLANCE=("管制", "public surveillance"),
    PROBATION=("缓刑", "probation"),
    PAROLE=("假释", "parole"),
    TEMP_EXEC=("暂予监外执行", "temporary service outside prison"),
)
REVOCATION_KIND = Codes(
    REVOKE_PROBATION=("撤销缓刑", "probation revoked"),
    REVOKE_PAROLE=("撤销假释", "parole revoked"),
    RETURN_TO_PRISON=("收监执行", "return to prison"),
    ARREST=("逮捕", "arrest"),
)
MERGE_CAUSE = Codes(
    SAME_PERSON=("同一人", "same person"),
    KEY_ROTATION=("密钥轮换", "key rotation"),
    WRONG_MATCH=("误并", "wrong match"),
)

SURVEY_PURPOSE = Codes(
    PAROLE=("拟假释", "before parole"),
    PROBATION=("拟适用缓刑", "before a suspended sentence"),
    TEMP_EXEC=("拟暂予监外执行", "before temporary service outside prison"),
)

# intake
SURVEY_OPINION = Codes(
    SUITABLE=("适宜社区矫正", "suitable"),
    UNSUITABLE=("不适宜社区矫正", "unsuitable"),
    NOT_FOUND=("查无此人", "person not found"),
)
VERIFICATION_RESULT = Codes(
    VERIFIED=("属实", "verified"),
    ADDRESS_FALSE=("地址不实", "address false"),
    PERSON_UNKNOWN=("查无此人", "person unknown"),
    NOT_OURS=("非本辖区", "not our area"),
    PARTIAL=("部分属实", "verified in part"),
)
RETURN_REASON = Codes(
    NOT_OURS=("非本辖区", "not our area"),
    ADDRESS_FALSE=("地址不实", "address false"),
    LIVES_ELSEWHERE=("人户分离", "lives elsewhere"),
    PERSON_UNKNOWN=("查无此人", "person unknown"),
)
REPORT_TYPE = Codes(
    ON_TIME=("在规定时限内报到", "within the time set"),
    LATE=("超出规定时限报到", "after the time set"),
    NOT_REPORTED=("未报到", "did not report"),
)
HELP_OUTCOME = Codes(
    ACCEPTED=("受理", "accepted"),
    ASSIGNED=("已指派", "assigned"),
    COMPLETED=("已办结", "completed"),
    DECLINED=("不予受理", "declined"),
)
TRANSFER_DECISION = Codes(APPROVED=("同意", "approved"), REFUSED=("不同意", "refused"))
SEARCH_CAUSE = Codes(
    NOT_REPORTED=("未报到", "did not report"),
    LOST_CONTACT=("失联", "contact lost"),
    NOT_RETURNED=("逾假未归", "not back from leave"),
)
CUSTODY_STATUS = Codes(DETAINED=("羁押", "detained"), RELEASED=("解除羁押", "released from custody"))
ORGAN = Codes(
    POLICE=("公安机关", "police"),
    PROCURATORATE=("检察院", "procuratorate"),
    COURT=("法院", "court"),
    OTHER=("其他", "other"),
)
MEASURE = Codes(
    ADMONITION=("训诫", "admonition"),
    WARNING=("警告", "warning"),
    PUBLIC_ORDER_PENALTY=("治安管理处罚", "public order penalty"),
    REVOCATION_PROPOSED=("提请撤销", "revocation proposed"),
    RETURN_PROPOSED=("提请收监", "return to prison proposed"),
    ARREST_REQUESTED=("提请逮捕", "arrest requested"),
)
CLOSING_CAUSE = Codes(
    TERM_END=("期满解除", "end of term"),
    HELP_END=("帮教期满", "end of help"),
    REVOKED=("撤销收监", "revoked, back in prison"),
    DEATH=("死亡", "death"),
    MOVED=("迁出", "moved away"),
    PARDON=("特赦", "pardon"),
)

# check-in
CADENCE = Codes(
    DAILY=("每日", "daily"),
    WEEKLY=("每周", "weekly"),
    FORTNIGHTLY=("每两周", "every two weeks"),
    MONTHLY=("每月", "monthly"),
    QUARTERLY=("每季", "quarterly"),
)
SUPERVISION_CLASS = Codes(
    STRICT=("严管", "strict"), ORDINARY=("普管", "ordinary"), RELAXED=("宽管", "relaxed"), INITIAL=("初入矫", "initial")
)
_CHECK_IN = {
    "REPORT": ("报到", "report"),
    "CALL": ("电话报告", "call"),
    "THOUGHT_REPORT": ("思想汇报", "thought report"),
    "LEARNING": ("集中学习", "group learning"),
    "SERVICE": ("公益活动", "community service"),
    "VISIT": ("走访", "visit"),
    "MEDICAL": ("病情复查", "medical check"),
}
CHECK_IN_KIND = Codes(**_CHECK_IN)
EXCUSED_KIND = Codes(**_CHECK_IN, LOCATION=("定位", "location"))
VERIFIED_BY = Codes(
    FACE=("人脸", "face"), VOICE=("声纹", "voice"), OFFICER=("工作人员", "officer"), NONE=("无", "nothing")
)
LOCATION_RESULT = Codes(
    IN_AREA=("区域内", "in the area"),
    OUT_OF_AREA=("越界", "out of the area"),
    NO_FIX=("无定位", "no position"),
    DEVICE_OFF=("关机", "device off"),
    SEPARATED=("人机分离", "device left behind"),
)
EXCUSE = Codes(
    ILLNESS=("疾病", "illness"),
    WORK=("务工", "work"),
    FAMILY=("家事", "family matter"),
    DEVICE_FAULT=("设备故障", "device fault"),
    OTHER=("其他", "other"),
)

# work of an office
WORK_KIND = Codes(
    SCREENING=("排查", "screening"),
    PUBLICITY=("法治宣传", "legal publicity"),
    TRAINING=("技能培训", "skills training"),
    COUNSELLING=("心理辅导", "counselling"),
    LEARNING=("集中教育", "group education"),
    LEGAL_AID=("法律援助", "legal aid"),
    EMPLOYMENT=("就业帮扶", "employment help"),
)

# dispute
DISPUTE_KIND = Codes(
    NEIGHBOUR=("邻里", "neighbours"),
    FAMILY=("婚姻家庭", "marriage and family"),
    LAND=("土地", "land"),
    LABOUR=("劳动", "labour"),
    DEBT=("债务", "debt"),
    INJURY=("损害赔偿", "damages"),
    OTHER=("其他", "other"),
)
LEVEL = Codes(VILLAGE=("村", "village"), TOWN=("乡镇", "township"), COUNTY=("县", "county"))
FOUND_BY = Codes(SCREENING=("排查", "screening"), APPLICATION=("申请", "application"), REFERRAL=("移送", "referral"))
SUM_BAND = Codes(
    NONE=("无", "none"),
    LT_10K=("一万以下", "under 10,000"),
    LT_100K=("十万以下", "under 100,000"),
    GE_100K=("十万以上", "100,000 and more"),
)
FAILURE_CAUSE = Codes(
    NO_AGREEMENT=("达不成协议", "no agreement"),
    NOT_PERFORMED=("不履行", "not performed"),
    OUT_OF_SCOPE=("不属受理范围", "out of scope"),
)
REFERRED_TO = Codes(
    COURT=("法院", "court"),
    POLICE=("公安", "police"),
    ARBITRATION=("仲裁", "arbitration"),
    ADMINISTRATION=("行政机关", "administration"),
)

# system
CALENDAR_STATUS = Codes(published=("已公布", "published"), draft=("草案", "draft"))
REGISTRY_CHANGE = Codes(
    ADDED=("新增", "added"),
    RENAMED=("更名", "renamed"),
    ABOLISHED=("废止", "abolished"),
    SUCCESSOR=("指定承接", "successor named"),
)

# system: what sinks measure
METRIC = Codes(
    ANSWERED_ON_TIME=("按时率", "share answered on time"),
    OPEN_PER_OFFICER=("人均待办", "open duties of one officer"),
    OVERDUE_PER_OFFICER=("人均逾期", "overdue duties of one officer"),
    ARRIVAL_LAG=("到达滞后（小时）", "hours from fact to arrival"),
    DEAD_LETTERS=("待处理被拒消息", "rejected messages that wait"),
    PIPELINE_LAG=("处理滞后（秒）", "seconds that processing lags"),
    CLOCK_SKEW=("时间超前（秒）", "seconds that a clock is ahead"),
    READ_MODEL_GAPS=("与日志不符的分区", "partitions where the read model does not equal the log"),
    MISSING_CALENDAR=("缺少的年度日历（距启用天数）", "days until a calendar is needed that is not published"),
)

# alert
HANDOVER_KIND = Codes(
    **{
        "A": ("刑满释放", "end of sentence"),
        "A+": ("刑满释放，必接必送", "end of sentence, must be fetched"),
        "B1": ("假释", "parole"),
        "B2": ("监狱决定的暂予监外执行", "temporary service outside prison, by the prison"),
        "B3": ("法院决定的社区矫正", "community corrections, by a court"),
        "T": ("执行地变更", "transfer"),
        "C": ("解矫后安置帮教", "help after community corrections"),
        "M": ("迁入", "moved in from another county"),
        "P": ("在押", "in prison"),
        "S": ("调查评估", "survey before a decision"),
        "U": ("未预告", "unannounced"),
        "DISPUTE": ("纠纷", "dispute"),
        "WORK": ("工作任务", "work of an office"),
        "SYSTEM": ("系统", "system"),
    }
)
SEVERITY = Codes(
    INFO=("提示", "information"), WARN=("预警", "warning"), HIGH=("严重", "serious"), CRIT=("紧急", "critical")
)
