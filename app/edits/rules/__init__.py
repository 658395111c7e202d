"""The rules, in the order in which their warnings are shown. Each is a function of one answer."""
