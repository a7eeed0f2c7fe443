"""Notes: what officers ordinarily write passes, what names a person or an address does not."""

import pytest

from schemas.prose import names_person
from tests.schemas.examples import COMMENT, changed, message_for, reason_for

ORDINARY = """
已电话联系家属，约定周五报到
已电话联系
家属答复下周一来
等法院补寄判决书
等回执
请跟进
不在本县
已移交外省
户籍地与居住地不一致，待核实
社区 3 号楼已走访
到司法所 2 号楼 301 室报到
3号来电，5号再联系
3月5日 15:20 已通知
已住院，暂缓报到
本人住院治疗，出院后报到
住房问题已转民政
住址待核实
地址有误，退回监狱
现住址与档案不符
已上门走访，无人在家
公安已反馈
法律援助热线 12348 已告知
已拨打 12348、12345
派出所民警陪同走访
周五由司法所接回
王女士称下周到所
张所长已批准
李法官口头答复
案号（2026）苏0102刑初123号
文书编号 2026-0042 已补
第 3 次走访未遇
第12组已核对
三组走访完毕
请假 3 天，3 月 12 日返回
已到街道综治办核实
街道3号文件已下发
道路维修，走访改期
公交 11 路改线，延迟半小时
全程陪同，路上用时 2 小时
电话无人接听，隔日再打
手机关机三天
身份证已补办
身份证件齐全
名字写错已更正
姓名待核
男性亲属代为签收
高风险对象，每周两次
联系人已更换
同意延期
超期 2 天，已说明原因
设备 990102-20260226-0042 已更换
定位设备电量低，已充电
心理评估完成
就业推荐 2 家企业
低保申请已递交
已签收，回执已寄
邮寄单号 1234567
监狱更正释放日期
周一例会讨论
重复登记，已合并
安置到过渡房
文件已送达
Called the township office
Visit agreed for Friday
Duty lies with another province
The person lives in another county
Address checked on site
Wrong address, sent back to the prison
Family called, will report on Monday
Waiting for the court's reply
Phone switched off for three days
Lives with family, no change
Name misspelt in the file, corrected
Case 2026-0042 reopened
Met at the office at 09:30 on 5 March
Referred to the Legal Aid Centre
Second visit, nobody at home
Duty Officer confirmed receipt
Main Street office closed on Friday
See rule A02, step 3
Unit 3 of the training is done
""".strip().splitlines()

PERSONAL = """
张三 住幸福路18号
张三住幸福路
王小明，现住城关镇
李四 男 已报到
姓名：张三
姓名 = 李小红
赵六 电话 0000000
幸福路18号3单元501
幸福路十八号
住在建设街 5 号
人民大道128号
家住河东小区3栋2单元
3栋2单元501室
地址：城关镇东街 12 号
住址为向阳村3组
东风村 3 组 18 号
身份证 1101011
电话 65201234
电话：010-65201234
010-65201234
(010) 65201234
手机 138 0000
护照 E12345678
联系方式：6520 1234
Name: Zhang San
name is Li
Zhang San lives at home
lives at 12 Main Street
12 Xingfu Road
Xingfu Road 18
Mr Zhang called
phone 6520 1234
passport E12345678
张三\u3000住幸福路１８号
张\u200b三 住幸福路18号
""".strip().splitlines()


def test_ordinary_notes_pass() -> None:
    assert len(ORDINARY) >= 60
    assert [note for note in ORDINARY if names_person(note)] == []
    assert [note for note in ORDINARY if reason_for(changed(COMMENT, {"note": note}))] == []


@pytest.mark.parametrize("note", PERSONAL)
def test_a_note_that_names_somebody_or_an_address_is_refused(note: str) -> None:
    sent = changed(COMMENT, {"note": note})
    assert reason_for(sent) == "PII_IN_TEXT"
    assert "use the case number" in message_for(sent)
    assert note not in message_for(sent)


def test_other_texts_of_an_event_are_no_notes() -> None:
    assert reason_for(changed(COMMENT, {"remark": "幸福路18号"})) == ""


def test_a_note_that_is_too_long_to_be_looked_through_is_refused_for_its_length() -> None:
    assert reason_for(changed(COMMENT, {"note": "字" * 2_000})) == "SCHEMA"
