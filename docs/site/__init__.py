"""The docs site: pages of the whole repository gathered, a reference made from code, links checked."""
