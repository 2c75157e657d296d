-- Rows that are written again and again get room to stay on their page, so that indexes are left alone.
alter table observation_minute set (fillfactor = 50);
alter table latency_minute set (fillfactor = 50);
alter table estate_minute set (fillfactor = 50);
alter table estate_latency_minute set (fillfactor = 50);
alter table answer_current set (fillfactor = 50);
alter table zone_health set (fillfactor = 50);
-- Most of a state is packed already.
alter table zone_state alter column state set storage external;
