"""The kinds of agencies, and which of them speak alike: the words in which event classes say who may send them."""

from typing import Literal, get_args

AgencyType = Literal[
    "PRISON", "DETENTION", "PRISON_ADMIN", "COURT", "PROVINCE_JUSTICE", "CITY_JUSTICE", "COUNTY_JUSTICE",
    "TOWN_JUSTICE", "PROCURATORATE", "POLICE", "MEDIATION", "LEGAL_AID", "HRSS", "CIVIL", "LOCATION",
]  # fmt: skip
AGENCY_TYPES: tuple[AgencyType, ...] = get_args(AgencyType)
Senders = frozenset[AgencyType]

PIPELINE_ONLY: Senders = frozenset()  # no agency: the pipeline judges
ANY: Senders = frozenset(AGENCY_TYPES)
PROVINCE: Senders = frozenset(("PROVINCE_JUSTICE",))
PRISONS: Senders = frozenset(("PRISON", "DETENTION", "PRISON_ADMIN"))
OFFICES: Senders = frozenset(("COUNTY_JUSTICE", "TOWN_JUSTICE"))
JUSTICE: Senders = OFFICES | {"CITY_JUSTICE", "PROVINCE_JUSTICE"}
ASSIGNING: Senders = OFFICES | {"CITY_JUSTICE"}
DECIDING: Senders = PRISONS | {"COURT", "POLICE"}  # the police decide for those who serve in a detention house
SURVEYING: Senders = PRISONS | {"COURT"}
REVOKING: Senders = DECIDING | {"PROCURATORATE"}
NOTIFYING: Senders = PRISONS | OFFICES | {"POLICE", "PROCURATORATE", "COURT"}
PUNISHING: Senders = OFFICES | {"POLICE"}
RECORDING_OFFENCES: Senders = OFFICES | {"POLICE", "PROCURATORATE", "COURT"}
HELPING: Senders = JUSTICE | {"HRSS", "CIVIL", "LEGAL_AID", "MEDIATION"}
LOCATING: Senders = OFFICES | {"LOCATION"}
MEDIATING: Senders = OFFICES | {"MEDIATION", "COURT"}
SETTING_WORK: Senders = frozenset(("COUNTY_JUSTICE", "CITY_JUSTICE"))
REPORTING_DISPUTES: Senders = MEDIATING | {"POLICE", "PROCURATORATE"}
