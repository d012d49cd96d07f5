"""Support of the frames ring: the shape of rows that several tests make by hand."""

WHO_DDL = (
    "source int, participates boolean, is_record boolean, pk string,"
    " ids array<struct<key:string,auth:int>>, ingested bigint,"
    " entries array<struct<segment:int,status:string,qualified:bigint,valid_until:bigint>>,"
    " rows bigint"
)
