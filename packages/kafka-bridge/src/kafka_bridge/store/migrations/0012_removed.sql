-- Since when the receiver of an undelivered page is not configured any more.
alter table delivery add column missed timestamptz;
