-- What became of one incident, and what was found of one zone, without reading all of it.

create index incident_history_id on incident_history (id, seq);
create index finding_zone on finding (zone, time);
