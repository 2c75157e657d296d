-- Until when time has passed for a partition's zones: those of which nothing is to be said are not written as it does.
alter table bus_offset add column passed timestamptz;
