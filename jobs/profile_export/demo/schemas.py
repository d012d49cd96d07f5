"""The Arrow schemas of the demo's profile datasets, nested as XDM nests them."""

import pyarrow as pa

TEXT, WHOLE, DATE = pa.string(), pa.int64(), pa.date32()
TIME = pa.timestamp("us", tz="UTC")


def struct(**members: pa.DataType) -> pa.DataType:
    """A struct type by its members, in their order."""
    return pa.struct(list(members.items()))


PERSON = struct(
    name=struct(firstName=TEXT, lastName=TEXT, fullName=TEXT), birthDate=DATE, birthYear=pa.int32()
)
ADDRESS = struct(
    street1=TEXT, street2=TEXT, city=TEXT, postalCode=TEXT, stateProvince=TEXT, countryCode=TEXT
)
EMAIL = struct(address=TEXT)
AUDIT = struct(createdDate=TIME, lastUpdatedDate=TIME)
IDENTITY_MAP = pa.map_(TEXT, pa.list_(struct(id=TEXT, authenticatedState=TEXT, primary=pa.bool_())))
MEMBERSHIP = pa.map_(
    TEXT, pa.map_(TEXT, struct(status=TEXT, lastQualificationTime=TIME, validUntil=TIME))
)

CRM = pa.schema(
    struct(
        _id=TEXT,
        _acme=struct(crmId=TEXT, socSecId=WHOLE),
        person=PERSON,
        homeAddress=ADDRESS,
        personalEmail=EMAIL,
        extSourceSystemAudit=AUDIT,
        segmentMembership=MEMBERSHIP,
        _ingestedAt=TIME,
    )
)
LOYALTY = pa.schema(
    struct(
        _id=TEXT,
        _acme=struct(
            socSecId=WHOLE,
            loyalty=struct(loyaltyId=TEXT, tier=TEXT, points=pa.int32(), joinDate=DATE),
        ),
        person=PERSON,
        homeAddress=ADDRESS,
        personalEmail=EMAIL,
        extSourceSystemAudit=AUDIT,
        segmentMembership=MEMBERSHIP,
        _ingestedAt=TIME,
    )
)
WEB_SIGN_UPS = pa.schema(
    struct(
        _id=TEXT,
        identityMap=IDENTITY_MAP,
        _acme=struct(signUp=struct(time=TIME, page=TEXT, newsletter=pa.bool_())),
        person=PERSON,
        homeAddress=ADDRESS,
        personalEmail=EMAIL,
        _ingestedAt=TIME,
    )
)
