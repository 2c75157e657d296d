"""History through the judgement again, beside what was paged then."""
