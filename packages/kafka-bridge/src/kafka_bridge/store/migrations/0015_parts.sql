-- What an event adds to a state, and the sealed tallies, by themselves: a column that lies apart and does not change is
-- not written anew with its row. States of before are whole, until they are written next.
alter table zone_state add column blocks bytea, add column opened bytea;
alter table zone_state alter column blocks set storage external;
-- Rows are written again and again: there is room for them on their page.
alter table zone_state set (fillfactor = 50);
