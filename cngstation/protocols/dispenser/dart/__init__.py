"""DART: the pump interface of Wayne and of many clones."""
