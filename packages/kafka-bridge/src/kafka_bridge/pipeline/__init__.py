"""Raw to judged: decode, judge, plan what to write, write it all in one transaction."""
